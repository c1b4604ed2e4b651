"""Decides which children wait: parked while no parent is over there or on its way, released once one is taken."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, FromClause, and_, exists, not_, or_, select, update

from hub.model import LIVE, TAKEN, State
from hub.store import renewal, schema
from hub.store.among import among
from hub.store.numbers import moment

#: A parent in one of these is on its way; if it is neither that nor over there, its children are parked.
_COMING = [state.value for state in LIVE - {State.PARKED} - TAKEN]
_TAKEN = [state.value for state in TAKEN]
#: Most stray children parked in one transaction.
STRAY_LIMIT = 1000


def _has_parent(child: FromClause, *, coming: bool) -> ColumnElement[bool]:
    """Return the condition that some version of a delivery's parent is over there or, if `coming`, will be before it.

    A version behind the child in its lane does not count as coming: it would wait for the child, and the child for it.
    """
    parent = schema.delivery.alias("parent")
    fine = [parent.c.state == state for state in _TAKEN]  # an IN list cannot be sent with many rows
    if coming:
        fine += [and_(parent.c.state == state, parent.c.id < child.c.id) for state in _COMING]
    return exists().where(
        parent.c.system == child.c.system,
        parent.c.lane == child.c.lane,
        parent.c.route == child.c.parent_route,
        parent.c.key == child.c.parent_key,
        or_(*fine),
    )


def orphaned(child: FromClause) -> ColumnElement[bool]:
    """Return the condition that a pending delivery names a parent that neither is over there nor will come as things are."""
    pending = and_(child.c.state == State.PENDING.value, schema.OPEN)
    return and_(pending, child.c.parent_route.is_not(None), not_(_has_parent(child, coming=True)))


def strays(connection: Connection) -> list[int]:
    """Return the numbers of some pending deliveries that are orphaned: what a race or a person's decision may have left behind."""
    ours = schema.delivery
    return list(connection.execute(select(ours.c.id).where(orphaned(ours)).limit(STRAY_LIMIT)).scalars())


def park(connection: Connection, numbers: list[int], now: datetime) -> int:
    """Park those of these deliveries that are orphaned; return how many."""
    ours = schema.delivery
    parked = {"state": State.PARKED.value, "changed_at": moment(now)}
    return int(connection.execute(update(ours).where(among(ours.c.id, numbers), orphaned(ours)).values(parked)).rowcount)


def sweep_parked(connection: Connection, now: datetime) -> int:
    """Release every parked delivery whose parent has been taken: what a race between T1 and T3 may have left behind.

    One that a newer version has overtaken ends instead.
    """
    ours, at = schema.delivery, moment(now)
    parked = and_(ours.c.state == State.PARKED.value, schema.OPEN)
    waiting = update(ours).where(parked, _has_parent(ours, coming=False))
    connection.execute(waiting.where(renewal.overtaken()).values(state=State.SUPERSEDED.value, changed_at=at))
    return int(connection.execute(waiting.values(state=State.PENDING.value, due_at=at, changed_at=at)).rowcount)


def reunite(connection: Connection, now: datetime) -> None:
    """Release and park whom a person's decision about a parent or a child concerns; older versions give way to newer ones first."""
    renewal.give_way(connection, moment(now))
    sweep_parked(connection, now)
    while numbers := strays(connection):
        park(connection, numbers, now)
