"""XML templates: elements, attributes, rows, lists, namespaces, and what they refuse."""

from __future__ import annotations

import base64
import gzip
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from pydantic import ValidationError

from adapters.kit.templates import Scope
from adapters.kit.xmlnode import Document, Node
from adapters.kit.xmltemplate import Template, Writer
from adapters.soap.placeholders import OF_MESSAGE
from hub.errors import Failure, Misconfigured, Rejected
from hub.model import Message, Operation

NAMES = {"in": "urn:in"}


def scope(body: dict[str, Any] | None = None, **values: Any) -> Scope:
    message = Message(1, "e", "case", "K1", "L1", Operation.INSERT, body or {}, "i", "B1", datetime(2016, 12, 13, tzinfo=UTC))
    return Scope(message, values)


def written(
    node: dict[str, Any], body: dict[str, Any] | None = None, charset: str = "utf-8", url: bool = False, **values: Any
) -> str:
    template = Template(Node.model_validate(node), NAMES, OF_MESSAGE)
    return str(etree.tostring(template.build(scope(body, **values), Writer(charset, url)), encoding="unicode"))


CASES: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"element": "a", "text": "$body.x"}, {"x": "喆<&"}, "<a>喆&lt;&amp;</a>"),
    ({"element": "a", "text": "$$x"}, {}, "<a>$x</a>"),
    ({"element": "a", "text": "第$key号"}, {}, "<a>第K1号</a>"),
    ({"element": "a", "text": "$body.x"}, {}, "<a></a>"),
    ({"element": "a", "text": "$body.x"}, {"x": True}, "<a>true</a>"),
    ({"element": "a", "text": "$body.x"}, {"x": 1.5}, "<a>1.5</a>"),
    ({"element": "a", "text": "$operation"}, {}, "<a>I</a>"),
    ({"element": "a", "attributes": {"k": "$body.x", "n": 1}}, {"x": '"'}, '<a k="&quot;" n="1"/>'),
    ({"element": "a", "attributes": "$body"}, {"x": "1", "y": None}, '<a x="1" y=""/>'),
    ({"element": "in:a"}, {}, '<in:a xmlns:in="urn:in"/>'),
    ({"element": "a", "namespaces": {"": "userInfo"}, "children": [{"element": "b"}]}, {}, '<a xmlns="userInfo"><b/></a>'),
    ({"element": "a", "namespaces": {"": "u"}, "fields": "$body"}, {"x": "1"}, '<a xmlns="u"><x>1</x></a>'),
    (
        {"element": "a", "attributes": {"xsi:type": "T"}},
        {},
        '<a xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="T"/>',
    ),
    ({"element": "a", "children": [{"element": "p", "rows": "$body"}]}, {"k": "v", "l": "w"}, '<a><p k="v"/><p l="w"/></a>'),
    (
        {"element": "a", "children": [{"element": "p", "rows": "$body", "order": ["l"]}]},
        {"k": "v", "l": "w"},
        '<a><p l="w"/><p k="v"/></a>',
    ),
    ({"element": "a", "fields": "$body", "order": ["y", "q"]}, {"x": "1", "y": "2"}, "<a><y>2</y><x>1</x></a>"),
    ({"element": "a", "fields": "$body"}, {"x": ["1", "2"], "y": {"z": "3"}}, "<a><x>1</x><x>2</x><y><z>3</z></y></a>"),
    (
        {"element": "a", "children": [{"element": "m", "each": "$body.ms", "attributes": {"n": "$item.n"}}]},
        {"ms": [{"n": "1"}, {"n": "2"}]},
        '<a><m n="1"/><m n="2"/></a>',
    ),
    ({"element": "a", "children": [{"element": "m", "each": "$body.ms", "text": "$item"}]}, {"ms": ["x"]}, "<a><m>x</m></a>"),
    ({"element": "a", "children": [{"element": "m", "each": "$body.ms"}]}, {}, "<a/>"),
    ({"element": "a", "children": [{"element": "b", "text": "$body.x", "optional": True}]}, {"x": ""}, "<a/>"),
    ({"element": "a", "children": [{"element": "b", "text": "$body.x", "optional": True}]}, {"x": "1"}, "<a><b>1</b></a>"),
    ({"element": "a", "cdata": True, "text": "$body.x"}, {"x": "<b/>"}, "<a><![CDATA[<b/>]]></a>"),
    ({"element": "a", "cdata": True, "text": "$body.x"}, {"x": "1]]>2"}, "<a><![CDATA[1]]]]><![CDATA[>2]]></a>"),
]


