"""Decides when things happen in the county: only in office hours of working days, counted in working seconds.

Holidays and make-up working days as the State Council publishes them (chinesecalendar); a year it does not know yet counts
Monday to Friday. Times are Beijing time, as text.
"""

from __future__ import annotations

import functools
from datetime import date, datetime, timedelta

import chinese_calendar

#: Half a day: 08:30-12:00 and 14:30-18:00.
HALF = 12_600
#: One working day, in working seconds.
DAY = 2 * HALF
_FIRST = date(2025, 1, 2)


@functools.cache
def is_workday(day: date) -> bool:
    """Tell whether offices are open on `day`."""
    try:
        return bool(chinese_calendar.is_workday(day))
    except NotImplementedError:
        return day.weekday() < 5


class Worktime:
    """Working seconds since the first working day of 2025, both ways. Grows as later days are asked for."""

    def __init__(self) -> None:
        self._days: list[str] = []
        self._next = _FIRST

    def day(self, index: int) -> str:
        """Return the working day of that index, `yyyy-MM-dd`."""
        while len(self._days) <= index:
            if is_workday(self._next):
                self._days.append(self._next.isoformat())
            self._next += timedelta(days=1)
        return self._days[index]

    def text(self, moment: int) -> str:
        """Return the working second `moment` as `yyyy-MM-dd HH:mm:ss`."""
        index, second = divmod(moment, DAY)
        minute, second = divmod(second + (30_600 if second < HALF else 39_600), 60)
        hour, minute = divmod(minute, 60)
        return f"{self.day(index)} {hour:02}:{minute:02}:{second:02}"

    def saved(self, moment: int) -> str:
        """Return when the hourly job saved what happened at `moment`: the next full hour, so that rows share a time."""
        index, second = divmod(moment, DAY)
        hour = (second + (30_600 if second < HALF else 39_600)) // 3600 + 1
        return f"{self.day(index)} {hour:02}:00:00"

    def at(self, moment: datetime) -> int:
        """Return the last working second that is not after `moment` (Beijing time)."""
        wanted = moment.date().isoformat()
        index = 0
        while self.day(index + 1) <= wanted:
            index += 1
        if self.day(index) < wanted:
            return (index + 1) * DAY - 1
        seconds = moment.hour * 3600 + moment.minute * 60 + moment.second
        if seconds < 30_600:  # not open yet: what was last was the evening before
            return max(index * DAY - 1, 0)
        if seconds < 52_200:
            return index * DAY + min(seconds - 30_600, HALF - 1)
        return index * DAY + min(seconds - 39_600, DAY - 1)
