"""Who works on a store is told without taking its lease, on every kind of store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.errors import LeaseHeld
from hub.store import Store, open_store


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.server)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/hub.db"
    found: str = request.getfixturevalue("postgresql_url")
    return found


@pytest.fixture
def stores(url: str) -> Iterator[tuple[Store, Store]]:
    first, second = open_store(url), open_store(url)
    yield first, second
    first.close()
    second.close()


def test_looking_tells_the_holder_and_takes_nothing(stores: tuple[Store, Store]) -> None:
    ours, theirs = stores
    assert theirs.holder() is None
    with ours.lease():
        assert theirs.holder()
        with pytest.raises(LeaseHeld), theirs.lease():
            pass
    assert theirs.holder() is None
    with theirs.lease():
        assert ours.holder()
