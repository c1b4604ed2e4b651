"""`hub sync`: one pass, one account, and an exit code a script can act on."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hub.cli import sync
from hub.errors import Fenced, HubError, Retryable
from hub.store import open_store, runs
from tests import configs, fakes, working

ONLY_GOOD = [configs.RECORDS[0], configs.RECORDS[1]]


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    """Put the handler of SIGTERM back as it was."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def test_all_delivered_is_0(hub: Callable[..., Any], here: Path) -> None:
    configs.write(here, records=ONLY_GOOD)
    done = hub("sync", "--json")
    run = json.loads(done.stdout)[0]
    assert (done.exit_code, run["read"], run["adds_up"]) == (0, 2, True)


def test_unchanged_records_are_not_sent_twice(hub: Callable[..., Any], here: Path) -> None:
    configs.write(here, records=ONLY_GOOD)
    hub("sync", "-q")
    run = json.loads(hub("sync", "--full", "--json").stdout)[0]
    assert (run["unchanged"], run["accepted"]) == (2, 0)
    assert len(fakes.far("city").arrived) == 2


def test_a_dead_letter_is_1_and_tells_where_to_look(hub: Callable[..., Any]) -> None:
    done = hub("sync")
    assert done.exit_code == 1
    assert "不可映射" in done.stdout
    assert "hub status" in done.stderr


def test_something_waiting_is_3(hub: Callable[..., Any], here: Path) -> None:
    configs.write(here, records=[configs.RECORDS[0]])
    fakes.far("city").will("A1", Retryable("HUB-D-113", "503"))
    assert hub("sync", "-q").exit_code == 3


def test_what_waits_for_a_person_is_told_apart_from_what_has_not_arrived(hub: Callable[..., Any], here: Path) -> None:
    configs.put(here, "config/routes/city.yaml", configs.ROUTES.replace("lane: BJBH}", "lane: BJBH, gate: 县审改办}"))
    done = hub("sync")
    assert done.exit_code == 1
    assert "库中还有 0 条未到、1 条死信，2 条待人工或排在它后面" in done.stderr


def test_a_hub_that_fails_itself_again_and_again_is_not_waited_for(
    hub: Callable[..., Any], here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError("No space left on device")

    configs.write(here, records=ONLY_GOOD)
    monkeypatch.setattr("hub.store.outbox.open_window", full)
    monkeypatch.setattr("hub.engine.local.FIRST_WAIT", 0.01)
    monkeypatch.setattr("hub.engine.local.LONGEST_WAIT", 0.01)
    assert hub("sync", "-q").exit_code == 3


def test_a_hub_whose_source_was_taken_by_another_is_not_waited_for(
    hub: Callable[..., Any], here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def taken(*_: object) -> None:
        raise Fenced("collect:local")

    configs.write(here, records=ONLY_GOOD)
    monkeypatch.setattr("hub.store.runs.begin_next", taken)
    assert hub("sync", "-q").exit_code == 3


def test_a_target_that_is_down_is_4_and_nothing_dies(hub: Callable[..., Any], here: Path) -> None:
    configs.write(here, records=ONLY_GOOD)
    fakes.far("city").down = Retryable("HUB-D-101", "cannot connect")
    assert hub("sync", "-q").exit_code == 4
    assert json.loads(hub("dead", "list", "--json").stdout) == []


def test_a_misspelt_source_is_2(hub: Callable[..., Any]) -> None:
    done = hub("sync", "locla")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "是不是 local" in done.stderr


def test_without_waiting_the_hub_that_serves_is_asked_and_left_alone(hub: Callable[..., Any], here: Path) -> None:
    store = open_store(working.settings_of(here).store)
    with store.lease():
        done = hub("sync", "--no-wait", "--json")
    assert (done.exit_code, json.loads(done.stdout)[0]["state"]) == (0, "asked")
    store.close()


def test_a_hub_that_goes_away_is_noticed(here: Path) -> None:
    store = open_store(working.settings_of(here).store)
    with store.writing() as connection:
        number = runs.ask(connection, "local", runs.Trigger.CLI, "test", working.now())
    with pytest.raises(HubError) as gone:
        sync._follow(store, [number])
    assert gone.value.code == "HUB-X-122"
    store.close()


def test_a_termination_drains_and_is_143(hub: Callable[..., Any], here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configs.write(here, records=ONLY_GOOD)
    monkeypatch.setattr("hub.cli.sync.LOOK_SECONDS", 0.01)
    monkeypatch.setattr("hub.cli.sync.watch", lambda *_, **__: os.kill(os.getpid(), signal.SIGTERM))
    assert hub("sync", "-q").exit_code == 143
    assert hub("sync", "-q").exit_code == 143  # the lease was let go of
