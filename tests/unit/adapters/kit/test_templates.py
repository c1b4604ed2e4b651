"""The closed set of placeholders."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from adapters.kit.templates import MESSAGE, MISSING, Compiler, Scope, dumps
from hub.errors import Rejected
from hub.model import Message, Operation

BODY = {"no": "K1", "count": 3, "who": {"name": "王<某>"}, "list": [{"a": 1}, {"a": 2}], "empty": None, "price": "$5"}
SCOPE = Scope(
    Message(1, "accept", "case", "K1", "L1", Operation.UPDATE, BODY, "idem-1", "B1", datetime(2016, 12, 13, 1, 2, 3, tzinfo=UTC)),
    {"items": [1, 2], "token": "t"},
)


def rendered(tree: Any, **options: Any) -> Any:
    compiler = Compiler([*MESSAGE, "items", "token", "page"], seal=lambda content: f"<{len(content)}>")
    return compiler.compile(tree, **options).render(SCOPE)


@pytest.mark.parametrize(
    ("tree", "value"),
    [
        ("$body", BODY),
        ("$body.count", 3),
        ("$body.who.name", "王<某>"),
        ("$body.list.1.a", 2),
        ("$key", "K1"),
        ("$operation", "U"),
        ("$batch/$kind/$lane/$endpoint", "B1/case/L1/accept"),
        ("$idempotency_key", "idem-1"),
        ("$time", "2016-12-13T01:02:03Z"),
        ("$items", [1, 2]),
        ("no $body.no of $body.count", "no K1 of 3"),
        ("$key.xml", "K1.xml"),
        ("$$key costs $$5", "$key costs $5"),
        ("$json(body.who)", '{"name":"王<某>"}'),
        ("x=$json(body.count)", "x=3"),
        ("$xml(body.who)", "<name>王&lt;某&gt;</name>"),
        ("$sealed(body.count)", "<1>"),
        (7, 7),
        (None, None),
        ({"a": ["$key", {"b": "$body.count"}], "c": "text"}, {"a": ["K1", {"b": 3}], "c": "text"}),
        ({"a": "$body.none", "b": "$body.empty", "c": ["$body.none"], "d": "<$body.none>"}, {"c": [], "d": "<>"}),
    ],
)
def test_placeholders(tree: Any, value: Any) -> None:
    assert rendered(tree) == value


def test_inside_xml_values_are_escaped_once() -> None:
    template = "<r><n>$body.who.name</n>$xml(body.who)</r>"
    assert rendered(template, escape_xml=True) == "<r><n>王&lt;某&gt;</n><name>王&lt;某&gt;</name></r>"


def test_values_are_never_read_as_templates() -> None:
    assert rendered("$body.price") == "$5"
    assert rendered("<$body.price>") == "<$5>"


def test_what_is_not_there_is_missing() -> None:
    assert rendered("$body.none") is MISSING
    assert Compiler(["page"]).compile("$page").text(Scope()) is None


def test_a_secret_that_was_filled_in_is_not_quoted() -> None:
    with pytest.raises(ValueError, match="another name") as caught:
        Compiler(["body", "key"]).compile("pa$sword")
    assert "sword" not in str(caught.value)


@pytest.mark.parametrize("text", ["$unknown", "$cursor", "$", "5 $ and", "$json(unknown)", "${NAME}", "$body.a $nope", "$Key"])
def test_unknown_placeholders_are_refused_with_the_known_ones(text: str) -> None:
    with pytest.raises(ValueError, match=r"known|\$\$"):
        Compiler(["body", "key"]).compile({"deep": [text]})


def test_sealing_needs_a_seal() -> None:
    with pytest.raises(ValueError, match="seal"):
        Compiler(["body"]).compile("$sealed(body)")


def test_names_and_constants_are_known() -> None:
    template = Compiler(MESSAGE).compile({"a": "$key", "b": "$json(body)"})
    assert (template.names, template.constant) == ({"key", "body"}, False)
    assert Compiler([]).compile({"a": "b$$"}).constant


@pytest.mark.parametrize("value", [{"a": {1, 2}}, {"a": "\ud800"}, {"a": 2**80}, {1: "a"}])
def test_what_json_cannot_hold_is_refused(value: Any) -> None:
    with pytest.raises(Rejected) as caught:
        dumps(value)
    assert caught.value.code == "HUB-D-132"
