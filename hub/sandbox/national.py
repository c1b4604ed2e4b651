"""Decides what a national case row must look like: columns, lengths, mandatory marks and the rules an upper level checks.

Written from the national exchange tables (`up_pro_*`, 2019), their code lists (GB/T 39046 Annex A, GA/T 2000.156) and the published
habits of receivers; on purpose not from this product's mappings, which it is to judge.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from functools import cache, lru_cache
from typing import Any

from stdnum.cn import ric, uscc

BEIJING = timezone(timedelta(hours=8))
#: A far side's clock may be this much behind.
SKEW = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Column:
    """One column: `kind` is text, time, number or amount; `length` in characters (text only)."""

    name: str
    length: int
    mandatory: bool
    title: str
    kind: str = "text"

    @property
    def pascal(self) -> str:
        """The name as the PascalCase variant of the tables spells it."""
        return _pascal(self.name)


@cache
def _pascal(name: str) -> str:
    return "C" + name[1:] if name.startswith("cd_") else "".join(part.capitalize() for part in name.split("_"))


def _m(name: str, length: int, title: str) -> Column:
    return Column(name, length, True, title)


def _o(name: str, length: int, title: str) -> Column:
    return Column(name, length, False, title)


def _time(name: str, title: str, *, mandatory: bool = True) -> Column:
    return Column(name, 19, mandatory, title, "time")


_KEY = (_m("row_guid", 50, "记录唯一标识"), _m("project_no", 50, "办件编号"))
_SYNC = (
    _m("cd_operation", 2, "同步类型"),
    _time("cd_time", "同步时间"),
    _m("cd_batch", 32, "批次号"),
    _m("data_source", 3, "数据来源"),
)

ACCEPT = (
    *_KEY,
    _m("catalog_code", 12, "基本编码"),
    _o("local_catalog_code", 50, "地方基本编码"),
    _m("task_code", 36, "实施编码"),
    _o("local_task_code", 50, "地方实施编码"),
    _o("task_handle_item", 50, "业务办理项编码"),
    _m("task_name", 1000, "事项名称"),
    Column("task_version", 10, True, "事项版本", "number"),
    _m("applyer_name", 100, "申请人名称"),
    _m("applyer_type", 2, "申请人类型"),
    _m("applyer_page_type", 70, "申请人证件类型"),
    _m("applyer_page_code", 500, "申请人证件号码"),
    _time("apply_date", "申请时间"),
    _m("apply_type", 2, "申请类型"),
    _o("legal", 100, "法定代表人"),
    _o("contact_name", 100, "联系人/代理人姓名"),
    _o("contact_type", 6, "联系人/代理人证件类型"),
    _o("contact_code", 50, "联系人/代理人证件号码"),
    _o("contact_mobile", 11, "联系人手机号码"),
    _o("zip_code", 6, "邮编"),
    _o("address", 1000, "通讯地址"),
    _m("org_name", 100, "受理部门"),
    _m("org_code", 18, "受理部门编码"),
    _o("handle_user_name", 100, "受理人员"),
    _time("accept_date", "受理时间"),
    _o("accept_doc_no", 50, "受理文书编号"),
    _o("project_name", 1000, "办理摘要"),
    _m("project_type", 2, "办件类型"),
    _time("promise_date", "承诺办结时间", mandatory=False),
    *_SYNC,
)

PROCESS = (
    *_KEY,
    _m("event_name", 2, "业务动作"),
    _m("process_name", 1000, "办理环节名称"),
    _m("handle_user_name", 100, "受理/办理人员"),
    _m("handle_explain", 2000, "办理意见"),
    _time("event_start_time", "环节开始时间"),
    _time("event_end_time", "环节结束时间"),
    _o("remark", 1000, "备注"),
    *_SYNC,
)

SPECIAL = (
    *_KEY,
    _m("special_type", 2, "特别程序种类"),
    _m("special_name", 1000, "特别程序种类名称"),
    _time("special_time", "特别程序开始时间"),
    _m("special_reason", 2000, "启动理由或依据"),
    _o("applyer_user_name", 100, "申请人"),
    _time("end_time", "特别程序结束时间"),
    _o("result", 2000, "特别程序结果"),
    _o("special_explain", 2000, "特别程序办理意见"),
    _o("handle_user", 100, "办理人"),
    _o("remark", 1000, "备注"),
    *_SYNC,
)

MATERIAL = (
    *_KEY,
    _m("material_name", 200, "材料名称"),
    _m("get_type", 2, "收取方式"),
    _o("get_num", 5, "收取数量"),
    _o("material_attach_name", 200, "附件名称"),
    _o("remark", 1000, "备注"),
    *_SYNC,
)

RESULT = (
    *_KEY,
    _o("handle_user_name", 100, "办理人员"),
    _time("result_date", "办结时间"),
    _m("result_type", 2, "办结结果"),
    _o("result_cetr_name", 256, "结果证照名称"),
    _o("result_cetr_no", 2000, "结果证照编号"),
    _o("result_explain", 2000, "办件结果描述"),
    _m("is_delivery_results", 2, "是否快递递送结果"),
    _o("satisfaction", 2, "满意度"),
    _o("remark", 1000, "备注"),
    *_SYNC,
)


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a row: the column, the class of fault (err_type) and a reason that quotes no value."""

    column: str
    kind: str
    reason: str


