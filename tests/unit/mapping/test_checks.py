"""Every check: what it finds, what it leaves alone, and how its parameters are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.mapping import all_checks
from hub.mapping.checking import NOW, known
from hub.mapping.transforming import Unusable
from tests.unit.mapping.building import ENVELOPE, body, issues, mapping

ID = "11010519491231002X"
USCC = "11620000013897179N"

#: parameters, body, fields at fault
CASES: list[tuple[dict[str, Any], dict[str, Any], list[str]]] = [
    ({"check": "order", "fields": ["a", "b"]}, {"a": "2016-12-13 09:00:00", "b": "2016-12-13 09:00:00"}, []),
    ({"check": "order", "fields": ["a", "b"]}, {"a": "2016-12-13 09:00:01", "b": "2016-12-13 09:00:00"}, ["b"]),
    ({"check": "order", "fields": ["a", "b", "c"]}, {"a": "20161213090000", "c": "2016-12-12"}, ["c"]),
    ({"check": "order", "fields": ["a", "b", "c"]}, {"a": "2016-12-13", "b": "2016-12-12", "c": "2016-12-11"}, ["b", "c"]),
    ({"check": "order", "fields": ["a", "b"]}, {"a": "no time", "b": "2016-12-12"}, []),
    ({"check": "order", "fields": ["x.a", "x.b"]}, {"x": {"a": "2016-12-13", "b": "2016-12-12"}}, ["x.b"]),
    # a day without a time is not before a time of the same day
    ({"check": "order", "fields": ["a", "b"]}, {"a": "2016-12-13 09:00:00", "b": "2016-12-13"}, []),
    (
        {"check": "order", "fields": ["a", "b", "c"]},
        {"a": "2016-12-13 09:00:00", "b": "20161213", "c": "2016-12-13 08:00:00"},
        ["c"],
    ),
    ({"check": "order", "fields": ["a", "b"]}, {"a": "2016-12-13 09:00:00", "b": "2016-12-12"}, ["b"]),
    ({"check": "not-future", "fields": ["a"]}, {"a": "2016-12-13 09:10:00"}, []),
    ({"check": "not-future", "fields": ["a"]}, {"a": "2016-12-13 09:10:01"}, ["a"]),
    ({"check": "not-future", "fields": ["a"], "minutes": 0}, {"a": "2016-12-13 09:00:01"}, ["a"]),
    ({"check": "not-future", "fields": ["a", "b"]}, {"a": "", "b": None}, []),
    ({"check": "certificate", "type": "t", "number": "n"}, {"t": "111", "n": ID}, []),
    ({"check": "certificate", "type": "t", "number": "n"}, {"t": "111", "n": ID[:-1] + "1"}, ["n"]),
    ({"check": "certificate", "type": "t", "number": "n"}, {"t": "001", "n": USCC}, []),
    ({"check": "certificate", "type": "t", "number": "n"}, {"t": "001", "n": USCC[:-1] + "A"}, ["n"]),
    ({"check": "certificate", "type": "t", "number": "n"}, {"t": "414", "n": "anything"}, []),
    ({"check": "certificate", "type": "t", "number": "n"}, {"t": "111"}, []),
    ({"check": "certificate", "type": "t", "number": "n", "types": {"id": ["SF"]}}, {"t": "SF", "n": "1"}, ["n"]),
    ({"check": "certificate", "type": "t", "number": "n", "types": {"organisation": ["02"]}}, {"t": "02", "n": "01389717-9"}, []),
    ({"check": "certificate", "type": "t", "number": "n", "types": {"organisation": ["02"]}}, {"t": "02", "n": "013897178"}, ["n"]),
    ({"check": "certificate", "type": "t", "number": "n", "lengths": {"JGDM": [9]}}, {"t": "JGDM", "n": "12345678"}, ["n"]),
    ({"check": "certificate", "type": "t", "number": "n", "lengths": {"JGDM": [9]}}, {"t": "JGDM", "n": "123456789"}, []),
    ({"check": "uscc", "field": "a"}, {"a": USCC}, []),
    ({"check": "uscc", "field": "a"}, {"a": "1162"}, ["a"]),
    ({"check": "uscc", "field": "a"}, {}, []),
    ({"check": "equal", "fields": ["a", "b"]}, {"a": "1", "b": "1"}, []),
    ({"check": "equal", "fields": ["a", "b", "c"]}, {"a": "1", "b": "", "c": "2"}, ["c"]),
    ({"check": "length-of", "field": "a", "lengths": [18]}, {"a": USCC}, []),
    ({"check": "length-of", "field": "a", "lengths": [9, 12]}, {"a": "621125"}, ["a"]),
    ({"check": "absent", "field": "a"}, {"a": ""}, []),
    ({"check": "absent", "field": "a", "when": {"path": "r", "equals": "2"}}, {"a": "x", "r": "1"}, []),
    ({"check": "absent", "field": "a", "when": {"path": "r", "equals": "2"}}, {"a": "x", "r": "2"}, ["a"]),
    ({"check": "filler", "fields": ["a", "b"]}, {"a": "748300", "b": "甘肃省"}, []),
    ({"check": "filler", "fields": ["a", "b", "c"]}, {"a": "888888", "b": " 无 ", "c": "2099-12-31 00:00:00"}, ["a", "b", "c"]),
    ({"check": "filler", "fields": ["a", "b"], "values": ["暂无"]}, {"a": "无", "b": "暂无"}, ["b"]),
    ({"check": "filler", "fields": ["a"]}, {"a": 888888}, ["a"]),
    ({"check": "workdays", "start": "a", "end": "b", "days": "n"}, {"a": "2025-09-30", "b": "2025-10-09", "n": 1}, []),
    ({"check": "workdays", "start": "a", "end": "b", "days": "n"}, {"a": "2025-09-30", "b": "2025-10-09", "n": "2"}, ["b"]),
    ({"check": "workdays", "start": "a", "end": "b", "days": "n"}, {"a": "2025-09-30", "b": "2025-10-09", "n": "9" * 5000}, ["b"]),
    ({"check": "workdays", "start": "a", "end": "b", "days": "n"}, {"a": "2025-09-30", "b": "2025-10-09"}, []),
    ({"check": "workdays", "start": "a", "end": "b", "least": 0}, {"a": "2025-10-10", "b": "2025-10-09"}, ["b"]),
    ({"check": "workdays", "start": "a", "end": "b", "most": 20}, {"a": "2025-10-10", "b": "soon"}, []),
    ({"check": "needs", "field": "a"}, {"a": "x"}, []),
    ({"check": "needs", "field": "a"}, {"a": ""}, ["a"]),
    ({"check": "needs", "field": "a", "when": {"path": "r", "in": ["2"]}}, {"r": "1"}, []),
    (
        {"check": "needs", "field": "a", "when": [{"path": "r", "in": ["2"]}, {"path": "s", "present": True}]},
        {"r": "2", "s": 1},
        ["a"],
    ),
    ({"check": "one-of", "fields": ["a", "b"]}, {"b": "1"}, []),
    ({"check": "one-of", "fields": ["a", "b"]}, {"a": None, "b": ""}, ["a"]),
    ({"check": "pair-matrix", "fields": ["a", "b"], "pairs": {"1": ["4", "5"]}}, {"a": "1", "b": "5"}, []),
    ({"check": "pair-matrix", "fields": ["a", "b"], "pairs": {"1": [4, 5]}}, {"a": 1, "b": "5"}, []),
    ({"check": "pair-matrix", "fields": ["a", "b"], "pairs": {"1": ["4"]}}, {"a": "2", "b": "4"}, ["b"]),
    ({"check": "pair-matrix", "fields": ["a", "b"], "pairs": {"1": ["4"]}}, {"a": "1"}, []),
    ({"check": "contains", "field": "a", "parts": ["b", "c"]}, {"a": "XBYCZ", "b": "B", "c": "C"}, []),
    ({"check": "contains", "field": "a", "parts": ["b", "c"]}, {"a": "XBYZ", "b": "B", "c": "C"}, ["a"]),
    ({"check": "contains", "field": "a", "parts": ["b"]}, {"a": "", "b": "B"}, []),
    ({"check": "contains", "field": "a", "parts": ["b"], "place": "start"}, {"a": "BX", "b": "B"}, []),
    ({"check": "contains", "field": "a", "parts": ["b"], "place": "start"}, {"a": "XB", "b": "B"}, ["a"]),
    ({"check": "contains", "field": "a", "parts": ["b"], "place": "end"}, {"a": "XB", "b": "B"}, []),
    ({"check": "contains", "field": "a", "parts": ["b"], "place": "end"}, {"a": "BX", "b": "B"}, ["a"]),
    ({"check": "contains", "field": "a", "parts": ["b", "c"], "place": "whole"}, {"a": "BC", "b": "B", "c": "C"}, []),
    ({"check": "contains", "field": "a", "parts": ["b", "c"], "place": "whole"}, {"a": "CB", "b": "B", "c": "C"}, ["a"]),
    ({"check": "contains", "field": "a", "parts": ["b", "c"], "place": "whole"}, {"a": "BCX", "b": "B", "c": "C"}, ["a"]),
    ({"check": "contains", "field": "a", "parts": ["b", "c"], "place": "whole"}, {"a": "BC", "b": "B"}, []),
]


@pytest.mark.parametrize(("parameters", "given_body", "faulty"), CASES)
def test_finds(parameters: dict[str, Any], given_body: dict[str, Any], faulty: list[str]) -> None:
    check = known(parameters["check"]).model_validate(parameters)
    assert [field for field, _, _ in check.run(given_body, NOW)] == faulty


def test_every_check_is_tried_both_ways() -> None:
    for name in all_checks():
        outcomes = {bool(faulty) for parameters, _, faulty in CASES if parameters["check"] == name}
        assert outcomes == {True, False}, name


def test_an_unknown_check_says_did_you_mean() -> None:
    with pytest.raises(Unusable) as caught:
        known("oder")
    assert caught.value.hint == "did you mean order?"


VALUES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.lists(st.text(), max_size=2)
    | st.dictionaries(st.text(), st.text())
)


@given(st.sampled_from(CASES), st.dictionaries(st.sampled_from(["a", "b", "c", "t", "n", "x", "r"]), VALUES))
def test_no_body_makes_a_check_raise(case: tuple[dict[str, Any], Any, Any], made: dict[str, Any]) -> None:
    list(known(case[0]["check"]).model_validate(case[0]).run(made, NOW))


# --- through a whole mapping ---

CONTRACT = """
type: object
properties:
  accept: {type: string, title: 受理时间}
  result: {type: string, title: 办结时间}
  kind: {type: string}
  number: {type: string, title: 证件号码, x-personal: id}
