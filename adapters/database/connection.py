"""Decides how the database is reached: one engine per system, made at first use, with time-outs and a strict session."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

import sqlalchemy as sa
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential

from adapters.database.failures import PASSING, Missing, trouble
from adapters.database.options import DatabaseOptions

_T = TypeVar("_T")
_ATTEMPTS = 3


def _passing(error: BaseException) -> bool:
    return isinstance(error, sa.exc.DBAPIError) and trouble(error) in PASSING


def steadily(work: Callable[[], _T]) -> _T:
    """Do a piece of work that may be repeated (a page read, a connecting) up to three times while its trouble is a passing one."""
    again = Retrying(
        stop=stop_after_attempt(_ATTEMPTS),
        wait=wait_exponential(multiplier=0.1, max=2),
        retry=retry_if_exception(_passing),
        reraise=True,
    )
    return again(work)


class Connections:
    """Opens connections of one system. Thread-safe."""

    def __init__(self, options: DatabaseOptions) -> None:
        self._options = options
        self._url = sa.make_url(options.url.get_secret_value())
        self._engine: sa.Engine | None = None
        self._lock = Lock()

    @property
    def dialect(self) -> str:
        """Return the dialect's name; MariaDB is told as mysql."""
        name = self._url.get_backend_name()
        return "mysql" if name == "mariadb" else name

    @property
    def engine(self) -> sa.Engine:
        """Return the engine, made at first use."""
        with self._lock:
            if self._engine is None:
                self._engine = self._create()
            return self._engine

    def _create(self) -> sa.Engine:
        arguments = _arguments(self.dialect, self._url, self._options)
        engine = sa.create_engine(self._url, connect_args=arguments, hide_parameters=True, **self._style(), **self._pool())
        if self.dialect == "sqlite":
            sa.event.listen(engine, "do_connect", lambda *_: self._file_exists())
            sa.event.listen(engine, "connect", _plain_sqlite)
            sa.event.listen(engine, "begin", _begin_sqlite)
        if self.dialect == "mysql":
            sa.event.listen(engine, "connect", _strict_mysql)
        return engine

    def _style(self) -> dict[str, Any]:
        """psycopg takes lists faster than names."""
        return {"paramstyle": "format"} if self.dialect == "postgresql" and "psycopg" in self._url.get_driver_name() else {}

    def _pool(self) -> dict[str, Any]:
        if self._memory:
            return {}
        if self.dialect == "sqlite":  # a kept connection would go on writing into a file that was moved or replaced
            return {"poolclass": sa.NullPool}
        return {"pool_pre_ping": True, "pool_size": self._options.pool, "max_overflow": 2, "pool_recycle": 1800}

    @property
    def _memory(self) -> bool:
        return self.dialect == "sqlite" and self._url.database in (None, "", ":memory:")

    def _file_exists(self) -> None:
        if not self._memory and "uri" not in self._url.query and not Path(str(self._url.database)).is_file():
            # connecting would make an empty database
            raise Missing(f"there is no database file {Path(str(self._url.database))}")

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Open a connection for one page; nothing is held between pages."""
        with steadily(self.engine.connect) as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """Open a connection for one transaction; the caller commits, anything else rolls back."""
        with steadily(self.engine.connect).execution_options(hub_writes=True) as connection:
            yield connection

    def rows(self, statement: sa.Executable) -> tuple[list[str], Sequence[sa.Row[Any]]]:
        """Read a whole page: the columns' names as they are in the database, and the rows as the driver gave them."""
        return steadily(lambda: self._rows(statement))

    def _rows(self, statement: sa.Executable) -> tuple[list[str], Sequence[sa.Row[Any]]]:
        with self.engine.connect() as connection:
            return fetched(connection, statement)

    def close(self) -> None:
        """Close every connection; a later use opens new ones."""
        with self._lock:
            if self._engine is not None:
                self._engine.dispose()
                self._engine = None


def fetched(connection: sa.Connection, statement: sa.Executable) -> tuple[list[str], Sequence[sa.Row[Any]]]:
    """Execute a SELECT and return the columns' names as they are in the database, and the rows."""
    result = connection.execute(statement)
    return [name_over_there(connection.dialect, name) for name in result.keys()], result.all()  # noqa: SIM118 - a result is no dict


def name_over_there(dialect: sa.Dialect, name: str) -> str:
    """Return a column's name as the database stores it; Oracle's and 达梦's upper-case names are told in lower case otherwise."""
    return dialect.denormalize_name(name) if dialect.requires_name_normalize else name


def _arguments(dialect: str, url: sa.URL, options: DatabaseOptions) -> dict[str, Any]:
    connect = max(1, int(options.connect_timeout.total_seconds()))
    statement = max(1, int(options.statement_timeout.total_seconds()))
    if dialect == "sqlite":
        return {"timeout": connect}
    if dialect == "mysql":
        given = {"connect_timeout": connect, "read_timeout": statement, "write_timeout": statement, "charset": "utf8mb4"}
        return {name: value for name, value in given.items() if name not in url.query}
    if dialect == "postgresql" and url.get_driver_name().startswith("psycopg"):
        options_ = {} if "options" in url.query else {"options": f"-c statement_timeout={statement * 1000}"}
        return {"connect_timeout": connect, "keepalives_idle": 30, "tcp_user_timeout": (statement + connect) * 1000, **options_}
    return {"tcp_connect_timeout": connect} if dialect == "oracle" else {}


def _plain_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver's own idea of transactions breaks savepoints


def _begin_sqlite(connection: sa.Connection) -> None:
    # A write that starts as a read cannot wait for the lock: SQLite refuses it at once.
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("hub_writes") else "BEGIN")


def _strict_mysql(connection: Any, _record: object) -> None:
    # Without strict mode a text that is too long is cut and a character outside the table's charset becomes «?», silently.
    with connection.cursor() as cursor:
        cursor.execute("SET SESSION sql_mode = CONCAT_WS(',', @@SESSION.sql_mode, 'STRICT_ALL_TABLES')")
