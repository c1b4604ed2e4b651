"""T2 and T3: a window of messages is opened before anything leaves, and closed with what became of each."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, TypeAlias

import orjson
from sqlalchemy import Connection, insert, select, update

from hub.model import Message, Operation, State
from hub.store import due, presence, schema
from hub.store.among import among
from hub.store.numbers import instant, moment, take
from hub.store.partitions import Holding, require

#: What a message of an open window is: still pending, or parked since, because its parent was refused while it was on its way.
_SENDABLE = [State.PENDING.value, State.PARKED.value]
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
    query = due.sendable(
        _COLUMNS, system=system, partition=partition, at=moment(now), limit=limit, heads_only=heads_only, urgent=urgent
    )
    while _put_right(connection, rows := _without_gaps(connection.execute(query).all()), now, as_inserts, as_updates):
        pass  # what comes up in the place of what ended is looked at as well
    return _opening(connection, holding, rows, calls, moment(now)) if rows else None


def _put_right(
    connection: Connection, rows: Sequence[Any], now: datetime, as_inserts: Turning | None, as_updates: Turning | None
) -> bool:
    """End what was overtaken from another lane, and turn what would say the wrong operation; tell whether there was any."""
    turned = False
    if overtaken := presence.outdated(connection, rows):
        ended = {"state": State.SUPERSEDED.value, "changed_at": moment(now)}
        connection.execute(update(_OURS).where(among(_OURS.c.id, overtaken)).values(ended))
        turned = True
    for find, turn in ((presence.groundless, as_inserts), (presence.second, as_updates)):
        if turn and (wrong := find(connection, rows)):
            turn(connection, wrong)
            turned = True
    return turned


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
    query = with_bodies.where(among(_OURS.c.id, orjson.loads(row.deliveries)), sent).order_by(_OURS.c.id)
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
    query = due.sendable((_OURS.c.id,), system=system, partition=partition, at=moment(now), limit=1, heads_only=heads_only)
    return connection.execute(query).first() is not None


def partitions(connection: Connection, system: str) -> int:
    """Return how many partitions of a system something open is left in, counted up to the last one."""
    query = select(_OURS.c.partition).where(_OURS.c.system == system, schema.OPEN).order_by(_OURS.c.partition.desc()).limit(1)
    last = connection.execute(query).scalar()
    return 0 if last is None else int(last) + 1


def next_due(connection: Connection, *, system: str, partition: int) -> datetime | None:
    """Return when the earliest pending message of the partition falls due, None when there is none.

    What stands behind one that waits for a person waits for that person, and has no time.
    """
    at = connection.execute(due.earliest(), {"of_system": system, "of_partition": partition}).scalar()
    return None if at is None else instant(at)
