"""T1: the records of one page, the deliveries they owe and the cursor behind them become durable together (invariant 1)."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, update

from hub.model import Operation, Stage, State
from hub.store import cursors, dialect, family, gate, replacing, schema, urgency
from hub.store.numbers import instant, moment, take
from hub.store.partitions import Holding, hold, require

NOWHERE = schema.NOWHERE


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
        cursors.put(connection, f"source:{source}", cursor, now)
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


def frozen(body: Mapping[str, Any]) -> bytes:
    """Return a body as the bytes that every attempt sends (invariant 4)."""
    return orjson.dumps(body)
