"""Decides in which words config/quality.yaml says what a county's records mean: parts of a case, their fields, their codes."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints

from hub.mapping.checks import FILLERS
from hub.settings.schema import DataPath, Duration, Edge, Id

#: Where something stands in the record; empty: the county does not have it.
Where = Annotated[str, StringConstraints(pattern=r"^([^.\s]+(\.[^.\s]+)*)?$")]
Codes = list[str]
#: Fields that are times, and those that are never kept as they are but only compared.
MOMENTS = frozenset({"applied", "accepted", "promised", "started", "ended", "paid", "at", "valid_from", "valid_to", "updated"})
DIGESTS = frozenset({"applicant"})


class PartEntry(Edge):
    """What one kind of record means."""

    paths: ClassVar[tuple[str, ...]] = ()  # fields that are paths into the record
    codes: ClassVar[tuple[str, ...]] = ()  # fields that list codes
    kind: str = Field(min_length=1, description="The kind of record. 记录种类")
    updated: Where = Field("", description="When the row was last changed. 更新时间")
    fillers: list[DataPath] = Field([], description="Fields looked at for filler values (D03). 查填充值的字段")


class CasePart(PartEntry):
    """办件: one record a case."""

    paths = (
        "number", "item", "item_name", "version", "department", "type", "applied", "accepted", "promised", "days", "applicant",
        "origin", "centre", "updated",
    )  # fmt: skip
    codes = ("instant", "committed")
    number: DataPath = Field(description="Case number. 办件编号")
    item: Where = Field("", description="Item code. 事项实施编码")
    item_name: Where = Field("", description="Item name. 事项名称")
    version: Where = Field("", description="Version of the item. 事项版本")
    department: Where = Field("", description="Accepting department. 受理部门")
    type: Where = Field("", description="即办件, 承诺件, … 办件类型")
    applied: Where = Field("", description="When it was applied for. 申请时间")
    accepted: Where = Field("", description="When it was accepted. 受理时间")
    promised: Where = Field("", description="When it shall be done. 承诺办结时间")
    days: Where = Field("", description="Promised working days. 承诺期限（工作日）")
    applicant: Where = Field("", description="Certificate number; only its digest is compared. 申请人证件号码，只比较摘要")
    origin: Where = Field("", description="Which system wrote the row; empty: the hall itself. 来源系统")
    centre: Where = Field("", description="Sub-centre the case belongs to. 所属分中心")
    instant: Codes = Field([], description="Types that are done at once. 即办件的代码")
    committed: Codes = Field([], description="Types done within a promise. 承诺件的代码")


class StepPart(PartEntry):
    """办理环节: several records a case."""

    paths = ("number", "name", "action", "started", "ended", "updated")
    codes = ("taking_in", "finishing")
    number: DataPath = Field(description="Case number. 办件编号")
    name: Where = Field("", description="Name of the step. 环节名称")
    action: Where = Field("", description="What was done, a code. 环节状态代码")
    started: Where = Field("", description="When it began. 开始时间")
    ended: Where = Field("", description="When it ended. 结束时间")
    taking_in: Codes = Field([], description="Names of steps that only take a case in. 只是收件的环节名称")
    finishing: Codes = Field([], description="Names of steps that only close a case. 只是办结的环节名称")
    pairs: dict[Literal["first", "middle", "last", "only"], Codes] = Field(
        {}, description="Allowed actions by position (C03). 各位置允许的环节状态"
    )


class SpecialPart(PartEntry):
    """特别程序: what stops the clock."""

    paths = ("number", "type", "started", "ended", "updated")
    codes = ("pausing",)
    number: DataPath = Field(description="Case number. 办件编号")
    type: Where = Field("", description="Which kind, a code. 特别程序种类")
    started: Where = Field("", description="When it began. 开始时间")
    ended: Where = Field("", description="When it ended; empty: not yet. 结束时间")
    pausing: Codes = Field([], description="Kinds that stop the clock; none: all. 停止计时的种类")


class MaterialPart(PartEntry):
    """申请材料."""

    paths = ("number", "name", "way", "file", "updated")
    codes = ("filed",)
    number: DataPath = Field(description="Case number. 办件编号")
    name: Where = Field("", description="Name. 材料名称")
    way: Where = Field("", description="How it was taken in, a code. 收取方式")
    file: Where = Field("", description="Name of the attachment. 附件名称")
    filed: Codes = Field([], description="Ways that need an attachment (C07). 应有附件的收取方式")


class ResultPart(PartEntry):
    """办件结果: at most one record a case."""

    paths = ("number", "ended", "outcome", "certificate", "certificate_number", "reason", "updated")
    codes = ("refused",)
    number: DataPath = Field(description="Case number. 办件编号")
    ended: Where = Field("", description="When it was done. 办结时间")
    outcome: Where = Field("", description="How it ended, a code. 办结结果")
    certificate: Where = Field("", description="Name of the certificate. 证照名称")
    certificate_number: Where = Field("", description="Its number; kept only as there or not. 证照编号，只看有没有")
    reason: Where = Field("", description="The reason; kept only as there or not. 理由，只看有没有")
    refused: Codes = Field([], description="Outcomes that refuse: no certificate, a reason. 不予的代码")


class FeePart(PartEntry):
    """收费."""

    paths = ("number", "amount", "payer", "paid", "updated")
    number: DataPath = Field(description="Case number. 办件编号")
    amount: Where = Field("", description="Amount. 收费金额")
    payer: Where = Field("", description="Payer; kept only as there or not. 缴款人，只看有没有")
    paid: Where = Field("", description="When it was paid. 收费时间")


class EvaluationPart(PartEntry):
    """评价."""

    paths = ("number", "level", "status", "automatic", "place", "at", "updated")
    codes = ("best", "done", "defaulted")
    number: DataPath = Field(description="Case number. 办件编号")
    level: Where = Field("", description="Level, a code. 满意度")
    status: Where = Field("", description="How far the case was by the evaluation, a code. 评价时的办件状态")
    automatic: Where = Field("", description="Whether the system gave it itself, a code. 是否系统默认好评")
    place: Where = Field("", description="Window or channel. 窗口或渠道")
    at: Where = Field("", description="When. 评价时间")
    best: Codes = Field([], description="The best level. 非常满意的代码")
    done: Codes = Field([], description="Statuses that say the case is done. 已办结的代码")
    defaulted: Codes = Field([], description="Codes that say the system gave it itself. 系统自动好评的代码")


class ItemPart(PartEntry):
    """权责清单的事项, as the hall has it."""

    paths = ("code", "name", "department", "state", "version", "valid_from", "valid_to", "charged", "materials", "updated")
    codes = ("in_force", "free")
    code: DataPath = Field(description="Item code. 事项实施编码")
    name: Where = Field("", description="Item name. 事项名称")
    department: Where = Field("", description="Department. 实施主体")
    state: Where = Field("", description="State, a code. 事项状态")
    version: Where = Field("", description="Version. 事项版本")
    valid_from: Where = Field("", description="In force from. 生效日期")
    valid_to: Where = Field("", description="In force until. 失效日期")
    charged: Where = Field("", description="Whether it costs, a code. 是否收费")
    materials: Where = Field("", description="Names of mandatory materials, a list or text. 必要材料")
    in_force: Codes = Field([], description="States that are in force; none: all. 在用的状态")
    free: Codes = Field([], description="Codes that say it is free of charge. 不收费的代码")


class RequirementPart(PartEntry):
    """事项的申请材料, one record each, where the item's own record does not list them."""

    paths = ("code", "name", "need", "updated")
    codes = ("mandatory",)
    code: DataPath = Field(description="Item code. 事项实施编码")
    name: DataPath = Field(description="Name. 材料名称")
    need: Where = Field("", description="Whether it is mandatory, a code. 是否必要")
    mandatory: Codes = Field([], description="Codes that say it is mandatory. 必要的代码")