@pytest.mark.parametrize(("node", "body", "expected"), CASES)
def test_templates(node: dict[str, Any], body: dict[str, Any], expected: str) -> None:
    assert written(node, body) == expected


def test_values_are_url_encoded_as_utf_8() -> None:
    assert (
        written({"element": "a", "text": "$body.x"}, {"x": "甘J·𬎆 +"}, "gbk", url=True)
        == "<a>%E7%94%98J%C2%B7%F0%AC%8E%86%20%2B</a>"
    )


def test_secrets_and_items_take_paths() -> None:
    node = {"element": "a", "attributes": {"pwd": "$secret.pwd"}, "text": "$token"}
    assert written(node, secret={"pwd": "x&y"}, token="T") == '<a pwd="x&amp;y">T</a>'


@given(st.text(st.characters(min_codepoint=32, exclude_categories=("Cs",), exclude_characters="\ufffe\uffff")))
def test_any_text_survives(text: str) -> None:
    for node in ({"element": "a", "text": "$body.x"}, {"element": "a", "text": "$body.x", "cdata": True}):
        assert (etree.fromstring(written(node, {"x": text})).text or "") == text
    assert etree.fromstring(written({"element": "a", "attributes": {"k": "$body.x"}}, {"x": text})).get("k") == text


REFUSED: list[tuple[dict[str, Any], dict[str, Any], type[Failure], str, str]] = [
    ({"element": "a", "text": "$body.x"}, {"x": "𬎆"}, Rejected, "HUB-D-130", "$body.x"),
    ({"element": "a", "attributes": {"k": "$body.x"}}, {"x": "\x00"}, Rejected, "HUB-D-131", "$body.x"),
    ({"element": "a", "children": [{"element": "p", "rows": "$body"}]}, {"aac003": "䶮"}, Rejected, "HUB-D-130", "aac003"),
    ({"element": "a", "fields": "$body"}, {"n": {"deep": "䶮"}}, Rejected, "HUB-D-130", "deep"),
    ({"element": "a", "text": "$body.x"}, {"x": {"y": 1}}, Misconfigured, "HUB-D-204", "$body.x"),
    ({"element": "a", "text": "$body.x"}, {"x": [1]}, Misconfigured, "HUB-D-204", "$body.x"),
    ({"element": "a", "fields": "$body.x"}, {"x": "1"}, Misconfigured, "HUB-D-204", "a"),
    ({"element": "a", "fields": "$body"}, {"1 x": "1"}, Rejected, "HUB-D-132", "1 x"),
    ({"element": "a", "attributes": "$body"}, {"<x": "1"}, Rejected, "HUB-D-132", "<x"),
]


@pytest.mark.parametrize(("node", "body", "kind", "code", "where"), REFUSED)
def test_what_cannot_be_written(node: dict[str, Any], body: dict[str, Any], kind: type[Failure], code: str, where: str) -> None:
    with pytest.raises(kind) as caught:
        written(node, body, "gbk")
    assert caught.value.code == code
    assert where in caught.value.message


