"""Reads what the store has of a source's records, object by object with all versions, page by page: for reports, never for work."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from sqlalchemy import Connection, func, select, tuple_

from hub.store import schema
from hub.store.among import among
from hub.store.opening import Store

#: Versions read in one query; also below every database's limit on bound values.
PAGE = 1000


@dataclass(slots=True)  # not frozen: made by the million, and freezing doubles the cost
class Version:
    """One version of one object. `data` is JSON; `seen_at` in milliseconds."""

    key: str
    id: int
    deleted: bool
    run_id: int
    seen_at: int
    data: bytes


@dataclass(slots=True)  # not frozen: made by the million, and freezing doubles the cost
class Standing:
    """How one delivery of a version stands; times in milliseconds, `issues` JSON.

    `changed_at`: when its last attempt ended, if there was one; a later verdict says nothing about how long it took.
    """

    system: str
    state: str
    created_at: int
    changed_at: int
    issues: bytes | None


@dataclass(slots=True)  # not frozen: made by the million, and freezing doubles the cost
class Object:
    """One object: its versions, oldest first, and the deliveries of the newest."""

    versions: tuple[Version, ...]
    standings: tuple[Standing, ...]

    @property
    def newest(self) -> Version:
        """Return the version that counts."""
        return self.versions[-1]


def objects(store: Store, source: str, kind: str) -> Iterator[Object]:
    """Yield every object of a source and kind by key. Two queries a page, each page a transaction of its own."""
    left: list[Version] = []
    after = ("", 0)
    while True:
        with store.reading() as connection:
            page = _page(connection, source, kind, after)
            last = len(page) < PAGE
            groups = [list(versions) for _, versions in groupby([*left, *page], key=lambda one: one.key)]
            left = [] if last or not groups else groups.pop()  # its other versions may stand on the next page
            standings = _standings(connection, [versions[-1].id for versions in groups])
        for versions in groups:
            yield Object(tuple(versions), tuple(standings.get(versions[-1].id, ())))
        if last:
            return
        after = (page[-1].key, page[-1].id)


def first_run(connection: Connection, source: str) -> int:
    """Return the run in which a source was first read: what it brought is history, not news."""
    table = schema.record
    return int(connection.scalar(select(func.min(table.c.run_id)).where(table.c.source == source)) or 0)


def _page(connection: Connection, source: str, kind: str, after: tuple[str, int]) -> list[Version]:
    table = schema.record
    query = (
        select(table.c.key, table.c.id, table.c.deleted, table.c.run_id, table.c.seen_at, table.c.data)
        .where(table.c.source == source, table.c.kind == kind, tuple_(table.c.key, table.c.id) > after)
        .order_by(table.c.key, table.c.id)
        .limit(PAGE)
    )
    return [Version(*row) for row in connection.execute(query)]


def _standings(connection: Connection, record_ids: Sequence[int]) -> dict[int, list[Standing]]:
    table, window = schema.delivery, schema.window
    found: dict[int, list[Standing]] = defaultdict(list)
    ended = func.coalesce(window.c.closed_at, table.c.changed_at)
    query = (
        select(table.c.record_id, table.c.system, table.c.state, table.c.created_at, ended, table.c.issues)
        .join_from(table, window, window.c.id == table.c.window_id, isouter=True)
        .where(among(table.c.record_id, record_ids))
    )
    for number, system, state, created, changed, issues in connection.execute(query) if record_ids else ():
        found[number].append(Standing(system, state, created, changed, issues))
    return found
