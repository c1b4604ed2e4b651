"""Everything that differs between SQLite and PostgreSQL: opening, transactions, locks."""

from __future__ import annotations

import functools
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar, cast

import sqlalchemy as sa
from sqlalchemy import Connection, Engine, Table, bindparam, create_engine, event, make_url, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError

from hub.errors import StoreUnfit
from hub.store.lease import Lease, holder_of_file, of_file
from hub.store.serverlease import ServerLease

BUSY_TIMEOUT_MS = 30_000
#: Any fixed number will do; it only has to be the hub's own.
LEASE_KEY = 621_125
MIGRATION_KEY = LEASE_KEY + 1
#: A process that freezes inside a transaction keeps its rows locked no longer than this; the server ends it then.
IDLE_MS = 15_000
#: What the other machine has not taken for so long ends the connection. Keepalives are not sent while something is on its way.
UNTAKEN_MS = 60_000
#: What the server says of a transaction it gave up for another's sake: a deadlock, or an order that could not be.
_GIVEN_UP = frozenset({"40P01", "40001"})
#: The connection that was last at work is the next: it has the statements prepared and the pages read, and the others stay small.
_POOL: dict[str, Any] = {"hide_parameters": True, "pool_size": 16, "pool_use_lifo": True}
_T = TypeVar("_T")


def connect(url: str) -> Engine:
    """Return an engine set up for durable, concurrent use.

    SQLite: WAL, synchronous=FULL, 30 s busy time-out, and every write transaction begins IMMEDIATE, so that two writers queue up
    instead of failing half-way. Raises StoreUnfit HUB-T-101 for a kind of database the store does not run on.
    """
    parsed = make_url(url)
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        return _sqlite(url, parsed.database)
    if backend == "postgresql":
        # The planner's statistics lag behind a queue that fills and empties; every query of the store has its index, so use them.
        # In its order, too: a queue of 300,000 that is thought to be one of 19 would be read and sorted for each window.
        # What has none is thought so dear then that it would be compiled, which takes longer than any of them.
        arguments = server_arguments("enable_seqscan=off", "enable_bitmapscan=off", "jit=off")
        server = parsed.set(drivername="postgresql+psycopg")
        return create_engine(server, connect_args=arguments, **_POOL, pool_pre_ping=True, max_overflow=16)
    raise StoreUnfit("HUB-T-101", f"the store runs on SQLite or PostgreSQL, not on {backend}")


def server_arguments(*settings: str) -> dict[str, Any]:
    """Return libpq's arguments for a session with these settings, in which nobody waits long for who froze or vanished.

    The server ends a transaction that stands still; either side ends a connection whose other machine is silent for a minute.
    """
    said = (*settings, f"idle_in_transaction_session_timeout={IDLE_MS}", f"tcp_user_timeout={UNTAKEN_MS}")
    kept = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}
    ours = " ".join(f"-c {one}" for one in (*said, *(f"tcp_{name}={number}" for name, number in kept.items())))
    return {"options": ours, "connect_timeout": 10, "tcp_user_timeout": UNTAKEN_MS, **kept}


def _sqlite(url: str, database: str | None) -> Engine:
    if database and not database.startswith((":", "file:")):
        Path(database).parent.mkdir(parents=True, exist_ok=True)
        Path(database).touch(mode=0o600)  # there is personal data in it; SQLite gives the files beside it the same rights
    arguments = {"timeout": BUSY_TIMEOUT_MS / 1000, "check_same_thread": False}
    engine = create_engine(url, connect_args=arguments, **_POOL, max_overflow=32)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _: object) -> None:
    connection.isolation_level = None  # the driver must not begin transactions of its own
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        f"busy_timeout={BUSY_TIMEOUT_MS}",
        "cache_size=-16384",
        "temp_store=MEMORY",
        "wal_autocheckpoint=16384",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    reading = connection.get_execution_options().get("reading", False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Yield a connection inside a read-only transaction with one consistent view."""
    with engine.connect().execution_options(reading=True) as connection, connection.begin():
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """Yield a connection inside a write transaction; committed on success, rolled back on any exception."""
    with engine.begin() as connection:
        yield connection


def write(engine: Engine, act: Callable[[Connection], _T], tries: int = 5) -> _T:
    """Carry `act` out in a write transaction, and anew when the server gave it up because it and another waited for each other.

    `act` must do nothing that is not undone with its transaction.
    """
    while True:
        try:
            with writing(engine) as connection:
                return act(connection)
        except DBAPIError as error:
            tries -= 1
            if not tries or getattr(error.orig, "sqlstate", None) not in _GIVEN_UP:
                raise


def shareable(engine: Engine) -> bool:
    """Tell whether several processes, on several machines, can work on this kind of store together."""
    return engine.dialect.name == "postgresql"


def now(connection: Connection) -> datetime:
    """Return the time by the store's own clock, the same for all that work on it."""
    if connection.dialect.name == "sqlite":
        return datetime.now(UTC)
    told: datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
    return told.astimezone(UTC)


def up_for(connection: Connection) -> timedelta:
    """Return for how long the server of the store has been up; a file always is."""
    if connection.dialect.name == "sqlite":
        return timedelta.max
    up: timedelta = connection.execute(text("SELECT clock_timestamp() - pg_postmaster_start_time()")).scalar_one()
    return up


def be_patient(connection: Connection) -> None:
    """Let this transaction stand still for as long as it likes: nobody else works on the store."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))


def one_by_one(connection: Connection, key: int) -> None:
    """Wait until no other process is in a transaction that called this with that key; on SQLite all writers queue up anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})


