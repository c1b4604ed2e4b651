"""Steps 3 to 6: each record is checked, skipped if unchanged, routed, mapped, and the page becomes durable as a whole (T1)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection

from hub.engine import feeds, storable
from hub.engine.exchange import Exchange
from hub.engine.metrics import RULES
from hub.mapping import Envelope, Issue
from hub.model import Operation, Page, Record, Stage, State, Unreadable
from hub.settings import RouteSettings
from hub.settings.model import DeletesSettings
from hub.store import acceptance, deletions, gate, partitions, urgency
from hub.store.acceptance import NOWHERE, Accepted, Known, Owed
from hub.store.deletions import Allowance
from hub.store.partitions import Holding
from hub.store.runs import Run


@dataclass(frozen=True, slots=True)
class Frame:
    """What all records of one page share."""

    exchange: Exchange
    source: str
    batch: str
    now: datetime
    known: Mapping[tuple[str, str], Known]
    dormant: frozenset[int]  # deliveries of these records that any retry or approval may bring to life while the page is mapped
    there: set[tuple[str, str]]  # (route, key) of which something is over there or on its way; follows the page
    lanes: dict[tuple[str, str], set[str]]  # in which a (route, key) has stood; grows with the page
    owed: Counter[tuple[str, str]]  # how many versions a (route, key) was owed, where its body tells; grows with the page
    deletions: Mapping[str, Allowance]  # by route, where the page has some: how many may go by themselves; used up by the page
    epoch: int  # of the source's records, where other processes may write them too: it tells whether one has
    refused: frozenset[tuple[str, str]]  # (kind, key) a full run looks at again, unchanged or not: the schema may have been mended


def accept_page(
    exchange: Exchange, holding: Holding, run: Run, page: Page, number: int, *, also: Callable[[Connection], None] | None = None
) -> int:
    """Accept one page and make it durable, with what `also` writes. Returns how many deliveries are due now."""
    page = storable.page(page)
    with exchange.accepting(run.source):  # what is known of a record must not change until its next version is written
        now = exchange.clock()
        with exchange.store.reading() as connection:
            frame = _frame(connection, exchange, run, page, number, now)
        accepted, counts = _accept_all(frame, page)

        def write(connection: Connection) -> int:
            nonlocal frame, accepted, counts
            if _overtaken(connection, frame):
                frame = _frame(connection, exchange, run, page, number, now)
                accepted, counts = _accept_all(frame, page)
            due = acceptance.write_page(
                connection, holding, source=run.source, run_id=run.id, accepted=accepted,
                cursor=page.cursor, counts=counts, batch=frame.batch, now=now,
            )  # fmt: skip
            feeds.count(exchange, connection, run.source, page, now)
            for route, spent in frame.deletions.items():
                deletions.write(connection, route, spent, now)
            if also is not None:
                also(connection)
            return due

        due = exchange.store.write(write)
    _measure(exchange, run.source, accepted, counts)
    return due


def _overtaken(connection: Connection, frame: Frame) -> bool:
    """Tell whether another process wrote records of this source, or somebody brought an earlier version to life, since the frame.

    Whatever the answer, nobody else can until the transaction ends.
    """
    exchange, name = frame.exchange, f"accept:{frame.source}"
    shared = exchange.store.shareable
    written = shared and partitions.take(connection, name, exchange.owner, frame.now).epoch != frame.epoch + 1
    dormant = bool(frame.dormant) and acceptance.dormant(connection, _versions(frame.known), lock=True) != frame.dormant
    return written or dormant


def batch_number(exchange: Exchange, run: Run, page: int, now: datetime) -> str:
    """Return the batch number of one page: 28 digits, local time first (`cd_batch` has room for 32)."""
    return f"{now.astimezone(exchange.settings.timezone):%Y%m%d%H%M%S}{run.id:08d}{page:06d}"


def _frame(connection: Connection, exchange: Exchange, run: Run, page: Page, number: int, now: datetime) -> Frame:
    epoch = partitions.epoch(connection, f"accept:{run.source}")  # looked at first, too
    known = {
        (kind, key): found
        for kind, wanted in _keys(page).items()
        for key, found in acceptance.known(connection, run.source, kind, wanted).items()
    }
    versions = _versions(known)
    dormant = acceptance.dormant(connection, versions)  # looked at first: what comes to life in between is there
    there, lanes = acceptance.taken_routes(connection, versions)
    refused = acceptance.refused_at_source(connection, run.source, versions) if run.full else set[tuple[str, str]]()
    counting = any(one.source == run.source and one.mapping.counts_versions for one in exchange.settings.routes)
    owed = acceptance.versions_owed(connection, versions) if counting else Counter[tuple[str, str]]()
    batch = batch_number(exchange, run, number, now)
    spent = _allowances(connection, exchange, run.source, page, now)
    return Frame(exchange, run.source, batch, now, known, frozenset(dormant), there, lanes, owed, spent, epoch, frozenset(refused))


def _allowances(connection: Connection, exchange: Exchange, source: str, page: Page, now: datetime) -> dict[str, Allowance]:
    coming = Counter(record.kind for record in page.records if record.operation is Operation.DELETE)
    found: dict[str, Allowance] = {}
    for route in (one for kind in coming for one in exchange.settings.routes_for(source, kind)):
        if route.deletes:
            many = coming[route.kind]
            found[route.name] = deletions.allowance(connection, route.system, route.name, route.deletes, coming=many, now=now)
    return found


def _versions(known: Mapping[tuple[str, str], Known]) -> list[int]:
    return [number for found in known.values() for number in found.record_ids]


def _keys(page: Page) -> dict[str, list[str]]:
    """Return the keys of a page's rows, by kind."""
    keys: dict[str, list[str]] = {}
    rows: tuple[Record | Unreadable, ...] = (*page.records, *page.faults)
    for row in rows:
        keys.setdefault(row.kind, []).append(row.key)
    return keys


