"""What operators ask of the store: backlog, deliveries, the life of one case."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, Row, Select, and_, case, func, select, text

from hub.errors import QUEUED, UNGRANTED, UNSENT
from hub.model import LIVE, Stage, State
from hub.store import outbox, partitions, schema
from hub.store.among import among
from hub.store.numbers import instant

_OURS = schema.delivery
#: Why something was not sent at all, and did not fail either.
_UNSENT = (UNSENT, UNGRANTED, QUEUED)
#: States a look at the backlog counts, and those of them that are still owed.
OPEN = tuple(State(state) for state in schema.OPEN_STATES)
OWED = LIVE


@dataclass(frozen=True, slots=True)
class Backlog:
    """How many deliveries of a system are in one open state, and since when the oldest."""

    count: int
    oldest: datetime


@dataclass(frozen=True, slots=True)
class Delivery:
    """One delivery as people see it; no body, no data."""

    id: int
    system: str
    route: str
    endpoint: str
    kind: str
    key: str
    lane: str
    operation: str
    state: State
    attempts: int
    created_at: datetime
    changed_at: datetime
    due_at: datetime
    batch: str
    stage: str | None
    code: str | None
    reason: str | None
    issues: tuple[dict[str, Any], ...]
    parent_route: str | None = None
    parent_key: str | None = None
    row: str | None = None  # what the far side calls it, where its verdicts name it so
    approver: str | None = None  # whose approval it waits for


def backlog(connection: Connection) -> dict[str, dict[State, Backlog]]:
    """Return the open deliveries by system and state. Reads the index of open states only, whatever the history."""
    oldest = func.min(_OURS.c.id).label("oldest")  # numbers are in the order of acceptance
    counted = (
        select(_OURS.c.system, _OURS.c.state, func.count().label("number"), oldest)
        .where(schema.OPEN)
        .group_by(_OURS.c.system, _OURS.c.state)
        .subquery()
    )
    query = select(counted.c.system, counted.c.state, counted.c.number, _OURS.c.created_at).join(
        _OURS, _OURS.c.id == counted.c.oldest
    )
    found: dict[str, dict[State, Backlog]] = {}
    for system, state, number, created in connection.execute(query):
        found.setdefault(system, {})[State(state)] = Backlog(number, instant(created))
    return found


def sending(connection: Connection) -> dict[str, int]:
    """Return how many deliveries of each system are being sent now: those of windows that are still open."""
    numbers = outbox.in_flight(connection)
    if not numbers:
        return {}
    query = select(_OURS.c.system, func.count()).where(among(_OURS.c.id, numbers)).group_by(_OURS.c.system)
    return {row[0]: row[1] for row in connection.execute(query)}


def with_sending(backlog: Mapping[State, Backlog], number: int) -> dict[State, Backlog]:
    """Return a system's backlog with what is being sent told apart from what is pending."""
    if not number or State.PENDING not in backlog:
        return dict(backlog)
    pending = backlog[State.PENDING]
    apart = {State.PENDING: Backlog(max(pending.count - number, 0), pending.oldest), State.SENDING: Backlog(number, pending.oldest)}
    return {**backlog, **apart}


def totals(connection: Connection) -> dict[str, dict[State, int]]:
    """Return all deliveries ever, by system and state; reads the whole history, so it is for accounts, not for screens."""
    query = select(_OURS.c.system, _OURS.c.state, func.count()).group_by(_OURS.c.system, _OURS.c.state)
    found: dict[str, dict[State, int]] = {}
    for system, state, count in connection.execute(query):
        found.setdefault(system, {})[State(state)] = count
    return found