@pytest.mark.parametrize(
    ("node", "words"),
    [
        ({"element": "a", "text": "$bdy.x"}, r"\$bdy is not known here"),
        ({"element": "x:a"}, "prefix 'x' is not in namespaces"),
        ({"element": "a b"}, "no XML name"),
        ({"element": "a", "attributes": {"x:k": "1"}}, "prefix 'x'"),
        ({"element": "a", "children": [{"element": "b", "each": "$cursor"}]}, r"\$cursor is not known here"),
        ({"element": "a", "rows": "$body"}, "the outermost must be one"),
    ],
)
def test_what_is_refused_when_loading(node: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Template(Node.model_validate(node), NAMES, OF_MESSAGE)


def test_a_template_is_built_anew_each_time() -> None:
    template = Template(Node.model_validate({"element": "a", "fields": "$body"}), NAMES, OF_MESSAGE)
    first, second = (template.build(scope({"x": value}), Writer("utf-8")) for value in ("1", "2"))
    assert (first.findtext("x"), second.findtext("x")) == ("1", "2")


# --- documents inside documents ---


def nested(text: str, *, cdata: bool = True, charset: str = "utf-8", **settings: Any) -> str:
    """Write `text` as a field of a document inside an element, and return what stands in that element."""
    document = {"xml": {"element": "t", "namespaces": {"": "urn:t"}, "fields": "$body"}, **settings}
    whole = written({"element": "b", "cdata": cdata, "document": document}, {"x": text}, charset)
    return str(etree.fromstring(whole).text)


@pytest.mark.parametrize("cdata", [True, False])
@pytest.mark.parametrize("text", ["喆 䶮", "a]]>b", "<![CDATA[x]]>", "&lt;", "<x/>", "?>", "\n 甲\t"])
def test_free_text_survives_in_a_nested_document(text: str, cdata: bool) -> None:
    inside = nested(text, cdata=cdata)
    assert inside.startswith('<?xml version="1.0" encoding="UTF-8"?><t xmlns="urn:t">')
    assert etree.fromstring(inside.partition("?>")[2])[0].text == text


def test_cdata_in_cdata_in_cdata() -> None:
    innermost = {"element": "c", "cdata": True, "text": "$body.x"}
    middle = {"element": "b", "cdata": True, "document": {"xml": innermost, "declare": False}}
    outer = {"element": "a", "cdata": True, "document": {"xml": middle, "declare": False}}
    text: str | None = written(outer, {"x": "1]]>2"})
    assert text is not None and text.startswith("<a><![CDATA[<b><![CDATA[<c><![CDATA[1]]")
    for _ in range(3):
        text = etree.fromstring(text or "").text
    assert text == "1]]>2"


def test_the_outer_namespaces_end_at_the_nested_document() -> None:
    node = {
        "element": "b",
        "namespaces": {"": "urn:o"},
        "document": {"xml": {"element": "t"}, "declare": False},
    }
    assert written(node) == '<b xmlns="urn:o">&lt;t/&gt;</b>'


@pytest.mark.parametrize(("charset", "own"), [("gbk", "utf-8"), ("utf-8", "gbk"), ("gb18030", "gbk")])
def test_both_encodings_bind_the_values_of_a_nested_document(charset: str, own: str) -> None:
    assert "堃" in nested("堃", charset=charset, encoding=own)
    with pytest.raises(Rejected, match=r"HUB-D-130 character U\+4DAE in x cannot be written in gbk"):
        nested("䶮", charset=charset, encoding=own)


@pytest.mark.parametrize("pack", [["base64"], ["gzip", "base64"]])
def test_a_packed_document_travels_as_bytes_of_its_own_encoding(pack: list[str]) -> None:
    text = nested("䶮]]>", charset="gbk", encoding="gb18030", pack=pack)
    content = base64.b64decode(text, validate=True)
    plain = gzip.decompress(content) if "gzip" in pack else content
    assert plain.decode("gb18030") == '<?xml version="1.0" encoding="GB18030"?><t xmlns="urn:t"><x>䶮]]&gt;</x></t>'
    assert nested("䶮]]>", charset="gbk", encoding="gb18030", pack=pack) == text, "equal messages, equal bytes"
    with pytest.raises(Rejected, match=r"U\+4DAE in x cannot be written in gbk"):
        nested("䶮", encoding="gbk", pack=pack)


@pytest.mark.parametrize(
    "more", [{"text": "x"}, {"fields": "$body"}, {"rows": "$body"}, {"children": [{"element": "c"}]}, {"optional": True}]
)
def test_a_document_is_all_that_stands_in_its_element(more: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="document: is all that stands in an element"):
        Node.model_validate({"element": "b", "document": {"xml": {"element": "t"}}, **more})


@pytest.mark.parametrize("pack", [["gzip"], ["base64", "gzip"], ["base64", "base64"]])
def test_a_nested_document_ends_as_text(pack: list[str]) -> None:
    with pytest.raises(ValueError, match=r"pack: is \[base64\] or \[gzip, base64\]"):
        Node.model_validate({"element": "b", "document": {"xml": {"element": "t"}, "pack": pack}})


def test_a_placeholder_nobody_knows_is_found_inside_too() -> None:
    with pytest.raises(ValueError, match="not known here"):
        written({"element": "b", "document": {"xml": {"element": "t", "text": "$bodi"}}})


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"xml": []}, "at least 1 item"),
        ({"xml": [{"element": "a"}], "declare": "GBK"}, "has no XML declaration"),
        ({"xml": [{"element": "a", "elemnt": "b"}]}, "elemnt"),
    ],
)
def test_documents_that_cannot_be_meant(document: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Document.model_validate(document)


@pytest.mark.parametrize(
    ("document", "declared"),
    [
        ({"xml": {"element": "a"}, "encoding": "gbk"}, "GBK"),
        ({"xml": {"element": "a"}, "encoding": "gbk", "declare": "GB2312"}, "GB2312"),
        ({"xml": {"element": "a"}, "declare": False}, ""),
        ({"xml": [{"element": "a"}]}, ""),
        ({"xml": [{"element": "a"}], "declare": False}, ""),
    ],
)
def test_what_a_document_declares(document: dict[str, Any], declared: str) -> None:
    assert Document.model_validate(document).declared == declared
