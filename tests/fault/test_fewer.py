"""A configuration that grows smaller while deliveries wait: after the restart all of it is sent, once, and in order by case."""

from __future__ import annotations

import json
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hub.model import State
from hub.store import runs
from tests import configs
from tests.commands import until
from tests.fault.crew import Crew, crew
from tests.servers import FRESH

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

CASES = 20
ONLY_CASES = configs.ROUTES.split("      - route: city-process")[0]
#: The store, and the command that works on it.
HUBS = [pytest.param("sqlite", "serve", id="serve"), pytest.param("postgresql", "worker", id="worker", marks=pytest.mark.server)]


@contextmanager
def waiting(path: Path, store: str, command: str) -> Iterator[Crew]:
    """Yield a hub that was ended while a step of each case waits for a target that somebody has paused: the case is over there."""
    with FRESH[store]() as url, crew(path, url, cases=0, partitions=8, pause=0.0, adapter="KeepingAdapter") as here:
        hub = start(here, command)
        read(here, [case(number) for number in range(CASES)])
        until(lambda: here.states() == {State.DELIVERED: CASES}, "the cases are over there")
        here.directory.run("pause", "city")
        read(here, [step(number, 1) for number in range(CASES)])
        assert here.end(hub) == 143
        assert here.states() == {State.DELIVERED: CASES, State.PENDING: CASES}
        yield here


def start(here: Crew, command: str) -> subprocess.Popen[str]:
    process = here.directory.start("--log-format", "json", command, "--no-http")
    here.started.append(process)
    return process


def case(number: int) -> dict[str, object]:
    return {"kind": "case", "key": f"A{number}", "data": {"BJBH": f"A{number}", "SQRMC": "甲某某"}}


def step(number: int, place: int) -> dict[str, object]:
    return {"kind": "step", "key": f"A{number}-{place}", "data": {"BJBH": f"A{number}", "ZT": "1"}}


def read(here: Crew, more: list[dict[str, object]]) -> None:
    """Put more records into the source and read them."""
    file = here.directory.path / "records.json"
    file.write_text(json.dumps([*json.loads(file.read_text("utf-8")), *more], ensure_ascii=False), "utf-8")
    number = here.ask()

    def ended() -> bool:
        with here.store.reading() as connection:
            run = runs.get(connection, number)
        return run is not None and run.state is runs.RunState.DONE and run.accepted == len(more)

    until(ended, "it is read")


def lanes(here: Crew) -> dict[str, list[str]]:
    """Return by case what arrived over there, in its order."""
    found = defaultdict(list)
    for key in here.arrived():
        found[key.partition("-")[0]].append(key)
    return dict(found)


@pytest.mark.parametrize(("store", "command"), HUBS)
def test_with_fewer_partitions_what_waits_is_sent_before_what_comes_after_it(tmp_path: Path, store: str, command: str) -> None:
    with waiting(tmp_path, store, command) as here:
        here.directory.change("config/systems/city.yaml", ("partitions: 8", "partitions: 2"))
        hub = start(here, command)
        read(here, [step(number, 2) for number in range(CASES)])  # of the same cases, and in partitions of their own
        here.directory.run("resume", "city")
        until(lambda: here.states() == {State.DELIVERED: 3 * CASES}, "all is delivered")
        assert lanes(here) == {f"A{number}": [f"A{number}", f"A{number}-1", f"A{number}-2"] for number in range(CASES)}
        assert here.end(hub) == 143


@pytest.mark.parametrize(("store", "command"), HUBS)
def test_a_kind_that_is_no_longer_read_is_sent_as_far_as_it_was(tmp_path: Path, store: str, command: str) -> None:
    with waiting(tmp_path, store, command) as here:
        here.directory.change(
            "config/systems/local.yaml", ("schemas: {case: local/case, step: local/step}", "schemas: {case: local/case}"),
            ("kinds: [case, step]", "kinds: [case]"),
        )  # fmt: skip
        configs.put(tmp_path, "config/routes/city.yaml", ONLY_CASES)
        hub = start(here, command)
        here.directory.run("resume", "city")
        until(lambda: here.states() == {State.DELIVERED: 2 * CASES}, "all is delivered")
        assert lanes(here) == {f"A{number}": [f"A{number}", f"A{number}-1"] for number in range(CASES)}
        assert here.end(hub) == 143
