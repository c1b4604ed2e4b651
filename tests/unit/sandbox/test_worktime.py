"""Working time: only office hours of working days."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from hub.sandbox.worktime import DAY, HALF, Worktime, is_workday


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (0, "2025-01-02 08:30:00"),
        (HALF - 1, "2025-01-02 11:59:59"),
        (HALF, "2025-01-02 14:30:00"),
        (DAY - 1, "2025-01-02 17:59:59"),
        (DAY, "2025-01-03 08:30:00"),
        (2 * DAY, "2025-01-06 08:30:00"),  # over a weekend
    ],
)
def test_working_seconds_become_times_in_office_hours(moment: int, text: str) -> None:
    clock = Worktime()
    assert clock.text(moment) == text
    assert clock.at(datetime.fromisoformat(text)) == moment


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2025, 1, 2, 7), "2025-01-02 08:30:00"),
        (datetime(2025, 1, 2, 13), "2025-01-02 11:59:59"),
        (datetime(2025, 1, 2, 23), "2025-01-02 17:59:59"),
        (datetime(2025, 10, 5, 12), "2025-09-30 17:59:59"),  # national holiday
    ],
)
def test_outside_office_hours_the_last_working_second_counts(moment: datetime, text: str) -> None:
    clock = Worktime()
    assert clock.text(clock.at(moment)) == text


def test_saved_rounds_up_to_the_hour() -> None:
    clock = Worktime()
    assert clock.saved(0) == clock.saved(1799) == "2025-01-02 09:00:00"
    assert clock.saved(DAY - 1) == "2025-01-02 18:00:00"


def test_make_up_days_count_and_unknown_years_go_by_the_week() -> None:
    assert is_workday(date(2025, 1, 26))  # a Sunday worked before Spring Festival
    assert not is_workday(date(2025, 1, 29))
    assert is_workday(date(2099, 1, 2))
    assert not is_workday(date(2099, 1, 3))