Row = Mapping[str, Any]
_PAPERS = frozenset({"001", "111", "113", "414", "511", "513", "990", "999"})
_CODES: dict[str, frozenset[str]] = {
    "applyer_type": frozenset("123456"),  # 自然人, 企业法人, 事业法人, 社团法人, 行政机关, 其他
    "applyer_page_type": _PAPERS,  # GA/T 2000.156, with 001 for the credit code
    "contact_type": _PAPERS,
    "apply_type": frozenset("123"),  # 窗口, 网上, 快递
    "project_type": frozenset("129"),  # GB/T 39046 A.6
    "event_name": frozenset("123"),  # 通过, 退回, 其他
    "special_type": frozenset("12"),  # GB/T 39046 A.7
    "satisfaction": frozenset("12345"),  # GB/T 39046 A.8, 1 is best
    "is_delivery_results": frozenset("01"),
    "cd_operation": frozenset("IUD"),
}
_PATTERNS: dict[str, re.Pattern[str]] = {
    "catalog_code": re.compile(r"\d{4}[0-9A-Z]{8}"),
    "task_code": re.compile(r"[0-9A-HJ-NPQRTUWXY]{18}[1-7]\d{4}[0-9A-Z]{8}"),
    "task_handle_item": re.compile(r"[0-9A-HJ-NPQRTUWXY]{18}[1-7]\d{4}[0-9A-Z]{8}\d{2}"),
    "contact_mobile": re.compile(r"1\d{10}"),
    "zip_code": re.compile(r"\d{6}"),
    "get_type": re.compile(r"\d{1,2}"),
    "get_num": re.compile(r"\d{1,5}"),
    "result_type": re.compile(r"\d{1,2}"),
}
_IDENTITY = re.compile(r"[1-9]\d{16}[0-9X]")
_AMOUNT = re.compile(r"\d{1,14}(\.\d{1,2})?")  # GB/T 39046 table 14: n..16,2
#: Pairs of one row that must not run backwards.
_ORDER = (
    ("apply_date", "accept_date"),
    ("accept_date", "promise_date"),
    ("event_start_time", "event_end_time"),
    ("special_time", "end_time"),
)


@lru_cache(maxsize=4096)
def credit_code_is_valid(code: str) -> bool:
    """Tell whether `code` is a unified social credit code with its check digit right (GB 32100)."""
    return bool(uscc.is_valid(code))


@lru_cache(maxsize=4096)
def identity_is_valid(number: str) -> bool:
    """Tell whether `number` is an 18-digit citizen number with its check digit right (GB 11643).

    The division is not looked up: numbers keep the code of the place and day they were issued, which need not be those of birth.
    """
    if not _IDENTITY.fullmatch(number) or number[17] != ric.calc_check_digit(number):
        return False
    try:
        return date(int(number[6:10]), int(number[10:12]), int(number[12:14])) <= now().date()
    except ValueError:
        return False


