"""The whole vocabulary of the mapping language, through YAML, compiled code and a body."""

from __future__ import annotations

import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hub.mapping import transforming
from hub.mapping.transforming import transform
from tests.unit.mapping.building import ENVELOPE, body, issues, loaded, mapping, small, told

TABLE = {"sex": "1,男,\n2,女,\n", "number": "一,1,\n"}

#: fields, record, body
MADE: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("a: X", {"X": "1"}, {"a": "1"}),
    ("a: X", {"X": 0}, {"a": 0}),
    ("a: X", {"X": False}, {"a": False}),
    ("a: X", {"X": [1, {"b": 2}]}, {"a": [1, {"b": 2}]}),
    ("a: X", {"X": ""}, {}),
    ("a: X", {"X": None}, {}),
    ("a: X", {}, {}),
    ("a: X.Y.Z", {"X": {"Y": {"Z": 1}}}, {"a": 1}),
    ("a: X.Y.Z", {"X": {"Y": "text"}}, {}),
    ("a: {const: '0621'}", {}, {"a": "0621"}),
    ("a: {const: ''}", {}, {"a": ""}),
    ("a: {const: null}", {}, {"a": None}),
    ("a: {const: {b: [1, 2]}}", {}, {"a": {"b": [1, 2]}}),
    ("a: {const: 漳县, when: {path: X, present: true}}", {"X": 1}, {"a": "漳县"}),
    ("a: {const: 漳县, when: {path: X, present: true}}", {}, {}),
    ("a: {path: X, default: 无}", {}, {"a": "无"}),
    ("a: {path: X, default: 无}", {"X": "1"}, {"a": "1"}),
    ("a: {path: X, do: [trim], default: ''}", {"X": "  "}, {"a": ""}),
    ("a: {path: X, default: null}", {}, {"a": None}),
    ("a: {path: X, do: [trim]}", {"X": "  "}, {}),
    ("a: {path: X, do: trim}", {"X": " 1 "}, {"a": "1"}),
    ("a: {path: X, do: [trim, datetime]}", {"X": "  "}, {}),
    ("a: {path: X, do: [trim, upper, {cut: 2}]}", {"X": " abc "}, {"a": "AB"}),
    ("a: {first: [X, Y]}", {"X": "1", "Y": "2"}, {"a": "1"}),
    ("a: {first: [X, Y]}", {"X": "", "Y": "2"}, {"a": "2"}),
    ("a: {first: [X, {path: Y, do: [trim]}, {const: 无}]}", {"Y": " "}, {"a": "无"}),
    ("a: {first: [{path: X, when: {path: T, equals: '1'}}, Y]}", {"X": "x", "Y": "y", "T": "2"}, {"a": "y"}),
    ("a: {first: [X, Y], do: [text], default: 无}", {}, {"a": "无"}),
    ("a: {join: [{const: 关于}, X, {const: 的申请}]}", {"X": "张三"}, {"a": "关于张三的申请"}),
    ("a: {join: [{const: 关于}, X, {const: 的申请}]}", {"X": ""}, {}),
    ("a: {join: [X, Y, Z], with: '-'}", {"X": 1, "Z": "3"}, {"a": "1-3"}),
    ("a: {join: [{const: a}, {const: b}]}", {}, {"a": "ab"}),
    ("a: {join: [{path: X, do: [{date: '%Y'}]}, Y]}", {"X": "2016-12-13", "Y": "号"}, {"a": "2016号"}),
    ("a: {path: X, code: sex}", {"X": "1"}, {"a": "男"}),
    ("a: {path: X, code: sex}", {"X": 2}, {"a": "女"}),
    ("a: {path: X, do: [trim], code: sex}", {"X": " 2 "}, {"a": "女"}),
    ("a: {path: X, code: sex}", {}, {}),
    ("a: {first: [{path: X, code: number}], do: [int]}", {"X": "一"}, {"a": 1}),
    ("a: {path: X, code: sex, default: 不详}", {}, {"a": "不详"}),
    ("a: {path: X, do: [split], code: sex}", {"X": "1,2"}, {"a": ["男", "女"]}),
    ("a: {path: X, when: {path: T, in: ['2']}, default: ''}", {"X": "x", "T": "1"}, {"a": ""}),
    ("a: {path: X, when: {path: T, in: ['2']}, required: true}", {"T": "1"}, {}),
    ("a: {path: X, required: true}", {"X": "1"}, {"a": "1"}),
    ("a: {path: X, required: true, default: '1'}", {"X": "2"}, {"a": "2"}),
    ("a: {each: L, fields: {n: N, k: {path: K, code: sex}}}", {"L": [{"N": 1, "K": "1"}, {}]}, {"a": [{"n": 1, "k": "男"}, {}]}),
    ("a: {each: L, fields: {n: N, case: /B}}", {"L": [{"N": 1}], "B": "b"}, {"a": [{"n": 1, "case": "b"}]}),
    (
        "a: {each: L, fields: {m: {each: M, fields: {n: N, o: /B.C}}}}",
        {"L": [{"M": [{"N": 1}]}], "B": {"C": 2}},
        {"a": [{"m": [{"n": 1, "o": 2}]}]},
    ),
    (
        "a: {each: L, fields: {n: {path: N, when: {path: T, equals: 1}}}}",
        {"L": [{"N": 1, "T": 1}, {"N": 2}]},
        {"a": [{"n": 1}, {}]},
    ),
    ("a: {each: L, value: .}", {"L": ["x", "", None, 3]}, {"a": ["x", 3]}),
    ("a: {each: L, value: {path: ., do: [trim]}}", {"L": [" x "]}, {"a": ["x"]}),
    ("a: {each: L, value: N}", {"L": [{"N": 1}, {}, "text"]}, {"a": [1]}),
    ("a: {each: L.M, value: .}", {"L": {"M": [1]}}, {"a": [1]}),
    ("a: {each: L, value: .}", {"L": []}, {"a": []}),
    ("a: {each: L, value: .}", {}, {}),
    ("a: {each: L, value: ., default: []}", {"L": ""}, {"a": []}),
    ("a: {each: L, fields: {n: N}, do: [json]}", {"L": [{"N": 1}]}, {"a": '[{"n":1}]'}),
    ("a: {fields: {b: X, c: {const: 1}}}", {"X": 2}, {"a": {"b": 2, "c": 1}}),
    ("a: {fields: {b: X}}", {}, {}),
    ("a: {fields: {b: {fields: {c: X}}}}", {"X": 1}, {"a": {"b": {"c": 1}}}),
    ("a: $operation\nb: $batch\nc: $key\nd: $lane", {}, {"a": "I", "b": "B1", "c": "K1", "d": "L1"}),
    ("a: $revision\nb: $kind\nc: $system", {}, {"a": "R1", "b": "case", "c": "city"}),
    ("a: $time", {}, {"a": "2016-12-13T09:00:00+08:00"}),
    ("a: {path: $time, do: [datetime]}", {}, {"a": "2016-12-13 09:00:00"}),
    ("a: {path: X, when: {path: $operation, equals: I}}", {"X": 1}, {"a": 1}),
    ("'@unid': X\n中文: X\n\"it's\": X", {"X": 1}, {"@unid": 1, "中文": 1, "it's": 1}),
]


