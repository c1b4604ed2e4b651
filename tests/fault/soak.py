"""A long time under load and faults: `python -m tests.fault.soak --minutes 10`. It ends by itself, with an account that adds up.

The shipped example works against the sandbox, whose far sides misbehave now and then. Meanwhile the hub is killed, frozen,
reloaded, ended and started, its systems are paused and resumed, and new cases come in. In the last third it only works: memory
and open files that still grow then are a leak.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from hub.demo import neighbours
from hub.demo.neighbours import Neighbours
from hub.engine.exchange import utc_now
from hub.model import State
from hub.sandbox.generator import advance
from hub.settings import load
from hub.store import runs, systems
from hub.store.runs import Trigger
from tests.commands import DEADLINE, Directory, one_way, shipped, until
from tests.fault.accounts import equal, wanted
from tests.fault.murder import Murder
from tests.fault.test_kill import RETRY

#: MiB and open files a hub at work may gain in the last third.
MEMORY, FILES = 64, 40
SYSTEMS = ("province", "gateway", "social")


@dataclass
class Soak:
    """One hub, what was done to it, and what it held over time."""

    directory: Directory
    beside: Neighbours
    murder: Murder
    rng: Random
    process: subprocess.Popen[str] | None = None
    done: Counter[str] = field(default_factory=Counter)
    held: list[tuple[int, int]] = field(default_factory=list)  # MiB and open files, in the last third

    def run(self, seconds: float) -> None:
        """Do something now and then for two thirds of the time, then only let it work."""
        began = time.monotonic()
        self.start()
        while time.monotonic() < began + seconds * 2 / 3:
            self.act(self.rng.choice([self.kill, self.freeze, self.reload, self.end, self.pause]))
        while time.monotonic() < began + seconds:
            self.act(self.work)
            self.held.append(self.measure())

    def act(self, what: Callable[[], None]) -> None:
        """Let new cases come in and be read, let it work a while, and do that."""
        advance(self.beside.environment()["LOCAL_URL"], seed=self.rng.randrange(10**6), new=10, updates=0)
        with self.murder.store.writing() as connection:
            runs.ask(connection, "local", Trigger.CLI, "soak", utc_now())
        time.sleep(self.rng.uniform(0.5, 3))  # any moment will do
        what()
        self.done[what.__name__] += 1

    def work(self) -> None:
        """Do nothing to it."""

    def start(self) -> None:
        """Start it and wait until it works: a signal that came before it listens to any would end it."""
        before = self.murder.taken()
        self.process = self.directory.start("serve", "--no-http")
        until(lambda: self.murder.taken() > before, "it works")

    def kill(self) -> None:
        self._signal(signal.SIGKILL)
        self._left()
        self.start()

    def end(self) -> None:
        self._signal(signal.SIGTERM)
        assert self._left() in (143, -signal.SIGTERM), "it did not end as it should"
        self.start()

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)
        time.sleep(self.rng.uniform(0.5, 2))  # the fault itself
        self._signal(signal.SIGCONT)

    def reload(self) -> None:
        self._signal(signal.SIGHUP)

    def pause(self) -> None:
        system = self.rng.choice(SYSTEMS)
        with self.murder.store.writing() as connection:
            systems.pause(connection, system, "soak", utc_now())
        time.sleep(1)
        self.resume()

    def resume(self) -> None:
        """Resume every system, whoever paused it."""
        for system in SYSTEMS:
            with self.murder.store.writing() as connection:
                systems.resume(connection, system, utc_now())

    def measure(self) -> tuple[int, int]:
        """Return the memory it holds, in MiB, and how many files it has open."""
        assert self.process is not None and self.process.poll() is None, "it is gone"
        here = Path(f"/proc/{self.process.pid}")
        resident = next(line for line in (here / "status").read_text().splitlines() if line.startswith("VmRSS:"))
        return int(resident.split()[1]) // 1024, len(list((here / "fd").iterdir()))

    def settle(self) -> None:
        """Let everything arrive, and end the hub."""
        self.resume()
        with self.murder.store.writing() as connection:
            runs.ask(connection, "local", Trigger.CLI, "soak", utc_now())
        until(self._quiet, "all has arrived")
        self._signal(signal.SIGTERM)
        assert self._left() == 143

    def judge(self) -> None:
        """Demand that every far side holds what it must, once and in order, and that nothing leaks."""
        held, stats = self.beside.held(), self.beside.stats()
        for system, rows in wanted(load(self.directory.path, env=dict(self.directory.environment))).items():
            equal(rows, held[system])
            assert stats[system]["order_violations"] == stats[system].get("doubled", 0) == 0
        memory, files = ([one[place] for one in self.held] for place in (0, 1))
        early = max(1, len(memory) // 3)
        assert max(memory) - max(memory[:early]) < MEMORY, f"memory grows: {memory}"
        assert max(files) - max(files[:early]) < FILES, f"open files grow: {files}"

    def _quiet(self) -> bool:
        with self.murder.store.reading() as connection:
            waiting = runs.unfinished(connection, "local")
        return not waiting and self.murder.count(State.PENDING, State.HELD) == 0

    def _signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        os.kill(self.process.pid, number)

    def _left(self) -> int:
        assert self.process is not None
        self.process.communicate(timeout=DEADLINE)
        return self.process.returncode


def soak(minutes: float, seed: int) -> Soak:
    """Soak a hub for so long and return what was done to it; raises AssertionError for anything that does not add up."""
    with tempfile.TemporaryDirectory(prefix="hub-soak-") as path:
        beside = Neighbours(neighbours.plan(Path(path) / "county", cases=60, seed=seed, faults=True))
        try:
            beside.start(lambda made: None)
            directory = one_way(shipped(Path(path), beside.environment()))
            for system in SYSTEMS:
                directory.change(f"config/systems/{system}.yaml", RETRY)
            made = Soak(directory, beside, Murder(directory, "local", Random(seed)), Random(seed))
            try:
                made.run(minutes * 60)
                made.settle()
                made.judge()
            finally:
                if made.process is not None:
                    made.process.kill()
                    made.process.communicate()
                made.murder.store.close()
        finally:
            beside.stop()
    return made


def main() -> None:
    """Soak, and tell what was done and what it held."""
    wishes = argparse.ArgumentParser(description=__doc__)
    wishes.add_argument("--minutes", type=float, default=10)
    wishes.add_argument("--seed", type=int, default=621125)
    told = wishes.parse_args()
    made = soak(told.minutes, told.seed)
    done = ", ".join(f"{name} {number}" for name, number in sorted(made.done.items()))
    sys.stdout.write(f"it adds up: {done}; memory {made.held[0][0]} to {made.held[-1][0]} MiB, ")
    sys.stdout.write(f"open files {made.held[0][1]} to {made.held[-1][1]}\n")


if __name__ == "__main__":
    main()
