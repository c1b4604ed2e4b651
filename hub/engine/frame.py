"""Decides what the records of one page are judged by: what the store has of them before the page, and what the page adds to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from hub.engine.exchange import Exchange
from hub.model import Operation, Page, Record, Unreadable
from hub.store import deletions, known, partitions
from hub.store.deletions import Allowance
from hub.store.known import Known
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


def framed(connection: Connection, exchange: Exchange, run: Run, page: Page, number: int, now: datetime) -> Frame:
    """Return what the records of this page are judged by, as the store knows them now; `number`: which page of the run it is."""
    epoch = partitions.epoch(connection, f"accept:{run.source}")  # looked at first, too
    records = {
        (kind, key): one
        for kind, wanted in _keys(page).items()
        for key, one in known.records(connection, run.source, kind, wanted).items()
    }
    versions = _versions(records)
    dormant = known.dormant(connection, versions)  # looked at first: what comes to life in between is there
    there, lanes = known.taken_routes(connection, versions)
    refused = known.refused_at_source(connection, versions) if run.full else set[tuple[str, str]]()
    counting = any(one.source == run.source and one.mapping.counts_versions for one in exchange.settings.routes)
    owed = known.versions_owed(connection, versions) if counting else Counter[tuple[str, str]]()
    return Frame(
        exchange=exchange,
        source=run.source,
        batch=batch_number(exchange, run, number, now),
        now=now,
        known=records,
        dormant=frozenset(dormant),
        there=there,
        lanes=lanes,
        owed=owed,
        deletions=_allowances(connection, exchange, run.source, page, now),
        epoch=epoch,
        refused=frozenset(refused),
    )


def overtaken(connection: Connection, frame: Frame) -> bool:
    """Tell whether another process wrote records of this source, or somebody brought an earlier version to life, since the frame.

    Whatever the answer, nobody else can until the transaction ends.
    """
    exchange, name = frame.exchange, f"accept:{frame.source}"
    shared = exchange.store.shareable
    written = shared and partitions.take(connection, name, exchange.owner, frame.now).epoch != frame.epoch + 1
    dormant = bool(frame.dormant) and known.dormant(connection, _versions(frame.known), lock=True) != frame.dormant
    return written or dormant


def batch_number(exchange: Exchange, run: Run, page: int, now: datetime) -> str:
    """Return the batch number of one page: 28 digits, local time first (`cd_batch` has room for 32)."""
    return f"{now.astimezone(exchange.settings.timezone):%Y%m%d%H%M%S}{run.id:08d}{page:06d}"


def _allowances(connection: Connection, exchange: Exchange, source: str, page: Page, now: datetime) -> dict[str, Allowance]:
    coming = Counter(record.kind for record in page.records if record.operation is Operation.DELETE)
    found: dict[str, Allowance] = {}
    for route in (one for kind in coming for one in exchange.settings.routes_for(source, kind)):
        if route.deletes:
            many = coming[route.kind]
            found[route.name] = deletions.allowance(connection, route.system, route.name, route.deletes, coming=many, now=now)
    return found


def _versions(records: Mapping[tuple[str, str], Known]) -> list[int]:
    return [number for one in records.values() for number in one.record_ids]


def _keys(page: Page) -> dict[str, list[str]]:
    """Return the keys of a page's rows, by kind."""
    keys: dict[str, list[str]] = {}
    rows: tuple[Record | Unreadable, ...] = (*page.records, *page.faults)
    for row in rows:
        keys.setdefault(row.kind, []).append(row.key)
    return keys