@pytest.mark.parametrize(("fields", "record", "expected"), MADE)
def test_made(tmp_path: Path, fields: str, record: dict[str, Any], expected: dict[str, Any]) -> None:
    assert body(mapping(tmp_path, fields, codes=TABLE), record) == expected


#: fields, record, (path, rule)
WRONG: list[tuple[str, dict[str, Any], list[tuple[str, str]]]] = [
    ("a: {path: X, required: true}", {"X": ""}, [("a", "required")]),
    ("a: {path: X, do: [trim], required: true}", {"X": " "}, [("a", "required")]),
    ("a: {path: X, do: [int], required: true}", {"X": "x"}, [("a", "int")]),
    ("a: {path: X, do: [trim, datetime, upper]}", {"X": " x "}, [("a", "datetime")]),
    ("a: {path: X, do: [datetime], default: ''}", {"X": "x"}, [("a", "datetime")]),
    ("a: {path: X, code: sex}", {"X": "9"}, [("a", "code")]),
    ("a: {path: X, code: sex, default: 不详}", {"X": "9"}, [("a", "code")]),
    ("a: {path: X, code: sex}", {"X": {"b": 1}}, [("a", "code")]),
    ("a: {path: X, do: [split], code: sex}", {"X": "1,9,8"}, [("a[1]", "code"), ("a[2]", "code")]),
    ("a: {first: [{path: X, do: [int]}, Y]}", {"X": "x", "Y": 1}, [("a", "int")]),
    ("a: {join: [X, Y]}", {"X": "x", "Y": [1]}, [("a", "text")]),
    ("a: {each: L, value: .}", {"L": {"n": 1}}, [("a", "type")]),
    ("a: {each: L, fields: {n: N}}", {"L": [{}, 7, "x"]}, [("a[1]", "type"), ("a[2]", "type")]),
    ("a: {each: L, fields: {n: {path: N, do: [int]}}}", {"L": [{"N": 1}, {}, {"N": "x"}]}, [("a[2].n", "int")]),
    ("a: {each: L, value: {path: ., do: [int]}}", {"L": [1, "x"]}, [("a[1]", "int")]),
    (
        "a: {each: L, fields: {m: {each: M, value: {path: ., code: sex}}}}",
        {"L": [{"M": ["1"]}, {"M": ["1", "9"]}]},
        [("a[1].m[1]", "code")],
    ),
    ("a: {fields: {b: {path: X, required: true}}}", {}, [("a.b", "required")]),
    ("a: {path: X, do: [int]}\nb: {path: Y, do: [int]}\nc: Z", {"X": "x", "Y": "y", "Z": 1}, [("a", "int"), ("b", "int")]),
]