def _accept_all(frame: Frame, page: Page) -> tuple[list[Accepted], Counter[str]]:
    counts: Counter[str] = Counter(read=len(page.records) + len(page.faults))
    accepted: list[Accepted] = []
    newest: dict[tuple[str, str], Record] = {}  # one page may hold two versions of a record
    for record in page.records:
        name = (record.kind, record.key)
        same = _unchanged(frame, newest.get(name), record)
        if same and not (name in frame.refused and name not in newest and _mended(frame, record)):
            counts["unchanged"] += 1
            continue
        one = _accept_one(frame, record, counts, renewed=name in newest or name in frame.known)
        newest[name] = record
        accepted.append(one)
        _expect(frame, one)
    accepted.extend(_unreadable(frame, fault, counts) for fault in page.faults if not _seen(frame, fault, counts))
    return accepted, counts


def _unchanged(frame: Frame, before: Record | None, record: Record) -> bool:
    """Tell whether the newest version is this very one. Its deletion may come under the same revision, and is none the less new."""
    if before is not None:
        revision, deleted = before.revision, before.operation is Operation.DELETE
    elif (record.kind, record.key) in frame.known:
        known = frame.known[record.kind, record.key]
        revision, deleted = known.revision, known.deleted
    else:
        return False
    return revision == record.revision and (deleted or record.operation is not Operation.DELETE)


def _expect(frame: Frame, one: Accepted) -> None:
    """Note what a version brings over there or takes away, for the next one in the page; what waits at a gate gives way to it."""
    sent = [owed for owed in one.owed if owed.state is State.PENDING]
    frame.there.update((owed.route, one.key) for owed in sent)
    frame.there.difference_update((owed.route, one.key) for owed in sent if owed.operation is Operation.DELETE)


