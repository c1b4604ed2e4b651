"""The fault proxy between a client and a real database server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from hub.sandbox.proxy import Proxy
from tests.servers import server_url  # noqa: F401


@pytest.fixture
def proxy(server_url: str) -> Iterator[Proxy]:  # noqa: F811
    url = sa.make_url(server_url)
    with Proxy(url.host or "127.0.0.1", url.port or 0) as proxy:
        yield proxy


@pytest.fixture
def engine(proxy: Proxy, server_url: str) -> Iterator[sa.Engine]:  # noqa: F811
    url = sa.make_url(server_url).set(host="127.0.0.1", port=proxy.port)
    engine = sa.create_engine(url, poolclass=NullPool)
    yield engine
    engine.dispose()


def test_a_cut_in_the_middle_of_a_transaction_loses_it(proxy: Proxy, engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE t (n int)"))

    def interrupted() -> None:
        with engine.begin() as connection:
            connection.execute(sa.text("INSERT INTO t VALUES (1)"))
            proxy.cut()

    with pytest.raises(sa.exc.DBAPIError):
        interrupted()
    with engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM t")) == 0


def test_a_server_that_cannot_be_reached(proxy: Proxy, engine: sa.Engine) -> None:
    proxy.weather.refuse = True
    with pytest.raises(sa.exc.OperationalError), engine.connect():
        pass
    proxy.weather.refuse = False
    with engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT 1")) == 1
