"""`hub test` runs the cases beside the mappings and tells what differs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from tests import configs


@pytest.fixture
def broken(here: Path) -> Path:
    configs.put(here, "mappings/city/accept.cases.yaml", configs.ACCEPT_CASES.replace("project_no: A1", "project_no: A2"))
    return here


def test_all_cases_pass(hub: Any) -> None:
    done = hub("test")
    assert (done.exit_code, done.stdout) == (0, "2 个映射：2 个用例通过，0 个未通过\n")
    assert "✓ city/process: 一般" in hub("test", "-v").stdout


def test_a_failing_case_is_told_and_is_exit_1(hub: Any, broken: Path) -> None:
    done = hub("test")
    assert done.exit_code == 1
    assert "✗ city/accept: 一般\n    project_no：应为 'A2'，实际 'A1'\n" in done.stdout
    assert "✗ city/accept: 一般\n    project_no: expected 'A2', got 'A1'\n" in hub("--lang", "en", "test").stdout


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ("issues: [{path: project_no, rule: code}]", "project_no：应为 问题 代码表，实际 没有"),
        ("issues: [{path: project_no}]", "project_no：应为 问题，实际 没有"),
    ],
)
def test_what_differs_is_said_in_chinese(hub: Any, here: Path, changed: str, said: str) -> None:
    cases = configs.ACCEPT_CASES.replace("expect: {project_no: A1}", changed)
    configs.put(here, "mappings/city/accept.cases.yaml", cases)
    assert f"    {said}\n" in hub("test", "city/accept").stdout


def test_an_issue_nobody_expected_is_said_in_chinese(hub: Any, here: Path) -> None:
    configs.put(here, "mappings/city/accept.cases.yaml", configs.ACCEPT_CASES.replace("BJBH: A1", "BJBH: ''"))
    told = hub("test", "city/accept").stdout
    assert (
        "project_no：应为 没有问题，实际 必填：必填，却没有\n    整个内容：应为 {'project_no': 'A1'}" in told
        and "expected" not in told
    )


def test_as_json(hub: Any, broken: Path) -> None:
    done = hub("test", "--json")
    assert done.exit_code == 1
    told = json.loads(done.stdout)
    assert [(one["mapping"], one["passed"]) for one in told] == [("city/accept", False), ("city/process", True)]
    assert told[0]["differences"] == [{"path": "project_no", "expected": "'A2'", "got": "'A1'"}]


def test_some_mappings_only(hub: Any, broken: Path) -> None:
    assert hub("test", "city/process").exit_code == 0
    assert hub("test", "city").exit_code == 1


def test_mappings_without_cases_are_counted(hub: Any, here: Path) -> None:
    (here / "mappings/city/process.cases.yaml").unlink()
    assert hub("test", "city/process").stdout == "0 个映射：0 个用例通过，0 个未通过\n1 个映射没有用例\n"
    assert hub("test", "city").stdout == "1 个映射：1 个用例通过，0 个未通过\n1 个映射没有用例\n"
    assert hub("test", "city/process").exit_code == 0


def test_an_unknown_mapping(hub: Any) -> None:
    done = hub("test", "city/proces")
    assert done.exit_code == 2
    assert "是不是 city/process？" in done.stderr


def test_junit_for_the_build_server(hub: Any, broken: Path, tmp_path: Path) -> None:
    file = tmp_path / "reports" / "junit.xml"
    assert hub("test", "--junit", str(file)).exit_code == 1
    suites = ET.parse(file).getroot()
    assert [(suite.get("name"), suite.get("tests"), suite.get("failures")) for suite in suites] == [
        ("city/accept", "1", "1"),
        ("city/process", "1", "0"),
    ]
    assert suites[0][0][0].text == "project_no: expected 'A2', got 'A1'"


def test_junit_that_cannot_be_written(hub: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = hub("test", "--junit", str(tmp_path / "file" / "junit.xml"))
    assert done.exit_code == 2
    assert "HUB-X-106" in done.stderr


def test_mappings_alone_suffice(hub: Any, here: Path) -> None:
    (here / "config/hub.yaml").unlink()
    assert hub("test").exit_code == 0


def test_a_mapping_with_findings(hub: Any, here: Path) -> None:
    configs.put(here, "mappings/city/accept.yaml", configs.ACCEPT.replace("fields:", "feilds:"))
    done = hub("test")
    assert done.exit_code == 2
    assert "mappings/city/accept.yaml:5:1 feilds HUB-C-106" in done.stderr
