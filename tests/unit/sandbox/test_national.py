"""The national rules, one by one, against hand-written rows."""

from __future__ import annotations

from typing import Any

import pytest

from hub.sandbox.columns import ACCEPT, PROCESS, RESULT
from hub.sandbox.national import credit_code_is_valid, faults, identity_is_valid, moment
from tests.unit.sandbox import bodies

CASES = bodies.some_cases()
PERSON = next(case for case in CASES if case.main["SQRZJLX"] == "SF")
STEP = next(row for case in CASES for row in case.rows["T_BZ"])
DONE = next(row for case in CASES for row in case.rows["T_JG"])


def kinds(row: dict[str, Any], columns: Any = ACCEPT) -> list[tuple[str, str]]:
    return [(fault.column, fault.kind) for fault in faults(row, columns)]


@pytest.mark.parametrize("case", CASES[:20], ids=lambda case: case.number[-4:])
def test_right_rows_have_no_fault(case: bodies.Case) -> None:
    assert not faults(bodies.accept(case), ACCEPT)
    assert not [fault for row in case.rows["T_BZ"] for fault in faults(bodies.process(row), PROCESS)]
    assert not [fault for row in case.rows["T_JG"] for fault in faults(bodies.result(row), RESULT)]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"task_name": ""}, ("task_name", "必填项为空")),
        ({"applyer_name": None}, ("applyer_name", "必填项为空")),
        ({"applyer_name": "名" * 101}, ("applyer_name", "超长")),
        ({"task_name": 7}, ("task_name", "类型错误")),
        ({"task_version": "一"}, ("task_version", "类型错误")),
        ({"applyer_type": "0"}, ("applyer_type", "代码错误")),
        ({"applyer_page_type": "SF"}, ("applyer_page_type", "代码错误")),
        ({"contact_mobile": "0932486"}, ("contact_mobile", "代码错误")),
        ({"zip_code": "74830"}, ("zip_code", "代码错误")),
        ({"catalog_code": "62010100100"}, ("catalog_code", "代码错误")),
        ({"apply_date": "2025-02-30 09:00:00"}, ("apply_date", "时间格式错误")),
        ({"apply_date": "2025-02-03T09:00:00"}, ("apply_date", "时间格式错误")),
        ({"accept_date": "2999-01-01 00:00:00"}, ("accept_date", "时间逻辑错误")),
        ({"accept_date": "2001-01-01 00:00:00"}, ("accept_date", "时间逻辑错误")),
        ({"applyer_page_type": "001"}, ("applyer_page_code", "校验码错误")),
        ({"contact_code": "621125190001010019"}, ("contact_code", "校验码错误")),
        ({"org_code": "11620000013897179N"}, ("task_code", "代码错误")),
        ({"catalog_code": "620101001999"}, ("catalog_code", "代码错误")),
    ],
)
def test_each_rule_bites(changes: dict[str, Any], expected: tuple[str, str]) -> None:
    assert expected in kinds(bodies.accept(PERSON) | changes)


def test_steps_and_results_have_rules_of_their_own() -> None:
    step, done = bodies.process(STEP), bodies.result(DONE)
    assert kinds(step | {"event_name": "9"}, PROCESS) == [("event_name", "代码错误")]
    assert kinds(step | {"event_end_time": "2001-01-01 00:00:00"}, PROCESS) == [("event_end_time", "时间逻辑错误")]
    assert kinds(done | {"satisfaction": "6"}, RESULT) == [("satisfaction", "代码错误")]
    assert kinds(done | {"result_type": "Y"}, RESULT) == [("result_type", "代码错误")]


def test_a_reason_never_quotes_the_value() -> None:
    secret = "621125190001010019"
    row = bodies.accept(PERSON) | {"applyer_page_code": secret}
    assert faults(row, ACCEPT) and secret not in "".join(map(str, faults(row, ACCEPT)))


@pytest.mark.parametrize(
    ("number", "valid"),
    [
        ("11010519491231002X", True),  # the standard's own example
        ("110105194912310020", False),
        ("11010519490231002X", False),
        ("11010519491231002x", False),
        ("110105491231002", False),
        ("", False),
    ],
)
def test_identity_numbers(number: str, valid: bool) -> None:
    assert identity_is_valid(number) is valid


@pytest.mark.parametrize(
    ("code", "valid"),
    [("11620000013897179N", True), ("12620000224333349J", True), ("11620000013897179M", False), ("1162000001389717", False)],
)
def test_credit_codes(code: str, valid: bool) -> None:
    assert credit_code_is_valid(code) is valid


def test_pascal_names_are_those_of_the_national_tables() -> None:
    names = {column.name: column.pascal for column in ACCEPT}
    assert (names["row_guid"], names["applyer_page_code"], names["cd_batch"]) == ("RowGuid", "ApplyerPageCode", "Cd_batch")


@pytest.mark.parametrize("text", ["", "2025-01-01", None, 5, "2025-01-01 25:00:00"])
def test_what_is_no_time(text: object) -> None:
    assert moment(text) is None
