"""What of a personal value may be shown."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.mapping import mask
from hub.mapping.issues import shown
from hub.mapping.masking import Personal


@pytest.mark.parametrize(
    ("value", "kind", "masked"),
    [
        ("王小明", "name", "王**"),
        ("王", "name", "王**"),
        ("62112519900101001X", "id", "621125********001X"),
        ("110105491231002", "id", "110105*****1002"),
        ("G12345678", "id", "G***"),
        ("13800000000", "mobile", "138****0000"),
        (13800000000, "mobile", "138****0000"),
        ("0932-4861234", "mobile", "0***"),
        ("漳县武阳镇", "address", "漳***"),
        ("62170000000000000", "account", "6***"),
        ("62112519900101001X", None, "6***"),
        (None, "name", ""),
        ("", "name", ""),
        (True, None, "true"),
        ([1], None, "[…]"),
        ({}, "id", "{…}"),
        ("\ud800x", None, "�***"),
        ("\nx", None, "�***"),
    ],
)
def test_mask(value: Any, kind: str | None, masked: str) -> None:
    assert mask(value, kind) == masked


def test_huge_values_are_masked_like_any_other() -> None:
    assert mask("中" * 10_000_000, "id") == "中***"
    assert mask(10**5000, None) == "…***"


@given(st.text(min_size=9), st.sampled_from([*Personal, None]))
def test_most_of_a_value_is_hidden(value: str, kind: str | None) -> None:
    assert value not in mask(value, kind)


def test_short_codes_and_times_are_shown_only_where_they_are_the_matter() -> None:
    assert shown("07", "code", None) == "07"
    assert shown("07", "length", None) == "0***"
    assert shown("转外单位", "code", None) == "转外单位"
    assert shown("张小明", "code", "name") == "张**"
    assert shown("不在任何代码表里的一段长文字", "code", None) == "不***"
    assert shown("13800000000", "code", None) == "1***"
    assert shown("0932-4861234", "enum", None) == "0***"
    assert shown("07\n", "code", None) == "0***"
    assert shown("2016-12-13 09:00:00", "order", None) == "2016-12-13 09:00:00"
    assert shown("2016-12-13 09:00:00", "order", "id") != "2016-12-13 09:00:00"
    assert shown("2016-12-13 09:00:00", "length", None) == "2***"
    assert shown("张小明", "order", None) == "张***"
    assert shown("62112519900101001X", "code", None) == "6***"
    assert shown("13800000000", "enum", "mobile") == "138****0000"
