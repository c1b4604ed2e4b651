"""T2 and T3: a window of messages is opened before anything leaves, and closed with what became of each."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, and_, exists, insert, literal, not_, or_, select, update
from sqlalchemy.sql import Select

from hub.model import TAKEN, Message, Operation, State
from hub.store import schema
from hub.store.numbers import instant, moment
from hub.store.partitions import Holding, require

_PENDING = State.PENDING.value
#: What blocks a lane behind it: not yet taken, and still meant to be.
_BLOCKING = [State.PENDING.value, State.SENDING.value, State.HELD.value]
_TAKEN = [state.value for state in TAKEN]
_OURS = schema.delivery
_COLUMNS = (
    _OURS.c.id, _OURS.c.route, _OURS.c.endpoint, _OURS.c.kind, _OURS.c.key, _OURS.c.lane, _OURS.c.operation, _OURS.c.body,
    _OURS.c.batch, _OURS.c.created_at, _OURS.c.attempts, _OURS.c.spent, _OURS.c.generation, _OURS.c.doubtful,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Opened:
    """A message whose attempt is open, with what settling it needs to know."""

    message: Message
    route: str
    spent: int
    doubtful: bool = False  # an earlier attempt may have arrived


def open_window(
    connection: Connection, holding: Holding, *, system: str, partition: int, limit: int, heads_only: bool, now: datetime
) -> list[Opened]:
    """Open an attempt for each of the next due messages and return them, oldest first, lane order kept (invariants 2 and 3).

    `heads_only`: at most one message of a lane. Raises Fenced when the partition has a newer owner.
    """
    require(connection, holding)
    at = moment(now)
    rows = connection.execute(_due(system, partition, at, limit, heads_only)).all()
    if not rows:
        return []
    numbers = [row.id for row in rows]
    connection.execute(
        update(_OURS).where(_OURS.c.id.in_(numbers)).values(state=State.SENDING.value, attempts=_OURS.c.attempts + 1, changed_at=at)
    )
    opening = select(_OURS.c.id, _OURS.c.attempts, literal(at)).where(_OURS.c.id.in_(numbers))
    connection.execute(insert(schema.attempt).from_select(["delivery_id", "number", "opened_at"], opening))
    return [_opened(row, row.attempts + 1) for row in rows]


def interrupted(connection: Connection, holding: Holding, *, system: str, partition: int, limit: int) -> list[Opened]:
    """Return messages whose attempt was opened by an owner that is gone: sent or not, nobody here knows."""
    require(connection, holding)
    query = (
        select(*_COLUMNS)
        .where(_OURS.c.system == system, _OURS.c.partition == partition, _OURS.c.state == State.SENDING.value, schema.OPEN)
        .order_by(_OURS.c.id)
        .limit(limit)
    )
    return [_opened(row, row.attempts) for row in connection.execute(query)]


def _due(system: str, partition: int, at: int, limit: int, heads_only: bool) -> Select[Any]:
    ours = _OURS
    return (
        select(*_COLUMNS)
        .where(ours.c.system == system, ours.c.partition == partition, ours.c.state == _PENDING, ours.c.due_at <= at, schema.OPEN)
        .where(not_(_blocked(heads_only)), or_(ours.c.parent_route.is_(None), _parent_taken(heads_only)))
        .order_by(ours.c.due_at, ours.c.id)
        .limit(limit)
    )


def _blocked(heads_only: bool) -> ColumnElement[bool]:
    """An earlier message of the lane is still on its way and would not come before this one in the same window."""
    ours, earlier = _OURS, schema.delivery.alias("earlier")
    in_lane = and_(
        earlier.c.system == ours.c.system,
        earlier.c.lane == ours.c.lane,
        earlier.c.id < ours.c.id,
        earlier.c.state.in_(_BLOCKING),
    )
    if heads_only:
        return exists().where(in_lane)
    return exists().where(in_lane, or_(earlier.c.state != _PENDING, earlier.c.due_at > ours.c.due_at))


def _parent_taken(heads_only: bool) -> ColumnElement[bool]:
    """The parent is over there, or comes earlier in the same window (whose lane stops if the parent fails)."""
    ours, parent = _OURS, schema.delivery.alias("parent")
    fine: ColumnElement[bool] = parent.c.state.in_(_TAKEN)
    if not heads_only:
        fine = or_(fine, and_(parent.c.state == _PENDING, parent.c.id < ours.c.id))
    return exists().where(
        parent.c.system == ours.c.system,
        parent.c.lane == ours.c.lane,
        parent.c.route == ours.c.parent_route,
        parent.c.key == ours.c.parent_key,
        fine,
    )


def _opened(row: Any, attempt: int) -> Opened:
    message = Message(
        id=row.id,
        endpoint=row.endpoint,
        kind=row.kind,
        key=row.key,
        lane=row.lane,
        operation=Operation(row.operation),
        body=orjson.loads(row.body),
        idempotency_key=idempotency_key(row.id, row.created_at, row.generation),
        batch=row.batch,
        created=instant(row.created_at),
        attempt=attempt,
    )
    return Opened(message, row.route, row.spent, row.doubtful)


def idempotency_key(delivery: int, created: int, generation: int) -> str:
    """Return the key all attempts with the same bytes share: 32 hex digits, another one once the body was made anew.

    The creation time keeps a re-created store, which counts from 1 again, from repeating keys the far side has seen.
    """
    return hashlib.blake2b(f"{delivery}/{created}/{generation}".encode(), digest_size=16).hexdigest()


def next_due(connection: Connection, *, system: str, partition: int) -> datetime | None:
    """Return when the earliest pending message of the partition falls due, None when there is none."""
    query = (
        select(_OURS.c.due_at)
        .where(_OURS.c.system == system, _OURS.c.partition == partition, _OURS.c.state == _PENDING, schema.OPEN)
        .order_by(_OURS.c.due_at)
        .limit(1)
    )
    due = connection.execute(query).scalar()
    return None if due is None else instant(due)
