"""Every transform: what it makes of good values, what it refuses, and that it never guesses."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.mapping import all_transforms
from hub.mapping.transforming import Unfit, Unusable, bind

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)

#: step -> (value, result)
MADE: list[tuple[Any, Any, Any]] = [
    ("text", 621125, "621125"),
    ("text", "0621125", "0621125"),
    ("text", 2.0, "2"),
    ("text", 1e20, "1e+20"),
    ("text", False, "false"),
    ("trim", "\u3000 张三 \t\n", "张三"),
    ("trim", 12, "12"),
    ("upper", "62112519900101001x", "62112519900101001X"),
    ("lower", "AbC", "abc"),
    ("int", "12", 12),
    ("int", 12.0, 12),
    ("int", "1,200", 1200),
    ("int", "-3", -3),
    ({"decimal": 2}, "0.125", "0.13"),
    ({"decimal": 2}, 100, "100.00"),
    ({"decimal": 0}, "2.5", "3"),
    ("number", "12.50", 12.5),
    ("number", 7, 7),
    ({"cut": 3}, "漳县武阳镇", "漳县武"),
    ({"cut-bytes": 5}, "漳县武阳镇", "漳县"),
    ({"cut-bytes": {"length": 7, "encoding": "utf-8"}}, "漳县武阳镇", "漳县"),
    ({"part": {"start": 3, "length": 6}}, "11621125MB1234567X", "621125"),
    ({"pad": 4}, 7, "0007"),
    ({"pad": {"width": 12, "side": "right"}}, "621125", "621125000000"),
    ({"pad": {"width": 3, "fill": " "}}, "12345", "12345"),
    ({"replace": {"（": "(", "）": ")", "\n": " "}}, "漳县（城）\n", "漳县(城) "),
    ("halfwidth", "１２　Ａｂ！", "12 Ab!"),
    ("strip-controls", "a\x00\x1f\ufeffb\tc\ud800", "ab\tc"),
    ("split", "甲,乙, ,丙", ["甲", "乙", "丙"]),
    ({"split": "、"}, "甲、乙", ["甲", "乙"]),
    ("yes-no", "是", "1"),
    ("yes-no", True, "1"),
    ("yes-no", 0, "0"),
    ({"yes-no": {"yes": "Y", "no": "N"}}, "false", "N"),
    ({"yes-no": {"yes": True, "no": False}}, "有", True),
    ("datetime", "2016-12-13 09:00:00", "2016-12-13 09:00:00"),
    ("datetime", "2016-12-13T09:00:00", "2016-12-13 09:00:00"),
    ("datetime", "2016-12-13T01:00:00+00:00", "2016-12-13 09:00:00"),
    ("datetime", dt.datetime(2016, 12, 13, 1, tzinfo=dt.UTC), "2016-12-13 09:00:00"),
    ("datetime", dt.date(2016, 12, 13), "2016-12-13 00:00:00"),
    ({"datetime": "%Y年%m月%d日"}, "2016/12/13 9:00", "2016年12月13日"),
    ("date", "13-DEC-16", "2016-12-13"),
    ({"date": "%Y%m%d"}, "2016-12-13 09:00:00", "20161213"),
    ("compact-datetime", "2016-12-13 9:05", "20161213090500"),
    ({"digest": "sha256"}, "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ({"digest": "sm3"}, "abc", "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"),  # GB/T 32905, annex A.1
    ("id15to18", "110105491231002", "11010519491231002X"),
    ("id15to18", "护照G123", "护照G123"),
    ({"mask": "mobile"}, "13800000000", "138****0000"),
    ("json", {"甲": [1, None]}, '{"甲":[1,null]}'),
]

REFUSED: list[tuple[Any, Any]] = [
    ("text", ["a"]),
    ("trim", {"a": 1}),
    ("int", "12.5"),
    ("int", "十二"),
    ("int", True),
    ("int", "1e99999999"),
    ("number", "NaN"),
    ("number", "Infinity"),
    ({"decimal": 2}, "1.2.3"),
    ({"part": {"start": 3, "length": 6}}, "1162"),
    ("yes-no", "01"),
    ("yes-no", "也许"),
    ("datetime", "2016-13-01"),
    ("datetime", "2016-02-30 00:00:00"),
    ("datetime", "明天"),
    ("datetime", "0001-01-01 00:00:00"),
    ("datetime", 12),
    ("datetime", True),
    ({"digest": {"method": "md5", "encoding": "gbk"}}, "䶮"),
]


@pytest.mark.parametrize(("step", "value", "result"), MADE)
def test_made(step: Any, value: Any, result: Any) -> None:
    made = bind(step)(value)
    assert made == result
    assert type(made) is type(result)


@pytest.mark.parametrize(("step", "value"), REFUSED)
def test_refused_without_quoting_the_value(step: Any, value: Any) -> None:
    with pytest.raises(Unfit) as caught:
        bind(step)(value)
    assert str(value) not in str(caught.value)


@pytest.mark.parametrize("step", ["int", "number", "datetime", "date", "yes-no"])
def test_huge_texts_are_refused_at_once(step: str) -> None:
    with pytest.raises(Unfit):
        bind(step)("9" * 10_000_000)


def test_every_transform_is_tried() -> None:
    tried = {step if isinstance(step, str) else next(iter(step)) for step, *_ in [*MADE, *REFUSED]}
    assert {*all_transforms()} - tried == {"guid"}


def test_guid_is_stable_and_apart_by_space() -> None:
    assert bind("guid")("BJ1") == "62ec553a-f51a-50f8-b093-6dfa5b10b82e"
    assert len({bind("guid")("BJ1"), bind({"guid": "a"})("BJ1"), bind({"guid": "b"})("BJ1"), bind("guid")("BJ2")}) == 4
    assert bind({"guid": {"length": 32}})("BJ1") == bind("guid")("BJ1").replace("-", "")


@pytest.mark.parametrize(
    ("step", "words", "hint"),
    [
        ("trimm", "no transform named 'trimm'", "did you mean trim?"),
        ({"trim": 1}, "takes no parameters", ""),
        ({"cut": "ten"}, "length", ""),
        ({"cut": {"lenght": 3}}, "", "did you mean length?"),
        ("cut", "length", ""),
        ({"pad": {"width": 4, "side": "top"}}, "side", ""),
        ({"digest": "md6"}, "method", ""),
        ({"mask": "everything"}, "kind", ""),
        ({"cut": 1, "trim": None}, "one name", ""),
        ({}, "one name", ""),
    ],
)
def test_unusable_steps(step: Any, words: str, hint: str) -> None:
    with pytest.raises(Unusable) as caught:
        bind(step)
    assert words in caught.value.message
    assert hint in caught.value.hint


ALL_STEPS = [
    *dict.fromkeys(
        name for name in all_transforms() if name not in {"cut", "cut-bytes", "decimal", "pad", "part", "replace", "mask"}
    )
]


@given(
    st.sampled_from([*ALL_STEPS, *({"cut": 2}, {"pad": 3}, {"decimal": 2}, {"part": {"start": 1, "length": 2}}, {"cut-bytes": 3})]),
    JSON,
)
def test_any_json_gives_json_or_unfit(step: Any, value: Any) -> None:
    try:
        made = bind(step)(value)
    except Unfit:
        return
    assert isinstance(made, (str, int, float, bool, list))
