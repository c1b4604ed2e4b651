"""Running cases: what passes, and how a difference is told."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from hub.mapping import CaseResult, run_cases
from tests.unit.mapping.building import loaded, small

FIELDS = """
no: {path: NO, required: true}
code: {path: C, code: c}
when: {path: $time, do: [datetime]}
list: {each: L, fields: {n: N, m: M}}
"""


def run(tmp_path: Path, case: str) -> CaseResult:
    files = small(FIELDS, checks="- {check: needs, field: list, severity: warn, id: W1}")
    files["codes/c.csv"] = "local,target,label\n1,a,\n"
    files["city/it.cases.yaml"] = "version: 1\ncases:\n  - case: 一\n" + textwrap.indent(textwrap.dedent(case), "    ")
    made = loaded(tmp_path, files)
    [result] = run_cases(made)
    assert made.gaps == {}
    return result


@pytest.mark.parametrize(
    "case",
    [
        "given: {NO: '1'}\nexpect: {no: '1'}",
        "given: {NO: '1', L: [{N: 1, M: 2}]}\nexpect: {list: [{n: 1}]}",
        "given: {NO: '1'}\nexactly: {no: '1', when: '2016-12-13 09:00:00'}",
        "given: {NO: '1'}\nenvelope: {time: '2020-01-01T00:00:00Z'}\nexpect: {when: '2020-01-01 08:00:00'}",
        "given: {}\nissues: [{path: no, rule: required}]",
        "given: {C: 9}\nissues: [{path: no}, {path: code, rule: code, severity: block}]",
        "given: {NO: '1'}\nissues: [{path: list, rule: needs, severity: warn, id: W1}]\nexpect: {no: '1'}",
    ],
)
def test_passes(tmp_path: Path, case: str) -> None:
    assert run(tmp_path, case).passed


@pytest.mark.parametrize(
    ("case", "differences"),
    [
        ("given: {NO: '1'}\nexpect: {no: '2'}", ["no: expected '2', got '1'"]),
        ("given: {NO: 1}\nexpect: {no: '1'}", ["no: expected '1', got 1"]),
        ("given: {NO: '1'}\nexpect: {list: []}", ["list: expected [], got (nothing)"]),
        ("given: {NO: '1', L: [{N: 1}]}\nexpect: {list: [{n: 2}]}", ["list[0].n: expected 2, got 1"]),
        ("given: {NO: '1', L: [{N: 1}]}\nexpect: {list: []}", ["list: expected [], got [{'n': 1}]"]),
        ("given: {NO: '1'}\nexactly: {no: '1'}", ["when: expected (nothing), got '2016-12-13 09:00:00'"]),
        (
            "given: {}\nexpect: {no: '1'}",
            ["no: expected no issue, got required: is required and empty", "the body: expected {'no': '1'}, got None"],
        ),
        ("given: {NO: '1'}\nissues: [{path: no, rule: required}]", ["no: expected an issue required, got (nothing)"]),
        (
            "given: {C: 9}\nissues: [{path: no, rule: length}, {path: code}]",
            ["no: expected an issue length, got (nothing)", "no: expected no issue, got required: is required and empty"],
        ),
    ],
)
def test_differences_are_readable(tmp_path: Path, case: str, differences: list[str]) -> None:
    result = run(tmp_path, case)
    assert not result.passed
    assert (result.mapping, result.case) == ("city/it", "一")
    assert [str(one) for one in result.differences] == differences
