"""T2 and T3: a window of messages is opened before anything leaves, and closed with what became of each."""

from __future__ import annotations

import functools
import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, TypeAlias

import orjson
from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    and_,
    bindparam,
    exists,
    func,
    insert,
    literal,
    not_,
    or_,
    select,
    update,
)
from sqlalchemy.sql import Select

from hub.model import TAKEN, Message, Operation, State
from hub.store import presence, schema
from hub.store.numbers import instant, moment, take
from hub.store.partitions import Holding, require

_PENDING = State.PENDING.value
#: What blocks a lane behind it: not yet taken, and still meant to be. What is being sent is still pending.
_BLOCKING = [State.PENDING.value, State.HELD.value]
#: What a message of an open window is: still pending, or parked since, because its parent was refused while it was on its way.
_SENDABLE = [State.PENDING.value, State.PARKED.value]
_TAKEN = [state.value for state in TAKEN]
_OPERATIONS = {operation.value: operation for operation in Operation}
_OURS = schema.delivery
_WINDOW = schema.window

#: Makes other operations of these deliveries, with bodies that say so.
Turning: TypeAlias = Callable[[Connection, Sequence[int]], None]


class _Sent(NamedTuple):
    """What of a delivery is needed to send it: the columns that are read, in this order.

    Taken from the row by name they would cost 10 µs a message instead of 5.
    """

    id: int
    route: str
    endpoint: str
    kind: str
    key: str
    lane: str
    operation: str
    batch: str
    created_at: int
    remade_at: int | None
    attempts: int
    spent: int
    generation: int
    doubtful: bool
    body: bytes


_COLUMNS = tuple(schema.body.c.body if name == "body" else _OURS.c[name] for name in _Sent._fields)


@dataclass(frozen=True, slots=True)
class Opened:
    """A message whose attempt is open, with what settling it needs to know."""

    message: Message
    route: str
    spent: int
    doubtful: bool  # an earlier attempt may have arrived


@dataclass(frozen=True, slots=True)
class SendWindow:
    """Messages whose attempts were opened together; nothing of it leaves before it is durable (invariant 2)."""

    id: int
    opened_at: int
    opened: tuple[Opened, ...]


def open_window(
    connection: Connection,
    holding: Holding,
    *,
    system: str,
    partition: int,
    limit: int,
    heads_only: bool,
    now: datetime,
    urgent: bool = False,
    calls: int = 1,
    as_inserts: Turning | None = None,
    as_updates: Turning | None = None,
) -> SendWindow | None:
    """Open the attempts of the next due messages, lane order kept (invariant 3); None when nothing is due.

    The oldest come first, or what is `urgent` (see `urgency`). `heads_only`: at most one message of a lane. `calls`: how many it
    may be sent in at once. `as_inserts` is told the updates whose insert never came to be over there, and makes inserts of them;
    `as_updates` the inserts of what is over there still, because its deletion came to nothing. None: they stay what they are.
    Raises Fenced when the partition has a newer owner.
    """
    require(connection, holding)
    due = _due(system, partition, moment(now), limit, heads_only, urgent=urgent)
    rows = _without_gaps(connection.execute(due).all())
    turned = False
    if overtaken := presence.outdated(connection, rows):
        ended = {"state": State.SUPERSEDED.value, "changed_at": moment(now)}
        connection.execute(update(_OURS).where(_OURS.c.id.in_(overtaken)).values(ended))
        turned = True
    for find, turn in ((presence.groundless, as_inserts), (presence.second, as_updates)):
        if turn and (wrong := find(connection, rows)):
            turn(connection, wrong)
            turned = True
    if turned:
        rows = _without_gaps(connection.execute(due).all())
    return _opening(connection, holding, rows, calls, moment(now)) if rows else None


