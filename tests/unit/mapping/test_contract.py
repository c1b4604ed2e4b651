"""What a contract finds: every rule with its path, all at once, bytes and encoding included, and no value unmasked."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.documents import parse
from hub.mapping import Contract, Issue

ACCEPT = Contract(
    "accept",
    parse(
        """
title: 办件受理
type: object
required: [no, name]
additionalProperties: false
x-encoding: gbk
properties:
  no: {type: string, title: 办件编号, minLength: 1, maxLength: 5, pattern: '^[0-9A-Z]*$'}
  name: {type: string, title: 申请人, x-personal: name, x-max-bytes: 8}
  kind: {type: string, enum: ["1", "2"]}
  amount: {type: number, minimum: 0, maximum: 100}
  day: {type: string, format: date}
  free: {title: 备注}
  remark: {type: string, x-encoding: utf-8, x-max-bytes: 6}
  materials:
    type: array
    maxItems: 2
    items: {$ref: '#/$defs/material'}
$defs:
  material:
    type: object
    required: [name]
    properties:
      name: {type: string, title: 材料名称, maxLength: 4, x-max-bytes: 6}
      holder: {type: object, x-personal: name, properties: {first: {type: string, maxLength: 2}}}
""",
        "accept.yaml",
    ).data,
)
GOOD = {"no": "A1", "name": "马喆·堃"[:4], "kind": "1", "amount": 1.5, "day": "2016-12-13", "materials": [{"name": "申请"}]}


def found(**changes: Any) -> list[Issue]:
    return ACCEPT.check({**GOOD, **changes})


def test_good() -> None:
    assert found() == []


@pytest.mark.parametrize(
    ("changes", "path", "rule", "code"),
    [
        ({"no": ""}, "no", "length", "HUB-M-103"),
        ({"no": "123456"}, "no", "length", "HUB-M-103"),
        ({"no": "a"}, "no", "pattern", "HUB-M-107"),
        ({"no": 7}, "no", "type", "HUB-M-102"),
        ({"no": None}, "no", "type", "HUB-M-102"),
        ({"name": "马龙马龙马"}, "name", "bytes", "HUB-M-104"),
        ({"name": "马䶮"}, "name", "encoding", "HUB-M-105"),
        ({"kind": "3"}, "kind", "enum", "HUB-M-106"),
        ({"amount": 101}, "amount", "range", "HUB-M-109"),
        ({"amount": float("nan")}, "amount", "type", "HUB-M-102"),
        ({"day": "13.12.2016"}, "day", "format", "HUB-M-108"),
        ({"free": dt.datetime(2016, 12, 13)}, "free", "type", "HUB-M-102"),
        ({"free": "䶮"}, "free", "encoding", "HUB-M-105"),
        ({"free": {"deep": ["䶮"]}}, "free.deep[0]", "encoding", "HUB-M-105"),
        ({"free": b"x"}, "free", "type", "HUB-M-102"),
        ({"free": 10**30}, "free", "range", "HUB-M-109"),
        ({"remark": "三个字"}, "remark", "bytes", "HUB-M-104"),
        ({"other": 1}, "other", "unknown", "HUB-M-110"),
        ({"materials": [{"name": "a"}] * 3}, "materials", "length", "HUB-M-103"),
        ({"materials": [{"name": "a"}, {}]}, "materials[1].name", "required", "HUB-M-101"),
        ({"materials": [{"name": "a"}, {"name": "申请材料"}]}, "materials[1].name", "bytes", "HUB-M-104"),
        ({"materials": [{"name": "a", "holder": {"first": "𬎆"}}]}, "materials[0].holder.first", "encoding", "HUB-M-105"),
    ],
)
def test_one_thing_wrong(changes: dict[str, Any], path: str, rule: str, code: str) -> None:
    assert [(one.path, one.rule, one.code) for one in found(**changes)] == [(path, rule, code)]


def test_everything_wrong_is_told_at_once() -> None:
    made = ACCEPT.check({"name": "马䶮马马马马", "kind": "9", "materials": [{"name": "12345"}, 7]})
    assert sorted((one.path, one.rule) for one in made) == [
        ("kind", "enum"),
        ("materials[0].name", "length"),
        ("materials[1]", "type"),
        ("name", "bytes"),
        ("name", "encoding"),
        ("no", "required"),
    ]


def test_a_character_is_named_never_shown() -> None:
    [one] = found(name="马䶮")
    assert "U+4DAE" in one.message
    assert "䶮" not in f"{one.message}{one.value}"
    assert (one.title, one.value) == ("申请人", "马**")


def test_a_field_inside_something_personal_is_personal() -> None:
    [one] = found(materials=[{"name": "a", "holder": {"first": "王小明"}}])
    assert (one.path, one.value) == ("materials[0].holder.first", "王**")


def test_no_message_quotes_a_value() -> None:
    for changes in ({"no": "张三丰张三丰"}, {"kind": "张三丰"}, {"day": "张三丰"}, {"no": "张三丰"}, {"amount": "张三丰"}):
        assert all("张三丰" not in one.message for one in found(**changes))
        assert all("张三丰" not in one.value for one in found(**changes) if one.rule != "enum")


@pytest.mark.parametrize("data", [None, 1, "x", [], [1]])
def test_what_is_no_object_is_an_issue(data: Any) -> None:
    assert [one.rule for one in ACCEPT.check(data)] == ["type"]


def test_nesting_is_bounded() -> None:
    deep: Any = {}
    for _ in range(5000):
        deep = {"a": deep}
    assert [one.rule for one in found(free=deep, kind="9")] == ["type", "enum"]


def test_ten_megabytes_make_a_short_issue() -> None:
    [one] = found(no="9" * 10_000_000)
    assert len(str(one)) < 200
    made = found(name="䶮" * 5_000_000)
    assert [one.rule for one in made] == ["encoding", "bytes"]
    assert all(len(str(one)) < 300 for one in made)


def test_issues_are_bounded_in_number() -> None:
    assert len(ACCEPT.check({f"x{number}": 1 for number in range(5000)})) == 200


@pytest.mark.parametrize(
    ("encoding", "text", "fits"),
    [("gb2312", "喆", False), ("gbk", "喆", True), ("gb18030", "䶮", True), ("gb18030", "\ue81e", False), ("utf-8", "𬎆", True)],
)
def test_declared_encodings(encoding: str, text: str, fits: bool) -> None:
    contract = Contract("c", {"type": "object", "x-encoding": encoding, "properties": {"a": {"type": "string"}}})
    assert (contract.check({"a": text}) == []) is fits


def test_a_field_may_have_its_own_encoding() -> None:
    contract = Contract(
        "c", {"type": "object", "properties": {"a": {"type": "string", "x-encoding": "gb2312"}, "b": {"type": "string"}}}
    )
    assert [one.path for one in contract.check({"a": "喆", "b": "喆"})] == ["a"]
    wider = Contract("c", {"type": "object", "x-encoding": "gbk", "properties": {"a": {"type": "string", "x-encoding": "utf-8"}}})
    assert wider.check({"a": "䶮"}) == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*GOOD, "free", "remark", "zz"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(JSON)
def test_never_raises_and_agrees_with_itself(data: Any) -> None:
    made = ACCEPT.check(data)
    assert made == ACCEPT.check(data)
    assert len({(one.path, one.rule, one.message) for one in made}) == len(made)


@given(st.dictionaries(st.sampled_from(["no", "name", "kind", "day", "free", "remark"]), st.text(), min_size=1))
def test_the_fast_path_lets_nothing_through(data: dict[str, str]) -> None:
    """Whatever is passed must be encodable and short enough, looked at field by field."""
    if ACCEPT.check({**GOOD, **data}) == []:
        for name, value in data.items():
            value.encode("utf-8" if name == "remark" else "gbk")
        assert len(data.get("name", "").encode("gbk")) <= 8
        assert len(data.get("remark", "").encode()) <= 6
