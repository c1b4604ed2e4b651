"""Copies a whole store into an empty one, of the other kind too: all of it and proven to be the same, or nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Table, select

from hub.errors import StoreUnfit
from hub.store import dialect, schema
from hub.store.opening import Store

#: Rows read and written at once.
PAGE = 2_000
#: What belongs to processes and not to the store is left where it is.
TABLES = tuple(table for table in schema.metadata.sorted_tables if table is not schema.worker)


@dataclass(frozen=True, slots=True)
class Copied:
    """One table: how many rows it has, and a digest of them whose order does not matter."""

    table: str
    rows: int
    digest: int


def copy(source: Store, target: Store, told: Callable[[Copied], None] = lambda one: None) -> list[Copied]:
    """Copy every table, check counts and digests, and only then commit; `told` is called after each table.

    The source is only read. Raises LeaseHeld HUB-T-110 when a hub works on either, StoreUnfit HUB-T-105 when the target is not
    empty, HUB-T-106 when what arrived is not what was read.
    """
    with ExitStack() as stack:
        stack.enter_context(source.lease())
        stack.enter_context(target.lease())
        reading = stack.enter_context(_at_one_moment(source))
        writing = stack.enter_context(target.writing())
        for connection in (reading, writing):  # one stands still while the other is read to its end
            dialect.be_patient(connection)
        _demand_empty(writing)
        found = []
        for table in TABLES:
            found.append(_copy(reading, writing, table))
            _demand_equal(found[-1], _measure(_pages(writing, table), table))
            told(found[-1])
    return found


@contextmanager
def _at_one_moment(store: Store) -> Iterator[Connection]:
    """Yield a connection that sees the store as it is now, whatever commands write meanwhile."""
    with store.engine.connect() as connection:
        options: dict[str, Any] = {"isolation_level": "REPEATABLE READ"} if store.shareable else {"reading": True}
        with connection.execution_options(**options), connection.begin():
            yield connection


def _demand_empty(connection: Connection) -> None:
    for table in TABLES:
        if connection.execute(select(table).limit(1)).first() is not None:
            raise StoreUnfit("HUB-T-105", f"the target has rows in {table.name}", hint="copy into a database nobody has used")


def _copy(reading: Connection, writing: Connection, table: Table) -> Copied:
    names = [column.name for column in table.columns]

    def through() -> Iterator[Sequence[Any]]:
        for page in _pages(reading, table):
            dialect.insert_rows(writing, table, names, [tuple(row) for row in page])
            yield page

    return _measure(through(), table)


def _pages(connection: Connection, table: Table) -> Iterator[Sequence[Any]]:
    yield from connection.execution_options(yield_per=PAGE).execute(select(table)).partitions()


def _measure(pages: Iterator[Sequence[Any]], table: Table) -> Copied:
    rows = digest = 0
    for page in pages:
        rows += len(page)
        digest = (digest + sum(_row_digest(row) for row in page)) % 2**128
    return Copied(table.name, rows, digest)


def _row_digest(row: Sequence[Any]) -> int:
    alike = tuple(int(value) if isinstance(value, bool) else value for value in row)
    return int.from_bytes(hashlib.blake2b(repr(alike).encode(), digest_size=16).digest())


def _demand_equal(read: Copied, written: Copied) -> None:
    if read != written:
        raise StoreUnfit("HUB-T-106", f"{read.table}: {read.rows} rows were read, {written.rows} arrived, and they differ")