def _opening(connection: Connection, holding: Holding, rows: Sequence[Any], calls: int, at: int) -> SendWindow:
    number = take(connection, "window", 1)
    opening = {"id": number, "partition": holding.name, "epoch": holding.epoch, "opened_at": at, "calls": calls}
    connection.execute(insert(_WINDOW).values(**opening, deliveries=orjson.dumps([row.id for row in rows])))
    return SendWindow(number, at, tuple(_opened(row) for row in rows))


def interrupted(connection: Connection, holding: Holding) -> list[SendWindow]:
    """Return the windows of this partition whose owner is gone: sent or not, nobody here knows."""
    require(connection, holding)
    left = select(_WINDOW).where(_WINDOW.c.partition == holding.name, _WINDOW.c.closed_at.is_(None)).order_by(_WINDOW.c.id)
    return [_left(connection, row) for row in connection.execute(left).all()]


def _left(connection: Connection, row: Any) -> SendWindow:
    with_bodies = select(*_COLUMNS).join_from(_OURS, schema.body, schema.body.c.delivery_id == _OURS.c.id)
    sent = _OURS.c.state.in_(_SENDABLE)
    query = with_bodies.where(_OURS.c.id.in_(orjson.loads(row.deliveries)), sent).order_by(_OURS.c.id)
    return SendWindow(row.id, row.opened_at, tuple(_opened(one) for one in connection.execute(query)))


def in_flight(connection: Connection) -> set[int]:
    """Return the numbers of the deliveries that are being sent now."""
    query = select(_WINDOW.c.deliveries).where(_WINDOW.c.closed_at.is_(None))
    return {number for row in connection.execute(query) for number in orjson.loads(row.deliveries)}


def _without_gaps(rows: Sequence[Any]) -> list[Any]:
    """Return the rows all of whose lane before them is in the window too: due times alone may be out of the lane's order."""
    kept: list[Any] = []
    here: Counter[str] = Counter()
    for row in rows:
        if row.ahead == here[row.lane]:
            here[row.lane] += 1
            kept.append(row)
    return kept


def _due(system: str, partition: int, at: int, limit: int, heads_only: bool, *, urgent: bool = False) -> Select[Any]:
    ours = _OURS
    query = (
        select(*_COLUMNS, (literal(0) if heads_only else _ahead()).label("ahead"))
        .join_from(ours, schema.body, schema.body.c.delivery_id == ours.c.id)
        .where(ours.c.system == system, ours.c.partition == partition)
        .where(not_(_blocked(heads_only, urgent)), or_(ours.c.parent_route.is_(None), _parent_taken(heads_only)))
        .limit(limit)
    )
    if urgent:  # the sum keeps the index by due time out of it: it would read and sort the whole backlog for one window
        return query.where(schema.RANKED, ours.c.due_at + 0 <= at).order_by(ours.c.rank, ours.c.id)
    return query.where(ours.c.state == _PENDING, ours.c.due_at <= at, schema.OPEN).order_by(ours.c.due_at, ours.c.id)


def _blocked(heads_only: bool, urgent: bool) -> ColumnElement[bool]:
    """An earlier message of the lane is still on its way and would not come before this one in the same window."""
    earlier = schema.delivery.alias("earlier")
    if heads_only:
        return _in_lane(earlier, _BLOCKING)
    after = [earlier.c.rank.is_(None), earlier.c.rank > _OURS.c.rank] if urgent else []
    return _in_lane(earlier, _BLOCKING, or_(earlier.c.state != _PENDING, earlier.c.due_at > _OURS.c.due_at, *after))


def _before(earlier: FromClause) -> tuple[ColumnElement[bool], ...]:
    return (earlier.c.system == _OURS.c.system, earlier.c.lane == _OURS.c.lane, earlier.c.id < _OURS.c.id)