def moment(value: Any) -> datetime | None:
    """Return a database's or a message's time as naive Beijing time; None for what is no time at all."""
    if isinstance(value, datetime):
        return value
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) and len(value) >= 19 and value[10] == " " else None
    except ValueError:
        return None


def now() -> datetime:
    """Return this moment as naive Beijing time."""
    return datetime.now(BEIJING).replace(tzinfo=None)


def faults(row: Row, columns: tuple[Column, ...]) -> list[Fault]:
    """Return everything a strict upper level finds wrong with one row, taken for itself."""
    found = [fault for column in columns if (fault := _fault(column, row.get(column.name)))]
    if not found:
        found = [fault for rule in _RULES for fault in rule(row)]
    return found


def _fault(column: Column, value: Any) -> Fault | None:
    if value is None or value == "":
        return Fault(column.name, "必填项为空", f"{column.title}不能为空") if column.mandatory else None
    if column.kind != "text":
        return _untyped(column, value)
    if not isinstance(value, str):
        return Fault(column.name, "类型错误", f"{column.title}应为文本")
    if len(value) > column.length:
        return Fault(column.name, "超长", f"{column.title}超过{column.length}个字符")
    codes, pattern = _CODES.get(column.name), _PATTERNS.get(column.name)
    if (codes and value not in codes) or (pattern and not pattern.fullmatch(value)):
        return Fault(column.name, "代码错误", f"{column.title}不在代码表内或格式不符")
    return None


def _untyped(column: Column, value: Any) -> Fault | None:
    if column.kind == "number":
        wrong = isinstance(value, bool) or not str(value).isdecimal()
        return Fault(column.name, "类型错误", f"{column.title}应为整数") if wrong else None
    if column.kind == "amount":
        wrong = isinstance(value, bool) or not _AMOUNT.fullmatch(str(value))
        return Fault(column.name, "类型错误", f"{column.title}应为至多两位小数的数") if wrong else None
    when = moment(value)
    if when is None:
        return Fault(column.name, "时间格式错误", f"{column.title}应为 yyyy-MM-dd HH:mm:ss")
    if column.name != "promise_date" and when > now() + SKEW:
        return Fault(column.name, "时间逻辑错误", f"{column.title}晚于当前时间")
    return None


def _certificates(row: Row) -> list[Fault]:
    found = []
    for kind, number in (("applyer_page_type", "applyer_page_code"), ("contact_type", "contact_code")):
        value = row.get(number) or ""
        wrong_person = row.get(kind) == "111" and value and not identity_is_valid(value)
        if wrong_person or (row.get(kind) == "001" and not credit_code_is_valid(value)):
            found.append(Fault(number, "校验码错误", "证件号码与证件类型不符或校验位错误"))
    return found


def _item_codes(row: Row) -> list[Fault]:
    if "task_code" not in row:
        return []
    task, found = row["task_code"], []
    if not credit_code_is_valid(row["org_code"]):
        found.append(Fault("org_code", "校验码错误", "受理部门编码不是有效的统一社会信用代码"))
    if task[:18] != row["org_code"]:
        found.append(Fault("task_code", "代码错误", "实施编码不属于受理部门"))
    if task[19:] != row["catalog_code"]:
        found.append(Fault("catalog_code", "代码错误", "基本编码与实施编码不一致"))
    if row.get("task_handle_item") and not row["task_handle_item"].startswith(task):
        found.append(Fault("task_handle_item", "代码错误", "业务办理项编码与实施编码不一致"))
    return found


def _order(row: Row) -> list[Fault]:
    found = []
    for first, second in _ORDER:
        early, late = moment(row.get(first)), moment(row.get(second))
        if early and late and early > late:
            found.append(Fault(second, "时间逻辑错误", f"{second} 早于 {first}"))
    return found


_RULES: tuple[Callable[[Row], list[Fault]], ...] = (_certificates, _item_codes, _order)
