"""T1: the records of one page, the deliveries they owe and the cursor behind them become durable together (invariant 1)."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Column, ColumnElement, Connection, and_, case, delete, func, insert, not_, or_, select, update

from hub.model import Operation, Stage, State
from hub.store import dialect, family, gate, replacing, schema, urgency
from hub.store.among import among
from hub.store.numbers import instant, moment, parts, take
from hub.store.partitions import Holding, hold, require
from hub.store.presence import refused_later
from hub.store.versions import same_object

#: What only a person can bring to life: to be tried again, approved, or decided about.
_DORMANT = [State.DEAD.value, State.HELD.value]
NOWHERE = schema.NOWHERE
#: Most keys in one IN list: below every database's limit on bound values.
CHUNK = 1000


@dataclass(frozen=True, slots=True)
class Known:
    """What the store has of a record already: its newest revision, the numbers of all its versions, and whether it is deleted."""

    revision: str
    record_ids: tuple[int, ...]
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Owed:
    """One delivery to be written: owed, held, or dead on arrival with its issues."""

    system: str
    route: str
    endpoint: str
    lane: str
    operation: Operation
    mapping: str
    body: bytes | None
    state: State
    partitions: int = 1
    parent: tuple[str, str] | None = None  # route, key
    row: str | None = None
    stage: Stage | None = None
    code: str | None = None
    reason: str | None = None
    issues: bytes | None = None
    rank: int | None = None  # see `urgency`
    moved: bool = False  # an earlier version of the record stood in another lane


@dataclass(frozen=True, slots=True)
class Accepted:
    """One record to be written, with everything it owes."""

    kind: str
    key: str
    revision: str
    deleted: bool
    data: bytes
    owed: tuple[Owed, ...]
    renewed: bool = False  # an earlier version of the record is known
    withdrawn: tuple[tuple[str, str], ...] = ()  # system, route: it is gone, and never was there: nothing is to be sent


def known(connection: Connection, source: str, kind: str, keys: Sequence[str]) -> dict[str, Known]:
    """Return what the store has of these records, by key; unknown ones are absent."""
    table = schema.record
    found: dict[str, Known] = {}
    for part in parts(keys, CHUNK):
        query = select(table.c.key, table.c.id, table.c.revision, table.c.deleted).where(
            table.c.source == source, table.c.kind == kind, among(table.c.key, part)
        )
        for key, number, revision, deleted in connection.execute(query.order_by(table.c.id)):
            before = found[key].record_ids if key in found else ()
            found[key] = Known(revision, (*before, number), deleted)
    return found


def taken_routes(connection: Connection, record_ids: Iterable[int]) -> tuple[set[tuple[str, str]], dict[tuple[str, str], set[str]]]:
    """Return the (route, key) pairs the far side has, or will have had, from any version of these records; and the lanes of all.

    What it refused in its later check (stage feedback) it has had, whatever became of the delivery since. What it was told to
    delete it has no more, unless it refused that, too.
    """
    table, last, told = schema.delivery, Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    gone = [State.CANCELLED.value, State.SUPERSEDED.value, State.DEAD.value]
    there = or_(and_(table.c.state.not_in(gone), not_(gate.at_gate(table))), refused_later(table))
    deletion = and_(table.c.operation == Operation.DELETE.value, table.c.state.not_in([*gone, State.REJECTED.value]))
    deleted = and_(deletion, not_(gate.at_gate(table)))
    newest = [func.max(case((condition, table.c.id), else_=0)) for condition in (there, deleted)]
    lanes: dict[tuple[str, str], set[str]] = {}
    ends = (func.min(table.c.lane), func.max(table.c.lane))
    for part in parts(record_ids, CHUNK):  # not by lane: that may have changed between a version and its deletion
        query = select(table.c.route, table.c.key, *newest, *ends).where(among(table.c.record_id, part))
        for route, key, here, without, *stood in connection.execute(query.group_by(table.c.route, table.c.key)):
            last[route, key], told[route, key] = max(last[route, key], here), max(told[route, key], without)
            lanes.setdefault((route, key), set()).update(stood)
    return {name for name, number in last.items() if number > told[name]}, lanes


def dormant(connection: Connection, record_ids: Iterable[int], *, lock: bool = False) -> set[int]:
    """Return the deliveries of these records that will not be sent until somebody retries, approves or decides about them.

    `lock`: nobody can until the transaction ends.
    """
    table, found = schema.delivery, set[int]()
    for part in parts(record_ids, CHUNK):
        query = select(table.c.id).where(among(table.c.record_id, part), table.c.state.in_(_DORMANT))
        found.update(connection.execute(query.order_by(table.c.id).with_for_update() if lock else query).scalars())
    return found


def versions_owed(connection: Connection, record_ids: Iterable[int]) -> Counter[tuple[str, str]]:
    """Return how many versions of these records each (route, key) was owed so far, what went again after a refusal included."""
    table, found = schema.delivery, Counter[tuple[str, str]]()
    counted = func.sum(table.c.generation + 1)
    for part in parts(record_ids, CHUNK):
        query = select(table.c.route, table.c.key, counted).where(among(table.c.record_id, part))
        for route, key, number in connection.execute(query.group_by(table.c.route, table.c.key)):
            found[route, key] += int(number)
    return found


def versions_before(connection: Connection, row: Any) -> int:
    """Return how many versions the route was owed before this delivery of the same record."""
    table = schema.delivery
    same = same_object(table, row)
    return int(connection.scalar(select(func.sum(table.c.generation + 1)).where(*same, table.c.id < row.id)) or 0)


def refused_at_source(connection: Connection, source: str, record_ids: Iterable[int]) -> set[tuple[str, str]]:
    """Return the (kind, key) pairs of these records that lie dead because they broke their source's schema."""
    table = schema.delivery
    lying = and_(table.c.system == source, table.c.stage == Stage.SOURCE.value, table.c.state == State.DEAD.value)
    return _of_records(connection, record_ids, table.c.kind, lying)


