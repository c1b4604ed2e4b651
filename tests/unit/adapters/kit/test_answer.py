"""Reading values out of JSON and XML answers."""

from __future__ import annotations

import pytest

from adapters.kit.answer import Answer, decode, xml_tree

JSON = Answer(200, {}, '{"code":200,"ok":true,"data":{"list":[{"id":"甲"},{"id":"乙"}],"a/b":1,"none":null},"f":1.5}')
XML = Answer(200, {}, "<R xmlns:o='urn:x'><STATUS>200</STATUS><o:row no='7'>值</o:row><E/></R>")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("/code", "200"),
        ("code", "200"),
        ("ok", "true"),
        ("f", "1.5"),
        ("/data/list/1/id", "乙"),
        ("data.list.0.id", "甲"),
        ("/data/a~1b", "1"),
        ("/data/none", None),
        ("/data/list/9/id", None),
        ("/code/x", None),
        ("/data/list/x", None),
    ],
)
def test_json_paths(path: str, value: str | None) -> None:
    assert JSON.select(path) == value


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("/R/STATUS", "200"),
        ("//o:row", "值"),
        ("//o:row/@no", "7"),
        ("count(//E)", "1"),
        ("1 div 2", "0.5"),
        ("//none", None),
        ("//[", None),
    ],
)
def test_xpaths(path: str, value: str | None) -> None:
    assert XML.select(path) == value


def test_a_declared_gbk_is_read_as_gb18030() -> None:
    text = "<?xml version='1.0' encoding='GBK'?><R><M>䶮</M></R>"
    assert Answer(200, {}, text.encode("gb18030")).select("//M") == "䶮"
    headers = {"content-type": 'application/json; charset="GB2312"'}
    assert Answer(200, headers, '{"m":"镕"}'.encode("gb18030")).select("m") == "镕"


@pytest.mark.parametrize("declared", ["GBK", "gb2312", "UTF-8"])
def test_what_is_plainly_utf8_is_read_so_whatever_it_declares(declared: str) -> None:
    xml = f"\r\n<?xml version='1.0' encoding='{declared}'?><R><M>张三</M></R>"
    for answer in (Answer(200, {}, xml.encode()), Answer(200, {}, xml)):
        assert (answer.select("//M"), "张三" in answer.text) == ("张三", True)
    headers = {"content-type": f"text/xml; charset={declared}"}
    assert Answer(200, headers, "<R><M>张三</M></R>".encode()).select("//M") == "张三"
    assert Answer(200, headers, '{"m":"张三"}'.encode()).text == '{"m":"张三"}'


def test_the_charset_of_xml_is_the_one_it_declares_in_rules_about_text_too() -> None:
    answer = Answer(
        200, {"content-type": "text/xml; charset=utf-8"}, "<?xml version='1.0' encoding='GBK'?><R>已受理</R>".encode("gbk")
    )
    assert "已受理" in answer.text
    assert answer.select("/R") == "已受理"


@pytest.mark.parametrize("name", ["no-such-charset", "undefined", "punycode", "rot13"])
def test_bytes_of_no_charset_are_read_without_failing(name: str) -> None:
    assert decode(b"\xff\xfeok", name) == "\ufffd\ufffdok"
    assert Answer(200, {"content-type": f"text/plain; charset={name}"}, b"{x").text == "{x"
    assert Answer(200, {}, f"<?xml version='1.0' encoding='{name}'?><R>1</R>".encode()).select("/R") == "1"


def test_json_in_whatever_bytes() -> None:
    assert Answer(200, {}, b'\xef\xbb\xbf{"a":1}').select("a") == "1"
    assert Answer(200, {}, b"\xff not json").select("a") is None


def test_a_doctype_is_refused() -> None:
    bomb = b'<!-- x --><!DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><r>&b;</r>'
    assert xml_tree(Answer(200, {}, bomb)) is None
    assert Answer(200, {}, bomb).select("/r") is None


def test_a_custom_select_and_a_quiet_repr() -> None:
    answer = Answer(200, {}, "secret", select=lambda path: path.upper())
    assert answer.select("a") == "A"
    assert "secret" not in repr(answer)
