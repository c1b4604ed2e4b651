"""Decides which days are working days, and counts them: the State Council's holidays and make-up days (chinesecalendar).

A year nobody has published yet counts Monday to Friday.
"""

from __future__ import annotations

from bisect import bisect_right
from datetime import date, timedelta
from functools import lru_cache
from itertools import accumulate

_DAY = timedelta(days=1)
#: Most digits of a number of days.
_LONGEST = 9


@lru_cache(maxsize=8192)
def is_workday(day: date) -> bool:
    """Tell whether offices are open on `day`.

    >>> is_workday(date(2025, 10, 1)), is_workday(date(2025, 9, 28)), is_workday(date(2199, 1, 1))
    (False, True, True)
    """
    import chinese_calendar  # its tables take a while to load, and most commands count no days

    try:
        return bool(chinese_calendar.is_workday(day))
    except NotImplementedError:
        return day.weekday() < 5


def between(start: date, end: date) -> int:
    """Return how many working days follow `start` up to and with `end`; negative when `end` is earlier.

    >>> between(date(2025, 9, 30), date(2025, 10, 9)), between(date(2025, 10, 9), date(2025, 9, 30)), between(date.max, date.max)
    (1, -1, 0)
    """
    return _upto(end) - _upto(start)


def after(start: date, days: int) -> date:
    """Return the `days`-th working day after `start`; `start` itself for none.

    >>> after(date(2025, 9, 30), 1), after(date(2025, 9, 30), 0)
    (datetime.date(2025, 10, 9), datetime.date(2025, 9, 30))
    """
    day = start
    while days > 0 and day < date.max:
        day += _DAY
        days -= is_workday(day)
    return day


def told(word: str | None) -> int | None:
    """Return how many days a text says, None when it says none or more than anybody counts.

    >>> told("20"), told("二十"), told("9" * 5000), told(None)
    (20, None, None, None)
    """
    return int(word) if word and len(word) <= _LONGEST and word.isdecimal() else None


def _upto(day: date) -> int:
    """Count the working days up to and with `day`: Monday to Friday, put right by the published exceptions."""
    number = day.toordinal()
    weeks, rest = divmod(number, 7)  # ordinal 1 is a Monday
    days, sums = _exceptions()
    return weeks * 5 + min(rest, 5) + sums[bisect_right(days, number)]


@lru_cache(maxsize=1)
def _exceptions() -> tuple[list[int], list[int]]:
    """Return the ordinals of weekdays off and weekend days on, and the running sum before each: -1 off, +1 on."""
    from chinese_calendar import constants

    known = sorted({*constants.holidays, *constants.workdays})
    odd = [day for day in known if is_workday(day) != (day.weekday() < 5)]
    return [day.toordinal() for day in odd], list(accumulate((1 if is_workday(day) else -1 for day in odd), initial=0))
