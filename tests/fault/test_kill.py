"""Proves from the far sides' side that kill −9 loses nothing, doubles nothing, and changes no order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import select

from hub.demo.neighbours import Neighbours
from hub.model import State
from hub.sandbox.faults import FaultKind
from hub.sandbox.street import Plan, Ports
from hub.settings import load
from hub.store import schema
from tests import configs
from tests.commands import CORE, Directory, one_way, shipped
from tests.fault.accounts import equal, idempotent, wanted
from tests.fault.murder import Murder
from tests.servers import fresh_postgresql

#: Waits between tries: none longer than a second, and more of them than there are deaths.
RETRY = ("retry: [30s, 2m, 10m, 1h, 6h, 24h]", f"retry: [{', '.join(['1s'] * 20)}]")


@contextmanager
def county(path: Path, cases: int, seed: int) -> Iterator[Neighbours]:
    """Run the far sides in a process that survives; some answers come late, so that deaths fall between message and answer."""
    slow = {FaultKind.SLOW: 0.05}
    plan = Plan(
        path, cases=cases, seed=seed, faults="none", chances={"gateway": slow, "social": slow}, ports=Ports.free(), systems=CORE
    )
    beside = Neighbours(plan)
    try:
        beside.start(lambda made: None)
        yield beside
    finally:
        beside.stop()


@contextmanager
def murdering(directory: Directory, source: str, seed: int) -> Iterator[Murder]:
    murder = Murder(directory, source, Random(seed))
    try:
        yield murder
    finally:
        murder.store.close()


@pytest.mark.slow
def test_nothing_is_lost_or_doubled(tmp_path: Path) -> None:
    with county(tmp_path / "county", cases=400, seed=11) as beside:
        _live_through(tmp_path, beside, deaths=10, longest=0.4)


@pytest.mark.slow
@pytest.mark.server
def test_nothing_is_lost_or_doubled_on_postgresql(tmp_path: Path) -> None:
    with fresh_postgresql() as url, county(tmp_path / "county", cases=200, seed=12) as beside:
        _live_through(tmp_path, beside, deaths=4, longest=0.4, HUB_STORE=url)


def _live_through(path: Path, beside: Neighbours, *, deaths: int, longest: float, **environment: str) -> None:
    directory = one_way(shipped(path, {**beside.environment(), **environment}))
    for system in ("province", "gateway"):
        directory.change(f"config/systems/{system}.yaml", RETRY)
    directory.change("config/systems/social.yaml", RETRY)
    with murdering(directory, "local", seed=621125) as murder:
        murder.kill(deaths, longest)
        assert murder.deaths_at_work >= min(deaths, 8) and murder.doubtful, "the deaths came too late to prove anything"
        murder.live(lambda: murder.count(State.PENDING) == 0)
        assert murder.count(State.HELD) == 0
        doubtful = len(murder.doubtful)
    rows_wanted = wanted(load(directory.path, env=dict(directory.environment)))
    for system, rows in rows_wanted.items():
        equal(rows, beside.held()[system])
        idempotent(beside.stats()[system], doubtful)


# --- a far side that can neither be asked nor told twice ---

APPENDING = """
    version: 1
    system: city
    title: 市平台
    adapter: tests.fault.appending:AppendingAdapter
    options: {endpoints: [accept, process], file: arrived.txt, pause: 0.004}
    """


@pytest.mark.slow
def test_what_can_neither_be_asked_nor_repeated_arrives_at_most_once_or_is_held(tmp_path: Path) -> None:
    cases = [{"kind": "case", "key": f"A{n}", "data": {"BJBH": f"A{n}", "SQRMC": "甲某某"}} for n in range(300)]
    steps = [{"kind": "step", "key": f"A{n}-1", "data": {"BJBH": f"A{n}", "ZT": "1"}} for n in range(300)]
    configs.write(tmp_path, {"config/systems/city.yaml": APPENDING}, [*cases, *steps])
    with murdering(Directory(tmp_path), "local", seed=621125) as murder:
        murder.kill(8, longest=0.4)
        assert murder.deaths_at_work == 8 and murder.doubtful, "the deaths came too late to prove anything"
        murder.live(lambda: _all_that_can(murder))
        states = _states(murder)
        held = _keys(murder, State.HELD)
        assert held == _keys_of(murder, murder.doubtful)
    arrived = Counter((tmp_path / "arrived.txt").read_text().split())
    assert max(arrived.values()) == 1
    assert {key for key, state in states.items() if state is State.DELIVERED} == set(arrived) - held
    assert {key for key, state in states.items() if state is State.PENDING} == {f"{key}-1" for key in held if "-" not in key}
    assert len(states) == 600
    order = {key: number for number, key in enumerate((tmp_path / "arrived.txt").read_text().split())}
    assert all(order[f"A{n}"] < order[f"A{n}-1"] for n in range(300) if f"A{n}-1" in order)


def _all_that_can(murder: Murder) -> bool:
    held = _keys(murder, State.HELD)
    return _keys(murder, State.PENDING) == {f"{key}-1" for key in held if "-" not in key}


def _states(murder: Murder) -> dict[str, State]:
    with murder.store.reading() as connection:
        return {row.key: State(row.state) for row in connection.execute(select(schema.delivery.c.key, schema.delivery.c.state))}


def _keys(murder: Murder, state: State) -> set[str]:
    return {key for key, found in _states(murder).items() if found is state}


def _keys_of(murder: Murder, numbers: set[int]) -> set[str]:
    with murder.store.reading() as connection:
        rows = connection.execute(select(schema.delivery.c.id, schema.delivery.c.key))
        return {row.key for row in rows if row.id in numbers}
