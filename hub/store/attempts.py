"""Reads the tries of deliveries: those written down, those that only a window tells, and late refusals as if they were tries."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, select

from hub.model import Taken
from hub.store import replays, schema
from hub.store.among import among
from hub.store.numbers import instant
from hub.store.replays import Replay

_OURS = schema.delivery
#: The outcome of an «attempt» that is none: a verdict that came later.
REFUSED_LATER = "refused-later"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try, or a later verdict about what was taken (number 0)."""

    delivery: int
    number: int
    opened_at: datetime
    closed_at: datetime
    outcome: str
    code: str | None
    said: str | None
    reference: str | None
    made: Replay | None = None  # who had the body it sent made anew, when, and by which mapping; None: the original


def read(connection: Connection, numbers: Iterable[int]) -> list[Attempt]:
    """Return the attempts of these deliveries in the order they were opened.

    An attempt with a plain receipt has no row of its own: the delivery and its last window tell it.
    """
    wanted = list(numbers)
    tried = _written(connection, wanted)
    told = {(one.delivery, one.number) for one in tried}
    tried += [one for one in _last_windows(connection, wanted) if (one.delivery, one.number) not in told]
    if again := replays.read(connection, wanted):
        tried = [replace(one, made=replays.in_force(again, one.delivery, one.number)) for one in tried]
    return sorted([*tried, *_refusals(connection, wanted)], key=lambda one: (one.opened_at, one.delivery, one.number))


def _written(connection: Connection, numbers: list[int]) -> list[Attempt]:
    table = schema.attempt
    rows = connection.execute(select(table).where(among(table.c.delivery_id, numbers))).all()
    return [
        Attempt(
            row.delivery_id, row.number, instant(row.opened_at), instant(row.closed_at),
            row.outcome, row.code, row.said, row.reference,
        )
        for row in rows
    ]  # fmt: skip


def _last_windows(connection: Connection, numbers: list[int]) -> list[Attempt]:
    window = schema.window
    query = (
        select(_OURS.c.id, _OURS.c.attempts, window.c.opened_at, window.c.closed_at)
        .join_from(_OURS, window, window.c.id == _OURS.c.window_id)
        .where(among(_OURS.c.id, numbers), window.c.closed_at.is_not(None))
    )
    return [
        Attempt(row.id, row.attempts, instant(row.opened_at), instant(row.closed_at), Taken.TAKEN.value, None, None, None)
        for row in connection.execute(query)
    ]


def _refusals(connection: Connection, numbers: list[int]) -> list[Attempt]:
    """Return the late refusals of these deliveries, as attempts without a number."""
    table = schema.verdict
    rows = connection.execute(select(table).where(among(table.c.delivery_id, numbers))).all()
    return [Attempt(row.delivery_id, 0, instant(row.at), instant(row.at), REFUSED_LATER, row.code, row.said, None) for row in rows]
