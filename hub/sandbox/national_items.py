"""Decides what is wrong with a national item row: the rules an upper level checks in `up_task_*`.

Written from the code lists of GB/T 39046 (Annex A) and the composition of item codes; on purpose not from this product's mappings,
which it is to judge. Codes that no source prints (states, units, kinds of material) are only checked for their form.
"""

from __future__ import annotations

import re

from hub.sandbox.national import Book, Fault, Row, credit_code_is_valid, moment

_YES_NO = frozenset("01")
_FLAGS = (
    "is_fee", "app_is_single_login", "is_single_login", "is_online", "is_entry_center", "is_express", "is_pay_online",
    "is_schedule", "is_service_terminals", "is_need", "is_desc", "is_permit_reduce",
)  # fmt: skip
#: Columns whose codes no source prints.
_UNPRINTED = (
    "task_state", "power_source", "anticipate_type", "handle_area", "material_type", "material_format", "source_type",
    "collect_type",
)  # fmt: skip
_LEVELS = frozenset("1234567")  # GB/T 39046 A.2
_CODES: dict[str, frozenset[str]] = {
    "task_type": frozenset({"01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "20"}),  # A.1
    "use_level": _LEVELS,
    "dept_type": frozenset("1239"),  # A.3
    "project_type": frozenset("129"),  # A.6
    "cd_operation": frozenset("IUD"),
    **dict.fromkeys(_FLAGS, _YES_NO),
}
_FORM = re.compile(r"\d{1,2}")
_PATTERNS: dict[str, re.Pattern[str]] = {
    "catalog_code": re.compile(r"\d{4}[0-9A-Z]{8}"),
    "task_code": re.compile(r"[0-9A-HJ-NPQRTUWXY]{18}[1-7]\d{4}[0-9A-Z]{8}"),
    "task_handle_item": re.compile(r"[0-9A-HJ-NPQRTUWXY]{18}[1-7]\d{4}[0-9A-Z]{8}\d{2}"),
    "server_type": re.compile(r"[1-6](,[1-6])*"),  # A.4, several
    "handle_type": re.compile(r"[12349](,[12349])*"),  # A.5, several
    "result_type": re.compile(r"\d{2}(,\d{2})*"),
    "town_code": re.compile(r"\d{9}(\d{3})?"),
    **dict.fromkeys(_UNPRINTED, _FORM),
}
#: What each family may hold, by the second word of its tables' names.
FAMILIES: dict[str, frozenset[str]] = {
    "general": frozenset({"01", "05", "07", "08", "09", "10"}),
    "punish": frozenset({"02"}),
    "handle": frozenset({"04"}),
    "check": frozenset({"03", "06"}),
    "public": frozenset({"20"}),
}


def _codes(row: Row) -> list[Fault]:
    found, task = [], row["task_code"]
    if row.get("task_handle_item") and not row["task_handle_item"].startswith(task):
        found.append(Fault("task_handle_item", "代码错误", "业务办理项编码与实施编码不一致"))
    if "dept_code" not in row:
        return found
    if not credit_code_is_valid(row["dept_code"]):
        found.append(Fault("dept_code", "校验码错误", "实施主体编码不是有效的统一社会信用代码"))
    if (task[:18], task[18], task[19:]) != (row["dept_code"], row["use_level"], row["catalog_code"]):
        found.append(Fault("task_code", "代码错误", "实施编码与实施主体、行使层级或基本编码不一致"))
    return found


def _limits(row: Row) -> list[Fault]:
    """The promise may not be longer than the law allows; the same unit stands for both."""
    legal, promised = row.get("anticipate_day"), row.get("promise_day")
    if legal is not None and promised is not None and int(promised) > int(legal):
        return [Fault("promise_day", "逻辑错误", "承诺办结时限长于法定办结时限")]
    return []


def _fees(row: Row) -> list[Fault]:
    if row.get("is_fee") == "1" and not row.get("fee_basis"):
        return [Fault("fee_basis", "必填项为空", "收费的事项要有收费依据")]
    return []


def _dates(row: Row) -> list[Fault]:
    begin, end = moment(row.get("plan_effective_date")), moment(row.get("plan_cancel_date"))
    return [Fault("plan_cancel_date", "时间逻辑错误", "计划取消早于计划生效")] if begin and end and begin > end else []


#: Rows of items and of what belongs to them, `up_task_*`.
ITEMS = Book(_CODES, _PATTERNS, (_codes, _limits, _fees, _dates))


def misplaced(family: str, row: Row) -> list[Fault]:
    """Return the fault of a basic row whose kind of item belongs into another family's table."""
    fits = row.get("task_type") is None or row["task_type"] in FAMILIES[family]
    return [] if fits else [Fault("task_type", "代码错误", "事项类型不属于本表")]
