"""Who shares this store's work: each worker beats once a second, and one that has not for a while is gone.

All times are the store's own: the clocks of several machines need not agree.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from hub.store import dialect, schema
from hub.store.numbers import instant, moment

#: A worker that has not beaten for so long is gone, or frozen: what it was at goes to others.
LOST = timedelta(seconds=10)
#: How long a worker that is gone without a word is still told of.
REMEMBERED = timedelta(days=1)
_TABLE = schema.worker


@dataclass(frozen=True, slots=True)
class Worker:
    """One process that shares the work. `digest` is its configuration's; `holds` the partitions it was at when last seen."""

    name: str
    version: str
    digest: str
    host: str
    pid: int
    started_at: datetime
    seen_at: datetime
    holds: tuple[str, ...]
    gone: bool


def beat(connection: Connection, name: str, *, version: str, digest: str, host: str, pid: int, holds: Iterable[str]) -> None:
    """Write down that a worker lives and what it is at."""
    now = moment(dialect.now(connection))
    said = {"version": version, "digest": digest, "holds": " ".join(sorted(holds)), "seen_at": now}
    if connection.execute(update(_TABLE).where(_TABLE.c.name == name).values(said)).rowcount == 0:
        connection.execute(insert(_TABLE).values(name=name, host=host, pid=pid, started_at=now, **said))


def leave(connection: Connection, name: str) -> None:
    """Forget a worker that has ended as it should."""
    connection.execute(delete(_TABLE).where(_TABLE.c.name == name))


def forget(connection: Connection) -> None:
    """Forget workers that have been gone for long."""
    connection.execute(delete(_TABLE).where(_TABLE.c.seen_at < moment(dialect.now(connection) - REMEMBERED)))


def everybody(connection: Connection) -> list[Worker]:
    """Return all workers, the oldest first; those that are gone too, until they are forgotten."""
    now = dialect.now(connection)
    rows = connection.execute(select(_TABLE).order_by(_TABLE.c.started_at, _TABLE.c.name))
    return [_worker(row, now) for row in rows]


def living(connection: Connection) -> list[Worker]:
    """Return the workers that beat."""
    return [one for one in everybody(connection) if not one.gone]


def may_live(connection: Connection) -> list[Worker]:
    """Return the workers that beat, and those that had no time to since the server began: it may have been away for longer."""
    young = dialect.up_for(connection) < LOST
    return [one for one in everybody(connection) if young or not one.gone]


def _worker(row: Any, now: datetime) -> Worker:
    seen = instant(row.seen_at)
    holds = tuple(row.holds.split())
    return Worker(row.name, row.version, row.digest, row.host, row.pid, instant(row.started_at), seen, holds, seen <= now - LOST)
