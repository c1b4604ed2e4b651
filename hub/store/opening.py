"""Opens a store: finds it, brings its schema up to this program's, or says why it cannot be used."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, Engine, inspect, make_url, text
from sqlalchemy.exc import DBAPIError

from hub.errors import StoreUnfit
from hub.store import dialect
from hub.store.lease import Lease

_T = TypeVar("_T")
#: The newest migration this program knows (`migrations/versions`).
HEAD = "0007"
MIGRATIONS = Path(__file__).parent / "migrations"
#: Times a migration begins anew: one that locks table after table may meet those at work, who lock them in an order of their own.
TRIES = 20


@dataclass(frozen=True, slots=True)
class Store:
    """An opened store. `reading` and `writing` are one transaction each; no network call belongs between their borders."""

    engine: Engine

    def reading(self) -> AbstractContextManager[Connection]:
        """Begin a transaction that only looks."""
        return dialect.reading(self.engine)

    def writing(self) -> AbstractContextManager[Connection]:
        """Begin a transaction that writes: all of it, or none of it."""
        return dialect.writing(self.engine)

    def write(self, act: Callable[[Connection], _T]) -> _T:
        """Carry out a transaction that writes; `act` is done anew when the server gave it up for another's sake."""
        return dialect.write(self.engine, act)

    def lease(self, *, shared: bool = False) -> AbstractContextManager[Lease]:
        """Hold the right to work on this store, alone or `shared`; raises LeaseHeld when another process's excludes it."""
        return dialect.lease(self.engine, shared=shared)

    @property
    def shareable(self) -> bool:
        """Whether several processes can work on this kind of store together."""
        return dialect.shareable(self.engine)

    def alone(self, name: str) -> AbstractContextManager[None]:
        """Let only one of the processes that share this store into the block of that name at once."""
        return dialect.alone(self.engine, name)

    def holder(self) -> str | None:
        """Return who works on this store now, None when nobody does."""
        return dialect.holder(self.engine)

    def backup(self, file: Path) -> int:
        """Copy the store into a new file, also while a hub works on it; return its size in bytes."""
        return dialect.backup(self.engine, file)

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def open_store(url: str) -> Store:
    """Open the store at that SQLAlchemy URL, creating or migrating its tables.

    Raises StoreUnfit: HUB-T-101 unsupported database, HUB-T-102 no answer, HUB-T-103 schema newer than this program.
    """
    try:
        engine = dialect.connect(url)
    except OSError as error:
        raise StoreUnfit("HUB-T-102", f"the store's file cannot be made: {error.strerror}") from error
    try:
        version = schema_version(engine)
        if version != HEAD:
            _migrate(engine, version)
    except DBAPIError as error:
        engine.dispose()
        raise dialect.unreachable(error) from error
    except StoreUnfit:
        engine.dispose()
        raise
    return Store(engine)


def look_at(url: str) -> Store | None:
    """Open a store that is a file, has this program's schema and answers; None for any other. Makes and migrates nothing."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or not Path(str(parsed.database)).is_file():
        return None
    engine = dialect.connect(url)
    try:
        if schema_version(engine) == HEAD:
            return Store(engine)
    except DBAPIError:
        pass  # whoever works on it says what is wrong with it
    engine.dispose()
    return None


def schema_version(engine: Engine) -> str | None:
    """Return the schema version written in the store, None for an empty one."""
    with dialect.reading(engine) as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        version: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
        return version


def _migrate(engine: Engine, version: str | None) -> None:
    known = {path.name.split("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*.py")}
    if version is not None and version not in known:
        raise StoreUnfit("HUB-T-103", f"the store has schema {version}, this program knows up to {HEAD}")
    dialect.write(engine, _upgrade, TRIES)


def _upgrade(connection: Connection) -> None:
    from alembic import command  # slow to import, and needed once in a store's life
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    dialect.one_by_one(connection, dialect.MIGRATION_KEY)  # another process may be at it: then there is nothing left to do
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
