"""Decides which feeds give less than is expected of them: a source that suddenly gives nothing breaks without an error."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Connection

from hub.engine.exchange import Exchange
from hub.mapping import workdays
from hub.model import Page
from hub.settings import Settings, SystemSettings
from hub.store import intake
from hub.store.opening import Store

#: What `hub explain` says of it.
CODE = "HUB-S-191"
_DAY = timedelta(days=1)


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
    """Write down that feeds were watched today, also those that gave nothing."""
    day = _today(settings, now).toordinal()
    for system in settings.sources():
        with store.reading() as connection:
            new = intake.unwatched(connection, system.name, day, system.expect) if system.expect else []
        if new:
            with store.writing() as connection:
                missing = intake.unwatched(connection, system.name, day, new)  # a page may have come in between
                intake.add(connection, system.name, day, dict.fromkeys(missing, 0))


def short(connection: Connection, settings: Settings, now: datetime) -> list[Short]:
    """Return the feeds that gave too little in the last whole period, and not enough since."""
    today = _today(settings, now)
    return [one for system in settings.sources() for one in _of(connection, system, today)]


def _of(connection: Connection, system: SystemSettings, today: date) -> Iterator[Short]:
    for kind, expected in system.expect.items():
        first, begun = period(expected.per, today)
        last = begun - _DAY
        before = intake.watched(connection, system.name, kind, first.toordinal(), last.toordinal())
        since = intake.watched(connection, system.name, kind, begun.toordinal(), today.toordinal())
        seen = before.since is not None and before.since < first.toordinal()  # the day it was first watched on is no whole one
        if seen and before.rows < expected.at_least and since.rows < expected.at_least:
            yield Short(system.name, kind, before.rows, expected.at_least, first, last)


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
