"""Decides which children wait: parked while no parent is over there or on its way, released once one is taken."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, FromClause, and_, exists, not_, or_, select, update

from hub.model import LIVE, TAKEN, State
from hub.store import schema
from hub.store.numbers import moment

#: A parent in one of these is on its way or over there; in any other, or absent, its children are parked.
_FINE = [state.value for state in (LIVE | TAKEN) - {State.PARKED}]
_TAKEN = [state.value for state in TAKEN]
#: Most stray children parked in one transaction.
STRAY_LIMIT = 1000


def has_parent(child: FromClause, states: list[str]) -> ColumnElement[bool]:
    """Return the condition that some version of a delivery's parent is in one of these states."""
    parent = schema.delivery.alias("parent")
    return exists().where(
        parent.c.system == child.c.system,
        parent.c.lane == child.c.lane,
        parent.c.route == child.c.parent_route,
        parent.c.key == child.c.parent_key,
        or_(*(parent.c.state == state for state in states)),  # an IN list cannot be sent with many rows
    )


def orphaned(child: FromClause) -> ColumnElement[bool]:
    """Return the condition that a pending delivery names a parent that neither is over there nor will come as things are."""
    pending = and_(child.c.state == State.PENDING.value, schema.OPEN)
    return and_(pending, child.c.parent_route.is_not(None), not_(has_parent(child, _FINE)))


def strays(connection: Connection) -> list[int]:
    """Return the numbers of some pending deliveries that are orphaned: what a race or a person's decision may have left behind."""
    ours = schema.delivery
    return list(connection.execute(select(ours.c.id).where(orphaned(ours)).limit(STRAY_LIMIT)).scalars())


def park(connection: Connection, numbers: list[int], now: datetime) -> int:
    """Park those of these deliveries that are orphaned; return how many."""
    ours = schema.delivery
    parked = {"state": State.PARKED.value, "changed_at": moment(now)}
    return int(connection.execute(update(ours).where(ours.c.id.in_(numbers), orphaned(ours)).values(parked)).rowcount)


def sweep_parked(connection: Connection, now: datetime) -> int:
    """Release every parked delivery whose parent has been taken: what a race between T1 and T3 may have left behind."""
    ours, at = schema.delivery, moment(now)
    parked = and_(ours.c.state == State.PARKED.value, schema.OPEN)
    released = {"state": State.PENDING.value, "due_at": at, "changed_at": at}
    return int(connection.execute(update(ours).where(parked, has_parent(ours, _TAKEN)).values(released)).rowcount)


def reunite(connection: Connection, now: datetime) -> None:
    """Release and park whom a person's decision about a parent, or about a child itself, concerns."""
    sweep_parked(connection, now)
    while numbers := strays(connection):
        park(connection, numbers, now)
