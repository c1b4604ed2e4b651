"""Keeps where each source, feedback and schedule resumes, and other words that are to be found again under a name."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update

from hub.store import schema
from hub.store.numbers import instant, moment


def get(connection: Connection, name: str, *, lock: bool = False) -> str | None:
    """Return where that source or feedback resumes; None: from the beginning. `lock`: for nobody else until we end."""
    query = select(schema.cursor.c.value).where(schema.cursor.c.name == name)
    return connection.scalar(query.with_for_update() if lock else query)


@dataclass(frozen=True, slots=True)
class Written:
    """What is written under a name, and when that was."""

    value: str | None
    at: datetime


def written(connection: Connection, name: str) -> Written | None:
    """Return what is written under that name, None where nothing is."""
    table = schema.cursor
    row = connection.execute(select(table.c.value, table.c.changed_at).where(table.c.name == name)).one_or_none()
    return Written(row.value, instant(row.changed_at)) if row else None


def put(connection: Connection, name: str, value: str | None, now: datetime) -> None:
    """Write where that source or feedback resumes."""
    table = schema.cursor
    done = connection.execute(update(table).where(table.c.name == name).values(value=value, changed_at=moment(now)))
    if done.rowcount == 0:
        connection.execute(insert(table).values(name=name, value=value, changed_at=moment(now)))


def drop(connection: Connection, name: str) -> None:
    """Forget what is written under that name."""
    connection.execute(delete(schema.cursor).where(schema.cursor.c.name == name))
