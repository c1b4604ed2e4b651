"""Moments keep what local systems write, quickly read or not, and days alone are neither before nor after their day."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.mapping.times import moment
from hub.quality.moments import at, day, earlier, kept, later_by, minute

TIMES = st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31)).map(lambda one: one.replace(microsecond=0))


@given(TIMES)
def test_the_quick_way_reads_what_the_slow_way_reads(time: datetime) -> None:
    assert kept(f"{time:%Y-%m-%d %H:%M:%S}".rjust(19, "0")) == at(time)
    assert kept(time.isoformat(sep="T")) == at(time)
    assert day(at(time)) == time.date()


@given(st.text("0123456789-: T年月日./+Z²", max_size=20))
def test_nothing_else_is_read_otherwise(text: str) -> None:
    found = moment(text)
    assert (kept(text) is None) == (found is None)
    if found is not None:
        assert (kept(text) or 0) // 2 == at(found) // 2


@pytest.mark.parametrize(
    "wrong", ["2025-06-02 24:00:00", "2025-06-02 09:60:00", "2025-02-30 09:00:00", "2025-06-02 0a:00:00", "", None, []]
)
def test_what_is_no_time(wrong: object) -> None:
    assert kept(wrong) is None


@given(TIMES, TIMES)
def test_earlier_is_earlier(one: datetime, other: datetime) -> None:
    assert earlier(at(one), at(other)) == (one < other)
    assert earlier(kept(f"{one.date()}"), at(other)) == (one.date() < other.date())


def test_missing_moments_are_never_earlier() -> None:
    assert not earlier(None, at(datetime(2025, 1, 1)))
    assert not earlier(at(datetime(2025, 1, 1)), None)


def test_seconds_and_minutes() -> None:
    one = at(datetime(2025, 6, 2, 9, 0, 59))
    assert later_by(one, 1) == at(datetime(2025, 6, 2, 9, 0, 59) + timedelta(seconds=1))
    assert minute(one) == minute(at(datetime(2025, 6, 2, 9, 0, 0))) != minute(later_by(one, 1))
