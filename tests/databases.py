"""Tables and adapters for the tests of the database adapter, the same on every database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from adapters.database import DatabaseAdapter
from hub.model import Message, Operation, Page, Record

SYNC = {"operation": "cd_operation", "batch": "cd_batch", "time": "cd_time", "source": {"column": "data_source", "value": "621"}}
ACCEPT = {"table": "up_pro_accept", "key": "row_guid", "sync": SYNC}
#: Half of the national up_pro_accept, every kind of column in it.
UP_PRO_ACCEPT = """
CREATE TABLE up_pro_accept (
  row_guid VARCHAR(50) PRIMARY KEY, project_no VARCHAR(50) NOT NULL, applyer_name VARCHAR(100), task_version INTEGER,
  apply_date {datetime}, promise_day DATE, fee NUMERIC(10, 2), urgent BOOLEAN, remark {text},
  cd_operation VARCHAR(2) NOT NULL, cd_time {datetime} NOT NULL, cd_batch VARCHAR(32) NOT NULL, data_source VARCHAR(3),
  is_sync VARCHAR(1)
)"""
#: A county system's case table: pinyin columns in capitals.
BJ = """
CREATE TABLE {BJ} (
  {BJBH} VARCHAR(50) {pk}, {SQRMC} VARCHAR(100), {SQSJ} {datetime}, {GXSJ} {datetime}, {FY} NUMERIC(10, 2), {SFYX} VARCHAR(1)
)"""


def ddl(engine: sa.Engine, text: str, **parts: str) -> None:
    """Create a table; {datetime}, {text} and {blob} become the dialect's types, any other {NAME} becomes a quoted name."""
    quote = engine.dialect.identifier_preparer.quote_identifier
    types = {
        "sqlite": {"datetime": "DATETIME", "text": "TEXT", "blob": "BLOB"},
        "postgresql": {"datetime": "TIMESTAMP", "text": "TEXT", "blob": "BYTEA"},
        "mysql": {"datetime": "DATETIME(6)", "text": "LONGTEXT", "blob": "LONGBLOB"},
    }[engine.dialect.name]

    class Names(dict[str, str]):
        def __missing__(self, name: str) -> str:
            return quote(name)

    with engine.begin() as connection:
        connection.exec_driver_sql(text.format_map(Names({"pk": "PRIMARY KEY", **types, **parts})))


@contextmanager
def adapter(url: str, **options: Any) -> Iterator[DatabaseAdapter]:
    """Yield an adapter for this database and close it."""
    subject = make(url, **options)
    try:
        yield subject
    finally:
        subject.close()


def make(url: str, **options: Any) -> DatabaseAdapter:
    """Return an adapter for this database."""
    return DatabaseAdapter(DatabaseAdapter.options.model_validate({"url": url, **options}), system="test")


@contextmanager
def engine(url: str) -> Iterator[sa.Engine]:
    """Yield a plain engine: what somebody else's program would use."""
    one = sa.create_engine(url)
    try:
        yield one
    finally:
        one.dispose()


def run(one: sa.Engine, sql: str, *rows: dict[str, Any]) -> None:
    """Execute a statement over there, once for every row."""
    with one.begin() as connection:
        connection.execute(sa.text(sql), list(rows) or None)


def rows(one: sa.Engine, sql: str) -> list[tuple[Any, ...]]:
    """Return what stands over there."""
    with one.connect() as connection:
        return [tuple(row) for row in connection.execute(sa.text(sql))]


def message(n: int, *, endpoint: str = "accept", lane: str = "", operation: Operation = Operation.INSERT, **fields: Any) -> Message:
    """Return the n-th message, in a lane of its own unless told."""
    body = {"row_guid": f"G{n:05d}", "project_no": f"P{n:05d}", "apply_date": "2016-12-13 09:00:00", **fields}
    return Message(
        id=n,
        endpoint=endpoint,
        kind="case",
        key=f"K{n:05d}",
        lane=lane or f"L{n:05d}",
        operation=operation,
        body=body,
        idempotency_key=f"idem-{n}",
        batch="B0001",
        created=datetime(2016, 12, 13, 1, 2, 3, tzinfo=UTC),
    )


def records(pages: list[Page]) -> list[Record]:
    """Return all records, in order."""
    return [record for page in pages for record in page.records]


def keys(pages: list[Page]) -> list[str]:
    """Return the keys of all records, in order."""
    return [record.key for record in records(pages)]
