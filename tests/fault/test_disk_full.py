"""Proves that a store without space loses nothing: it says so, works on when there is space again, and the account adds up."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from hub.demo.account import draw
from hub.demo.job import settings_of
from hub.engine.progress import look
from hub.engine.service import Service
from hub.model import State
from hub.sandbox.street import Plan, Ports, Sandbox
from hub.store import Store, open_store, views
from hub.store.runs import RunState, Trigger
from tests.commands import CORE, one_way, shipped, until

#: Pages of 4 KiB: as many as a disk has for anybody, and far more than the test needs.
PLENTY = 1_000_000


class Disk:
    """Room for the store, in pages: SQLite itself refuses to grow beyond it, as it does on a disk without space (SQLITE_FULL)."""

    def __init__(self, store: Store) -> None:
        self.pages = PLENTY
        self._store = store
        sa.event.listen(store.engine, "begin", self._limit)

    def fill(self, room: int) -> None:
        """Leave room for so many pages more."""
        with self._store.reading() as connection:
            self.pages = int(connection.exec_driver_sql("PRAGMA page_count").scalar_one()) + room

    def _limit(self, connection: sa.Connection) -> None:
        connection.exec_driver_sql(f"PRAGMA max_page_count = {self.pages}")


@contextmanager
def at_work(path: Path) -> Iterator[tuple[Service, Disk, Sandbox]]:
    plan = Plan(path / "county", cases=150, seed=3, faults="none", ports=Ports.free(), systems=CORE)
    with Sandbox(plan) as sandbox:
        directory = one_way(shipped(path))
        settings = settings_of(directory.path, sandbox.environment())
        store = open_store(settings.store)
        disk = Disk(store)
        with store.lease():
            service = Service(settings, store, scheduled=False)
            service.start()
            try:
                yield service, disk, sandbox
            finally:
                service.stop()
                store.close()


@pytest.mark.parametrize("room", [2, 60, 200], ids=["from-the-start", "while-reading", "while-sending"])
def test_a_full_disk_loses_nothing(tmp_path: Path, room: int, caplog: pytest.LogCaptureFixture) -> None:
    with at_work(tmp_path) as (service, disk, sandbox), caplog.at_level(logging.ERROR):
        numbers = [service.ask("local", Trigger.CLI, "test")]
        disk.fill(room)
        until(lambda: any("disk is full" in str(record.exc_text or record.exc_info) for record in caplog.records), "it says so")
        disk.pages = PLENTY
        until(lambda: not look(service.exchange, numbers).reading, "the run has ended")
        if look(service.exchange, numbers).runs[0].state is not RunState.DONE:
            numbers.append(service.ask("local", Trigger.CLI, "test"))
        until(lambda: _settled(service, numbers), "all has arrived")
        _adds_up(service, numbers, sandbox)


def _settled(service: Service, numbers: list[int]) -> bool:
    progress = look(service.exchange, numbers)
    with service.store.reading() as connection:
        waiting: Any = views.backlog(connection)
    return progress.quiet and not any(State.PENDING in states for states in waiting.values())


def _adds_up(service: Service, numbers: list[int], sandbox: Sandbox) -> None:
    assert sandbox.truth is not None
    held = {name: twin.held() for name, twin in sandbox.twins.items()}
    stats = {name: twin.stats() for name, twin in sandbox.twins.items()}
    offered = {"local": sandbox.twins["local"].offered()}
    account = draw(service, numbers, held, stats, offered, sandbox.truth)
    assert {check.en for check in account.checks if not check.holds} == set()
    assert all(counts.get("updated", 0) == 0 for counts in stats.values())
