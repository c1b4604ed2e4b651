"""Decides what time it is: the database's own time, so that two hubs with different clocks agree."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from adapters.database.reading import LOCAL

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