@pytest.mark.parametrize(("fields", "record", "expected"), WRONG)
def test_wrong(tmp_path: Path, fields: str, record: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert told(issues(mapping(tmp_path, fields, codes=TABLE), record)) == expected


def test_codes_that_are_missing_are_counted(tmp_path: Path) -> None:
    made = loaded(tmp_path, {**small("a: {path: X, code: sex}"), "codes/sex.csv": "local,target,label\n1,男,\n"})
    for code in ("9", "9", "8", 7, "x" * 1000):
        made.mappings["city/it"].apply({"X": code}, ENVELOPE)
    assert made.gaps == {("sex", "9"): 2, ("sex", "8"): 1, ("sex", "7"): 1, ("sex", "x" * 64): 1}


def test_constants_are_not_shared_between_bodies(tmp_path: Path) -> None:
    made = mapping(tmp_path, "a: {const: [1]}\nb: {path: X, default: {c: 1}}")
    first = body(made, {})
    first["a"].append(2)
    first["b"]["c"] = 2
    assert body(made, {}) == {"a": [1], "b": {"c": 1}}


def test_the_record_is_left_alone(tmp_path: Path) -> None:
    record = {"X": " x ", "L": [{"N": " 1 "}]}
    body(mapping(tmp_path, "a: {path: X, do: [trim]}\nl: {each: L, fields: {n: {path: N, do: [trim]}}}"), record)
    assert record == {"X": " x ", "L": [{"N": " 1 "}]}


def test_an_aware_time_of_another_zone_is_brought_home(tmp_path: Path) -> None:
    from dataclasses import replace

    made = mapping(tmp_path, "a: $time\nb: {path: $time, do: [compact-datetime]}")
    result, _ = made.apply({}, replace(ENVELOPE, time=datetime(2016, 12, 31, 20, tzinfo=UTC)))
    assert result == {"a": "2017-01-01T04:00:00+08:00", "b": "20170101040000"}


def test_a_transform_with_a_bug_spoils_one_field_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transforming, "_KNOWN", dict(transforming._KNOWN))

    @transform("broken")
    def broken(value: object) -> str:
        raise KeyError(value)

    found = issues(mapping(tmp_path, "a: {path: X, do: [broken]}\nb: {path: X, do: [int]}"), {"X": "张三"})
    assert [(one.path, one.rule, one.message) for one in found] == [
        ("a", "broken", "transform broken failed: KeyError"),
        ("b", "int", "is not a number"),
    ]


def test_the_generated_code_can_be_read_in_a_traceback(tmp_path: Path) -> None:
    made = mapping(tmp_path, "a: X")
    assert "body['a']" in made.source_code

    class Odd(dict[str, Any]):
        def get(self, *_: Any) -> Any:
            raise RuntimeError("odd")

    with pytest.raises(RuntimeError) as caught:
        made.apply(Odd(), ENVELOPE)
    assert any(
        frame.filename == "<mapping city/it>" and "d.get('X')" in (frame.line or "") for frame in traceback.extract_tb(caught.tb)
    )


def test_no_text_of_a_mapping_becomes_code(tmp_path: Path) -> None:
    nasty = "x') or print('owned"
    made = mapping(
        tmp_path,
        f'"{nasty}": {{path: "{nasty}", do: [int]}}\nl: {{each: "{nasty}", fields: {{"{nasty}": {{path: N, do: [int]}}}}}}',
    )
    assert told(issues(made, {nasty: [{"N": "z"}]})) == [(nasty, "int"), (f"l[0].{nasty}", "int")]
