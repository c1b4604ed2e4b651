"""XML files: hostile ones, broken ones, and the encodings they claim."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest

from tests.unit.adapters.files.inbox import Desk

ROW = "<row><办件编号>{0}</办件编号><申请人>{1}</申请人></row>"


def document(*rows: str, head: str = "") -> str:
    return f"{head}<rows>{''.join(rows)}</rows>"


def test_rows_are_elements(tmp_path: Path) -> None:
    desk = Desk(tmp_path, format="xml")
    desk.put("a.xml", document(ROW.format("01", "王&amp;<![CDATA[<小>]]>明"), ROW.format("02", "")))
    assert desk.read().data == [{"number": "01", "name": "王&<小>明"}, {"number": "02", "name": ""}]


def test_rows_are_attributes_in_a_namespace(tmp_path: Path) -> None:
    desk = Desk(tmp_path, format="xml", xml={"row": "案", "style": "attributes"})
    desk.put("a.xml", '<x:a xmlns:x="urn:x"><x:b><x:案 办件编号="1" 申请人="王"/></x:b><x:案 办件编号="2"/></x:a>')
    assert desk.read().data == [{"number": "1", "name": "王"}, {"number": "2"}]


@pytest.mark.parametrize("says", ["GB2312", "gbk", "GB18030"])
def test_a_chinese_encoding_by_any_of_its_names(tmp_path: Path, says: str) -> None:
    desk = Desk(tmp_path, format="xml", encoding="gbk")
    text = document(ROW.format("1", "喆堃䶮𬎆·"), head=f"<?xml version='1.0' encoding='{says}'?>\n<!-- 甲 -->")
    desk.put("a.xml", text.encode("gb18030"))
    assert desk.read().data == [{"number": "1", "name": "喆堃䶮𬎆·"}]


@pytest.mark.parametrize(
    ("content", "code", "says"),
    [
        (document(ROW.format("1", "a"), ROW.format("2", "b"))[:-9], "HUB-S-222", "line 1"),
        (document(ROW.format("1", "a"), "<row>"), "HUB-S-222", "not well-formed"),
        ("", "HUB-S-222", "no root element"),
        ("办件编号,申请人\n1,a\n", "HUB-S-222", "no root element"),
        (document(head="<?xml version='1.0' encoding='gbk'?>"), "HUB-S-220", "declares the encoding gbk, but utf-8 is configured"),
        (document(ROW.format("1", "a"), head='<!DOCTYPE rows SYSTEM "http://127.0.0.1:9/x.dtd">'), "HUB-S-223", "DTD"),
        (
            document(ROW.format("1", "&x;"), head='\n<!-- x -->\n<!DOCTYPE rows [<!ENTITY x SYSTEM "file:///etc/passwd">]>'),
            "HUB-S-223",
            "DTD",
        ),
        (document(ROW.format("1", "\x01")), "HUB-S-222", "not well-formed"),
        (document(ROW.format("1", "a")).replace("row>", "Row>"), "HUB-S-222", "has no element row, and is not empty"),
        ("<html><body>登录</body></html>", "HUB-S-222", "has no element row, and is not empty"),
        ("<rows>无</rows>", "HUB-S-222", "has no element row, and is not empty"),
    ],
)
def test_nothing_is_taken_of_a_broken_file(tmp_path: Path, content: str, code: str, says: str) -> None:
    desk = Desk(tmp_path, format="xml")
    desk.put("a.xml", content)
    read = desk.read()
    assert read.records == []
    assert (read.fault.key, read.fault.code) == ("a.xml", code)
    assert says in read.fault.reason


def test_a_bomb_of_entities_is_refused_before_it_is_parsed(tmp_path: Path) -> None:
    lol = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
    desk = Desk(tmp_path, format="xml")
    desk.put("a.xml", document(ROW.format("1", "&l11;"), head=f'<!DOCTYPE rows [<!ENTITY l0 "lol">{lol}]>'))
    assert desk.read().fault.code == "HUB-S-223"


def test_a_dtd_behind_a_prolog_that_is_too_long_is_not_read_either(tmp_path: Path) -> None:
    desk = Desk(tmp_path, format="xml")
    prolog = f'<!-- {"x" * (1 << 16)} --><!DOCTYPE rows [<!ENTITY x "lol">]>'
    desk.put("a.xml", document(ROW.format("1", "&x;"), head=prolog))
    read = desk.read()
    assert read.records == []
    assert (read.fault.key, read.fault.code) == ("a.xml", "HUB-S-222")


@pytest.mark.parametrize(
    ("row", "code", "says"),
    [
        ("<row><办件编号>9</办件编号><备注/></row>", "HUB-S-241", "unexpected field '备注'"),
        ("<row><办件编号>9</办件编号><办件编号>9</办件编号></row>", "HUB-S-241", "stands twice"),
        ("<row><办件编号><b>9</b></办件编号></row>", "HUB-S-241", "has elements inside"),
        ("<row/>", "HUB-S-242", "the key field number is empty"),
        ("<row>lost<办件编号>9</办件编号></row>", "HUB-S-241", "has text of its own"),
        ("<row><办件编号>9</办件编号>lost</row>", "HUB-S-241", "has text of its own"),
    ],
)
def test_a_bad_row_costs_only_itself(tmp_path: Path, row: str, code: str, says: str) -> None:
    desk = Desk(tmp_path, format="xml")
    desk.put("a.xml", document(ROW.format("1", "a"), row, ROW.format("2", "b")))
    read = desk.read()
    assert [record.key for record in read.records] == ["1", "2"]
    assert (read.fault.key, read.fault.code) == ("a.xml#row 2", code)
    assert says in read.fault.reason


def test_bytes_of_another_encoding_cost_their_row(tmp_path: Path) -> None:
    desk = Desk(tmp_path, format="xml")
    bad = ROW.format("2", "@").encode().replace(b"@", "李".encode("gbk"))
    desk.put("a.xml", b"<rows>" + ROW.format("1", "a").encode() + bad + ROW.format("3", "b").encode() + b"</rows>")
    read = desk.read()
    assert [record.key for record in read.records] == ["1", "3"]
    assert (read.fault.key, read.fault.code) == ("a.xml#row 2", "HUB-S-240")


def test_ten_megabytes_in_one_field(tmp_path: Path) -> None:
    desk = Desk(tmp_path, format="xml")
    desk.put("a.xml", document(ROW.format("1", "x" * 12_000_000)))
    assert len(desk.read().records[0].data["name"]) == 12_000_000


def test_many_rows_in_little_memory(tmp_path: Path) -> None:
    desk = Desk(tmp_path, format="xml")
    desk.put("a.xml", document(*(ROW.format(n, "漳县" * 50) for n in range(20_000))))
    tracemalloc.start()
    count = sum(len(page.records) for page in desk.inbox.read(None))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 20_000
    assert peak < 8 << 20


@pytest.mark.parametrize("content", ["<rows/>", "<rows>\n</rows>", "<?xml version='1.0'?><!-- x --><rows><!-- x --></rows>"])
def test_an_empty_document_has_no_rows(tmp_path: Path, content: str) -> None:
    desk = Desk(tmp_path, format="xml")
    desk.put("a.xml", content)
    read = desk.read()
    assert (read.records, read.faults) == ([], [])


def test_comments_are_no_part_of_a_field(tmp_path: Path) -> None:
    desk = Desk(tmp_path, format="xml")
    desk.put("a.xml", document(ROW.format("1<!-- x -->2", "a<?x y?>b")))
    assert desk.read().data == [{"number": "12", "name": "ab"}]


def test_what_is_no_row_takes_no_memory(tmp_path: Path) -> None:
    """lxml's trees are not Python's memory: the resident set is looked at, in a process of its own."""
    desk = Desk(tmp_path, format="xml")
    other = "<other><a>1</a></other>" * 400_000
    path = desk.put("a.xml", document(other, ROW.format("1", "a")))
    script = (
        "import resource, sys; from adapters.files.options import Layout; from adapters.files.read_xml import read_xml\n"
        "layout = Layout(key=('n',)); before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "rows = len(list(read_xml(open(sys.argv[1], 'rb'), layout)))\n"
        "print(rows, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    told = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True).stdout.split()
    assert int(told[0]) == 1
    assert int(told[1]) < 64 << 10, "kilobytes more than before"
