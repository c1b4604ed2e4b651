"""Who may work on a store beside whom: workers with workers, and nobody with a hub that serves alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.model import State
from hub.store import runs
from hub.store.runs import RunState
from tests import configs
from tests.commands import DEADLINE, Directory, until
from tests.fault.crew import Crew, crew
from tests.servers import fresh_postgresql
from tests.usurping import usurped


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Crew]:
    with fresh_postgresql() as url, crew(tmp_path, url, cases=20, partitions=2, pause=0.0) as found:
        yield found


@pytest.mark.server
def test_a_hub_that_serves_alone_is_refused_beside_workers_and_told_who_they_are(team: Crew) -> None:
    worker = team.start()
    refused = team.directory.run("serve", "--no-http", code=5)
    assert "HUB-T-110" in refused.stderr
    assert f"pid {worker.pid}" in refused.stderr


@pytest.mark.server
def test_workers_whose_store_another_hub_has_taken_take_nothing_more_and_end(team: Crew) -> None:
    """The server has ended their sessions, and the other one was quicker."""
    workers = [team.start(name="east"), team.start(name="west")]
    with usurped(team.store):
        until(lambda: team.log().count("lease.refused") == 2, "both have noticed")
        run = team.ask()
        assert [worker.wait(DEADLINE) for worker in workers] == [5, 5]
        with team.store.reading() as connection:
            asked = runs.get(connection, run)
    assert asked is not None
    assert asked.state is RunState.ASKED
    assert not team.states()
    assert not team.workers(), "they have left"
    assert team.log().count("HUB-T-110 another hub works on this store") >= 2


@pytest.mark.server
def test_workers_do_what_a_sync_beside_them_asks_for(team: Crew) -> None:
    team.start()
    account = team.directory.told("sync", "local")
    assert account[0]["accepted"] == 40
    until(lambda: team.states() == {State.DELIVERED: 40}, "all is delivered")


@pytest.mark.server
def test_a_worker_is_refused_beside_a_hub_that_serves_alone(team: Crew) -> None:
    serving = team.directory.start("serve", "--no-http")
    team.started.append(serving)
    until(lambda: team.store.holder(), "the hub holds the store")
    refused = team.directory.run("worker", "--no-http", code=5)
    assert f"pid {serving.pid}" in refused.stderr


@pytest.mark.server
def test_lost_engine_tables_are_made_again_and_the_work_goes_on(team: Crew) -> None:
    team.start()
    with team.store.writing() as connection:
        connection.exec_driver_sql("DROP SCHEMA hub_engine CASCADE")
    team.ask()
    until(lambda: team.states() == {State.DELIVERED: 40}, "all is delivered")


def test_a_file_is_refused_before_it_is_touched(tmp_path: Path) -> None:
    directory = Directory(configs.write(tmp_path))
    refused = directory.run("worker", "--no-http", code=2)
    assert "HUB-E-140" in refused.stderr
    assert not list(tmp_path.rglob("*.db"))


def test_two_hubs_on_one_file_are_told_apart(tmp_path: Path) -> None:
    directory = Directory(configs.write(tmp_path))
    first = directory.start("serve", "--no-http")
    try:
        until(lambda: (tmp_path / "hub.log").read_text("utf-8").count("serves as"), "the first hub works")
        refused = directory.run("serve", "--no-http", code=5)
        assert f"pid {first.pid}" in refused.stderr
    finally:
        first.terminate()
        first.communicate(timeout=DEADLINE)
