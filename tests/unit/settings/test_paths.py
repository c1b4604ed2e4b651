"""Keys read out of records, and paths known to source schemas."""

from __future__ import annotations

from typing import Any

import pytest

from hub.mapping import Contract
from hub.mapping.conditions import Condition
from hub.settings import paths
from hub.settings.schema import Edge


@pytest.mark.parametrize(
    ("path", "data", "expected"),
    [
        ("a", {"a": "x"}, "x"),
        ("a", {"a": 7}, "7"),
        ("a", {"a": ""}, None),
        ("a", {"a": None}, None),
        ("a", {}, None),
        ("a", {"a": {"b": 1}}, None),
        ("a", {"a": ["x"]}, None),
        ("a.b", {"a": {"b": "x"}}, "x"),
        ("a.b", {"a": "x"}, None),
        ("a.b", {}, None),
    ],
)
def test_a_key_is_text_or_nothing(path: str, data: dict[str, Any], expected: str | None) -> None:
    assert paths.reader(path)(data) == expected


SCHEMA = Contract(
    "x",
    {
        "type": "object",
        "properties": {"a": {"type": "string"}, "o": {"type": "object"}, "p": {"properties": {"q": {"type": "string"}}}},
    },
)


@pytest.mark.parametrize(
    ("path", "known"), [("a", True), ("b", False), ("o.any", True), ("p.q", True), ("p.r", False), ("b.c", False), ("/a", True)]
)
def test_a_path_is_known_to_a_schema(path: str, known: bool) -> None:
    assert paths.known(path, SCHEMA) is known


def test_a_schema_without_properties_knows_everything() -> None:
    assert paths.known("anything", Contract("x", {"type": "object"}))


class Holder(Edge):
    when: Condition


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ({"path": "a", "equals": "1"}, ["a"]),
        (
            [{"path": "a", "present": True}, {"any": [{"path": "b", "in": ["1"]}, {"not": {"path": "c.d", "starts": "x"}}]}],
            ["a", "b", "c.d"],
        ),
    ],
)
def test_the_paths_of_a_condition(when: Any, expected: list[str]) -> None:
    assert list(paths.of_condition(Holder.model_validate({"when": when}).when)) == expected
