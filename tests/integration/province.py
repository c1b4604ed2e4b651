"""The province twin for tests on real databases: its many tables are made once a module, and empty before each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from hub.sandbox.twins.province import ProvinceTwin
from hub.sandbox.twins.province_tables import metadata
from tests.servers import FRESH


@pytest.fixture(
    scope="module", params=["sqlite", *(pytest.param(name, marks=pytest.mark.server) for name in ("postgresql", "mariadb"))]
)
def province_place(request: pytest.FixtureRequest) -> Iterator[str]:
    """Return the URL of a database that has the province's tables."""
    with FRESH[request.param]() as url:
        made = ProvinceTwin(url)
        made.create()
        made.stop()
        yield url


@pytest.fixture
def province_twin(province_place: str) -> Iterator[ProvinceTwin]:
    """Return the twin over its empty tables."""
    twin = ProvinceTwin(province_place)
    engine = sa.create_engine(province_place)
    with engine.begin() as connection:
        for table in metadata.sorted_tables:
            if connection.execute(sa.select(table).limit(1)).first() is not None:
                connection.execute(sa.delete(table))
    engine.dispose()
    yield twin
    twin.refuse_marked(None)
    twin.stop()


@pytest.fixture
def province_engine(province_twin: ProvinceTwin) -> Iterator[sa.Engine]:
    """Return an engine of its own over the twin's database."""
    engine = sa.create_engine(province_twin.url)
    yield engine
    engine.dispose()
