"""Workbooks: cells that mislead people and programs, and archives that attack them."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from tests.unit.adapters.files.inbox import Desk

TITLES = ["办件编号", "申请人"]


def workbook(*rows: list[Any], change: Callable[[Worksheet], object] = lambda sheet: None, title: str = "办件") -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = title
    for row in rows:
        sheet.append(row)
    change(sheet)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def rezip(content: bytes, change: Callable[[str, bytes], bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for member in old.infolist():
            new.writestr(member.filename, change(member.filename, old.read(member)))
    return out.getvalue()


def in_sheet(pattern: bytes, by: bytes) -> Callable[[str, bytes], bytes]:
    return lambda name, body: re.sub(pattern, by, body, count=1) if name.endswith("sheet1.xml") else body


def utf16(part: bytes, prolog: str = "", *, declared: bool = True) -> bytes:
    declaration = "<?xml version='1.0' encoding='utf-16'?>" if declared else ""
    return ("\ufeff" + declaration + prolog + part.decode().rpartition("?>")[2]).encode("utf-16-le")


THREE = workbook(TITLES, ["1", "甲"], ["2", "乙"], ["3", "丙"])


def desk(tmp_path: Path, content: bytes, **feed: Any) -> Desk:
    made = Desk(tmp_path, **{"format": "xlsx", "pattern": "*.xlsx", **feed})
    made.put("a.xlsx", content)
    return made


def typed(kind: str) -> dict[str, Any]:
    return {"办件编号": "number", "申请人": {"field": "name", "type": kind}}


@pytest.mark.parametrize(
    ("value", "kind", "becomes"),
    [
        ("0621125", "text", "0621125"),
        ("  两端 ", "any", "  两端 "),
        ("=1+1", "any", "=1+1"),
        (None, "text", None),
        (12, "any", 12),
        (12.0, "number", 12),
        (10**15 - 1, "any", 10**15 - 1),
        (10**15, "number", 10**15),
        (1.5, "any", 1.5),
        (True, "any", True),
        (datetime(2016, 12, 13, 9, 30, 5), "any", "2016-12-13 09:30:05"),
        (datetime(2016, 12, 13), "date", "2016-12-13 00:00:00"),
        (time(9, 30), "date", "09:30:00"),
        ("2016年12月13日", "date", "2016年12月13日"),
    ],
)
def test_a_cell_becomes_json(tmp_path: Path, value: Any, kind: str, becomes: Any) -> None:
    def as_text(sheet: Worksheet) -> None:
        if isinstance(value, str):
            sheet["B2"].data_type = "s"

    read = desk(tmp_path, workbook(TITLES, ["1", value], change=as_text), columns=typed(kind)).read()
    assert read.data == [{"number": "1", "name": becomes}]
    assert type(read.data[0]["name"]) is type(becomes)


@pytest.mark.parametrize(
    ("value", "kind", "says"),
    [
        (621125, "text", "a number, where text is declared: leading zeros may be lost"),
        (True, "text", "a number, where text is declared"),
        (42717, "date", "a date as a bare number"),
        (datetime(2016, 12, 13), "text", "a date, where text is declared"),
        (datetime(2016, 12, 13), "number", "a date, where number is declared"),
        ("#N/A", "any", "the error value #N/A"),
        (timedelta(hours=30), "any", "a timedelta, which is no date"),
        (10**15, "any", "a number of more than 15 digits"),
        (-6.2112519900101e17, "any", "a number of more than 15 digits"),
        ("\ufeff王", "any", "begins with a stray byte order mark"),
    ],
)
def test_a_misleading_cell_is_named(tmp_path: Path, value: Any, kind: str, says: str) -> None:
    read = desk(tmp_path, workbook(TITLES, ["1", "好"], ["2", value], ["3", None]), columns=typed(kind)).read()
    assert [record.key for record in read.records][:1] + [record.key for record in read.records][-1:] == ["1", "3"]
    assert (read.fault.key, read.fault.code) == ("a.xlsx#sheet 办件, row 3", "HUB-S-243")
    assert f"column B 申请人: {says}" in read.fault.reason


def test_a_formula_gives_its_stored_value(tmp_path: Path) -> None:
    content = workbook(TITLES, ["1", "=1+1"], ["2", "plain"])
    stored = rezip(content, in_sheet(rb"<f>1\+1</f><v ?/>|<f>1\+1</f><v></v>", b"<f>1+1</f><v>2</v>"))
    assert desk(tmp_path, stored).read().data == [{"number": "1", "name": 2}, {"number": "2", "name": "plain"}]


def test_a_formula_never_computed_is_no_empty_cell(tmp_path: Path) -> None:
    read = desk(tmp_path, workbook(TITLES, ["1", "=1+1"], ["2", "好"])).read()
    assert [record.key for record in read.records] == ["2"]
    assert "a formula whose value was never computed" in read.fault.reason


def test_merged_cells_cost_the_rows_they_cover(tmp_path: Path) -> None:
    content = workbook(TITLES, ["1", "甲"], ["2", "乙"], ["3", ""], ["4", "丁"], change=lambda sheet: sheet.merge_cells("B3:B4"))
    read = desk(tmp_path, content).read()
    assert [record.key for record in read.records] == ["1", "4"]
    assert [fault.key for fault in read.faults] == ["a.xlsx#sheet 办件, row 3", "a.xlsx#sheet 办件, row 4"]
    assert "merged cells B3:B4" in read.faults[0].reason


@pytest.mark.parametrize(("pattern", "by"), [(rb'ref="(B3:B4)"', rb"ref='\1'"), (rb"<mergeCell ref", b"<mergeCell\nref")])
def test_merged_cells_are_seen_however_they_are_written(tmp_path: Path, pattern: bytes, by: bytes) -> None:
    content = workbook(TITLES, ["1", "甲"], ["2", "乙"], ["3", ""], change=lambda sheet: sheet.merge_cells("B3:B4"))
    read = desk(tmp_path, rezip(content, in_sheet(pattern, by))).read()
    assert [fault.key for fault in read.faults] == ["a.xlsx#sheet 办件, row 3", "a.xlsx#sheet 办件, row 4"]


def test_a_section_of_characters_is_no_dtd(tmp_path: Path) -> None:
    plain = workbook(["no", "name"], ["1", "abc"])
    content = rezip(plain, in_sheet(rb"<t>abc</t>", b"<t><![CDATA[a<c]]></t>"))
    assert desk(tmp_path, content, columns={"no": "number", "name": "name"}).read().data == [{"number": "1", "name": "a<c"}]


def test_the_titles_again_are_no_record(tmp_path: Path) -> None:
    read = desk(tmp_path, workbook(TITLES, ["1", "甲"], TITLES, ["2", "乙"])).read()
    assert [record.key for record in read.records] == ["1", "2"]
    assert (read.fault.key, read.fault.code) == ("a.xlsx#sheet 办件, row 3", "HUB-S-241")


def test_a_merged_header_is_refused(tmp_path: Path) -> None:
    read = desk(tmp_path, workbook(TITLES, ["1", "甲"], change=lambda sheet: sheet.merge_cells("A1:B1"))).read()
    assert (read.records, read.fault.code) == ([], "HUB-S-221")
    assert "sheet 办件: merged cells A1:B1 in the header row 1" in read.fault.reason


def test_a_merged_title_above_the_header_is_fine(tmp_path: Path) -> None:
    content = workbook(["漳县办件表"], TITLES, ["1", "甲"], change=lambda sheet: sheet.merge_cells("A1:B1"))
    assert desk(tmp_path, content, header=2).read().data == [{"number": "1", "name": "甲"}]


def test_too_many_merges_are_no_table(tmp_path: Path) -> None:
    def merge(sheet: Worksheet) -> None:
        for row in range(2, 1100):
            sheet.merge_cells(start_row=row, end_row=row, start_column=1, end_column=2)

    assert desk(tmp_path, workbook(TITLES, ["1", "甲"], change=merge)).read().fault.code == "HUB-S-228"


def test_a_shifted_header_names_sheet_and_row(tmp_path: Path) -> None:
    read = desk(tmp_path, workbook(["办件表"], TITLES, ["1", "甲"])).read()
    assert read.records == []
    assert "sheet 办件, row 1: the column 办件编号 is missing; is the header in another row?" in read.fault.reason


def test_a_value_without_a_title_is_named(tmp_path: Path) -> None:
    read = desk(tmp_path, workbook(TITLES, ["1", "甲", None, "多"], ["2", "乙"])).read()
    assert [record.key for record in read.records] == ["2"]
    assert "column D has a value but no title" in read.fault.reason


def test_empty_rows_are_nothing_and_rows_keep_their_numbers(tmp_path: Path) -> None:
    read = desk(tmp_path, workbook(TITLES, ["1", "甲"], [], [None, None], ["", "没有主键"], ["2", "乙"])).read()
    assert [record.key for record in read.records] == ["1", "2"]
    assert read.fault.key == "a.xlsx#sheet 办件, row 5"


def test_rows_behind_a_wrong_dimension_are_read(tmp_path: Path) -> None:
    content = workbook(TITLES, ["1", "甲"], ["2", "乙"])
    lying = rezip(content, in_sheet(rb'<dimension ref="[^"]*"', b'<dimension ref="A1:B2"'))
    assert len(desk(tmp_path, lying).read().records) == 2


def test_another_sheet(tmp_path: Path) -> None:
    def add(sheet: Worksheet) -> None:
        second = sheet.parent.create_sheet("二")
        second.append(TITLES)
        second.append(["1", "甲"])

    content = workbook(["x"], change=add)
    assert desk(tmp_path, content, sheet="二").read().data == [{"number": "1", "name": "甲"}]


def test_a_sheet_that_is_not_there(tmp_path: Path) -> None:
    fault = desk(tmp_path, workbook(TITLES), sheet="办件表").read().fault
    assert fault.code == "HUB-S-227"
    assert "there are: 办件" in fault.reason


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"\xd0\xcf\x11\xe0" + bytes(600), "HUB-S-222"),
        (b"", "HUB-S-222"),
        (b"not a workbook", "HUB-S-222"),
        (workbook(TITLES, ["1", "a"])[:-200], "HUB-S-222"),
        (rezip(workbook(TITLES), lambda name, body: body[:50] if name.endswith("sheet1.xml") else body), "HUB-S-222"),
        (rezip(workbook(TITLES), lambda name, body: b"<a/>" if name.endswith("workbook.xml") else body), "HUB-S-227"),
        (rezip(workbook(TITLES), in_sheet(rb"<worksheet", b'<!DOCTYPE x [<!ENTITY a "b">]><worksheet')), "HUB-S-223"),
        (rezip(workbook(TITLES), in_sheet(rb"<worksheet", b"<!--" + b"x" * 9000 + b"--><!DOCTYPE x><worksheet")), "HUB-S-223"),
        (
            rezip(workbook(TITLES), lambda name, body: utf16(body, "<!DOCTYPE x>") if name.endswith("sheet1.xml") else body),
            "HUB-S-223",
        ),
        (rezip(workbook(TITLES), lambda name, body: utf16(body) if name.endswith("sheet1.xml") else body), "HUB-S-222"),
        (
            rezip(workbook(TITLES), lambda name, body: utf16(body, declared=False) if name.endswith("sheet1.xml") else body),
            "HUB-S-222",
        ),
        (rezip(THREE, lambda name, body: body.replace(b'<row r="4"', b'<row r="3"')), "HUB-S-222"),
        (rezip(THREE, lambda name, body: body.replace(b'<row r="3"', b'<row r="5"')), "HUB-S-222"),
        (rezip(THREE, in_sheet(rb'<row r="3"', b'<row r="3.0"')), "HUB-S-222"),
        (rezip(THREE, in_sheet(rb'r="B3"', b'r="A3"')), "HUB-S-222"),
    ],
)
def test_a_broken_workbook_is_refused_whole(tmp_path: Path, content: bytes, code: str) -> None:
    read = desk(tmp_path, content).read()
    assert read.records == []
    assert (read.fault.key, read.fault.code) == ("a.xlsx", code)


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    bomb = rezip(workbook(TITLES), in_sheet(rb"</sheetData>", b" " * (64 << 20) + b"</sheetData>"))
    assert len(bomb) < 1 << 20
    fault = desk(tmp_path, bomb, unpacked=32 << 20).read().fault
    assert (fault.key, fault.code) == ("a.xlsx", "HUB-S-224")


def test_a_row_number_out_of_this_world(tmp_path: Path) -> None:
    content = rezip(workbook(TITLES, ["1", "甲"]), in_sheet(rb'<row r="2"', b'<row r="999999999999"'))
    assert desk(tmp_path, content).read().fault.code == "HUB-S-224"