def _accept_one(frame: Frame, record: Record, counts: Counter[str], *, renewed: bool) -> Accepted:
    data = storable.data(record.data)
    if data is None:
        return _unstorable(record, counts, b"{}", renewed, frame.source)
    issues = _breaks(frame, record)
    if issues:
        counts["rejected"] += 1
        owed: tuple[Owed, ...] = (_broken(frame, record.kind, record.key, issues),)
    else:
        owed = tuple(_owed(frame, record))
        if not storable.owed(owed):
            return _unstorable(record, counts, data, renewed, frame.source)
        counts["accepted"] += 1
        counts["filtered"] += not owed
        counts["deliveries"] += len(owed)
        counts["unmappable"] += sum(one.stage is Stage.MAP for one in owed)
    deleted = record.operation is Operation.DELETE
    withdrawn = _withdrawn(frame, record) if deleted else ()
    return Accepted(record.kind, record.key, record.revision, deleted, data, owed, renewed, withdrawn)


def _withdrawn(frame: Frame, record: Record) -> tuple[tuple[str, str], ...]:
    """Return the targets that would be told of a deletion, had they ever had the record."""
    routes = frame.exchange.settings.routes_for(frame.source, record.kind)
    return tuple((one.system, one.name) for one in routes if one.deletes and (one.name, record.key) not in frame.there)


def _breaks(frame: Frame, record: Record) -> list[Issue]:
    """Return how a record breaks its source's schema."""
    schema = frame.exchange.settings.systems[frame.source].schemas.get(record.kind)
    return [issue for issue in schema.check(record.data) if issue.severity == "block"] if schema else []


def _mended(frame: Frame, record: Record) -> bool:
    """Tell whether an unchanged record that was refused is fine now: its schema has changed."""
    return storable.data(record.data) is not None and not _breaks(frame, record)


def _owed(frame: Frame, record: Record) -> list[Owed]:
    """Return what is owed of a record, route by route."""
    owed = []
    for route in frame.exchange.settings.routes_for(frame.source, record.kind):
        there = (route.name, record.key) in frame.there
        if record.operation is Operation.DELETE:
            if route.deletes and there:  # whatever its condition says now: what is there goes
                owed.append(_delete(frame, record, route, route.deletes))
        elif route.when(record.data):
            owed.append(_map(frame, record, route, Operation.UPDATE if there else Operation.INSERT))
    return owed


def _delete(frame: Frame, record: Record, route: RouteSettings, deletes: DeletesSettings) -> Owed:
    """Return the deletion of what is over there; one of too many waits until somebody confirms it."""
    owed = _map(frame, record, route, Operation.DELETE)
    if owed.state is not State.PENDING or frame.deletions[route.name].spend():
        return owed
    return replace(owed, **gate.standing(deletes.approver, gate.TOO_MANY))


def _map(frame: Frame, record: Record, route: RouteSettings, operation: Operation) -> Owed:
    lane = route.lane_of(record.data) or record.key
    lanes = frame.lanes.setdefault((route.name, record.key), set())
    lanes.add(lane)
    frame.owed[route.name, record.key] += 1
    envelope = Envelope(
        operation=operation.value, batch=frame.batch, time=frame.now, key=record.key, revision=record.revision,
        version=frame.owed[route.name, record.key], kind=record.kind, system=route.system, lane=lane,
    )  # fmt: skip
    body, issues = route.mapping.apply(record.data, envelope)
    row = body.get(route.row) if body is not None and route.row else None
    parent_key = route.parent_key_of(record.data) if route.parent else None
    ranked = body is not None and route.system in frame.exchange.settings.urgent
    return Owed(
        system=route.system,
        route=route.name,
        endpoint=route.endpoint,
        lane=lane,
        operation=operation,
        mapping=route.mapping.digest[:32],
        body=acceptance.frozen(body) if body is not None else None,
        partitions=frame.exchange.settings.systems[route.system].partitions,
        parent=(route.parent.route, parent_key) if route.parent and parent_key else None,
        row=row,
        rank=urgency.rank(route.promised_of(record.data)) if ranked else None,
        moved=len(lanes) > 1,
        **_standing(body, issues, route),
    )


