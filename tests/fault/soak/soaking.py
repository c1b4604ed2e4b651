"""A hub under load and faults for a long time, whatever it is made of: what was done to it, and an account that adds up.

The shipped example works against the sandbox, whose far sides misbehave now and then, while new cases come in and it meets its
faults. In the second half it only works: what still grows in its last third is a leak.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Protocol

from hub.demo.neighbours import Neighbours
from hub.engine.exchange import utc_now
from hub.model import State
from hub.sandbox.generator import advance
from hub.settings import load
from hub.store import runs, systems
from hub.store.runs import Trigger
from tests.commands import Directory, until
from tests.fault.accounts import equal, wanted
from tests.fault.murder import Murder
from tests.fault.soak.watch import Watch
from tests.fault.test_kill import RETRY

SYSTEMS = ("province", "gateway", "social")
#: A look back of minutes would make each run read more for minutes: that is load, and would hide whether memory settles.
OVERLAP = ("overlap: 5m", "overlap: 20s")


class Hub(Protocol):
    """What is soaked: one process or several, on one store."""

    def start(self) -> None: ...

    def faults(self) -> Sequence[Callable[[], None]]:
        """Return what can be done to it; each leaves it at work."""

    def look(self, watch: Watch) -> None:
        """Note what it holds now. Raises AssertionError when something of it is gone."""

    def end(self) -> None:
        """Stop it as a service does. Raises AssertionError when it does not end so."""


def prepare(directory: Directory, *more: tuple[str, str]) -> None:
    """Let every try come soon, and memory settle soon; `more` is replaced in the files of the far sides."""
    for system in SYSTEMS:
        directory.change(f"config/systems/{system}.yaml", RETRY, *more)
    directory.change("config/systems/local.yaml", OVERLAP)


@dataclass
class Soak:
    """One hub, the far sides beside it, what was done to it, and what it held over time."""

    hub: Hub
    directory: Directory
    beside: Neighbours
    murder: Murder
    rng: Random
    done: Counter[str] = field(default_factory=Counter)
    watch: Watch = field(default_factory=Watch)
    _coming: list[Callable[[], None]] = field(default_factory=list)

    def run(self, seconds: float) -> None:
        """Do something now and then for half of the time, then only let it work; let everything arrive, end it, and judge."""
        began = time.monotonic()
        self.hub.start()
        while time.monotonic() < began + seconds / 2:
            self._feed()
            self._next_fault()
        while time.monotonic() < began + seconds:
            self._feed()
            self.hub.look(self.watch)
        self._settle()
        self.judge()

    def _next_fault(self) -> None:
        """Let it meet one of its faults: in any order, but each before any comes again."""
        if not self._coming:
            self._coming = [*self.hub.faults(), self.pause]
            self.rng.shuffle(self._coming)
        what = self._coming.pop()
        what()
        self.done[what.__name__] += 1

    def _feed(self) -> None:
        """Let new cases come in and be read, and let it work a while."""
        advance(self.beside.environment()["LOCAL_URL"], seed=self.rng.randrange(10**6), new=10, updates=0)
        self._ask()
        time.sleep(self.rng.uniform(0.5, 3))  # any moment will do

    def _ask(self) -> None:
        with self.murder.store.writing() as connection:
            runs.ask(connection, "local", Trigger.CLI, "soak", utc_now())

    def pause(self) -> None:
        """Pause a system for a second."""
        with self.murder.store.writing() as connection:
            systems.pause(connection, self.rng.choice(SYSTEMS), "soak", utc_now())
        time.sleep(1)
        self._resume()

    def _resume(self) -> None:
        """Resume every system, whoever paused it."""
        for system in SYSTEMS:
            with self.murder.store.writing() as connection:
                systems.resume(connection, system, utc_now())

    def _settle(self) -> None:
        """Let everything arrive, and end the hub."""
        self._resume()
        self._ask()
        until(self._quiet, "all has arrived")
        self.hub.end()

    def _quiet(self) -> bool:
        with self.murder.store.reading() as connection:
            waiting = runs.unfinished(connection, "local")
        return not waiting and self.murder.count(State.PENDING, State.HELD) == 0

    def judge(self) -> None:
        """Demand that every far side holds what it must, once and in order, and that nothing goes on growing."""
        held, stats = self.beside.held(), self.beside.stats()
        for system, rows in wanted(load(self.directory.path, env=dict(self.directory.environment))).items():
            equal(rows, held[system])
            assert stats[system]["order_violations"] == stats[system].get("doubled", 0) == 0
        self.watch.judge()

    def told(self) -> str:
        """Return what was done, what arrived, and what it held."""
        done = ", ".join(f"{name} {number}" for name, number in sorted(self.done.items()))
        arrived = self.murder.count(State.DELIVERED, State.CONFIRMED)
        return f"it adds up: {done}; {arrived} deliveries, each there once and in order\n{self.watch.told()}"
