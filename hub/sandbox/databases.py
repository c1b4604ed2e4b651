"""Decides how a twin opens its database: any that SQLAlchemy knows, and SQLite as patient as a server."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, create_engine, event


def opened(url: str) -> Engine:
    """Return the engine of a database at any SQLAlchemy URL; the caller disposes of it."""
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _patient)
    return engine


def _patient(connection: Any, _: Any) -> None:
    """Let readers read while the hub writes, and writers wait for each other, as every server database does."""
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA busy_timeout=30000")
