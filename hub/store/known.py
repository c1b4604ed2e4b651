"""Reads what the store has of the records of a page before it is judged: their versions, and what became of each over there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, and_, case, func, not_, or_, select

from hub.model import Operation, Stage, State
from hub.store import gate, schema
from hub.store.among import among
from hub.store.presence import refused_later
from hub.store.versions import same_object

#: What only a person can bring to life: to be tried again, approved, or decided about.
_DORMANT = [State.DEAD.value, State.HELD.value]


@dataclass(frozen=True, slots=True)
class Known:
    """What the store has of a record already: its newest revision, the numbers of all its versions, and whether it is deleted."""

    revision: str
    record_ids: tuple[int, ...]
    deleted: bool = False


def records(connection: Connection, source: str, kind: str, keys: Sequence[str]) -> dict[str, Known]:
    """Return what the store has of these records, by key; unknown ones are absent."""
    table = schema.record
    found: dict[str, Known] = {}
    query = select(table.c.key, table.c.id, table.c.revision, table.c.deleted).where(
        table.c.source == source, table.c.kind == kind, among(table.c.key, keys)
    )
    for key, number, revision, deleted in connection.execute(query.order_by(table.c.id)):
        before = found[key].record_ids if key in found else ()
        found[key] = Known(revision, (*before, number), deleted)
    return found


def taken_routes(
    connection: Connection, record_ids: Collection[int]
) -> tuple[set[tuple[str, str]], dict[tuple[str, str], set[str]]]:
    """Return the (route, key) pairs the far side has, or will have had, from any version of these records; and the lanes of all.

    What it refused in its later check (stage feedback) it has had, whatever became of the delivery since. What it was told to
    delete it has no more, unless it refused that, too.
    """
    table = schema.delivery
    gone = [State.CANCELLED.value, State.SUPERSEDED.value, State.DEAD.value]
    there = or_(and_(table.c.state.not_in(gone), not_(gate.at_gate(table))), refused_later(table))
    deletion = and_(table.c.operation == Operation.DELETE.value, table.c.state.not_in([*gone, State.REJECTED.value]))
    deleted = and_(deletion, not_(gate.at_gate(table)))
    newest = [func.max(case((condition, table.c.id), else_=0)) for condition in (there, deleted)]
    ends = (func.min(table.c.lane), func.max(table.c.lane))
    # not by lane: that may have changed between a version and its deletion
    query = select(table.c.route, table.c.key, *newest, *ends).where(among(table.c.record_id, record_ids))
    rows = connection.execute(query.group_by(table.c.route, table.c.key)).all()
    lanes = {(route, key): set(stood) for route, key, _, _, *stood in rows}
    return {(route, key) for route, key, last, told, *_ in rows if last > told}, lanes


def dormant(connection: Connection, record_ids: Collection[int], *, lock: bool = False) -> set[int]:
    """Return the deliveries of these records that will not be sent until somebody retries, approves or decides about them.

    `lock`: nobody can until the transaction ends.
    """
    table = schema.delivery
    lying = table.c.state.concat("").in_(_DORMANT)  # not by the index of what is open: it knows no records, and may be long
    query = select(table.c.id).where(among(table.c.record_id, record_ids), lying)
    return set(connection.execute(query.order_by(table.c.id).with_for_update() if lock else query).scalars())


def versions_owed(connection: Connection, record_ids: Collection[int]) -> Counter[tuple[str, str]]:
    """Return how many versions of these records each (route, key) was owed so far, what went again after a refusal included."""
    table = schema.delivery
    query = select(table.c.route, table.c.key, func.sum(table.c.generation + 1)).where(among(table.c.record_id, record_ids))
    rows = connection.execute(query.group_by(table.c.route, table.c.key))
    return Counter({(route, key): int(number) for route, key, number in rows})


def versions_before(connection: Connection, row: Any) -> int:
    """Return how many versions the route was owed before this delivery of the same record."""
    table = schema.delivery
    same = same_object(table, row)
    return int(connection.scalar(select(func.sum(table.c.generation + 1)).where(*same, table.c.id < row.id)) or 0)


def refused_at_source(connection: Connection, record_ids: Collection[int]) -> set[tuple[str, str]]:
    """Return the (kind, key) pairs of these records that lie dead because they broke their source's schema."""
    table = schema.delivery
    # whose system it is the record says; asked for it, SQLite would go through all deliveries of the system
    lying = and_(table.c.stage == Stage.SOURCE.value, table.c.state.concat("") == State.DEAD.value)
    rows = connection.execute(select(table.c.kind, table.c.key).where(among(table.c.record_id, record_ids), lying))
    return {(row.kind, row.key) for row in rows}
