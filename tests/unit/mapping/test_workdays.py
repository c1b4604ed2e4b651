"""Working days are those the State Council published, and counting them is counting one by one."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.mapping.workdays import after, between, is_workday

DAYS = st.dates(date(2000, 1, 1), date(2035, 12, 31))


@pytest.mark.parametrize(
    ("day", "open_"),
    [
        ("2025-10-08", False),
        ("2025-10-09", True),
        ("2025-09-28", True),
        ("2025-10-11", True),
        ("2035-10-01", True),
        ("2035-10-06", False),
    ],
)
def test_published_days_and_plain_weeks(day: str, open_: bool) -> None:
    assert is_workday(date.fromisoformat(day)) is open_


@given(DAYS, st.integers(0, 90))
def test_counting_is_counting_one_by_one(start: date, length: int) -> None:
    end = start + timedelta(days=length)
    counted = sum(is_workday(start + timedelta(days=number)) for number in range(1, length + 1))
    assert between(start, end) == counted
    assert between(end, start) == -counted


@given(DAYS, st.integers(1, 60))
def test_the_nth_working_day_is_n_working_days_later(start: date, days: int) -> None:
    end = after(start, days)
    assert is_workday(end)
    assert between(start, end) == days


def test_dates_nobody_meant_cost_nothing() -> None:
    assert between(date.min, date.max) > 2_000_000
    assert after(date.max, 3) == date.max
