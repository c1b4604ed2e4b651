"""The forms of a moment local systems write."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.mapping.times import moment

NINE = datetime(2016, 12, 13, 9, 0)
DAY = datetime(2016, 12, 13)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2016-12-13 09:00:00", NINE),
        ("2016-12-13T09:00:00", NINE),
        ("2016-12-13 09:00", NINE),
        ("2016-12-13 9:00:00", NINE),
        ("2016-12-13 09:00:00.0", NINE),
        ("2016-12-13 09:00:00.123456", NINE),
        ("2016-12-13T01:00:00Z", NINE),
        ("2016-12-13T01:00:00.000Z", NINE),
        ("2016-12-13T09:00:00+08:00", NINE),
        ("2016-12-13T09:00:00+0800", NINE),
        ("2016-12-13 01:00+00:00", NINE),
        ("2016/12/13 9:00", NINE),
        ("2016.12.13 09:00", NINE),
        ("2016年12月13日 09时00分00秒", NINE),
        ("2016年12月13日 9时00分", NINE),
        ("20161213090000", NINE),
        ("201612130900", NINE),
        (20161213090000, NINE),
        ("13-DEC-16 09.00.00", NINE),
        ("13-DEC-2016 09:00:00", NINE),
        ("13-12月-16 09.00.00.000000 上午", NINE),
        ("13-12月-16 09.00.00.000000000 AM", NINE),
        ("13-dec-16 09.00.00 PM", datetime(2016, 12, 13, 21)),
        ("13-DEC-16 12.00.00 AM", DAY),
        ("13-DEC-16 12.00.00 下午", datetime(2016, 12, 13, 12)),
        ("13-12月-16", DAY),
        ("13-DEC-16", DAY),
        ("13-DEC-99", datetime(1999, 12, 13)),
        ("2016-12-13", DAY),
        ("2016/12/13", DAY),
        ("20161213", DAY),
        (20161213, DAY),
        ("2016年12月13日", DAY),
        (" 2016-12-13 ", DAY),
        (date(2016, 12, 13), DAY),
        (NINE, NINE),
        (datetime(2016, 12, 13, 1, tzinfo=UTC), NINE),
        (datetime(2016, 12, 12, 20, tzinfo=timezone(timedelta(hours=-5))), NINE),
    ],
)
def test_forms(value: Any, expected: datetime) -> None:
    assert moment(value) == expected


@pytest.mark.parametrize(
    "value",
    [
        "2016-W50-2 09:00:00", "2016-12-13 090000.0", "2016-13-13", "2016-12-32 00:00:00", "2016-12-13 25:00:00",
        "13-XXX-16", "13-13月-16", "2016",
        "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00", datetime.max.replace(tzinfo=UTC),
        "12/13/2016", "昨天", "", "x" * 100, 5, True, None, [], {}, 1.5, 10**20,
    ],
)  # fmt: skip
def test_no_moment(value: Any) -> None:
    assert moment(value) is None


@given(st.text() | st.integers() | st.floats() | st.datetimes(timezones=st.none() | st.just(UTC)))
def test_never_raises(value: Any) -> None:
    moment(value)


@given(st.datetimes(min_value=datetime(1950, 1, 1), max_value=datetime(2049, 12, 31)))
def test_what_was_written_is_read(value: datetime) -> None:
    value = value.replace(microsecond=0)
    for form in ("%Y-%m-%d %H:%M:%S", "%Y/%m/%d %H:%M:%S", "%Y%m%d%H%M%S", "%d-%b-%y %H.%M.%S", "%Y年%m月%d日 %H时%M分%S秒"):
        assert moment(value.strftime(form)) == value
