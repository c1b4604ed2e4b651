"""Who works on a store is told without taking its lease, on every kind of store; and who may read its files."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import TimeoutError

from hub.errors import LeaseHeld
from hub.store import Store, open_store, runs, serverlease
from hub.store.runs import Trigger
from tests.commands import until
from tests.usurping import usurped

END_ALL_OTHERS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


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


@pytest.mark.server
def test_a_lease_is_taken_again_also_when_no_connection_was_free_at_first(
    postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serverlease, "LOOK_SECONDS", 0.05)
    ours, theirs = open_store(postgresql_url), open_store(postgresql_url)
    busy: list[TimeoutError] = []

    def none_free(*_: object) -> None:
        if busy:
            raise busy.pop()

    event.listen(ours.engine, "checkout", none_free)
    with ours.lease():
        busy.extend(TimeoutError("QueuePool limit reached") for _ in range(3))
        with theirs.writing() as connection:
            connection.execute(text(END_ALL_OTHERS))
        until(lambda: not busy and bool(theirs.holder()), "the lease is taken again")
    ours.close()
    theirs.close()


@pytest.mark.server
def test_a_lease_that_another_takes_meanwhile_is_refused_and_then_lost_for_good(
    postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serverlease, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(serverlease, "AGAIN_SECONDS", 0.05)
    monkeypatch.setattr(serverlease, "LOST_SECONDS", 0.2)
    ours, theirs = open_store(postgresql_url), open_store(postgresql_url)
    with ours.lease(shared=True) as lease:
        assert not lease.refused
        with usurped(theirs):
            until(lambda: lease.lost, "it is lost")
            assert lease.refused
        assert lease.lost is not None
        assert lease.lost.code == "HUB-T-110"
        lease.look()  # it is free again, and for others
        assert lease.refused
        with theirs.lease():
            pass
    ours.close()
    theirs.close()


@pytest.mark.server
def test_a_lease_that_another_holds_for_a_moment_is_taken_again(postgresql_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serverlease, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(serverlease, "AGAIN_SECONDS", 0.05)
    monkeypatch.setattr(serverlease, "LOST_SECONDS", 600.0)
    ours, theirs = open_store(postgresql_url), open_store(postgresql_url)
    with ours.lease() as lease:
        with usurped(theirs):
            until(lambda: lease.refused, "it is refused")
        until(lambda: not lease.refused, "it is taken again")
        assert lease.lost is None
        with pytest.raises(LeaseHeld), theirs.lease():
            pass
    ours.close()
    theirs.close()


def test_nobody_but_its_owner_reads_the_store(tmp_path: Path) -> None:
    """There is personal data in it, also in what SQLite writes beside it."""
    store = open_store(f"sqlite:///{tmp_path / 'var' / 'hub.db'}")
    with store.writing() as connection:
        runs.ask(connection, "local", Trigger.CLI, "test", datetime(2016, 12, 13, tzinfo=UTC))
    found = {one.name: one.stat().st_mode & 0o777 for one in (tmp_path / "var").iterdir()}
    store.close()
    assert set(found) >= {"hub.db", "hub.db-wal", "hub.db-shm"} and set(found.values()) == {0o600}, found
