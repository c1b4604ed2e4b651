"""What a layout adds to a row, and which rows it keeps out: constants, the row's place, forms of cells, a footer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from adapters.files.options import FilesOptions
from tests.unit.adapters.files.inbox import Desk
from tests.unit.adapters.files.test_read_xlsx import TITLES, in_sheet, rezip, workbook

HEAD = "办件编号,申请人\n"
NUMBERED = {"办件编号": {"field": "number", "matches": r"\d{4}"}, "申请人": "name"}


def desk(tmp_path: Path, content: str | bytes, name: str = "a.csv", **feed: Any) -> Desk:
    made = Desk(tmp_path, **feed)
    made.put(name, content)
    return made


def test_constants_are_part_of_every_record_and_of_its_revision(tmp_path: Path) -> None:
    plain = desk(tmp_path, f"{HEAD}1,李\n").read().records[0]
    told = Desk(tmp_path, constants={"town": "621125100"}, key=["town", "number"]).read().records[0]
    assert (told.key, told.data) == ("621125100|1", {"town": "621125100", "number": "1", "name": "李"})
    assert told.revision != plain.revision


def test_a_column_wins_over_nothing_else_of_its_name() -> None:
    columns = {"办件编号": "number"}
    for more in ({"constants": {"number": "1"}}, {"place": "number"}, {"constants": {"at": "1"}, "place": "at"}):
        feed = {"pattern": "*", "format": "csv", "columns": columns, "key": ["number"], "ready": {"age": "1s"}, **more}
        with pytest.raises(ValidationError, match="same field"):
            FilesOptions.model_validate({"directory": "/x", "feeds": {"case": feed}})


def test_the_place_is_told_and_is_no_news(tmp_path: Path) -> None:
    first = desk(tmp_path, f"{HEAD}1,李\n", place="at").read().records[0]
    assert first.data["at"] == "a.csv, line 2"
    moved = desk(tmp_path, f"{HEAD}\n0,王\n1,李\n", "b.csv", place="at", pattern="b*").read().records[1]
    assert (moved.data["at"], moved.revision) == ("b.csv, line 4", first.revision)


@pytest.mark.parametrize(
    ("form", "content", "says"),
    [
        ("csv", f"{HEAD}合计,2\n0001,李\n", "a, line 2: column 1 办件编号: not of the form"),
        ("jsonl", '{"办件编号": "合计", "申请人": "2"}\n{"办件编号": "0001", "申请人": "李"}\n', "a, line 1: the field 办件编号"),
        (
            "xml",
            "<rows><row><办件编号>合计</办件编号></row><row><办件编号>0001</办件编号><申请人>李</申请人></row></rows>",
            "a, row 1: the field 办件编号",
        ),
    ],
)
def test_a_cell_of_another_form_is_no_record(tmp_path: Path, form: str, content: str, says: str) -> None:
    read = desk(tmp_path, content, "a", format=form, columns=NUMBERED).read()
    assert read.data == [{"number": "0001", "name": "李"}]
    assert (read.fault.code, says in read.fault.reason) == ("HUB-S-248", True)


def test_a_shifted_row_of_a_sheet_names_sheet_row_and_column(tmp_path: Path) -> None:
    content = workbook(TITLES, ["0001", "李"], [None, "0002", "王"], ["x0003", "张"])
    read = desk(tmp_path, content, "a.xlsx", format="xlsx", columns=NUMBERED).read()
    assert [record.key for record in read.records] == ["0001"]
    assert [fault.reason.partition(": ")[0] for fault in read.faults] == ["a.xlsx, sheet 办件, row 3", "a.xlsx, sheet 办件, row 4"]
    assert read.faults[1].reason.startswith("a.xlsx, sheet 办件, row 4: column A 办件编号: not of the form")


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_a_footer_is_no_record_and_nothing_stands_behind_it(tmp_path: Path, form: str) -> None:
    rows: list[list[Any]] = [TITLES, ["1", "李"], ["合计：", 1], [None, None], ["2", "王"]]
    text = "\n".join(",".join("" if cell is None else str(cell) for cell in row) for row in rows)
    content = workbook(*rows) if form == "xlsx" else text.encode()
    read = desk(tmp_path, content, "a", format=form, footer="合计|总计").read()
    assert [record.key for record in read.records] == ["1"]
    assert read.fault.code == "HUB-S-249"
    assert "row 5" in read.fault.reason or "line 5" in read.fault.reason


def test_rows_of_delimiters_only_are_empty(tmp_path: Path) -> None:
    read = desk(tmp_path, f"{HEAD}1,李\n,\n , \n,,,\n").read()
    assert ([record.key for record in read.records], read.faults) == (["1"], [])


def test_a_workbook_that_breaks_in_its_last_row_is_not_taken_at_all(tmp_path: Path) -> None:
    content = workbook(TITLES, *([str(number), "李"] for number in range(1, 20)))
    broken = rezip(content, in_sheet(rb'(?s)<c r="B20".*', b'<c r="B20" t="s"><v>99999</v></c></row></sheetData></worksheet>'))
    read = desk(tmp_path, broken, "a.xlsx", format="xlsx", page=2).read()
    assert read.records == []
    assert read.fault.code == "HUB-S-222"
    assert "sheet 办件 is broken" in read.fault.reason


@pytest.mark.parametrize(
    ("form", "content"),
    [
        ("csv", "bh,xm\n1,王小明某某\n2,李小红某某\n"),
        ("jsonl", '{"bh": "1", "xm": "王小明某某"}\n'),
        ("xml", "<rows><row><bh>1</bh><xm>王小明某某</xm></row></rows>"),
    ],
)
def test_utf8_where_gbk_is_declared_is_refused_though_it_could_be_read(tmp_path: Path, form: str, content: str) -> None:
    read = desk(tmp_path, content, "a", format=form, encoding="gbk", columns={"bh": "number", "xm": "name"}).read()
    assert (read.records, read.fault.code) == ([], "HUB-S-220")
    assert read.fault.reason == "a: is in utf-8, but gbk is declared"


@pytest.mark.parametrize("name", ["联通", "李", "王某某", "欧阳某某"])
def test_gbk_is_not_taken_for_utf8(tmp_path: Path, name: str) -> None:
    content = f"bh,xm\n1,{name}\n".encode("gbk")
    assert desk(tmp_path, content, "a", encoding="gbk", columns={"bh": "number", "xm": "name"}).read().data[0]["name"] == name


def test_a_tab_is_a_delimiter(tmp_path: Path) -> None:
    assert desk(tmp_path, "办件编号\t申请人\n1\t李\n", delimiter="\t").read().data == [{"number": "1", "name": "李"}]
