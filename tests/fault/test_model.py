"""Proves that whatever happens in whatever order, the outbox keeps to its invariants: a dictionary of what is owed is the judge."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from pathlib import Path
from random import Random
from typing import Any, TypeAlias

import pytest
import sqlalchemy as sa
from hypothesis import note
from hypothesis import settings as profile
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from hub.model import Judgement, State
from hub.store import Store, open_store, schema
from tests.fault.mortal import Blow
from tests.fault.truthful import Answer
from tests.fault.world import CASES, EVENTS, SINKS, STEPS, World
from tests.servers import fresh_postgresql

#: How many histories are tried; more of them in a soak.
EXAMPLES = int(os.environ.get("HUB_MODEL_EXAMPLES", "60"))
#: At which transaction something happens to the hub; 0: at none.
FALLS = (0, 0, 0, 1, 2, 3, 4)
TIMES = (timedelta(minutes=2), timedelta(minutes=20), timedelta(days=4))
#: What a person may do about a system.
PEOPLE: Mapping[str, Callable[[World, str], None]] = {
    "retry": lambda world, system: world.retry(system, remap=False),
    "remap": lambda world, system: world.retry(system, remap=True),
    "release": lambda world, system: world.decide(system, State.PENDING),
    "call it delivered": lambda world, system: world.decide(system, State.DELIVERED),
    "cancel": lambda world, system: world.decide(system, State.CANCELLED),
    "give up": World.give_up,
}


@dataclass(frozen=True)
class Fall:
    """At which of the next transactions that write what happens to the hub; 0: at none."""

    at: int
    blow: Blow


@dataclass(frozen=True)
class Day:
    """The source tells something new, the hub reads it, and sends a far side what is due, as often as `rounds` says."""

    events: list[tuple[str, str]]
    sink: int
    answers: list[Answer]
    deaf: int
    rounds: int
    passes: timedelta
    falls: tuple[Fall, Fall]  # while it reads, while it sends
    paused: bool

    def happen(self, world: World) -> None:
        reading, sending = self.falls
        sink = world.sink(self.sink)
        for key, what in self.events:
            world.offer(key, what)
        world.read(reading.at, reading.blow)
        (world.pause if self.paused else world.resume)(sink)
        for _ in range(self.rounds):
            world.deliver(sink, self.answers, self.deaf, sending.at, sending.blow)
            world.wait(self.passes)


@dataclass(frozen=True)
class Act:
    """A person does something."""

    sink: int
    what: str

    def happen(self, world: World) -> None:
        PEOPLE[self.what](world, world.sink(self.sink))


@dataclass(frozen=True)
class Judge:
    """A far side says later what it thinks of something it took."""

    which: int
    judgement: Judgement

    def happen(self, world: World) -> None:
        world.judge(self.which, self.judgement)


@dataclass(frozen=True)
class Change:
    """The hub freezes and another one takes over, a frozen one wakes, or the configuration changes."""

    what: str

    def happen(self, world: World) -> None:
        getattr(world, self.what)()


Event: TypeAlias = Day | Act | Judge | Change


def event(seed: int) -> Event:
    """Return what that number stands for: drawn part by part, hypothesis would hardly leave the plainest days."""
    rng = Random(seed)
    kind = rng.random()
    if kind < 0.6:
        events = [(rng.choice(CASES * 2 + STEPS), rng.choice(EVENTS)) for _ in range(rng.randrange(4))]
        answers = [rng.choice(list(Answer)) for _ in range(rng.randrange(5))]
        falls = (Fall(rng.choice(FALLS), rng.choice(list(Blow))), Fall(rng.choice(FALLS), rng.choice(list(Blow))))
        return Day(
            events, rng.randrange(2), answers, rng.randrange(2), rng.randint(1, 3), rng.choice(TIMES), falls, rng.random() < 0.1
        )
    if kind < 0.75:
        return Act(rng.randrange(2), rng.choice(list(PEOPLE)))
    if kind < 0.9:
        return Judge(rng.randrange(9), rng.choice(list(Judgement)))
    return Change(rng.choice(("freeze", "wake", "reload")))


class Machine(RuleBasedStateMachine):
    """Whatever can happen, in any order. One rule: of several, most would be left out of most examples."""

    opened: Callable[[], Store]  # a store with nothing in it
    world: World

    @initialize(sinks=st.lists(st.sampled_from(sorted(SINKS)), min_size=1, max_size=2, unique=True))
    def begins(self, sinks: list[str]) -> None:
        self.world = World(type(self).opened(), tuple(sinks))

    @rule(event=st.integers(0, 2**32 - 1).map(event))
    def happens(self, event: Event) -> None:
        note(str(event))
        event.happen(self.world)

    @invariant()
    def nothing_is_wrong(self) -> None:
        """Whatever happened, it happened for a reason."""
        self.world.check()

    def teardown(self) -> None:
        try:
            if sys.exc_info()[0] is None:
                self.world.calm()
        finally:
            self.world.close()


# --- the same on both kinds of store ---


@pytest.mark.slow
@pytest.mark.timeout(900 + 10 * EXAMPLES)  # a failing example is made small before it is shown
def test_the_outbox_is_what_the_model_says(tmp_path: Path) -> None:
    made, number = tmp_path / "made.db", count()
    open_store(f"sqlite:///{made}").close()

    def opened() -> Store:
        file = tmp_path / f"{next(number)}.db"
        shutil.copy(made, file)
        store = open_store(f"sqlite:///{file}")
        sa.event.listen(store.engine, "connect", _hurry)
        return store

    _run(opened, examples=EXAMPLES, steps=30)


@pytest.mark.slow
@pytest.mark.timeout(900 + 10 * EXAMPLES)  # a failing example is made small before it is shown
@pytest.mark.server
def test_the_outbox_is_what_the_model_says_on_postgresql() -> None:
    with fresh_postgresql() as url:

        def opened() -> Store:
            store = open_store(url)
            with store.writing() as connection:
                for name in schema.metadata.tables:
                    connection.exec_driver_sql(f'DELETE FROM "{name}"')
            return store

        _run(opened, examples=max(EXAMPLES // 4, 1), steps=30)


@pytest.mark.parametrize(
    ("sink", "seeds"),
    [
        pytest.param("keyed", [1383, 12201, 2521], id="a parent that fell silent after its child was tried"),
        pytest.param("table", [92, 676220, 0, 55], id="an update in doubt behind an insert that never arrived"),
        pytest.param(
            "blind", [4941, 4844830, 376987, 2273, 926, 195293462, 3664, 2830], id="an insert that goes again as an update"
        ),
    ],
)
def test_what_was_found_once_stays_mended(sink: str, seeds: list[int], tmp_path: Path) -> None:
    world = World(open_store(f"sqlite:///{tmp_path}/a.db"), (sink,))
    try:
        for seed in seeds:
            event(seed).happen(world)
            world.check()
        world.calm()
    finally:
        world.close()


def _hurry(connection: Any, _: object) -> None:
    """Leave out the waiting for the disk: these hubs die, this machine does not."""
    connection.execute("PRAGMA synchronous=OFF")


def _run(opened: Callable[[], Store], *, examples: int, steps: int) -> None:
    kind = type("OutboxMachine", (Machine,), {"opened": staticmethod(opened)})
    run_state_machine_as_test(kind, settings=profile(max_examples=examples, stateful_step_count=steps, deadline=None))
