"""Decides how the report keeps and compares times: whole local seconds, with a mark on a day that was written without a time.

A moment is one number: seconds since the beginning of year 1, doubled, plus one if only the day is known. Such a day is neither
before nor after any time of the same day.
"""

from __future__ import annotations

from datetime import date, datetime
from functools import lru_cache
from typing import TypeAlias

from hub.mapping.times import local, moment, usual
from hub.model import Json

Moment: TypeAlias = int
_BEGIN = datetime(1, 1, 1)  # noqa: DTZ001 - local, like every moment here
_DAY = 2 * 86_400
#: A day written alone is at most so long; every form with a time of day is longer.
_LONGEST_DAY = 11


def kept(value: Json) -> Moment | None:
    """Return what local systems write as a moment; None when it is none.

    >>> kept("0001-01-02"), kept("0001-01-01 00:00:05"), kept("soon")
    (172801, 10, None)
    """
    if isinstance(value, str) and usual(value) and (quick := _usual(value)) is not None:
        return quick
    found = moment(value)
    if found is None:
        return None
    return at(found) | (isinstance(value, str) and len(value.strip()) <= _LONGEST_DAY)


def _usual(text: str) -> Moment | None:
    """Read `2016-12-13 09:00:00`, which is nearly all there is, at a quarter of the usual cost; None where it is not that plain."""
    numbers = text[11:13], text[14:16], text[17:]
    ordinal = _ordinal(text[:10])
    if ordinal is None or not text.isascii() or not all(number.isdigit() for number in numbers):
        return None
    hour, minute_, second = map(int, numbers)
    plain = hour < 24 and minute_ < 60 and second < 60
    return 2 * (ordinal * 86_400 + hour * 3600 + minute_ * 60 + second) if plain else None


@lru_cache(maxsize=16_384)
def _ordinal(text: str) -> int | None:
    try:
        return date.fromisoformat(text).toordinal() - 1
    except ValueError:
        return None


def at(when: datetime) -> Moment:
    """Return a time (aware, or local already) as a moment."""
    since = local(when) - _BEGIN
    return (since.days * 86_400 + since.seconds) * 2


def earlier(one: Moment | None, other: Moment | None) -> bool:
    """Say whether one is surely before the other; nothing is before what is not there.

    >>> earlier(kept("2016-12-12"), kept("2016-12-13 09:00:00")), earlier(kept("2016-12-13"), kept("2016-12-13 09:00:00"))
    (True, False)
    """
    if one is None or other is None:
        return False
    return one // _DAY < other // _DAY if (one | other) & 1 else one < other


def day(one: Moment) -> date:
    """Return the day of a moment.

    >>> day(kept("2016-12-13 09:00:00"))
    datetime.date(2016, 12, 13)
    """
    return date.fromordinal(one // _DAY + 1)


def minute(one: Moment) -> int:
    """Return the number of the minute a moment lies in."""
    return one // 120


def later_by(one: Moment, seconds: float) -> Moment:
    """Return the moment so many seconds later."""
    return one + 2 * int(seconds)
