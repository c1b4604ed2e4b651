"""XML templates: elements, attributes, rows, lists, namespaces, and what they refuse."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from adapters.kit.templates import Scope
from adapters.kit.xmlnode import Node
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