@contextmanager
def alone(engine: Engine, name: str) -> Iterator[None]:
    """Let only one process into the block of that name at once; a store of one process has only one.

    A process that freezes inside is thrown out after `IDLE_MS`: what it still writes has to be fenced.
    """
    if not shareable(engine):
        yield
        return
    with engine.connect() as connection, connection.begin():
        connection.execute(text("SELECT pg_advisory_xact_lock(:key, hashtext(:name))"), {"key": LEASE_KEY, "name": name})
        yield


@contextmanager
def lease(engine: Engine, *, shared: bool = False) -> Iterator[Lease]:
    """Hold the right to work on the store, alone or with others that share it; it ends with this process.

    Raises LeaseHeld HUB-T-110 at once when another process has it, and not as one that shares.
    """
    if engine.dialect.name == "sqlite":
        with of_file(Path(str(engine.url.database) + ".lease")) as held:
            _writable(engine)
            yield held
    else:
        with ServerLease(engine, LEASE_KEY, "_shared" if shared else "", lambda: holder(engine)).held() as held:
            yield held


def _writable(engine: Engine) -> None:
    """Raise here what a file that may only be read would let every thread fail with; BEGIN IMMEDIATE does not notice it."""
    with engine.connect() as connection, connection.begin() as transaction:
        connection.execute(text("UPDATE alembic_version SET version_num = version_num"))
        transaction.rollback()


def holder(engine: Engine) -> str | None:
    """Return who holds the lease (its process, where that is known), None when nobody does. Takes nothing itself."""
    if engine.dialect.name == "sqlite":
        return holder_of_file(Path(str(engine.url.database) + ".lease"))
    query = text("SELECT DISTINCT application_name FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE locktype = 'advisory' "
                 "AND classid = 0 AND objid = :key AND objsubid = 1 AND granted AND database = "
                 "(SELECT oid FROM pg_database WHERE datname = current_database()) ORDER BY 1")  # fmt: skip
    with reading(engine) as connection:
        found = connection.scalars(query, {"key": LEASE_KEY}).all()
    return ", ".join(name.removeprefix("hub ") for name in found) or None


def backup(engine: Engine, file: Path) -> int:
    """Copy an SQLite store, as one consistent view, into a new file only its owner may read; return its size in bytes.

    Raises StoreUnfit HUB-T-104 for a database with tools of its own, OSError when the file cannot be made.
    """
    if engine.dialect.name != "sqlite":
        raise StoreUnfit("HUB-T-104", "this store is not a file", hint="use pg_dump")
    file.touch(mode=0o600, exist_ok=False)
    with engine.connect() as connection, closing(sqlite3.connect(file)) as copy:
        driver: Any = connection.connection.driver_connection
        driver.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")
    return file.stat().st_size


def ensure(connection: Connection, table: Table, row: dict[str, Any]) -> None:
    """Insert a row unless there is one with its key; of several that do so at once one inserts, and none fails."""
    connection.execute(insert(connection, table).values(row).on_conflict_do_nothing())


def insert(connection: Connection, table: Table) -> sqlite.Insert:
    """Return an INSERT that can say what happens on a conflict; both kinds of store say it alike."""
    made = sqlite.insert(table) if connection.dialect.name == "sqlite" else postgresql.insert(table)
    return cast(sqlite.Insert, made)


#: Rows of one INSERT: the interpreter is let go and taken again once for so many instead of for each, measured 179 → 153 µs a case.
ROWS = 50


def insert_rows(connection: Connection, table: Table, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Insert many rows, given as tuples in the order of `columns`, the quickest way the database knows.

    Raises SQLAlchemy's errors: what the driver says here is the store's trouble, as it is everywhere else.
    """
    driver = connection.dialect.loaded_dbapi.Error
    try:
        _insert(connection, table, columns, rows)
    except driver as error:
        told = DBAPIError.instance(f"INSERT INTO {table.name}", None, error, driver, hide_parameters=True)
        raise told from error


def _insert(connection: Connection, table: Table, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    if not rows:
        return
    cursor: Any = connection.connection.cursor()
    if connection.dialect.name == "postgresql":
        _copy(cursor, table, columns, rows)
        return
    whole = len(rows) - len(rows) % ROWS
    for start in range(0, whole, ROWS):
        cursor.execute(_insert_text(table, tuple(columns), ROWS), list(chain.from_iterable(rows[start : start + ROWS])))
    cursor.executemany(_insert_text(table, tuple(columns), 1), rows[whole:])


def _copy(cursor: Any, table: Table, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    names = ", ".join(f'"{column}"' for column in columns)
    with cursor.copy(f'COPY "{table.name}" ({names}) FROM STDIN') as copy:
        for row in rows:
            copy.write_row(row)


@functools.cache
def _insert_text(table: Table, columns: tuple[str, ...], rows: int) -> str:
    named = sa.insert(table).values({column: bindparam(column) for column in columns})
    one = str(named.compile(dialect=sqlite.dialect(paramstyle="qmark"), column_keys=list(columns)))
    head, marks = one.split(" VALUES ")
    return f"{head} VALUES {', '.join([marks] * rows)}"


#: What SQLite calls a file with pages that cannot be, and one that never was its own.
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def unreachable(error: DBAPIError) -> StoreUnfit:
    """Return the store's own error for a database that does not answer, or is damaged; the driver's text holds no password."""
    first = str(error.orig).strip().splitlines()[0] if error.orig else "no answer"
    if getattr(error.orig, "sqlite_errorcode", 0) & 0xFF in _DAMAGED:
        return StoreUnfit("HUB-T-107", f"the store's file cannot be used: {first}")
    return StoreUnfit("HUB-T-102", f"the store does not answer: {first}")
