"""Decides what is wrong with a national case row: the rules an upper level checks.

Written from the code lists of GB/T 39046 (Annex A) and GA/T 2000.156, the check digits of GB 11643 and GB 32100 and the published
habits of receivers; on purpose not from this product's mappings, which it is to judge.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from functools import lru_cache
from typing import Any

from stdnum.cn import ric, uscc

from hub.sandbox.columns import Column

BEIJING = timezone(timedelta(hours=8))
#: A far side's clock may be this much behind.
SKEW = timedelta(minutes=5)


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
    "slztdm": frozenset("1234"),  # 待受理, 已受理, 已办结, 不予受理
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
#: Times that may lie in the future.
_AHEAD = frozenset({"promise_date", "plan_effective_date", "plan_cancel_date"})
#: Pairs of one row that must not run backwards. A promise before the acceptance is counted by upper levels, not refused.
_ORDER = (
    ("apply_date", "accept_date"),
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


def faults(row: Row, columns: tuple[Column, ...], book: Book | None = None) -> list[Fault]:
    """Return everything a strict upper level finds wrong with one row, taken for itself; without `book` it is a case's row."""
    book = book or CASES
    found = [fault for column in columns if (fault := _fault(column, row.get(column.name), book))]
    if not found:
        found = [fault for rule in book.rules for fault in rule(row)]
    return found


def _fault(column: Column, value: Any, book: Book) -> Fault | None:
    if value is None or value == "":
        return Fault(column.name, "必填项为空", f"{column.title}不能为空") if column.mandatory else None
    if column.kind not in ("text", "long"):
        return _untyped(column, value)
    if not isinstance(value, str):
        return Fault(column.name, "类型错误", f"{column.title}应为文本")
    if len(value) > column.length:
        return Fault(column.name, "超长", f"{column.title}超过{column.length}个字符")
    codes, pattern = book.codes.get(column.name), book.patterns.get(column.name)
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
    if column.name not in _AHEAD and when > now() + SKEW:
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


@dataclass(frozen=True, slots=True)
class Book:
    """What one kind of row is checked against: codes and patterns by column, and rules over the whole row."""

    codes: Mapping[str, frozenset[str]]
    patterns: Mapping[str, re.Pattern[str]]
    rules: tuple[Callable[[Row], list[Fault]], ...]


#: Rows of cases, `up_pro_*`.
CASES = Book(_CODES, _PATTERNS, (_certificates, _item_codes, _order))
