"""Decides which clock is wrong, and what becomes of the times it wrote: what was put off by one that was ahead is due now."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, update

from hub.model import State
from hub.store import dialect, schema
from hub.store.numbers import moment

#: A row written later than this from now was written by a clock that was wrong; machines differ by less.
AHEAD = timedelta(minutes=10)
#: A machine whose clock differs from the store's by more is told of: its logs, and what its adapters sign, name another time.
APART = timedelta(seconds=5)


def ahead(connection: Connection) -> timedelta:
    """Return by how much the clock of this machine is before the store's; negative: behind it."""
    return datetime.now(UTC) - dialect.now(connection)


def set_right(connection: Connection, now: datetime) -> int:
    """Make due now what was put off, and end the rests that were begun, in what is still to come; return how many.

    A wait that a right clock began stays as it is, however long.
    """
    at, limit = moment(now), moment(now + AHEAD)
    delivery, system = schema.delivery, schema.system
    put_off = update(delivery).where(
        delivery.c.state == State.PENDING.value, schema.OPEN, delivery.c.due_at > limit, delivery.c.changed_at > limit
    )
    resting = update(system).where(system.c.rest_until > limit, system.c.changed_at > limit)
    moved: int = connection.execute(put_off.values(due_at=at, changed_at=at)).rowcount
    moved += connection.execute(resting.values(rest_until=at, changed_at=at)).rowcount
    return moved
