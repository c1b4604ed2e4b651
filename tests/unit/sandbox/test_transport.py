"""The transport office takes complete files only, of the forms agreed, column by column right, and says why it takes no other."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pytest
from openpyxl import Workbook

from hub.sandbox.farside import Ground
from hub.sandbox.twins.transport import VEHICLES, TransportTwin, TransportViewTwin
from hub.sandbox.twins.transport_tables import CASE_COLUMNS, VEHICLE_COLUMNS
from tests.unit.sandbox import bodies

MAIN = next(case for case in bodies.some_cases(400) if case.main["SSZX"] == "YG" and "运输证" in case.main["SXMC"]).main
ROW = {
    "办件编号": MAIN["BJBH"], "事项编码": MAIN["SXBM"], "事项名称": MAIN["SXMC"], "业户名": "王堃", "证件类型": "居民身份证",
    "证件号码": "621125190503120020", "业户地址": "", "联系电话": "14000012345", "行政区域": "621125",
    "受理时间": "2025-03-03 09:00:00", "备注": "",
}  # fmt: skip
Rows = list[dict[str, str]]


@pytest.fixture
def twin(tmp_path: Path) -> Iterator[TransportTwin]:
    twin = TransportTwin.on(Ground(tmp_path))
    twin.create()
    yield twin
    twin.stop()


def as_csv(rows: Rows, columns: tuple[str, ...] = CASE_COLUMNS, encoding: str = "gbk", newline: str = "\r\n") -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator=newline)
    writer.writerow(columns)
    writer.writerows([row[column] for column in columns] for row in rows)
    return out.getvalue().encode(encoding)


def as_xml(rows: Rows, root: str = "办件列表", encoding: str = "gbk") -> bytes:
    inner = "".join(
        "<办件>" + "".join(f"<{name}>{escape(value)}</{name}>" for name, value in row.items() if value) + "</办件>" for row in rows
    )
    return f'<?xml version="1.0" encoding="GBK"?>\n<{root}>{inner}</{root}>\n'.encode(encoding)


def as_workbook(rows: Rows, sheet: str = "办件", number: bool = False) -> bytes:
    book = Workbook()
    page = book.active
    assert page is not None
    page.title = sheet
    page.append(list(CASE_COLUMNS))
    for row in rows:
        page.append([int(value) if number and name == "行政区域" else value for name, value in row.items()])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


FORMS: dict[str, Callable[[Rows], bytes]] = {"csv": as_csv, "xml": as_xml, "xlsx": as_workbook}


def drop(twin: TransportTwin, content: bytes, cases: list[str], name: str = "a.csv", **told: Any) -> None:
    """Put a file and its manifest into the folder, as the hub does."""
    digest = {"algorithm": "sm3", "value": hashlib.new("sm3", content).hexdigest()}
    manifest = {"file": name, "count": len(cases), "bytes": len(content), "digest": digest, "keys": cases, **told}
    (twin.directory / "in" / name).write_bytes(content)
    (twin.directory / "in" / f"{name}.json").write_text(json.dumps(manifest), encoding="utf-8")


def refusal(twin: TransportTwin) -> str:
    """Let the office work, and return why it took nothing."""
    assert twin.work() == 1 and twin.held() == []
    (reason,) = twin.stats()["refused"]
    assert twin.stats()["files"] == {"in": 0, "done": 0, "bad": 1} and len(list((twin.directory / "bad").glob("*.txt"))) == 1
    return str(reason)


@pytest.mark.parametrize("form", FORMS)
def test_a_complete_file_is_taken_and_carried_on(twin: TransportTwin, form: str) -> None:
    rows = [ROW, ROW | {"办件编号": "K2", "业户名": "阿卜杜·依布拉", "备注": 'a,"b"\n<c>'}]
    drop(twin, FORMS[form](rows), [ROW["办件编号"], "K2"], f"a.{form}")
    assert twin.work() > 0
    assert [(one.endpoint, one.row, one.content) for one in twin.held()] == [(form, row["办件编号"], row) for row in rows]
    while twin.work():
        pass
    stats = twin.stats()
    assert (stats["taken"], stats["steps"], stats["results"], stats["refused"]) == (2, 6, 2, {})
    assert stats["files"] == {"in": 0, "done": 1, "bad": 0}


def test_what_is_half_written_is_never_read(twin: TransportTwin) -> None:
    inbox = twin.directory / "in"
    (inbox / "a.csv").write_bytes(as_csv([ROW]))  # complete, but nobody says so
    (inbox / ".b.csv.12345678.part").write_bytes(b"half")
    (inbox / ".b.csv.json.12345678.part").write_bytes(b"{}")
    assert twin.work() == 0 and twin.held() == [] and twin.stats()["refused"] == {}
    assert sorted(path.name for path in inbox.iterdir()) == [".b.csv.12345678.part", ".b.csv.json.12345678.part", "a.csv"]


def test_a_case_in_a_later_file_replaces_the_one_before(twin: TransportTwin) -> None:
    drop(twin, as_csv([ROW]), [ROW["办件编号"]])
    twin.work()
    drop(twin, as_csv([ROW | {"备注": "更正"}]), [ROW["办件编号"]], "b.csv")
    while twin.work():
        pass
    assert [one.content["备注"] for one in twin.held()] == ["更正"]
    assert (twin.stats()["steps"], twin.stats()["results"]) == (3, 1), "carried on once"


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ({"digest": {"algorithm": "sm3", "value": "0" * 64}}, "摘要"),
        ({"digest": {"algorithm": "sha256", "value": hashlib.sha256(as_csv([ROW])).hexdigest()}}, "摘要"),
        ({"bytes": 1}, "长度"),
        ({"count": 2}, "行数"),
        ({"keys": ["K9"]}, "办件编号"),
        ({"file": "b.csv"}, "不存在"),
    ],
)
def test_a_manifest_that_does_not_fit_its_file(twin: TransportTwin, told: dict[str, Any], says: str) -> None:
    drop(twin, as_csv([ROW]), [ROW["办件编号"]], **told)
    assert says in refusal(twin)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.csv", as_csv([ROW], encoding="utf-8"), "GBK"),
        ("a.csv", as_csv([ROW], newline="\n"), "回车换行"),
        ("a.csv", as_csv([ROW], columns=CASE_COLUMNS[:-1]), "表头"),
        ("a.csv", as_csv([ROW], columns=(*CASE_COLUMNS[1:], CASE_COLUMNS[0])), "表头"),
        ("a.csv", as_csv([ROW])[:-2] + b",1\r\n", "列数"),
        ("a.csv", as_csv([ROW | {"业户名": "马䶮"}], encoding="gb18030"), "GBK"),
        ("a.xml", as_xml([ROW], root="list"), "办件列表"),
        ("a.xml", as_xml([ROW], encoding="utf-8"), "GBK"),
        ("a.xml", as_xml([ROW])[:-5], "GBK"),
        ("a.xml", as_xml([{**ROW, "多余": "1"}]), "未定义"),
        ("a.xlsx", as_workbook([ROW], sheet="Sheet1"), "工作表"),
        ("a.xlsx", as_workbook([ROW], number=True), "文本"),
        ("a.xlsx", b"PK", "工作簿"),
        ("a.dat", as_csv([ROW]), "文件类型"),
    ],
)
def test_a_file_that_is_not_of_the_form_agreed(twin: TransportTwin, name: str, content: bytes, says: str) -> None:
    drop(twin, content, [ROW["办件编号"]], name)
    assert says in refusal(twin)


@pytest.mark.parametrize(
    ("changes", "column"),
    [
        ({"业户名": ""}, "业户名"),
        ({"业户名": "名" * 101}, "业户名"),
        ({"证件号码": "621125190503120021"}, "证件号码"),
        ({"证件类型": "统一社会信用代码"}, "证件号码"),
        ({"证件类型": "111"}, "证件类型"),
        ({"受理时间": "2025-13-03 09:00:00"}, "受理时间"),
        ({"受理时间": "2999-01-01 00:00:00"}, "受理时间"),
    ],
)
def test_one_wrong_row_keeps_the_whole_file_out(twin: TransportTwin, changes: dict[str, str], column: str) -> None:
    drop(twin, as_csv([ROW, ROW | {"办件编号": "K2"} | changes]), [ROW["办件编号"], "K2"])
    assert refusal(twin).startswith(f"第2行{column}")


def test_a_workbook_may_hold_what_the_database_cannot(twin: TransportTwin) -> None:
    drop(twin, as_workbook([ROW | {"业户名": "马䶮"}]), [ROW["办件编号"]], "a.xlsx")
    assert refusal(twin) == "第1行业户名有本系统存不下的字"


def test_the_views_show_steps_results_and_vehicles(twin: TransportTwin, tmp_path: Path) -> None:
    view = TransportViewTwin.on(Ground(tmp_path))
    view.create()
    assert len(view.offered()) == VEHICLES and {kind for kind, _ in view.offered()} == {"vehicle"}
    assert len(VEHICLE_COLUMNS) == 22
    drop(twin, as_csv([ROW]), [ROW["办件编号"]])
    while twin.work():
        pass
    shown = [key for kind, key in view.offered() if kind == "progress"]
    assert shown == [f"{ROW['办件编号']}|{number}" for number in (1, 2, 3)]
    assert [key for kind, key in view.offered() if kind == "outcome"] == [ROW["办件编号"]]
    assert view.held() == [] and view.work() == 0
    view.stop()
