"""The transport office's views are read by the shipped configuration with an account that may do nothing else, on real servers."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from adapters.database import DatabaseAdapter
from hub import settings
from hub.model import Record
from hub.sandbox.farside import Ground
from hub.sandbox.twins.transport import VEHICLES, TransportTwin
from hub.sandbox.twins.transport_tables import VIEWS, YZ_BJHJ
from tests.servers import fresh_mariadb, fresh_postgresql, fresh_sqlite

ROOT = Path(__file__).parents[2]
STEP = dict.fromkeys((column.name for column in YZ_BJHJ.columns), "一") | {"更新时间": "2026-01-05 09:00:00"}


@contextmanager
def office(directory: Path, url: str) -> Iterator[TransportTwin]:
    twin = TransportTwin.on(Ground(directory, urls={"transport": url}))
    twin.create()
    try:
        yield twin
    finally:
        twin.stop()


def shipped(url: str) -> DatabaseAdapter:
    adapter = settings.load(ROOT, env={"TRANSPORT_VIEW_URL": url}).systems["transport-view"].open()
    assert isinstance(adapter, DatabaseAdapter)
    return adapter


def read(url: str) -> list[Record]:
    adapter = shipped(url)
    try:
        adapter.check()
        return [record for page in adapter.read(None) for record in page.records]
    finally:
        adapter.close()


@contextmanager
def reader(owner: str, *grants: str) -> Iterator[str]:
    """Yield the URL of a new account that has been given these rights and no others."""
    name = f"reader_{uuid.uuid4().hex[:8]}"
    engine = sa.create_engine(owner, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    account = f"'{name}'@'%%'" if engine.dialect.name == "mysql" else name
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE USER {account}" if engine.dialect.name == "mysql" else f"CREATE ROLE {account} LOGIN")
        for grant in grants:
            connection.exec_driver_sql(grant.format(account))
    try:
        yield sa.make_url(owner).set(username=name).render_as_string(hide_password=False)
    finally:
        with engine.connect() as connection:
            if engine.dialect.name == "postgresql":
                connection.exec_driver_sql(f"DROP OWNED BY {account}")
            connection.exec_driver_sql(f"DROP USER {account}")


def refused(url: str, table: str, quote: str) -> bool:
    """Say whether the account may not write there."""
    names = ", ".join(f"{quote}{name}{quote}" for name in STEP)
    engine = sa.create_engine(url, poolclass=NullPool)
    statement = f"INSERT INTO {quote}{table}{quote} ({names}) VALUES ({', '.join(repr(value) for value in STEP.values())})"
    try:
        with engine.begin() as connection:
            connection.exec_driver_sql(statement)
    except sa.exc.DBAPIError:
        return True
    return False


@pytest.mark.server
@pytest.mark.parametrize(("fresh", "quote"), [(fresh_postgresql, '"'), (fresh_mariadb, "`")], ids=["postgresql", "mariadb"])
def test_an_account_that_may_only_look_is_enough(tmp_path: Path, fresh: object, quote: str) -> None:
    with fresh() as url, office(tmp_path, url):  # type: ignore[operator]
        grants = [f"GRANT SELECT ON {quote}{view}{quote} TO {{}}" for view, _ in VIEWS.values()]
        with reader(url, *grants) as account:
            assert [record.kind for record in read(account)] == ["vehicle"] * VEHICLES
            assert refused(account, "V_YZ_BJJD", quote) and refused(account, YZ_BJHJ.name, quote)
            assert not refused(url, YZ_BJHJ.name, quote), "the office itself may"
            assert [record.key for record in read(account) if record.kind == "progress"] == ["一|一"]


def test_a_view_of_sqlite_takes_nothing_from_anybody(tmp_path: Path) -> None:
    with fresh_sqlite() as url, office(tmp_path, url):
        assert refused(url, "V_YZ_BJJD", '"') and not refused(url, YZ_BJHJ.name, '"')
        assert len(read(url)) == VEHICLES + 1


def test_nothing_can_be_sent_there(tmp_path: Path) -> None:
    with fresh_sqlite() as url, office(tmp_path, url):
        adapter = shipped(url)
        assert adapter.endpoints() == frozenset() and adapter.kinds() == {"progress", "outcome", "vehicle"}
        adapter.close()
