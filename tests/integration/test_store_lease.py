"""Who works on a store is told without taking its lease, on every kind of store; and who may read its files."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hub.errors import LeaseHeld
from hub.store import Store, open_store, runs
from hub.store.runs import Trigger


@pytest.fixture
def stores(store_url: str) -> Iterator[tuple[Store, Store]]:
    first, second = open_store(store_url), open_store(store_url)
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


def test_nobody_but_its_owner_reads_the_store(tmp_path: Path) -> None:
    """There is personal data in it, also in what SQLite writes beside it."""
    store = open_store(f"sqlite:///{tmp_path / 'var' / 'hub.db'}")
    with store.writing() as connection:
        runs.ask(connection, "local", Trigger.CLI, "test", datetime(2016, 12, 13, tzinfo=UTC))
    found = {one.name: one.stat().st_mode & 0o777 for one in (tmp_path / "var").iterdir()}
    store.close()
    assert set(found) >= {"hub.db", "hub.db-wal", "hub.db-shm"} and set(found.values()) == {0o600}, found
