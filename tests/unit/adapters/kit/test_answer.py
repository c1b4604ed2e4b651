"""Reading values out of JSON and XML answers."""

from __future__ import annotations

import pytest

from adapters.kit.answer import Answer, decode, xml_root

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


def test_bytes_of_no_charset_are_read_without_failing() -> None:
    assert decode(b"\xff\xfeok", "no-such-charset") == "\ufffd\ufffdok"
    assert Answer(200, {}, b'\xef\xbb\xbf{"a":1}').select("a") == "1"
    assert Answer(200, {}, b"\xff not json").select("a") is None


def test_a_doctype_is_refused() -> None:
    bomb = b'<!DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><r>&b;</r>'
    assert xml_root(bomb) is None
    assert Answer(200, {}, bomb).select("/r") is None


def test_a_custom_select_and_a_quiet_repr() -> None:
    answer = Answer(200, {}, "secret", select=lambda path: path.upper())
    assert answer.select("a") == "A"
    assert "secret" not in repr(answer)
