"""Who shares a store tells that it lives by the store's clock, and turns lapse by themselves."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import sqlalchemy as sa

from hub.errors import LeaseHeld
from hub.store import Store, dialect, numbers, open_store, partitions, schema, workers
from tests.commands import until
from tests.servers import fresh_postgresql

TURN = timedelta(seconds=60)


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    opened = open_store(store_url)
    yield opened
    opened.close()


def beat(store: Store, name: str, *holds: str) -> None:
    with store.writing() as connection:
        workers.beat(connection, name, version="1", digest="d", host="here", pid=1, holds=holds)


def set_back(store: Store, table: sa.Table, column: str, by: timedelta) -> None:
    with store.writing() as connection:
        at = table.c[column]
        connection.execute(sa.update(table).values({column: at - int(by.total_seconds() * 1000)}))


def test_a_worker_is_alive_while_it_beats_and_gone_when_it_does_not(store: Store) -> None:
    beat(store, "first", "deliver:city:1", "deliver:city:0")
    set_back(store, schema.worker, "seen_at", workers.LOST)
    beat(store, "second")
    with store.reading() as connection:
        gone, alive = workers.everybody(connection)
        assert [one.name for one in workers.living(connection)] == ["second"]
    assert (gone.name, gone.gone, gone.holds) == ("first", True, ("deliver:city:0", "deliver:city:1"))
    assert not alive.gone
    beat(store, "first")
    with store.reading() as connection:
        assert {one.name for one in workers.living(connection)} == {"first", "second"}


def test_right_after_the_server_began_nobody_is_known_to_be_gone(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may have been away for longer than a worker may be silent; who left is gone all the same."""

    def may_live() -> list[str]:
        with store.reading() as connection:
            return [one.name for one in workers.may_live(connection)]

    with store.reading() as connection:
        assert dialect.up_for(connection) > timedelta(0)
    beat(store, "silent")
    beat(store, "left")
    set_back(store, schema.worker, "seen_at", workers.LOST)
    with store.writing() as connection:
        workers.leave(connection, "left")
    monkeypatch.setattr(dialect, "up_for", lambda _: workers.LOST)
    assert may_live() == []
    monkeypatch.setattr(dialect, "up_for", lambda _: workers.LOST / 2)
    assert may_live() == ["silent"]


def test_a_worker_that_leaves_is_told_of_no_more_and_one_that_is_gone_for_a_day(store: Store) -> None:
    for name in ("left", "gone", "here"):
        beat(store, name)
    with store.writing() as connection:
        workers.leave(connection, "left")
        workers.forget(connection)
    set_back(store, schema.worker, "seen_at", workers.REMEMBERED / 2)
    beat(store, "here")
    set_back(store, schema.worker, "seen_at", workers.REMEMBERED / 2)
    with store.writing() as connection:
        workers.forget(connection)
        assert [one.name for one in workers.everybody(connection)] == ["here"]


def test_of_all_who_want_a_turn_one_gets_it_until_it_lapses(store: Store) -> None:
    def turn(owner: str) -> bool:
        with store.writing() as connection:
            return partitions.turn(connection, "turn:look", owner, TURN)

    assert [turn("a"), turn("a"), turn("b")] == [True, False, False]
    set_back(store, schema.partition, "taken_at", TURN)
    assert [turn("b"), turn("a")] == [True, False]
    set_back(store, schema.partition, "taken_at", -2 * TURN)  # the clock was put back since
    assert [turn("a"), turn("b")] == [True, False]


@pytest.mark.server
def test_those_who_share_exclude_only_who_does_not() -> None:
    with fresh_postgresql() as url:
        first, second = open_store(url), open_store(url)
        with first.lease(shared=True), second.lease(shared=True):
            with pytest.raises(LeaseHeld, match="pid"), second.lease():
                pass
            assert first.holder()
        with first.lease(), pytest.raises(LeaseHeld), second.lease(shared=True):
            pass
        first.close()
        second.close()


@pytest.mark.server
def test_who_freezes_inside_a_transaction_keeps_nobody_waiting_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialect, "IDLE_MS", 300)
    with fresh_postgresql() as url:
        frozen, other = open_store(url), open_store(url)
        with pytest.raises(sa.exc.DBAPIError, match="idle"), frozen.writing() as locked:
            numbers.take(locked, "window", 1)
            with other.writing() as connection:  # waits for the row until the server ends the other's transaction
                assert numbers.take(connection, "window", 1) == 1
            numbers.take(locked, "window", 1)
        frozen.close()
        other.close()


@pytest.mark.server
def test_of_two_processes_one_is_alone_with_a_name_and_the_other_waits() -> None:
    with fresh_postgresql() as url:
        first, second = open_store(url), open_store(url)
        inside: list[str] = []

        def enter() -> None:
            with second.alone("push:local"):
                inside.append("second")

        with ThreadPoolExecutor(1) as threads, first.alone("push:local"), first.alone("push:city"):
            waiting = threads.submit(enter)
            until(lambda: _waits(first), "it waits")
            assert inside == []
            inside.append("first")
        waiting.result()
        assert inside == ["first", "second"]
        first.close()
        second.close()


def _waits(store: Store) -> bool:
    query = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    with store.reading() as connection:
        return connection.exec_driver_sql(query).scalar_one() > 0