def _of_records(
    connection: Connection, record_ids: Iterable[int], column: Column[str], condition: ColumnElement[bool]
) -> set[tuple[str, str]]:
    """Return that column and the key of these records' deliveries for which the condition holds."""
    table, found = schema.delivery, set[tuple[str, str]]()
    for part in parts(record_ids, CHUNK):
        query = select(column, table.c.key).where(among(table.c.record_id, part), condition)
        found.update((row[0], row[1]) for row in connection.execute(query))
    return found


def write_page(
    connection: Connection,
    holding: Holding,
    *,
    source: str,
    run_id: int,
    accepted: Sequence[Accepted],
    cursor: str | None,
    counts: Mapping[str, int],
    batch: str,
    now: datetime,
) -> int:
    """Write one page: records, deliveries, run counts and cursor. Returns how many deliveries are due now.

    Raises Fenced when the source was taken by another owner since.
    """
    require(connection, holding)
    if any(owed.moved for one in accepted for owed in one.owed):  # first, since it waits for whoever sends
        hold(connection, "deliver:")
    due = _write_records(connection, source, run_id, accepted, batch, moment(now)) if accepted else 0
    _count(connection, run_id, counts)
    if cursor is not None:
        set_cursor(connection, f"source:{source}", cursor, now)
    return due


_RECORD = ("id", "source", "kind", "key", "revision", "deleted", "run_id", "seen_at", "data")
_DELIVERY = (
    "id", "record_id", "system", "partition", "route", "endpoint", "kind", "key", "lane", "parent_route", "parent_key",
    "operation", "state", "due_at", "attempts", "spent", "created_at", "changed_at", "batch", "row", "mapping", "generation",
    "doubtful", "stage", "code", "reason", "issues", "rank",
)  # fmt: skip


