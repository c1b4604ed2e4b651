"""`hub quality` tells the report for people, as JSON and as files, and the cases behind a rule; no personal data anywhere."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from tests import configs, working

SCHEMA = """
    title: 办件
    type: object
    properties:
      BJBH: {type: string, title: 办件编号}
      SQRMC: {type: string, title: 申请人, x-personal: name}
      SXBM: {type: string, title: 事项}
      SXMC: {type: string, title: 事项名称}
      BM: {type: string, title: 部门}
      SLSJ: {type: string, title: 受理时间}
    """
QUALITY = """
    version: 1
    sources:
      local:
        case: {kind: case, number: BJBH, item: SXBM, item_name: SXMC, department: BM, accepted: SLSJ}
        step: {kind: step, number: BJBH}
    """


def record(number: str, name: str = "甲某某", **more: str) -> dict[str, Any]:
    base = {"BJBH": number, "SQRMC": name, "SXBM": "S1", "SXMC": "=某事项", "BM": "民政局", "SLSJ": "2025-06-02 09:00:00"}
    return {"kind": "case", "key": number, "data": {**base, **more}}


RECORDS = [
    record("A1"),
    record("A2", "名字过长的某某某", SLSJ="2025-06-04 09:00:00"),
    record("A3", BM="水务局", SLSJ="2025-06-03 09:00:00"),
    {"kind": "step", "key": "A1-1", "data": {"BJBH": "A1", "ZT": "1"}},
    {"kind": "step", "key": "A9-1", "data": {"BJBH": "A9", "ZT": "1"}},
]


@pytest.fixture
def here(here: Path) -> Path:
    configs.write(here, {"config/quality.yaml": QUALITY, "mappings/schemas/local/case.yaml": SCHEMA}, RECORDS)
    working.exchanged(here)
    return here


def told(hub: Callable[..., Any], *arguments: str) -> Any:
    return json.loads(hub("quality", *arguments, "--json").stdout)


@pytest.mark.usefixtures("here")
def test_the_report(hub: Callable[..., Any]) -> None:
    done = hub("quality")
    assert done.exit_code == 1  # A2 is blocked by its mapping, A9 has a step and no acceptance
    assert "办件 4 件" in done.stdout
    assert "不合格 2" in done.stdout
    assert "民政局" in done.stdout
    assert "有环节没有受理 1" in done.stdout
    assert "权力同源未查" in done.stdout
    assert "名字" not in done.stdout
    assert "甲某" not in done.stdout


@pytest.mark.usefixtures("here")
def test_the_same_as_json(hub: Callable[..., Any]) -> None:
    found = told(hub)
    rules = {one["rule"]: one for one in found["rules"]}
    assert (found["cases"], found["blocked"], found["idle"]) == (4, 2, 2)
    assert (rules["F02"]["cases"], rules["C01"]["cases"], rules["C01"]["lines"]) == (
        1, 3, {"": 0, "result-alone": 0, "step-alone": 1, "idle": 2, "no-step": 0},
    )  # fmt: skip
    assert {one["department"]: one["cases"] for one in found["departments"]} == {"": 1, "民政局": 2, "水务局": 1}
    assert found["deliveries"]["city"] == {"delivered": 3, "confirmed": 0, "rejected": 0, "dead": 1, "open": 1, "dropped": 0}


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("arguments", "cases", "code"),
    [
        (["--since", "2025-06-03"], 2, 1),
        (["--since", "2025-06-03", "--until", "2025-06-03"], 1, 0),
        (["--until", "2025-06-02"], 1, 0),
        (["--department", "水务局"], 1, 0),
        (["--department", "民政局", "--since", "2025-06-04"], 1, 1),
    ],
)
def test_what_is_chosen_decides_count_and_exit_code(hub: Callable[..., Any], arguments: list[str], cases: int, code: int) -> None:
    done = hub("quality", *arguments, "--json")
    assert (json.loads(done.stdout)["cases"], done.exit_code) == (cases, code)


@pytest.mark.usefixtures("here")
def test_the_cases_behind_a_rule(hub: Callable[..., Any]) -> None:
    assert [(one["case"], one["lines"]) for one in told(hub, "--rule", "C01")] == [
        ("A2", ["idle"]),
        ("A3", ["idle"]),
        ("A9", ["step-alone"]),
    ]
    assert [one["case"] for one in told(hub, "--rule", "C01/idle", "--department", "水务局")] == ["A3"]
    assert hub("quality", "--rule", "C01/idle").exit_code == 0  # only a warning
    assert hub("quality", "--rule", "C01").exit_code == 1
    done = hub("quality", "--rule", "F02")
    assert done.exit_code == 1
    assert "A2" in done.stdout
    assert "映射查出" in done.stdout
    assert "名字" not in done.stdout


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["--rule", "c01"], "是不是 C01？"),
        (["--rule", "C01/idel"], "是不是 idle？"),
        (["--department", "民政"], "是不是 民政局？"),
    ],
)
def test_an_unknown_name_is_told_with_a_suggestion(hub: Callable[..., Any], arguments: list[str], hint: str) -> None:
    done = hub("quality", *arguments)
    assert done.exit_code == 2
    assert hint in done.stderr


@pytest.mark.usefixtures("here")
def test_files_for_the_weekly_meeting(hub: Callable[..., Any], tmp_path: Path) -> None:
    hub("quality", "--csv", str(tmp_path / "q.csv"), "--xlsx", str(tmp_path / "q.xlsx"))
    assert (tmp_path / "q.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader((tmp_path / "q.csv").read_text("utf-8-sig").splitlines()))
    assert {(row["部门"], row["事项编码"], row["受理"]) for row in rows} == {
        ("（没有受理记录）", "", "0"),
        ("民政局", "S1", "2"),
        ("水务局", "S1", "1"),
    }
    assert {row["事项"] for row in rows} == {"", "'=某事项"}  # never a formula
    book = openpyxl.load_workbook(tmp_path / "q.xlsx")
    assert [sheet.partition(" ")[2] for sheet in book.sheetnames] == ["部门", "规则", "事项", "对账"]
    items = book.worksheets[2]
    assert {(cell.value, cell.data_type) for cell in items["C"][1:] if cell.value} == {("=某事项", "s")}
    hub("quality", "--rule", "C01", "--csv", str(tmp_path / "c.csv"))
    assert [line.split(",")[0] for line in (tmp_path / "c.csv").read_text("utf-8-sig").splitlines()] == [
        "办件编号",
        "A2",
        "A3",
        "A9",
    ]


def test_no_record_keeps_the_others_from_being_told(hub: Callable[..., Any], here: Path, tmp_path: Path) -> None:
    odd = record("A4", SXMC="某\x0b事项", BM="民政\x1f局", SLSJ="9999-12-31T23:59:59Z", CNRQ="9" * 5000)
    quality = QUALITY.replace("accepted: SLSJ", "accepted: SLSJ, days: CNRQ")
    schema = SCHEMA.replace("SLSJ:", "CNRQ: {type: string, title: 承诺期限}\n      SLSJ:")
    configs.write(here, {"config/quality.yaml": quality, "mappings/schemas/local/case.yaml": schema}, [*RECORDS, odd])
    working.exchanged(here)
    assert told(hub)["cases"] == 5
    hub("quality", "--xlsx", str(tmp_path / "q.xlsx"))
    items = openpyxl.load_workbook(tmp_path / "q.xlsx").worksheets[2]
    assert "某\ufffd事项" in {cell.value for cell in items["C"]}


@pytest.mark.usefixtures("here")
def test_a_file_that_cannot_be_written(hub: Callable[..., Any], tmp_path: Path) -> None:
    for option in ("--csv", "--xlsx"):
        done = hub("quality", option, str(tmp_path / "nowhere" / "q"))
        assert (done.exit_code, "HUB-X-106" in done.stderr) == (2, True)


def test_items_that_are_not_the_same_everywhere(hub: Callable[..., Any], here: Path, tmp_path: Path) -> None:
    lists = "        item: {kind: item, code: C, name: N}\n        published: {kind: published, code: C, name: N}\n"
    kinds = configs.LOCAL.replace("kinds: [case, step]", "kinds: [case, step, item, published]")
    rows = [("item", "S1"), ("item", "S2"), ("published", "S2"), ("published", "S3")]
    items = [{"kind": kind, "key": f"{kind}{code}", "data": {"C": code, "N": f"事项{code}"}} for kind, code in rows]
    configs.write(here, {"config/quality.yaml": QUALITY.rstrip(" ") + lists, "config/systems/local.yaml": kinds,
                         "mappings/schemas/local/case.yaml": SCHEMA}, [*RECORDS, *items])  # fmt: skip
    working.exchanged(here)
    same = told(hub)["sameness"]
    assert ([one["code"] for one in same["unpublished"]], [one["code"] for one in same["missing"]], same["both"]) == (
        ["S1"],
        ["S3"],
        1,
    )
    done = hub("quality", "--xlsx", str(tmp_path / "q.xlsx"))
    assert "两边一致 1 项，大厅有而未公布 1 项（涉及办件 3 件），已公布而大厅没有 1 项" in done.stdout
    assert "事项S1" in done.stdout
    assert [cell.value for cell in openpyxl.load_workbook(tmp_path / "q.xlsx").worksheets[4]["A"]] == ["事项编码", "S1"]
    assert [one["case"] for one in told(hub, "--rule", "C06/unpublished")] == ["A1", "A2", "A3"]


def test_without_a_configuration(hub: Callable[..., Any], here: Path) -> None:
    (here / "config/quality.yaml").unlink()
    done = hub("quality")
    assert done.exit_code == 2
    assert "HUB-X-123" in done.stderr
