"""The bytes of a file, format by format."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

import openpyxl
import pytest

from adapters.files import render
from adapters.files.options import Endpoint
from hub.errors import Failure, Misconfigured, Rejected
from hub.model import Message, Operation

WHEN = datetime(2016, 12, 13, 1, 0, tzinfo=UTC)


def written(*bodies: dict[str, Any], **settings: Any) -> bytes:
    endpoint = Endpoint.model_validate({"path": "{id}", "newline": "lf", **settings})
    rows = [render.row(endpoint, message(body)) for body in bodies]
    return render.content(endpoint, rows, WHEN)


def message(body: dict[str, Any]) -> Message:
    return Message(1, "accept", "case", "K", "L", Operation.INSERT, body, "id", "B", WHEN)


def refused(body: dict[str, Any], **settings: Any) -> Failure:
    with pytest.raises(Failure) as caught:
        written(body, **settings)
    return caught.value


BODY = {"no": "0621", "count": 3, "paid": 1.5, "done": True, "note": None}
TITLES = {"no": "编号", "count": "数", "paid": "费", "done": "办结", "note": "备注"}


def test_csv() -> None:
    assert written(BODY, {"no": 'a,"b'}, format="csv", columns=TITLES) == (
        '编号,数,费,办结,备注\n0621,3,1.5,true,\n"a,""b",,,,\n'.encode()
    )


def test_csv_as_others_like_it() -> None:
    content = written(BODY, format="csv", columns=TITLES, encoding="gbk", delimiter="|", quote="all", newline="crlf", header=False)
    assert content == '"0621"|"3"|"1.5"|"true"|""\r\n'.encode("gbk")


def test_csv_with_a_mark_for_excel() -> None:
    assert written(BODY, format="csv", columns={"no": "编号"}, ignore=list(BODY), encoding="utf-8-sig")[:3] == b"\xef\xbb\xbf"


def test_json_lines_keep_types_and_nesting() -> None:
    body = {"no": "0621", "list": [{"a": 1}], "none": None}
    assert written(body, format="jsonl") == b'{"no":"0621","list":[{"a":1}],"none":null}\n'
    assert written(body, format="jsonl", columns={"no": "编号"}, ignore=["list", "none"]) == '{"编号":"0621"}\n'.encode()


def test_xml_as_elements_leaves_empty_fields_out() -> None:
    content = written(BODY, format="xml", columns=TITLES, encoding="gbk", xml={"root": "办件列表", "row": "办件"})
    assert content.decode("gbk") == (
        '<?xml version="1.0" encoding="GBK"?>\n'
        "<办件列表><办件><编号>0621</编号><数>3</数><费>1.5</费><办结>true</办结></办件></办件列表>\n"
    )


def test_xml_as_attributes_without_columns() -> None:
    content = written({"no": "<&\"'>\n"}, format="xml", xml={"style": "attributes"})
    assert content == b'<?xml version="1.0" encoding="UTF-8"?>\n<rows><row no="&lt;&amp;&quot;\'&gt;&#10;"/></rows>\n'


def test_a_workbook_keeps_text_as_text() -> None:
    content = written({"no": "0621", "count": 3, "note": "=1+1"}, format="xlsx", columns=TITLES, sheet="办件")
    sheet = openpyxl.load_workbook(io.BytesIO(content))["办件"]
    assert [[cell.value for cell in row] for row in sheet.iter_rows()] == [list(TITLES.values()), ["0621", 3, None, None, "=1+1"]]
    assert [cell.data_type for cell in sheet[2]] == ["s", "n", "n", "n", "s"]


@pytest.mark.parametrize(
    ("value", "settings", "code", "says"),
    [
        ("䶮", {"format": "csv", "encoding": "gbk"}, "HUB-D-130", "编号: U+4DAE at position 1 is not in gbk"),
        ("张𬎆", {"format": "xml", "encoding": "gbk"}, "HUB-D-130", "编号: U+2C386 at position 2 is not in gbk"),
        (["䶮"], {"format": "jsonl", "encoding": "gbk"}, "HUB-D-130", "U+4DAE"),
        ("·", {"format": "csv", "encoding": "gb2312"}, "HUB-D-130", "U+00B7 at position 1 is not in gb2312"),
        ("a\ud800", {"format": "csv"}, "HUB-D-131", "U+D800 at position 2"),
        ("a\ud800", {"format": "jsonl"}, "HUB-D-130", "U+D800 at position 2"),
        ("a\0", {"format": "csv"}, "HUB-D-131", "编号: control character U+0000 at position 2"),
        ("\x0b", {"format": "xml"}, "HUB-D-131", "U+000B"),
        ("\uffff", {"format": "xlsx"}, "HUB-D-131", "U+FFFF"),
        ("x" * 32_768, {"format": "xlsx"}, "HUB-D-410", "32768 characters; a cell of a workbook holds 32767"),
        (["x"], {"format": "csv"}, "HUB-D-411", "编号: a csv file holds no nested value"),
        ({"x": 1}, {"format": "xlsx"}, "HUB-D-411", "holds no nested value"),
    ],
)
def test_what_a_format_cannot_hold_is_refused_by_name(value: Any, settings: dict[str, Any], code: str, says: str) -> None:
    failure = refused({"no": value}, columns={"no": "编号"}, **settings)
    assert (type(failure), failure.code) == (Rejected, code)
    assert says in failure.message


def test_a_body_that_gives_no_xml_is_the_set_ups_fault() -> None:
    failure = refused({"1 no": "x"}, format="xml")
    assert (type(failure), failure.code) == (Misconfigured, "HUB-D-412")


@pytest.mark.parametrize("text", ["喆堃䶮𬎆·", "x" * 32_767, "a\r\nb\tc", "]]>", "_x000D_"])
@pytest.mark.parametrize("form", ["csv", "jsonl", "xml", "xlsx"])
def test_every_format_takes_every_character_of_unicode(form: str, text: str) -> None:
    assert written({"no": text}, format=form, columns={"no": "编号"})