def _write_records(connection: Connection, source: str, run_id: int, accepted: Sequence[Accepted], batch: str, at: int) -> int:
    first_record = take(connection, "record", len(accepted))
    records = [
        (number, source, one.kind, one.key, one.revision, one.deleted, run_id, at, one.data)
        for number, one in enumerate(accepted, first_record)
    ]
    dialect.insert_rows(connection, schema.record, _RECORD, records)
    owed = [(record_id, one, owed) for record_id, one in enumerate(accepted, first_record) for owed in one.owed]
    first = take(connection, "delivery", len(owed)) if owed else 0
    due = _write_deliveries(connection, owed, first, batch, at) if owed else 0
    if any(one.renewed for one in accepted):
        places = replacing.replaced(source, accepted, first)
        replacing.supersede(connection, places, at)
        replacing.leave(connection, places, at)
        newest = {(one.kind, one.key): number for number, one in enumerate(accepted, first_record) if one.renewed}
        if gate.overtake(connection, source, newest, at):
            family.reunite(connection, instant(at))
    return due


def _write_deliveries(connection: Connection, owed: Sequence[tuple[int, Accepted, Owed]], first: int, batch: str, at: int) -> int:
    owners = [(debt.system, debt.lane) for _, _, debt in owed]
    ranks = urgency.ranks(connection, [(*owner, debt.rank) for owner, (_, _, debt) in zip(owners, owed, strict=True)], at)
    rows = [
        _delivery_row(number, *debt, rank, batch, at) for number, (debt, rank) in enumerate(zip(owed, ranks, strict=True), first)
    ]
    dialect.insert_rows(connection, schema.delivery, _DELIVERY, rows)
    urgency.inherit(connection, [(*owner, rank) for owner, rank in zip(owners, ranks, strict=True)], first)
    bodies = [(number, debt.body) for number, (_, _, debt) in enumerate(owed, first) if debt.body is not None]
    dialect.insert_rows(connection, schema.body, ("delivery_id", "body"), bodies)
    parked = _park_orphans(connection, first, at) if any(debt.parent for _, _, debt in owed) else 0
    return sum(debt.state is State.PENDING for _, _, debt in owed) - parked


def _delivery_row(number: int, record_id: int, one: Accepted, owed: Owed, rank: int | None, batch: str, at: int) -> tuple[Any, ...]:
    parent_route, parent_key = owed.parent or (None, None)
    return (
        number, record_id, owed.system, partition_of(owed.lane, owed.partitions), owed.route, owed.endpoint, one.kind, one.key,
        owed.lane, parent_route, parent_key, owed.operation.value, owed.state.value, at, 0, 0, at, at, batch, owed.row,
        owed.mapping, 0, False, owed.stage.value if owed.stage else None, owed.code, owed.reason, owed.issues,
        rank,
    )  # fmt: skip


def partition_of(lane: str, partitions: int) -> int:
    """Return the partition a lane belongs to: always the same one, whatever process asks."""
    return zlib.crc32(lane.encode()) % partitions if partitions > 1 else 0


def _park_orphans(connection: Connection, first: int, at: int) -> int:
    child = schema.delivery
    orphans = update(child).where(child.c.id >= first, family.orphaned(child))
    return int(connection.execute(orphans.values(state=State.PARKED.value, changed_at=at)).rowcount)


def _count(connection: Connection, run_id: int, counts: Mapping[str, int]) -> None:
    table = schema.run
    connection.execute(
        update(table).where(table.c.id == run_id).values({name: table.c[name] + number for name, number in counts.items()})
    )


def get_cursor(connection: Connection, name: str, *, lock: bool = False) -> str | None:
    """Return where that source or feedback resumes; None: from the beginning. `lock`: for nobody else until we end."""
    query = select(schema.cursor.c.value).where(schema.cursor.c.name == name)
    return connection.scalar(query.with_for_update() if lock else query)


def set_cursor(connection: Connection, name: str, value: str | None, now: datetime) -> None:
    """Write where that source or feedback resumes."""
    table = schema.cursor
    done = connection.execute(update(table).where(table.c.name == name).values(value=value, changed_at=moment(now)))
    if done.rowcount == 0:
        connection.execute(insert(table).values(name=name, value=value, changed_at=moment(now)))


def drop_cursor(connection: Connection, name: str) -> None:
    """Forget what is written under that name."""
    connection.execute(delete(schema.cursor).where(schema.cursor.c.name == name))


def frozen(body: Mapping[str, Any]) -> bytes:
    """Return a body as the bytes that every attempt sends (invariant 4)."""
    return orjson.dumps(body)