def _in_lane(earlier: FromClause, states: Sequence[str], *also: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return the condition that something in one of these states stands before ours in its lane.

    Said so that it can only be looked up lane by lane. As a plain EXISTS PostgreSQL makes a join of it, and while its statistics
    lag behind a queue that has just filled it goes through everything open for each that is due: seconds for one window.
    """
    state = earlier.c.state.concat("")  # the index of what is open does not fit: it knows no lanes
    first = select(earlier.c.id).where(*_before(earlier), state.in_(states), *also).limit(1)
    return first.correlate(_OURS).scalar_subquery().is_not(None)


def _ahead() -> ColumnElement[int]:
    """How many of the lane are still to be sent before this one."""
    earlier = schema.delivery.alias("ahead")
    pending = earlier.c.state.concat("") == _PENDING
    return select(func.count()).where(*_before(earlier), pending).correlate(_OURS).scalar_subquery()


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


def _opened(row: Any) -> Opened:
    one = _Sent._make(row[: len(_COLUMNS)])
    message = Message(
        id=one.id,
        endpoint=one.endpoint,
        kind=one.kind,
        key=one.key,
        lane=one.lane,
        operation=_OPERATIONS[one.operation],
        body=orjson.loads(one.body),
        idempotency_key=idempotency_key(one.id, one.created_at, one.generation),
        batch=one.batch,
        created=instant(one.remade_at or one.created_at),
        attempt=one.attempts + 1,
    )
    return Opened(message, one.route, one.spent, one.doubtful)


def idempotency_key(delivery: int, created: int, generation: int) -> str:
    """Return the key all attempts with the same bytes share: 32 hex digits, another one once the body was made anew.

    The creation time keeps a re-created store, which counts from 1 again, from repeating keys the far side has seen.
    """
    return hashlib.blake2b(f"{delivery}/{created}/{generation}".encode(), digest_size=16).hexdigest()


def restless(connection: Connection, *, system: str, partitions: int, heads_only: bool, now: datetime) -> bool:
    """Tell whether a system is being sent to, or could be now."""
    holders = [f"deliver:{system}:{partition}" for partition in range(partitions)]
    flying = select(_WINDOW.c.id).where(_WINDOW.c.partition.in_(holders), _WINDOW.c.closed_at.is_(None)).limit(1)
    if connection.execute(flying).first() is not None:
        return True
    numbers = range(partitions)
    return any(sendable(connection, system=system, partition=number, heads_only=heads_only, now=now) for number in numbers)


def sendable(connection: Connection, *, system: str, partition: int, heads_only: bool, now: datetime) -> bool:
    """Tell whether a window of that partition would find something to send now."""
    return connection.execute(_due(system, partition, moment(now), 1, heads_only)).first() is not None


def left_open(connection: Connection) -> list[str]:
    """Return the partitions in which a window is open: its owner is sending it, or is gone."""
    return list(connection.scalars(select(_WINDOW.c.partition).where(_WINDOW.c.closed_at.is_(None)).distinct()))


def partitions(connection: Connection, system: str) -> int:
    """Return how many partitions of a system something open is left in, counted up to the last one."""
    query = select(_OURS.c.partition).where(_OURS.c.system == system, schema.OPEN).order_by(_OURS.c.partition.desc()).limit(1)
    last = connection.execute(query).scalar()
    return 0 if last is None else int(last) + 1


def next_due(connection: Connection, *, system: str, partition: int) -> datetime | None:
    """Return when the earliest pending message of the partition falls due, None when there is none.

    What stands behind one that waits for a person waits for that person, and has no time.
    """
    due = connection.execute(_next_due(), {"of_system": system, "of_partition": partition}).scalar()
    return None if due is None else instant(due)


@functools.cache
def _next_due() -> Select[Any]:
    """Made once: every partition asks each second, and putting the query together would take as long as its answer."""
    ours, behind_held = _OURS, _in_lane(schema.delivery.alias("held"), [State.HELD.value])
    mine = (ours.c.system == bindparam("of_system"), ours.c.partition == bindparam("of_partition"), ours.c.state == _PENDING)
    return select(ours.c.due_at).where(*mine, schema.OPEN, not_(behind_held)).order_by(ours.c.due_at).limit(1)
