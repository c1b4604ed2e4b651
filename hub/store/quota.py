"""How often a system may be called now: calls are granted one by one under a row lock, so a rate holds over all who call it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import accumulate, chain
from typing import NamedTuple

import orjson
from sqlalchemy import Connection, select, update

from hub.settings.flow import RateSettings
from hub.store import dialect, schema
from hub.store.numbers import instant, moment

_TABLE = schema.quota
_SECOND, _MINUTE = 1000, 60_000
#: Milliseconds by which one call may be longer on its way than another: a call is granted here and counted over there.
SLACK = 100
#: More than any number of calls, and less than any time of one.
_A_TIME = 10**11
#: What nobody has to be told about.
_MOMENT = timedelta(seconds=2)
_NEW = {"called": b"[]", "day": "", "today": 0}
#: So many calls in a period are remembered one by one; of more, those of a 60th of it together, as if each were the last of them.
_FEW = 60


@dataclass(frozen=True, slots=True)
class Allowance:
    """How many calls may be made now, and, when there is none, from when on there is one again."""

    calls: int
    until: datetime | None = None


class _Calls(NamedTuple):
    at: int
    number: int


@dataclass(frozen=True, slots=True)
class _Spent:
    """The calls granted lately (milliseconds and how many, oldest first), and how many there were on that day."""

    called: Sequence[_Calls]
    day: str
    today: int


def look(connection: Connection, system: str, rate: RateSettings, zone: tzinfo, now: datetime) -> Allowance:
    """Return what is allowed now, taking nothing."""
    spent, at = _spent(connection, system, zone, now, alone=False)
    return _allowance(spent, rate, zone, at)


def spent_until(connection: Connection, system: str, rate: RateSettings | None, zone: tzinfo, now: datetime) -> datetime | None:
    """Return until when a rate is used up, for people: None when it is not, or only for a moment."""
    if rate is None:
        return None
    until = look(connection, system, rate, zone, now).until
    return until if until and until - now > _MOMENT else None


def take(connection: Connection, system: str, rate: RateSettings, zone: tzinfo, now: datetime) -> datetime | None:
    """Take one call if one is allowed: None then, else the time from which on there may be one."""
    spent, at = _spent(connection, system, zone, now, alone=True)
    allowed = _allowance(spent, rate, zone, at)
    if allowed.calls <= 0:
        return allowed.until
    _write(connection, system, spent, rate, at)
    return None


def count(connection: Connection, system: str, rate: RateSettings, zone: tzinfo, now: datetime) -> None:
    """Count a call that is made in any case."""
    spent, at = _spent(connection, system, zone, now, alone=True)
    _write(connection, system, spent, rate, at)


def _spent(connection: Connection, system: str, zone: tzinfo, now: datetime, *, alone: bool) -> tuple[_Spent, int]:
    """Return what was granted lately, and the time now: never before the last grant, whoever's clock that was by.

    What lies more than a minute ahead was granted by a clock that was wrong, and is forgotten.
    """
    query = select(_TABLE).where(_TABLE.c.system == system)
    if alone:
        dialect.ensure(connection, _TABLE, {"system": system, **_NEW})
        query = query.with_for_update()
    row = connection.execute(query).first()
    mine = moment(now)
    called = [one for one in _read(row.called) if mine - _MINUTE - SLACK < one.at <= mine + _MINUTE] if row else []
    at = max([mine, *(one.at for one in called[-1:])])
    day = instant(at).astimezone(zone).date().isoformat()
    return _Spent(called, day, row.today if row and row.day == day else 0), at


def _write(connection: Connection, system: str, spent: _Spent, rate: RateSettings, at: int) -> None:
    """Write one more call down, and keep of those before it what the rate still looks at."""
    since = at - SLACK - (_MINUTE if rate.minute else _SECOND)
    kept: list[_Calls] = []
    for one in (*(one for one in spent.called if one.at > since), _Calls(at, 1)):
        width = _width(rate, one.at, at)
        if kept and kept[-1].at // width == one.at // width:
            one = _Calls(one.at, one.number + kept.pop().number)
        kept.append(one)
    values = {"called": _written(kept), "day": spent.day, "today": spent.today + 1}
    connection.execute(update(_TABLE).where(_TABLE.c.system == system).values(values))


def _width(rate: RateSettings, called: int, at: int) -> int:
    """Return the milliseconds whose calls are remembered together, at a time that is that of the look or before."""
    most, period = rate.minute, _MINUTE
    if rate.second and (not rate.minute or called > at - _SECOND - SLACK):
        most, period = rate.second, _SECOND
    return period // _FEW if most and most > _FEW else 1


def _written(called: Sequence[_Calls]) -> bytes:
    """Return the calls as a list of numbers: their times or, where some are counted together, the gap before each and how many.

    The first form is the one a version before can read: it counts a rate with the others while an upgrade is rolled out.
    """
    if all(one.number == 1 for one in called):
        return orjson.dumps([one.at for one in called])
    gaps = (one.at - before for one, before in zip(called, (0, *(one.at for one in called)), strict=False))
    return orjson.dumps([*chain.from_iterable(zip(gaps, (one.number for one in called), strict=True))])


def _read(written: bytes) -> list[_Calls]:
    numbers = orjson.loads(written)
    if len(numbers) < 2 or numbers[1] > _A_TIME:
        return [_Calls(at, 1) for at in numbers]
    return [_Calls(at, number) for at, number in zip(accumulate(numbers[::2]), numbers[1::2], strict=False)]


def _allowance(spent: _Spent, rate: RateSettings, zone: tzinfo, at: int) -> Allowance:
    found = [_sliding(spent.called, most, period, at) for most, period in ((rate.second, _SECOND), (rate.minute, _MINUTE)) if most]
    if rate.day:
        left = rate.day - spent.today
        found.append(Allowance(left, None if left > 0 else _midnight(at, zone)))
    ends = [one.until for one in found if one.until is not None]
    return Allowance(min(one.calls for one in found), max(ends, default=None))


def _sliding(called: Sequence[_Calls], most: int, period: int, at: int) -> Allowance:
    """Return what is left of `most` calls in any stretch of `period` milliseconds."""
    recent = [one for one in called if one.at > at - period - SLACK]
    left = most - sum(one.number for one in recent)
    if left > 0:
        return Allowance(left)
    freed = accumulate(one.number for one in recent)  # as one after the other of them is over
    last = next(one for one, number in zip(recent, freed, strict=True) if left + number > 0)
    return Allowance(0, instant(last.at + period + SLACK))


def _midnight(at: int, zone: tzinfo) -> datetime:
    local = instant(at).astimezone(zone)
    return (
        (local.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None) + timedelta(days=1))
        .replace(tzinfo=zone)
        .astimezone(UTC)
    )