def deliveries(
    connection: Connection,
    *,
    system: str | None = None,
    states: Iterable[State] | None = None,
    code: str | None = None,
    lane: str | None = None,
    before: int | None = None,
    above: int | None = None,
    systems: Collection[str] | None = None,
    numbers: Collection[int] | None = None,
    failed_first: bool = False,
    limit: int = 100,
) -> list[Delivery]:
    """Return deliveries newest first, by any of these, below a delivery number (paging).

    `failed_first`: what failed comes before what only waits. They are looked for by their numbers alone with `above`, down to that
    one, or with `numbers`, among those.
    """
    wanted = None if states is None else set(states)
    numbered = above is not None or numbers is not None
    looked_at = wanted is not None and wanted <= set(OPEN) and not numbered
    # By number alone SQLite would go through the whole history for what is open, or one case, which is little.
    order = (_OURS.c.id + 0 if looked_at or lane else _OURS.c.id).desc()
    # Joined with nothing they are in no index.
    theirs, stands = (one.concat("") if numbered else one for one in (_OURS.c.system, _OURS.c.state))
    meant = [
        theirs == system if system else None,
        _OURS.c.system.in_(systems) if systems is not None else None,
        stands.in_([state.value for state in wanted]) if wanted is not None else None,
        schema.OPEN if looked_at else None,
        among(_OURS.c.id, numbers) if numbers is not None else None,
        _OURS.c.code == code if code else None,
        _OURS.c.lane == lane if lane else None,
        _OURS.c.id < before if before else None,
        _OURS.c.id > above if above is not None else None,
    ]
    orders = (case((failed_once(), 0), else_=1), order) if failed_first else (order,)
    return read(connection, select(_OURS).where(*(one for one in meant if one is not None)).order_by(*orders).limit(limit))


def failed_once() -> ColumnElement[bool]:
    """Return the condition that a delivery failed before; what only queued behind a failure did not."""
    return and_(_OURS.c.code.is_not(None), _OURS.c.code.not_in(_UNSENT))


def delivery(connection: Connection, number: int) -> Delivery | None:
    """Return one delivery."""
    found = read(connection, select(_OURS).where(_OURS.c.id == number))
    return found[0] if found else None


def life(connection: Connection, systems: Iterable[str], name: str) -> list[Delivery]:
    """Return every delivery of one case (by lane, or a record's key when it is its own lane), also to systems that are gone."""
    known = {*systems, *partitions.systems(connection)}
    query = select(_OURS).where(_OURS.c.system.in_(known), _OURS.c.lane == name).order_by(_OURS.c.id)
    return read(connection, query)


def bodies(connection: Connection, number: int) -> tuple[dict[str, Any], dict[str, Any] | None] | None:
    """Return the record's data and the frozen body of one delivery. Both hold personal data: mask before showing."""
    query = (
        select(schema.record.c.data, schema.body.c.body)
        .join_from(_OURS, schema.record, schema.record.c.id == _OURS.c.record_id)
        .outerjoin(schema.body, schema.body.c.delivery_id == _OURS.c.id)
        .where(_OURS.c.id == number)
    )
    row = connection.execute(query).first()
    if row is None:
        return None
    return orjson.loads(row.data), orjson.loads(row.body) if row.body else None


def store_bytes(connection: Connection) -> int:
    """Return the store's size in bytes."""
    if connection.dialect.name == "sqlite":
        return int(connection.scalar(text("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()")) or 0)
    return int(connection.scalar(text("SELECT pg_database_size(current_database())")) or 0)


def read(connection: Connection, query: Select[Any]) -> list[Delivery]:
    """Return what a query for whole deliveries finds."""
    return [_delivery(row) for row in connection.execute(query)]


def _delivery(row: Row[Any]) -> Delivery:
    return Delivery(
        row.id, row.system, row.route, row.endpoint, row.kind, row.key, row.lane, row.operation, State(row.state), row.attempts,
        instant(row.created_at), instant(row.changed_at), instant(row.due_at), row.batch, row.stage, row.code, row.reason,
        tuple(orjson.loads(row.issues)) if row.issues else (), row.parent_route, row.parent_key, row.row, _approver(row),
    )  # fmt: skip


def _approver(row: Row[Any]) -> str | None:
    return row.reason if row.state == State.HELD.value and row.stage == Stage.GATE.value else None
