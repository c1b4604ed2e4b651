"""Keeps what a cluster engine stores in a schema of its own, apart from the hub's tables: dropping it loses nothing."""

from __future__ import annotations

from sqlalchemy import Connection, Engine, text

from hub.store import dialect

SCHEMA = "hub_engine"


def install(engine: Engine, table: str, script: str) -> bool:
    """Create the engine's tables by its own script unless that table is there; tells whether it did.

    Several workers may begin at once: one creates, the others wait for it.
    """
    with dialect.reading(engine) as connection:
        if _there(connection, table):
            return False
    # looked at again in a transaction that begins once it is our turn: one that waited does not see by name what was made meanwhile
    with dialect.alone(engine, SCHEMA), dialect.writing(engine) as connection:
        if _there(connection, table):
            return False
        connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
        connection.execute(text(f"SET LOCAL search_path TO {SCHEMA}"))
        connection.exec_driver_sql(script.replace("%", "%%"))  # many statements, with nothing bound
    return True


def _there(connection: Connection, table: str) -> bool:
    return connection.scalar(text("SELECT to_regclass(:name)"), {"name": f"{SCHEMA}.{table}"}) is not None
