"""Counts how many rows each expected feed gave, day by day: what says that a source suddenly gives nothing.

A day is the ordinal of a local date. A row with 0 says that the hub watched that day; one with an hour for its kind, that it was
there in that hour.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, and_, func, select

from hub.store import dialect
from hub.store.schema import intake


@dataclass(frozen=True, slots=True)
class Watched:
    """Since which day a feed is watched (None: it is not), and how many rows it gave in the days that were asked about."""

    since: int | None
    rows: int


def hour(number: int) -> str:
    """Return under which name, in place of a kind, it is noted that the hub was there in an hour of a day.

    >>> hour(9)
    '@09'
    """
    return f"@{number:02d}"


def add(connection: Connection, source: str, day: int, counts: Mapping[str, int]) -> None:
    """Add what was read of these kinds; part of T1."""
    rows = [{"source": source, "kind": kind, "day": day, "rows": number} for kind, number in counts.items()]
    if rows:
        added = dialect.insert(connection, intake)
        more = {"rows": intake.c.rows + added.excluded.rows}
        connection.execute(added.on_conflict_do_update(index_elements=["source", "kind", "day"], set_=more), rows)


def unwatched(connection: Connection, source: str, day: int, kinds: Iterable[str]) -> list[str]:
    """Return which of these kinds nothing is written down of that day."""
    known = set(connection.execute(select(intake.c.kind).where(intake.c.source == source, intake.c.day == day)).scalars())
    return [kind for kind in kinds if kind not in known]


def watched(connection: Connection, source: str, kind: str, first: int, last: int) -> Watched:
    """Return what a feed gave from one day up to and with another."""
    mine = and_(intake.c.source == source, intake.c.kind == kind)
    since: int | None = connection.scalar(select(func.min(intake.c.day)).where(mine))
    rows = connection.scalar(select(func.sum(intake.c.rows)).where(mine, intake.c.day >= first, intake.c.day <= last))
    return Watched(since, int(rows or 0))


def hours(connection: Connection, source: str, first: int, last: int) -> int:
    """Return in how many hours the hub was there from one day up to and with another."""
    there = (intake.c.source == source, intake.c.kind.in_([hour(number) for number in range(24)]))
    counted = select(func.count()).where(*there, intake.c.day >= first, intake.c.day <= last)
    return int(connection.scalar(counted) or 0)
