"""Decides which feeds give less than is expected of them: a source that suddenly gives nothing breaks without an error.

No source is blamed for what the hub did not read. A period in which no run read the source to its end says nothing; what was left
at its end, because the hub was away or its runs failed, counts with what is read next. What is pushed comes only while the hub is
there: a period in which it was not for a whole hour says nothing either.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import partial

from sqlalchemy import Connection

from hub.engine import schedule
from hub.engine.exchange import Exchange
from hub.mapping import workdays
from hub.model import Page
from hub.settings import Settings, SystemSettings
from hub.store import intake, runs
from hub.store.opening import Store
from hub.store.runs import Run

#: What `hub explain` says of it.
CODE = "HUB-S-191"
_DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)
_EVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Short:
    """A feed that gave less than expected, from `first` up to and with `last`, and has not made up for it since."""

    system: str
    kind: str
    got: int
    at_least: int
    first: date
    last: date


def count(exchange: Exchange, connection: Connection, source: str, page: Page, now: datetime) -> None:
    """Count what a page holds of kinds that something is expected of; part of T1."""
    expected = exchange.settings.systems[source].expect
    if expected:
        # Rows that are no records do not count: some come again with every run, and would hide that nothing else comes.
        counts = Counter(row.kind for row in page.records if row.kind in expected)
        intake.add(connection, source, _today(exchange.settings, now).toordinal(), counts)


def watch(store: Store, settings: Settings, now: datetime) -> None:
    """Write down that feeds were watched today, also those that gave nothing; for what is pushed, in this hour."""
    day = _today(settings, now).toordinal()
    hour = intake.hour(now.astimezone(settings.timezone).hour)
    for system in (one for one in settings.sources() if one.expect):
        looked = [*system.expect, *([] if system.reads else [hour])]
        with store.reading() as connection:
            new = intake.unwatched(connection, system.name, day, looked)
        if new:
            store.write(partial(_begin, source=system.name, day=day, kinds=new))


def _begin(connection: Connection, source: str, day: int, kinds: Iterable[str]) -> None:
    missing = intake.unwatched(connection, source, day, kinds)  # a page may have come in between
    intake.add(connection, source, day, dict.fromkeys(missing, 0))


def short(connection: Connection, settings: Settings, now: datetime) -> list[Short]:
    """Return the feeds that gave too little in the last whole period, and not enough since."""
    return [one for system in settings.sources() for one in _of(connection, settings, system, now)]


def _of(connection: Connection, settings: Settings, system: SystemSettings, now: datetime) -> Iterator[Short]:
    today = _today(settings, now)
    for kind, expected in system.expect.items():
        first, begun = period(expected.per, today)
        last = begun - _DAY
        before = intake.watched(connection, system.name, kind, first.toordinal(), last.toordinal())
        since = intake.watched(connection, system.name, kind, begun.toordinal(), today.toordinal())
        if before.since is None or before.since >= first.toordinal():  # the day it was first watched on is no whole one
            continue
        if before.rows >= expected.at_least or since.rows >= expected.at_least:
            continue
        if _missing(connection, settings, system, (first, begun), together=before.rows + since.rows < expected.at_least):
            yield Short(system.name, kind, before.rows, expected.at_least, first, last)


def _missing(
    connection: Connection, settings: Settings, system: SystemSettings, days: tuple[date, date], *, together: bool
) -> bool:
    """Tell whether what a period lacks, the source did not have. `together`: it lacks even with what came since."""
    begin, end = (datetime.combine(day, time(), settings.timezone) for day in days)
    if not system.reads:
        return intake.hours(connection, system.name, days[0].toordinal(), days[1].toordinal() - 1) >= (end - begin) // _HOUR
    run = runs.read_whole(connection, system.name, begin, end)
    if run is None or _left_nothing(settings, system, run, end):
        return run is not None
    return together and runs.read_whole(connection, system.name, end, _EVER) is not None


def _left_nothing(settings: Settings, system: SystemSettings, run: Run, end: datetime) -> bool:
    """Tell whether a period's last run left nothing of it to the next one: no later run fell due before the period's end."""
    if system.schedule is None or run.started_at is None or run.ended_at is None or run.ended_at >= end:
        return False
    following = next(schedule.occurrences(system.schedule.cron, settings.timezone, run.started_at))
    return following + schedule.delay(system.schedule, system.name, following) >= end


def period(per: str, today: date) -> tuple[date, date]:
    """Return the first day of the last whole period, and that of the present one.

    A working day lasts until the next one begins: what comes over the week-end counts for the Friday.

    >>> period("day", date(2025, 10, 9)), period("week", date(2025, 10, 9))
    ((datetime.date(2025, 10, 8), datetime.date(2025, 10, 9)), (datetime.date(2025, 9, 29), datetime.date(2025, 10, 6)))
    >>> period("workday", date(2025, 10, 9))  # the National Day holidays end
    (datetime.date(2025, 9, 30), datetime.date(2025, 10, 9))
    >>> period("workday", date(2025, 10, 4))  # in the middle of them
    (datetime.date(2025, 9, 29), datetime.date(2025, 9, 30))
    """
    if per == "week":
        monday = today - today.weekday() * _DAY
        return monday - 7 * _DAY, monday
    begun = _workday(today) if per == "workday" else today
    return (_workday(begun - _DAY) if per == "workday" else begun - _DAY), begun


def _workday(day: date) -> date:
    """Return the last working day up to and with this one."""
    while not workdays.is_workday(day):
        day -= _DAY
    return day


def _today(settings: Settings, now: datetime) -> date:
    return now.astimezone(settings.timezone).date()
