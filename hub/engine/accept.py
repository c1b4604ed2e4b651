"""Steps 3 to 6: each record is checked, skipped if unchanged, routed, mapped, and the page becomes durable as a whole (T1)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import orjson
from sqlalchemy import Connection

from hub.engine import feeds, owing, refused, storable
from hub.engine.exchange import Exchange
from hub.engine.frame import Frame, framed, overtaken
from hub.engine.metrics import RULES
from hub.mapping import Issue
from hub.model import Operation, Page, Record, Stage, State
from hub.store import acceptance, deletions
from hub.store.acceptance import NOWHERE, Accepted
from hub.store.partitions import Holding
from hub.store.runs import Run


def accept_page(
    exchange: Exchange, holding: Holding, run: Run, page: Page, number: int, *, also: Callable[[Connection], None] | None = None
) -> int:
    """Accept one page and make it durable, with what `also` writes. Returns how many deliveries are due now."""
    page = storable.page(page)
    with exchange.accepting(run.source):  # what is known of a record must not change until its next version is written
        now = exchange.clock()
        with exchange.store.reading() as connection:
            frame = framed(connection, exchange, run, page, number, now)
        accepted, counts = _accept_all(frame, page)

        def write(connection: Connection) -> int:
            nonlocal frame, accepted, counts
            if overtaken(connection, frame):
                frame = framed(connection, exchange, run, page, number, now)
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
        one = _accept_one(frame, record, renewed=name in newest or name in frame.known)
        newest[name] = record
        accepted.append(one)
        _expect(frame, one)
    for fault in page.faults:
        known = frame.known.get((fault.kind, fault.key))
        if known is not None and known.revision == refused.revision(fault):
            counts["unchanged"] += 1  # it was accounted for when it first came
        else:
            accepted.append(refused.unreadable(frame.source, fault, renewed=known is not None))
    for one in accepted:
        _count(counts, one)
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


def _accept_one(frame: Frame, record: Record, *, renewed: bool) -> Accepted:
    data = storable.data(record.data)
    if data is None:
        return refused.unstorable(frame.source, record, b"{}", renewed=renewed)
    issues = _breaks(frame, record)
    owed = (refused.broken(frame.source, record, issues),) if issues else tuple(owing.owed(frame, record))
    if not storable.owed(owed):
        return refused.unstorable(frame.source, record, data, renewed=renewed)
    deleted = record.operation is Operation.DELETE
    withdrawn = owing.withdrawn(frame, record) if deleted else ()
    return Accepted(record.kind, record.key, record.revision, deleted, data, owed, renewed, withdrawn)


def _count(counts: Counter[str], one: Accepted) -> None:
    """Add what became of one row to the account of its page."""
    if any(owed.route == NOWHERE for owed in one.owed):
        counts["rejected"] += 1
        return
    counts["accepted"] += 1
    counts["filtered"] += not one.owed
    counts["deliveries"] += len(one.owed)
    counts["unmappable"] += sum(owed.stage is Stage.MAP for owed in one.owed)


def _breaks(frame: Frame, record: Record) -> list[Issue]:
    """Return how a record breaks its source's schema."""
    schema = frame.exchange.settings.systems[frame.source].schemas.get(record.kind)
    return [issue for issue in schema.check(record.data) if issue.severity == "block"] if schema else []


def _mended(frame: Frame, record: Record) -> bool:
    """Tell whether an unchanged record that was refused is fine now: its schema has changed."""
    return storable.data(record.data) is not None and not _breaks(frame, record)


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
