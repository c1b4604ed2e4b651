"""CSV and JSON Lines: what senders really send, and what becomes of it."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import pytest

from adapters.files.rows import FIELD_LIMIT
from tests.unit.adapters.files.inbox import Desk

HEAD = "办件编号,申请人\r\n"


def test_rows_come_with_their_titles_mapped(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.put("a.csv", HEAD + '0621,王小明\r\n0622,"张, ""三""\r\n李四"\r\n')
    assert desk.read().data == [{"number": "0621", "name": "王小明"}, {"number": "0622", "name": '张, "三"\r\n李四'}]


@pytest.mark.parametrize("declared", ["GB2312", "gbk", "gb18030"])
def test_whatever_calls_itself_gb2312_is_read_as_gb18030(tmp_path: Path, declared: str) -> None:
    desk = Desk(tmp_path, encoding=declared)
    desk.put("a.csv", (HEAD + "1,喆堃䶮𬎆·镕\n").encode("gb18030"))
    assert desk.read().data == [{"number": "1", "name": "喆堃䶮𬎆·镕"}]


@pytest.mark.parametrize("declared", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_a_byte_order_mark_is_optional(tmp_path: Path, declared: str, mark: bytes) -> None:
    desk = Desk(tmp_path, encoding=declared)
    desk.put("a.csv", mark + (HEAD + "1,王\n").encode())
    assert desk.read().data == [{"number": "1", "name": "王"}]


@pytest.mark.parametrize(
    ("content", "declared", "says"),
    [
        (b"\xef\xbb\xbf" + (HEAD + "1,a\n").encode(), "gbk", "mark of UTF-8 at byte 0, but gbk is declared"),
        ((HEAD + "1,a\n").encode("utf-16"), "utf-8", "mark of UTF-16 at byte 0"),
        ((HEAD + "1,a\n").encode("gbk"), "utf-8", "byte 0, in the header, is not in utf-8"),
    ],
)
def test_a_file_in_another_encoding_is_refused_whole(tmp_path: Path, content: bytes, declared: str, says: str) -> None:
    desk = Desk(tmp_path, encoding=declared)
    desk.put("a.csv", content)
    read = desk.read()
    assert read.records == []
    assert (read.fault.key, read.fault.code) == ("a.csv", "HUB-S-220")
    assert says in read.fault.reason


def test_a_row_with_bytes_of_another_encoding_costs_only_itself(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    start = (HEAD + "1,王\n2,").encode()
    desk.put("a.csv", start + "李".encode("gbk") + "\n3,赵\n".encode())
    read = desk.read()
    assert [record.key for record in read.records] == ["1", "3"]
    assert (read.fault.key, read.fault.code) == ("a.csv#line 3", "HUB-S-240")
    assert f"byte {len(start)} of the file" in read.fault.reason


def test_a_lone_byte_of_a_pair_does_not_swallow_the_delimiter(tmp_path: Path) -> None:
    desk = Desk(tmp_path, encoding="gbk")
    desk.put("a.csv", HEAD.encode("gbk") + b"1,\xcd\n2,b\n")
    read = desk.read()
    assert [record.key for record in read.records] == ["2"]
    assert read.fault.code == "HUB-S-240"


@pytest.mark.parametrize(
    ("head", "says"),
    [
        ("办件编号\n", "line 1: the column 申请人 is missing; 1 of 2 columns are there"),
        ("漳县办件表,\n办件编号,申请人\n", "the column 办件编号 is missing; is the header in another row?"),
        ("办件编号,申请人姓名\n", "the column 申请人 is missing; did the sender rename it to '申请人姓名'?"),
        ("办件编号,申请人,办件编号\n", "line 1, column 3: the title '办件编号' stands twice"),
        ("办件编号,申请人,备注\n", "line 1, column 3: unexpected title '备注'"),
        ('"办件编号,申请人\n', "the header cannot be read"),
        ("", "the column 办件编号 is missing"),
    ],
)
def test_nothing_is_taken_of_a_file_with_a_wrong_header(tmp_path: Path, head: str, says: str) -> None:
    desk = Desk(tmp_path)
    desk.put("a.csv", head + "1,王\n2,李\n")
    if not head:
        desk.put("a.csv", "")
    read = desk.read()
    assert read.records == []
    assert (read.fault.key, read.fault.code) == ("a.csv", "HUB-S-221")
    assert says in read.fault.reason


def test_columns_may_come_in_another_order_and_with_empty_ones_behind(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.put("a.csv", "申请人, 办件编号 ,,\n王,1,,\n李,2\n")
    assert desk.read().data == [{"number": "1", "name": "王"}, {"number": "2", "name": "李"}]


def test_columns_nobody_wants_are_left_out_when_told_so(tmp_path: Path) -> None:
    desk = Desk(tmp_path, extra="ignore")
    desk.put("a.csv", "备注,办件编号,申请人\nx,1,王\n")
    assert desk.read().data == [{"number": "1", "name": "王"}]


def test_a_header_further_down(tmp_path: Path) -> None:
    desk = Desk(tmp_path, header=3)
    desk.put("a.csv", "漳县\n2016年12月\n办件编号,申请人\n1,王\n")
    assert desk.read().data == [{"number": "1", "name": "王"}]


def test_a_header_that_should_be_behind_the_end(tmp_path: Path) -> None:
    desk = Desk(tmp_path, header=9)
    desk.put("a.csv", HEAD)
    assert desk.read().fault.code == "HUB-S-221"


def test_no_header_at_all(tmp_path: Path) -> None:
    desk = Desk(tmp_path, header=0, delimiter="|")
    desk.put("a.csv", "0621|王\n0622|李\n")
    assert desk.read().data == [{"number": "0621", "name": "王"}, {"number": "0622", "name": "李"}]


@pytest.mark.parametrize(
    ("row", "code", "says"),
    [
        ("9", "HUB-S-241", "1 cells where the header has 2"),
        ("9,a,b", "HUB-S-241", "3 cells where the header has 2"),
        ("9,a\0b", "HUB-S-244", "column 2 申请人 holds a NUL byte"),
        ("\ufeff9,a", "HUB-S-244", "column 1 办件编号 begins with a stray byte order mark"),
        (",a", "HUB-S-242", "the key field number is empty"),
        ("  ,a", "HUB-S-242", "the key field number is empty"),
        ('9,"a"b', "HUB-S-245", "the quotes do not match"),
        ('9,"a', "HUB-S-245", "the quotes do not match"),
    ],
)
def test_a_bad_row_costs_only_itself(tmp_path: Path, row: str, code: str, says: str) -> None:
    desk = Desk(tmp_path)
    desk.put("a.csv", f"{HEAD}1,王\n{row}\n2,李\n\n3,赵\n")
    read = desk.read()
    assert [record.key for record in read.records] == ["1", "2", "3"]
    assert (read.fault.key, read.fault.code) == ("a.csv#line 3", code)
    assert says in read.fault.reason


def test_a_fault_never_shows_the_row(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.put("a.csv", f'{HEAD}621125,"王小明\n')
    assert "王小明" not in desk.read().fault.reason
    assert "621125" not in desk.read().fault.reason


def test_ten_megabytes_in_one_field(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.put("a.csv", f"{HEAD}1,{'x' * 10_000_000}\n2,李\n")
    assert [len(record.data["name"]) for record in desk.read().records] == [10_000_000, 1]


def test_a_line_that_never_ends_is_refused_in_bounded_memory(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    path = desk.put("a.csv", HEAD)
    with path.open("ab") as file:
        file.truncate(len(HEAD.encode()) + 4 * FIELD_LIMIT)
    desk.now += 10**9
    tracemalloc.start()
    read = desk.read()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (read.records, read.fault.code) == ([], "HUB-S-246")
    assert peak < 4 * FIELD_LIMIT


# --- JSON Lines ---


def test_json_lines_keep_their_types(tmp_path: Path) -> None:
    desk = Desk(tmp_path, format="jsonl", columns=None)
    body = {"number": "0621", "count": 3, "big": 12345678901234567890, "list": [{"a": None}], "yes": True}
    desk.put("a.jsonl", json.dumps(body, ensure_ascii=False) + "\n\n" + json.dumps({"number": "2"}))
    assert desk.read().data == [body, {"number": "2"}]


def test_json_fields_are_mapped_and_may_be_absent(tmp_path: Path) -> None:
    desk = Desk(tmp_path, format="jsonl")
    desk.put("a.jsonl", '{"办件编号": "1"}\n{"办件编号": "2", "申请人": "王"}\n')
    assert desk.read().data == [{"number": "1"}, {"number": "2", "name": "王"}]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("{", "HUB-S-245"),
        ("[1]", "HUB-S-245"),
        ('{"办件编号": NaN}', "HUB-S-245"),
        ("[" * 100_000, "HUB-S-245"),
        ('{"办件编号": "9", "备注": 1}', "HUB-S-241"),
        ('{"申请人": "王"}', "HUB-S-242"),
        ('{"办件编号": {}}', "HUB-S-242"),
        ('{"办件编号": "9", "申请人": 1e999}', "HUB-S-245"),
        ('{"办件编号": "9", "申请人": 123456789012345678901234567890}', "HUB-S-247"),
        ('{"办件编号": "9", "申请人": ["\\u0000"]}', "HUB-S-247"),
        ('{"办件编号": "9", "申请人": "\\ud800"}', "HUB-S-247"),
    ],
)
def test_a_bad_json_line_costs_only_itself(tmp_path: Path, line: str, code: str) -> None:
    desk = Desk(tmp_path, format="jsonl")
    desk.put("a.jsonl", f'{{"办件编号": "1"}}\n{line}\n{{"办件编号": "2"}}\n')
    read = desk.read()
    assert [record.key for record in read.records] == ["1", "2"]
    assert (read.fault.key, read.fault.code) == ("a.jsonl#line 2", code)


def test_a_backslash_is_no_nul(tmp_path: Path) -> None:
    desk = Desk(tmp_path, format="jsonl")
    desk.put("a.jsonl", '{"办件编号": "1", "申请人": "\\\\u0000"}\n')
    assert desk.read().data == [{"number": "1", "name": "\\u0000"}]


def test_a_json_line_with_bad_bytes(tmp_path: Path) -> None:
    desk = Desk(tmp_path, format="jsonl")
    desk.put("a.jsonl", b'{"\xff": 1}\n' + '{"办件编号": "2"}'.encode())
    read = desk.read()
    assert [record.key for record in read.records] == ["2"]
    assert "byte 2 of the file" in read.fault.reason


@pytest.mark.parametrize(("layout", "first"), [({}, HEAD), ({"header": 0}, "")])
def test_the_titles_again_are_no_record(tmp_path: Path, layout: dict[str, int], first: str) -> None:
    """Files that were joined, and a file with a header where none is configured."""
    desk = Desk(tmp_path, **layout)
    desk.put("a.csv", first + "1,甲\r\n" + "\ufeff" + HEAD + "2,乙\r\n")
    read = desk.read()
    assert [record.key for record in read.records] == ["1", "2"]
    assert (read.fault.code, "is the header again" in read.fault.reason) == ("HUB-S-241", True)


def test_a_character_lost_before_it_was_sent(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.put("a.csv", HEAD + "1,王\ufffd\r\n2,乙\r\n")
    read = desk.read()
    assert [record.key for record in read.records] == ["2"]
    assert (read.fault.code, "column 2" in read.fault.reason) == ("HUB-S-240", True)


def test_a_list_is_not_of_the_form_of_a_text(tmp_path: Path) -> None:
    columns = {"no": "number", "name": {"field": "name", "matches": "[a-z]+"}}
    desk = Desk(tmp_path, format="jsonl", columns=columns)
    desk.put(
        "a.jsonl",
        '{"no": "1", "name": ["x"]}\n{"no": "2", "name": {"a": 1}}\n{"no": "3", "name": "x"}\n{"no": "4", "name": null}\n',
    )
    read = desk.read()
    assert [record.key for record in read.records] == ["3", "4"]
    assert {fault.code for fault in read.faults} == {"HUB-S-248"}
