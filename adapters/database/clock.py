"""Decides what time it is: the database's own time, so that two hubs with different clocks agree."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from adapters.database.connection import Connections
from adapters.database.reading import LOCAL

#: How long one answer of the database is carried on by our own clock, in seconds.
_TRUSTED = 600.0

_UTC = {
    "mysql": "SELECT UTC_TIMESTAMP()",
    "mariadb": "SELECT UTC_TIMESTAMP()",
    "oracle": "SELECT SYS_EXTRACT_UTC(SYSTIMESTAMP) FROM DUAL",
    "postgresql": "SELECT CURRENT_TIMESTAMP AT TIME ZONE 'UTC'",
    "sqlite": "SELECT strftime('%Y-%m-%d %H:%M:%S', 'now')",
}


def database_now(connection: sa.Connection) -> datetime:
    """Return the database's time as Beijing time, without offset, whole seconds.

    A dialect not listed is asked for CURRENT_TIMESTAMP and taken to mean Beijing time.
    """
    statement = _UTC.get(connection.dialect.name)
    value: Any = connection.exec_driver_sql(statement or "SELECT CURRENT_TIMESTAMP").scalar_one()
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC if statement else LOCAL)
    local: datetime = moment.astimezone(LOCAL).replace(tzinfo=None, microsecond=0)
    return local


class Clock:
    """The database's time without asking it for every row. Thread-safe: two threads that ask at once get the same answer."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._known: tuple[datetime, float] | None = None

    def __call__(self) -> datetime:
        """Return the database's time as `database_now` does. Raises what connecting raises."""
        known = self._known
        if known is None or time.monotonic() - known[1] > _TRUSTED:
            with self._connections.reading() as connection:
                known = self._known = (database_now(connection), time.monotonic())
        return known[0] + timedelta(seconds=int(time.monotonic() - known[1]))
