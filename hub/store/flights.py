"""What of a system is in flight, over all partitions and workers, and who waits for his turn to call it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, select, update

from hub.store import schema
from hub.store.numbers import moment
from hub.store.partitions import Holding

_WINDOW, _PARTITION = schema.window, schema.partition
#: How long a partition that waits for its turn is believed to wait without saying so again: its worker may be dead.
BELIEVED = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Flights:
    """What other partitions of a system do: windows they have open, calls in those, how many wait, and longer than we do.

    `silent`: we do not wait, or have not said so for a while.
    """

    windows: int = 0
    calls: int = 0
    waiting: int = 0
    ahead: int = 0
    silent: bool = True


def look(connection: Connection, system: str, holding: Holding, now: datetime) -> Flights:
    """Return what the other partitions do. What a dead worker left open counts until it is recovered: its call may still be on."""
    prefix = f"deliver:{system}:"
    flying = select(_WINDOW.c.partition, _WINDOW.c.calls).where(_WINDOW.c.closed_at.is_(None))
    calls = [row.calls for row in connection.execute(flying) if row.partition.startswith(prefix) and row.partition != holding.name]
    waits = _waits(connection, prefix, moment(now))
    mine = waits.pop(holding.name, None)
    ahead = sum(1 for one in waits.values() if mine is None or one.place < mine.place)
    silent = mine is None or mine.until < moment(now + BELIEVED / 2)
    return Flights(len(calls), sum(calls), len(waits), ahead, silent)


class _Wait(NamedTuple):
    place: tuple[int, str]  # equal times are told apart by name
    until: int


def _waits(connection: Connection, prefix: str, at: int) -> dict[str, _Wait]:
    """Return which partitions of a system wait for their turn."""
    table = _PARTITION
    query = select(table.c.name, table.c.waits_since, table.c.waits_until)
    rows = connection.execute(query.where(table.c.name.startswith(prefix, autoescape=True), table.c.waits_until > at))
    return {row.name: _Wait((row.waits_since, row.name), row.waits_until) for row in rows}


def wait(connection: Connection, holding: Holding, now: datetime) -> None:
    """Note that this partition waits for its turn; its place in the row stays while it says so often enough."""
    at, table = moment(now), _PARTITION
    mine = update(table).where(table.c.name == holding.name)
    again = connection.execute(mine.where(table.c.waits_until > at).values(waits_until=moment(now + BELIEVED)))
    if again.rowcount == 0:
        connection.execute(mine.values(waits_since=at, waits_until=moment(now + BELIEVED)))


def go(connection: Connection, holding: Holding) -> None:
    """Note that this partition waits no longer."""
    table = _PARTITION
    connection.execute(update(table).where(table.c.name == holding.name, table.c.waits_until > 0).values(waits_until=0))
