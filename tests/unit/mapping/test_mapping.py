"""What `apply` promises: a body or all issues, whatever the record holds; and a digest that follows what it depends on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.mapping import Mapping
from tests.unit.mapping.building import ENVELOPE, body, issues, loaded, mapping, small, told

CONTRACT = """
type: object
title: 受理
required: [no, when]
additionalProperties: false
x-encoding: gbk
properties:
  no: {type: string, maxLength: 5, title: 编号}
  name: {type: string, x-personal: name}
  sex: {type: string}
  when: {type: string}
  later: {type: string}
  title: {type: string}
  amount: {type: integer}
  free: {}
  list: {type: array, items: {type: object, required: [n], properties: {n: {type: integer}, s: {type: string}}}}
  tags: {type: array, items: {type: string}}
"""
FIELDS = """
no: {path: NO, do: [trim, upper], required: true}
name: {first: [NAME, OTHER.NAME]}
sex: {path: SEX, code: sex, default: 不详}
when: {path: WHEN, do: [datetime]}
later: {path: LATER, do: [trim, datetime], when: {not: {path: SEX, equals: "9"}}}
title: {join: [{const: 关于}, NAME, NO], with: " "}
amount: {path: AMOUNT, do: [int]}
free: FREE
list: {each: LIST, fields: {n: {path: N, do: [int]}, s: /SEX}}
tags: {each: TAGS, value: {path: ., do: [strip-controls, text]}}
"""
CHECKS = """
- {check: order, fields: [when, later]}
- {check: needs, field: name, when: {path: sex, equals: 男}, severity: warn}
"""
TABLE = {"sex": "1,男,\n2,女,\n"}
GOOD = {"NO": " a1 ", "NAME": "张三", "SEX": "1", "WHEN": "13-DEC-16", "LIST": [{"N": "1"}], "TAGS": ["x"]}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Mapping:
    return mapping(tmp_path_factory.mktemp("m"), FIELDS, contract=CONTRACT, checks=CHECKS, codes=TABLE)


def test_a_body(made: Mapping) -> None:
    assert body(made, GOOD) == {
        "no": "A1",
        "name": "张三",
        "sex": "男",
        "when": "2016-12-13 00:00:00",
        "title": "关于 张三  a1 ",
        "list": [{"n": 1, "s": "1"}],
        "tags": ["x"],
    }


def test_all_issues_of_all_kinds_at_once(made: Mapping) -> None:
    record = {**GOOD, "NO": "123456", "NAME": "马䶮", "SEX": "9", "WHEN": "x", "AMOUNT": "1.5", "LIST": [{"N": 1}, {}], "TAGS": "x"}
    assert sorted(told(issues(made, record))) == [
        ("amount", "int"),
        ("list[1].n", "required"),
        ("name", "encoding"),
        ("no", "length"),
        ("sex", "code"),
        ("tags", "type"),
        ("title", "encoding"),
        ("when", "datetime"),  # and not also «required»
    ]


@pytest.mark.parametrize("data", [None, 1, "x", [], b"x"])
def test_a_record_that_is_no_object(made: Mapping, data: Any) -> None:
    assert told(issues(made, data)) == [("", "type")]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["1", "2016-12-13", "A"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["NAME", "N", "x"]), inner, max_size=3),
    max_leaves=8,
)
KEYS = ["NO", "NAME", "OTHER", "SEX", "WHEN", "LATER", "AMOUNT", "FREE", "LIST", "TAGS"]


@given(st.dictionaries(st.sampled_from(KEYS), JSON) | JSON)
def test_any_json_gives_a_json_body_or_issues(made: Mapping, data: Any) -> None:
    result, found = made.apply(data, ENVELOPE)
    if result is None:
        assert any(one.severity == "block" for one in found)
    else:
        orjson.dumps(result)
        assert made.contract.check(result) == []
    for one in found:
        assert one.rule
        assert one.code.startswith("HUB-M-1")
        str(one).encode()


@given(st.sampled_from(KEYS), JSON)
def test_one_bad_field_does_not_hide_the_others(made: Mapping, key: str, value: Any) -> None:
    """The code of SEX is wrong in every record; that must be told whatever else is wrong."""
    _, found = made.apply({**GOOD, key: value, "SEX": "9"}, ENVELOPE)
    assert ("sex", "code") in told(found)


@given(st.text(alphabet="0123456789Xx张王李赵马漳县武阳镇", min_size=13))  # longer than any code that is shown
def test_values_never_show_in_full(made: Mapping, value: str) -> None:
    _, found = made.apply({"NO": value, "NAME": value, "SEX": value, "WHEN": value, "AMOUNT": value, "LIST": value}, ENVELOPE)
    assert all(value not in str(one) and value.upper() not in str(one) for one in found)


def test_a_ten_megabyte_field_is_one_short_issue(made: Mapping) -> None:
    found = issues(made, {**GOOD, "NO": "9" * 10_000_000})
    assert ("no", "length") in told(found)
    assert all(len(str(one)) < 300 for one in found)


def digest(root: Path, **changes: Any) -> str:
    parts = {"fields": "a: {path: X, code: sex}", "contract": "type: object\n", "table": "1,男,男性\n"} | changes
    files = {
        **small(parts["fields"], contract=parts["contract"]),
        "codes/sex.csv": f"local,target,label\n{parts['table']}",
        "codes/other.csv": changes.get("other", "local,target,label\n1,2,\n"),
    }
    return loaded(root, files).mappings["city/it"].digest


def test_the_digest_follows_what_the_mapping_depends_on(tmp_path: Path) -> None:
    base = digest(tmp_path / "base")
    assert digest(tmp_path / "same") == base
    assert digest(tmp_path / "label", table="1,男,改了标签\n") == base
    assert digest(tmp_path / "unused", other="local,target,label\n1,3,\n") == base
    changed = {
        digest(tmp_path / "field", fields="a: {path: Y, code: sex}"),
        digest(tmp_path / "contract", contract="type: object\nproperties: {a: {type: string}}\n"),
        digest(tmp_path / "code", table="1,女,男性\n"),
    }
    assert len(changed) == 3
    assert base not in changed
