"""What an authentic body holds: read as strictly as a file, refused with its place, never by halves."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

import openpyxl
import pytest

from adapters.push.contents import Contents
from adapters.push.options import Feed
from hub.errors import PushRefused
from hub.model import Operation, Page, Push

COLUMNS = {"办件号": "YWBH", "申请人": "SQRXM"}


def read(body: bytes, content_type: str = "", **feed: Any) -> Page:
    layout = Feed.model_validate({"key": ["YWBH"], "columns": COLUMNS, **feed})
    headers = {"content-type": content_type} if content_type else {}
    return Contents("case", layout).page(Push("POST", "/", "", headers, body, datetime(2026, 11, 24, tzinfo=UTC)), "n-1")


def refused(body: bytes, content_type: str = "", **feed: Any) -> tuple[str, str]:
    with pytest.raises(PushRefused) as caught:
        read(body, content_type, **feed)
    return caught.value.code, caught.value.message


def test_one_object_is_one_record() -> None:
    (record,) = read('{"办件号": "A1", "申请人": "甲某某"}'.encode()).records
    assert (record.key, record.data, record.operation) == ("A1", {"YWBH": "A1", "SQRXM": "甲某某"}, Operation.UPDATE)


def test_without_columns_names_stay_and_values_may_be_nested() -> None:
    body = '[{"YWBH": "A1", "cl": [{"mc": "身份证"}]}]'.encode()
    assert read(body, columns=None).records[0].data == {"YWBH": "A1", "cl": [{"mc": "身份证"}]}


def test_a_record_that_is_gone() -> None:
    page = read(b'[{"YWBH": "A1", "ZF": 1}, {"YWBH": "A2", "ZF": 0}]', columns=None, deleted={"path": "ZF", "equals": "1"})
    assert [record.operation for record in page.records] == [Operation.DELETE, Operation.UPDATE]


def test_what_is_wrong_with_single_records() -> None:
    page = read('[{"办件号": "A1"}, 7, {"办件号": ""}, {"办件号": "A2", "多余": "1"}]'.encode())
    assert [record.key for record in page.records] == ["A1"]
    assert [fault.code for fault in page.faults] == ["HUB-S-245", "HUB-S-242", "HUB-S-241"]
    assert "item 3: the key field YWBH is empty" in page.faults[1].reason


@pytest.mark.parametrize(
    ("body", "code", "said"),
    [
        (b'{"a": 1', "HUB-S-610", "line 1, column 8"),
        (b'{"a": NaN}', "HUB-S-610", "no JSON"),
        (b"[" * 100_000, "HUB-S-610", "no JSON"),
        (b'"A1"', "HUB-S-610", "neither a list nor an object at the top"),
        ('{"办件号": "甲"}'.encode("gbk"), "HUB-S-220", "byte 2 is not in utf-8"),
        (b"\xff\xfe{\x00}\x00", "HUB-S-220", "UTF-16"),
    ],
)
def test_bodies_that_are_refused(body: bytes, code: str, said: str) -> None:
    told = refused(body)
    assert told[0] == code
    assert said in told[1]


def test_a_mark_of_its_own_encoding_is_nothing() -> None:
    assert read('\ufeff{"办件号": "A1"}'.encode()).records[0].key == "A1"


@pytest.mark.parametrize(
    ("told", "configured", "fits"),
    [
        ("application/json; charset=utf-8", "utf-8", True),
        ("application/json; charset=UTF8", "utf-8", True),
        ("application/json; charset=us-ascii", "gbk", True),
        ("application/json; charset=gb2312", "gb18030", True),
        ("application/json; charset=gbk", "utf-8", False),
        ("application/json; charset=utf-8", "gbk", False),
        ("application/json; charset=iso-8859-1", "utf-8", False),
    ],
)
def test_a_declared_encoding_must_be_the_configured_one(told: str, configured: str, fits: bool) -> None:
    body = '{"办件号": "A1"}'.encode(configured)
    if fits:
        assert read(body, told, encoding=configured).records
    else:
        assert refused(body, told, encoding=configured)[0] == "HUB-S-220"


def test_so_many_records_and_no_more() -> None:
    body = b"[" + b",".join(b'{"YWBH": "A%d"}' % number for number in range(4)) + b"]"
    assert len(read(body, columns=None, most=4).records) == 4
    assert refused(body, columns=None, most=3)[0] == "HUB-S-611"


def test_a_form_names_a_field_once() -> None:
    assert read("办件号=A1&申请人=%BC%D7".encode("gbk").replace("办件号".encode("gbk"), b"%B0%EC%BC%FE%BA%C5").replace(
        "申请人".encode("gbk"), b"%C9%EA%C7%EB%C8%CB"), format="form", encoding="gbk").records[0].data["SQRXM"] == "甲"  # fmt: skip
    assert refused(b"a=1&a=2", format="form")[0] == "HUB-S-610"
    assert refused(b"a=%BC%D7", format="form")[0] == "HUB-S-220"


def test_a_workbook_is_read_like_a_file() -> None:
    book = openpyxl.Workbook()
    book.active.append(["办件号", "申请人"])
    book.active.append(["A1", "甲某某"])
    book.active.append([7, "乙某某"])
    stream = io.BytesIO()
    book.save(stream)
    columns = {"办件号": {"field": "YWBH", "type": "text"}, "申请人": "SQRXM"}
    page = read(stream.getvalue(), "application/octet-stream", format="xlsx", columns=columns)
    assert [record.key for record in page.records] == ["A1"]
    assert "sheet Sheet, row 3: column A 办件号: a number" in page.faults[0].reason


def test_a_table_with_another_header_is_refused_as_a_whole() -> None:
    code, said = refused("办件号,姓名\r\nA1,甲某某\r\n".encode(), format="csv")
    assert (code, "the column 申请人 is missing" in said) == ("HUB-S-221", True)


def test_the_same_push_has_the_same_faults_whatever_time_its_body_tells() -> None:
    feed = Feed.model_validate({"key": ["YWBH"], "columns": COLUMNS, "items": "/rows"})

    def keys(time: int, number: str, *, numbered: bool = True) -> set[str]:
        body = f'{{"time": {time}, "rows": [{{"办件号": ""}}]}}'.encode()
        push = Push("POST", "/", "", {}, body, datetime(2026, 11, 24, tzinfo=UTC))
        return {fault.key for fault in Contents("case", feed, numbered=numbered).page(push, number).faults}

    assert keys(1, "n-1") == keys(2, "n-1")
    assert keys(1, "n-1") != keys(1, "n-2")
    assert keys(1, "signature 1", numbered=False) == keys(1, "signature 2", numbered=False)
