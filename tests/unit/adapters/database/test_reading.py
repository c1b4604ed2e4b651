"""Rows become JSON-native data; what cannot is a fault of its row alone."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.database.reading import Reading, Unfit, digest, native, read

PLAIN = Reading()
values = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**63), 2**64 - 1), st.floats(allow_nan=False), st.text(),
    st.decimals(), st.datetimes(), st.dates(), st.times(), st.binary(), st.uuids(),
)  # fmt: skip


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (datetime(2016, 12, 13, 9, 30, 0, 123), "2016-12-13 09:30:00"),
        (datetime(2016, 12, 13, 1, 30, tzinfo=UTC), "2016-12-13 09:30:00"),
        (date(2016, 12, 13), "2016-12-13"),
        (time(9, 30, 5), "09:30:05"),
        (timedelta(hours=9, minutes=5, seconds=7), "09:05:07"),
        (Decimal("12.50"), "12.50"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        ([{"a": 1}], [{"a": 1}]),
        ("0621125", "0621125"),
        (None, None),
    ],
)
def test_native_forms(value: object, expected: object) -> None:
    assert native(value) == expected


def test_unknown_type_is_unfit() -> None:
    with pytest.raises(Unfit) as caught:
        native(object())
    assert caught.value.code == "HUB-S-314"


@given(st.lists(st.tuples(values, values), max_size=20))
def test_every_row_is_data_or_broken(rows: list[tuple[object, object]]) -> None:
    found = read(["a", "b"], rows, Reading(text_bytes="utf-8"))
    assert len(found.data) == len(rows)
    for index, data in enumerate(found.data):
        if index not in found.broken:
            assert list(data) == ["a", "b"]
            orjson.dumps(data)


def test_the_first_reason_of_a_row_is_kept_and_the_value_never_quoted() -> None:
    found = read(["a", "b"], [(b"secret\xff", b"x")], PLAIN)
    assert found.broken[0].code == "HUB-S-310"
    assert "column a" in found.broken[0].reason
    assert "secret" not in found.broken[0].reason


def test_large_text_and_bytes() -> None:
    small = Reading(text_bytes="gbk", max_field=3)
    found = read(["a", "b"], [("abcd", "x"), ("abc", b"abcd"), ("abc", b"abc")], small)
    assert {at: unfit.code for at, unfit in found.broken.items()} == {0: "HUB-S-312", 1: "HUB-S-312"}


def test_declared_gbk_is_read_as_gb18030() -> None:
    found = read(["a"], [("䶮".encode("gb18030"),)], Reading(text_bytes="GB2312"))
    assert found.data == [{"a": "䶮"}]


def test_bits_become_numbers() -> None:
    assert read(["a"], [(b"\x01",)], Reading(bits=frozenset({"a"}))).data == [{"a": 1}]


def test_digest_changes_with_the_data() -> None:
    assert digest({"a": 1}) == digest({"a": 1})
    assert digest({"a": 1}) != digest({"a": "1"})
    assert len(digest({"a": 10**30})) == 32