class PublishedPart(PartEntry):
    """事项, as the province's site has published it."""

    paths = ("code", "name", "department", "state", "version", "updated")
    codes = ("in_force",)
    code: DataPath = Field(description="Item code. 事项实施编码")
    name: Where = Field("", description="Item name. 事项名称")
    department: Where = Field("", description="Department. 实施主体")
    state: Where = Field("", description="State, a code. 事项状态")
    version: Where = Field("", description="Version. 事项版本")
    in_force: Codes = Field([], description="States that are in force; none: all. 在用的状态")


class SourceParts(Edge):
    """What the records of one source mean."""

    case: CasePart | None = Field(None, description="办件")
    step: StepPart | None = Field(None, description="办理环节")
    special: SpecialPart | None = Field(None, description="特别程序")
    material: MaterialPart | None = Field(None, description="申请材料")
    result: ResultPart | None = Field(None, description="办件结果")
    fee: FeePart | None = Field(None, description="收费")
    evaluation: EvaluationPart | None = Field(None, description="评价")
    item: ItemPart | None = Field(None, description="大厅事项")
    requirement: RequirementPart | None = Field(None, description="事项材料")
    published: PublishedPart | None = Field(None, description="已公布事项")


#: Every part by its name, in the order of `SourceParts`.
PARTS: dict[str, type[PartEntry]] = {
    "case": CasePart,
    "step": StepPart,
    "special": SpecialPart,
    "material": MaterialPart,
    "result": ResultPart,
    "fee": FeePart,
    "evaluation": EvaluationPart,
    "item": ItemPart,
    "requirement": RequirementPart,
    "published": PublishedPart,
}


class TermsEntry(Edge):
    """From where on something is told."""

    idle: int = Field(default=5, ge=1, description="Working days an accepted case may have no step (C01). 只挂号不办理：几个工作日")
    near: float = Field(default=0.8, gt=0, le=1, description="Share of the promise that warns (T04). 用到承诺期限的几成提醒")
    read: Duration = Field(default=timedelta(days=1), description="From the row's change to the hub (T05). 变动到中枢读到")
    sent: Duration = Field(default=timedelta(days=1), description="From the hub to the receipt (T05). 中枢读到到对方收下")
    praise: int = Field(
        default=20, ge=2, description="Best levels at one place in one minute that are told (C08). 一处一分钟内批量好评"
    )
    backlog: int = Field(default=500, ge=1, description="Deliveries owed to one system (R02). 一个系统积压几条报警")
    oldest: Duration = Field(default=timedelta(days=1), description="Age of the oldest one owed (R02). 最早一条积压多久报警")
    fillers: Codes = Field(default=list(FILLERS), description="Values typed to get past a form (D03). 填充值")


class QualityFile(Edge):
    """config/quality.yaml: what the quality report reads in the county's records."""

    version: Literal[1] = Field(description="Format of this file. 文件格式版本")
    terms: TermsEntry = Field(TermsEntry(), description="Limits. 界限")
    sources: dict[Id, SourceParts] = Field(description="source -> what its records mean. 来源 → 记录的含义")
