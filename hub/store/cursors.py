"""Keeps where each source, feedback and schedule resumes, and other words that are to be found again under a name."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update

from hub.store import schema
from hub.store.numbers import moment


def get(connection: Connection, name: str, *, lock: bool = False) -> str | None:
    """Return where that source or feedback resumes; None: from the beginning. `lock`: for nobody else until we end."""
    query = select(schema.cursor.c.value).where(schema.cursor.c.name == name)
    return connection.scalar(query.with_for_update() if lock else query)


def put(connection: Connection, name: str, value: str | None, now: datetime) -> None:
    """Write where that source or feedback resumes."""
    table = schema.cursor
    done = connection.execute(update(table).where(table.c.name == name).values(value=value, changed_at=moment(now)))
    if done.rowcount == 0:
        connection.execute(insert(table).values(name=name, value=value, changed_at=moment(now)))


def drop(connection: Connection, name: str) -> None:
    """Forget what is written under that name."""
    connection.execute(delete(schema.cursor).where(schema.cursor.c.name == name))
