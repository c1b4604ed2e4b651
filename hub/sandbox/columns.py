"""Decides which columns a national case row has: names, lengths and mandatory marks of the exchange tables `up_pro_*` (2019)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True, slots=True)
class Column:
    """One column: `kind` is text, long (text without a limit), time, number or amount; `length` in characters (text only)."""

    name: str
    length: int
    mandatory: bool
    title: str
    kind: str = "text"

    @property
    def pascal(self) -> str:
        """The name as the PascalCase variant of the tables spells it."""
        return _pascal(self.name)


#: Initials of pinyin, as some provinces mix them in: all upper case.
_PINYIN = frozenset({"sblsh", "slztdm", "bslyy"})


@cache
def _pascal(name: str) -> str:
    if name in _PINYIN:
        return name.upper()
    return "C" + name[1:] if name.startswith("cd_") else "".join(part.capitalize() for part in name.split("_"))


def _m(name: str, length: int, title: str) -> Column:
    return Column(name, length, True, title)


def _o(name: str, length: int, title: str) -> Column:
    return Column(name, length, False, title)


def _time(name: str, title: str, *, mandatory: bool = True) -> Column:
    return Column(name, 19, mandatory, title, "time")


_KEY = (_m("row_guid", 50, "记录唯一标识"), _m("project_no", 50, "办件编号"))
#: What every exchange table has for the sync itself.
SYNC = (
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
    *SYNC,
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
    *SYNC,
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
    *SYNC,
)

MATERIAL = (
    *_KEY,
    _m("material_name", 200, "材料名称"),
    _m("get_type", 2, "收取方式"),
    _o("get_num", 5, "收取数量"),
    _o("material_attach_name", 200, "附件名称"),
    _o("remark", 1000, "备注"),
    *SYNC,
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
    *SYNC,
)
