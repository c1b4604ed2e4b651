"""T1: the records of one page, the deliveries they owe and the cursor behind them become durable together (invariant 1)."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, and_, bindparam, exists, insert, not_, select, update

from hub.model import LIVE, TAKEN, Operation, Stage, State
from hub.store import schema
from hub.store.numbers import moment, take
from hub.store.partitions import Holding, require

#: A parent in one of these is on its way or over there; in any other, or absent, its children are parked.
_PARENT_FINE = [state.value for state in (LIVE | TAKEN) - {State.PARKED}]
#: What a newer version of the same record makes pointless (a late-rejected one was there, so the newer one is an update).
_OUTDATED = [State.DEAD.value, State.REJECTED.value]
#: What makes two deliveries versions of one another.
_SAME_DELIVERY = ("system", "lane", "route", "key")
#: Most keys in one IN list: below every database's limit on bound values.
CHUNK = 1000


@dataclass(frozen=True, slots=True)
class Known:
    """What the store has of a record already: its newest revision, and the numbers of all its versions."""

    revision: str
    record_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Owed:
    """One delivery to be written: owed, held, or dead on arrival with its issues."""

    system: str
    route: str
    endpoint: str
    lane: str
    operation: Operation
    state: State
    mapping: str
    body: bytes | None
    partitions: int = 1
    parent: tuple[str, str] | None = None  # route, key
    row: str | None = None
    stage: Stage | None = None
    code: str | None = None
    reason: str | None = None
    issues: bytes | None = None


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


def known(connection: Connection, source: str, kind: str, keys: Sequence[str]) -> dict[str, Known]:
    """Return what the store has of these records, by key; unknown ones are absent."""
    table = schema.record
    found: dict[str, Known] = {}
    for start in range(0, len(keys), CHUNK):
        chunk = keys[start : start + CHUNK]
        query = select(table.c.key, table.c.id, table.c.revision).where(
            table.c.source == source, table.c.kind == kind, table.c.key.in_(chunk)
        )
        for key, number, revision in connection.execute(query.order_by(table.c.id)):
            before = found[key].record_ids if key in found else ()
            found[key] = Known(revision, (*before, number))
    return found


def taken_routes(connection: Connection, record_ids: Iterable[int]) -> set[tuple[str, str]]:
    """Return the (route, key) pairs the far side has, or will have had, from any version of these records."""
    table = schema.delivery
    numbers = list(record_ids)
    gone = [State.CANCELLED.value, State.SUPERSEDED.value, State.DEAD.value]
    found: set[tuple[str, str]] = set()
    for start in range(0, len(numbers), CHUNK):
        query = select(table.c.route, table.c.key).where(
            table.c.record_id.in_(numbers[start : start + CHUNK]), table.c.state.not_in(gone)
        )
        found.update((row.route, row.key) for row in connection.execute(query))
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
    due = _write_records(connection, source, run_id, accepted, batch, moment(now)) if accepted else 0
    _count(connection, run_id, counts)
    if cursor is not None:
        set_cursor(connection, f"source:{source}", cursor, now)
    return due


def _write_records(connection: Connection, source: str, run_id: int, accepted: Sequence[Accepted], batch: str, at: int) -> int:
    first_record = take(connection, "record", len(accepted))
    records = [
        {"id": number, "source": source, "kind": one.kind, "key": one.key, "revision": one.revision,
         "deleted": one.deleted, "run_id": run_id, "seen_at": at, "data": one.data}
        for number, one in enumerate(accepted, first_record)
    ]  # fmt: skip
    connection.execute(insert(schema.record), records)
    total = sum(len(one.owed) for one in accepted)
    if total == 0:
        return 0
    first = take(connection, "delivery", total)
    rows = _delivery_rows(accepted, first_record, first, batch, at)
    if any(one.renewed for one in accepted):
        renewed = {(one.kind, one.key) for one in accepted if one.renewed}
        _supersede(connection, [row for row in rows if (row["kind"], row["key"]) in renewed], at)
    connection.execute(insert(schema.delivery), rows)
    parked = _park_orphans(connection, first, at) if any(row["parent_route"] for row in rows) else 0
    return sum(bool(row["state"] == State.PENDING.value) for row in rows) - parked


def _delivery_rows(accepted: Sequence[Accepted], first_record: int, first: int, batch: str, at: int) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for record_id, one in enumerate(accepted, first_record):
        for owed in one.owed:
            parent_route, parent_key = owed.parent or (None, None)
            rows.append({
                "id": first + len(rows), "record_id": record_id, "system": owed.system,
                "partition": partition_of(owed.lane, owed.partitions), "route": owed.route, "endpoint": owed.endpoint,
                "kind": one.kind, "key": one.key, "lane": owed.lane, "parent_route": parent_route, "parent_key": parent_key,
                "operation": owed.operation.value, "state": owed.state.value, "due_at": at, "attempts": 0, "spent": 0,
                "created_at": at, "changed_at": at, "batch": batch, "row": owed.row, "mapping": owed.mapping, "generation": 0,
                "doubtful": False,
                "stage": owed.stage.value if owed.stage else None, "code": owed.code, "reason": owed.reason,
                "body": owed.body, "issues": owed.issues,
            })  # fmt: skip
    return rows


def partition_of(lane: str, partitions: int) -> int:
    """Return the partition a lane belongs to: always the same one, whatever process asks."""
    return zlib.crc32(lane.encode()) % partitions if partitions > 1 else 0


def _supersede(connection: Connection, rows: Sequence[Mapping[str, Any]], at: int) -> None:
    """End the failed deliveries of earlier versions: the newer version takes over their place."""
    table = schema.delivery
    failing = {system for system in {row["system"] for row in rows} if _has_failed(connection, system)}
    renewed = [{f"b_{name}": row[name] for name in _SAME_DELIVERY} for row in rows if row["system"] in failing]
    if renewed:
        same = and_(*(table.c[name] == bindparam(f"b_{name}") for name in _SAME_DELIVERY))
        outdated = update(table).where(same, table.c.state.in_(_OUTDATED))
        connection.execute(outdated.values(state=State.SUPERSEDED.value, changed_at=at), renewed)


def _has_failed(connection: Connection, system: str) -> bool:
    table = schema.delivery
    query = select(table.c.id).where(table.c.system == system, table.c.state.in_(_OUTDATED), schema.OPEN).limit(1)
    return connection.execute(query).first() is not None


def _park_orphans(connection: Connection, first: int, at: int) -> int:
    child, parent = schema.delivery, schema.delivery.alias("parent")
    has_parent = exists().where(
        parent.c.system == child.c.system,
        parent.c.lane == child.c.lane,
        parent.c.route == child.c.parent_route,
        parent.c.key == child.c.parent_key,
        parent.c.state.in_(_PARENT_FINE),
    )
    orphans = and_(child.c.id >= first, child.c.state == State.PENDING.value, child.c.parent_route.is_not(None), not_(has_parent))
    done = connection.execute(update(child).where(orphans).values(state=State.PARKED.value, changed_at=at))
    return int(done.rowcount)


def _count(connection: Connection, run_id: int, counts: Mapping[str, int]) -> None:
    table = schema.run
    connection.execute(
        update(table).where(table.c.id == run_id).values({name: table.c[name] + number for name, number in counts.items()})
    )


def get_cursor(connection: Connection, name: str) -> str | None:
    """Return where that source or feedback resumes; None: from the beginning."""
    value: str | None = connection.scalar(select(schema.cursor.c.value).where(schema.cursor.c.name == name))
    return value


def set_cursor(connection: Connection, name: str, value: str | None, now: datetime) -> None:
    """Write where that source or feedback resumes."""
    table = schema.cursor
    done = connection.execute(update(table).where(table.c.name == name).values(value=value, changed_at=moment(now)))
    if done.rowcount == 0:
        connection.execute(insert(table).values(name=name, value=value, changed_at=moment(now)))


def frozen(body: Mapping[str, Any]) -> bytes:
    """Return a body as the bytes that every attempt sends (invariant 4)."""
    return orjson.dumps(body)