"""
FIELDS = """
accept: A
result: R
kind: K
number: N
"""


def test_an_issue_carries_rule_id_title_and_masked_value(tmp_path: Path) -> None:
    made = mapping(
        tmp_path,
        FIELDS,
        contract=CONTRACT,
        checks="- {check: order, fields: [accept, result], id: T01}\n- {check: certificate, type: kind, number: number, id: F05}",
    )
    found = issues(made, {"A": "2016-12-13", "R": "2016-12-12", "K": "111", "N": "110105194912310021"})
    assert [(one.path, one.rule, one.id, one.code, one.title) for one in found] == [
        ("result", "order", "T01", "HUB-M-130", "办结时间"),
        ("number", "certificate", "F05", "HUB-M-132", "证件号码"),
    ]
    assert found[1].value == "110105********0021"


def test_a_warning_comes_with_the_body(tmp_path: Path) -> None:
    made = mapping(tmp_path, FIELDS, contract=CONTRACT, checks="- {check: needs, field: result, severity: warn}")
    result, found = made.apply({"A": "2016-12-13"}, ENVELOPE)
    assert result == {"accept": "2016-12-13"}
    assert [one.severity for one in found] == ["warn"]


def test_an_old_identity_number_only_warns(tmp_path: Path) -> None:
    made = mapping(tmp_path, FIELDS, contract=CONTRACT, checks="- {check: certificate, type: kind, number: number}")
    result, found = made.apply({"K": "111", "N": "110105491231002"}, ENVELOPE)
    assert result is not None
    assert [(one.rule, one.severity) for one in found] == [("certificate", "warn")]


def test_a_good_record_has_no_issue(tmp_path: Path) -> None:
    made = mapping(tmp_path, FIELDS, contract=CONTRACT, checks="- {check: order, fields: [accept, result]}")
    assert body(made, {"A": "2016-12-12", "R": "2016-12-13"}) == {"accept": "2016-12-12", "result": "2016-12-13"}


def test_a_filler_warns_unless_told_to_block(tmp_path: Path) -> None:
    checks = "- {check: filler, fields: [accept], id: D03}\n- {check: filler, fields: [result], severity: block}"
    made = mapping(tmp_path, FIELDS, contract=CONTRACT, checks=checks)
    result, found = made.apply({"A": "2099-12-31", "R": "2099-12-31"}, ENVELOPE)
    assert result is None
    assert [(one.path, one.severity, one.id) for one in found] == [("accept", "warn", "D03"), ("result", "block", "")]


def test_workdays_compares_with_something() -> None:
    with pytest.raises(ValueError, match="needs days, least or most"):
        known("workdays").model_validate({"check": "workdays", "start": "a", "end": "b"})


def test_an_issue_has_the_number_of_its_rule_of_its_field_or_of_its_check(tmp_path: Path) -> None:
    contract = """
        type: object
        required: [a]
        x-encoding: gbk
        properties:
          a: {type: string}
          mobile: {type: string, maxLength: 11, pattern: '^1', x-rule: F07}
          b: {type: string, x-max-bytes: 2}
          kind: {type: string}
          number: {type: string}
    """
    fields = "a: A\nmobile: M\nb: B\nkind: K\nnumber: N"
    made = mapping(tmp_path, fields, contract=contract, checks="- {check: certificate, type: kind, number: number}")
    found = issues(made, {"M": "2", "B": "䶮䶮", "K": "111", "N": "1"})
    assert {(one.path, one.rule, one.id) for one in found} == {
        ("a", "required", "F01"),
        ("mobile", "pattern", "F07"),
        ("b", "encoding", "F04"),
        ("number", "certificate", "F05"),
    }