def _standing(body: object, issues: Sequence[Issue], route: RouteSettings) -> dict[str, Any]:
    """Return in which state a delivery begins: dead with its issues, held before a gate, or pending."""
    if body is None:
        return dead(Stage.MAP, issues)
    if route.gate:
        return {**gate.standing(route.gate), "issues": _issues(issues)}
    return {"state": State.PENDING, "issues": _issues(issues)}


def dead(stage: Stage, issues: Sequence[Issue]) -> dict[str, Any]:
    """Return how a delivery is dead with these issues, at least one of which blocks: state, stage, code, cause and the issues."""
    blocking = [issue for issue in issues if issue.severity == "block"]
    why = {"code": blocking[0].code, "reason": cause(blocking), "issues": _issues(issues)}
    return {"state": State.DEAD, "stage": stage, **why}


def cause(issues: Sequence[Issue]) -> str:
    """Return what a group of dead letters has in common: which fields broke which rules, no values."""
    return ", ".join(sorted({f"{issue.path}: {issue.rule}" for issue in issues}))


def _issues(issues: Sequence[Issue]) -> bytes | None:
    return orjson.dumps([asdict(issue) for issue in issues], default=str) if issues else None


def _broken(frame: Frame, kind: str, key: str, issues: Sequence[Issue]) -> Owed:
    """A record that broke its source schema: owed to nobody, kept as a dead letter of the source."""
    return Owed(frame.source, NOWHERE, kind, key, Operation.INSERT, mapping="-", body=None, **dead(Stage.SOURCE, issues))


def _seen(frame: Frame, fault: Unreadable, counts: Counter[str]) -> bool:
    """The same unreadable row again: it was accounted for when it first came."""
    known = frame.known.get((fault.kind, fault.key))
    same = known is not None and known.revision == fault_revision(fault)
    counts["unchanged"] += same
    return same


def _unreadable(frame: Frame, fault: Unreadable, counts: Counter[str]) -> Accepted:
    counts["rejected"] += 1
    renewed = (fault.kind, fault.key) in frame.known
    return Accepted(fault.kind, fault.key, fault_revision(fault), False, b"{}", (_nowhere(frame.source, fault),), renewed)


def _unstorable(record: Record, counts: Counter[str], data: bytes, renewed: bool, source: str) -> Accepted:
    """A record the store cannot hold, or whose deliveries it cannot: a dead letter of the source under its own revision."""
    counts["rejected"] += 1
    owed = _nowhere(source, storable.fault(record))
    return Accepted(record.kind, record.key, record.revision, False, data, (owed,), renewed)


def _nowhere(source: str, fault: Unreadable) -> Owed:
    return Owed(
        source, NOWHERE, fault.kind, fault.key, Operation.INSERT, mapping="-", body=None,
        state=State.DEAD, stage=Stage.SOURCE, code=fault.code, reason=fault.reason,
    )  # fmt: skip


def fault_revision(fault: Unreadable) -> str:
    """Return the revision of a row that cannot be read: it changes when the reason does."""
    return f"unreadable {fault.code}"


def _measure(exchange: Exchange, source: str, accepted: Sequence[Accepted], counts: Mapping[str, int]) -> None:
    for result in ("read", "unchanged", "accepted", "rejected", "filtered"):
        if counts.get(result):
            exchange.metrics.records.labels(source, result).inc(counts[result])
    results: Counter[tuple[str, str]] = Counter()
    for one in accepted:
        for owed in one.owed:
            if owed.route != NOWHERE:
                results[owed.route, "unmappable" if owed.stage is Stage.MAP else "mapped"] += 1
    for (route, result), number in results.items():
        exchange.metrics.mapped.labels(route, result).inc(number)
    for issue in (issue for one in accepted for owed in one.owed if owed.issues for issue in orjson.loads(owed.issues)):
        exchange.metrics.issues.labels(issue["id"] if issue["id"] in RULES else RULES[-1], issue["severity"]).inc()
