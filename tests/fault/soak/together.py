"""Three `hub worker` on one PostgreSQL: one is killed and replaced, frozen and woken, ended or reloaded, again and again."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random

from sqlalchemy import text

from tests.commands import DEADLINE, Directory, until
from tests.fault.crew import Crew
from tests.fault.murder import Murder
from tests.fault.soak.watch import Watch

WORKERS = 3
#: Enough for each worker to have some of every system.
PARTITIONS = ("\nretry: [", "\npartitions: 3\nretry: [")
#: Most connections a worker keeps: docs/scale.md.
CONNECTIONS = 32 + 6
_CONNECTED = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid != pg_backend_pid()")


@dataclass
class Together:
    """The workers there are at the moment, by name."""

    crew: Crew
    rng: Random
    at_work: dict[str, subprocess.Popen[str]] = field(default_factory=dict)
    ever: int = 0

    def start(self) -> None:
        while len(self.at_work) < WORKERS:
            self._one_more()

    def faults(self) -> Sequence[Callable[[], None]]:
        return [self.kill, self.freeze, self.oversleep, self.reload, self.restart]

    def kill(self) -> None:
        """Let one die for good, and another take its place."""
        _, victim = self._lose()
        victim.send_signal(signal.SIGKILL)
        victim.communicate(timeout=DEADLINE)
        self._one_more()

    def restart(self) -> None:
        """Replace one as an upgrade does: the new one first."""
        name, old = self._lose()
        self._one_more()
        assert self.crew.end(old) == 143, f"{name} did not end as it should"

    def freeze(self) -> None:
        """Freeze one for less than it takes to be called gone."""
        frozen = self._any()
        frozen.send_signal(signal.SIGSTOP)
        time.sleep(self.rng.uniform(0.5, 4))  # the fault itself
        frozen.send_signal(signal.SIGCONT)

    def oversleep(self) -> None:
        """Freeze one until the others have called it gone and taken over, then wake it."""
        frozen = self._any()
        frozen.send_signal(signal.SIGSTOP)
        until(lambda: not self._beats(frozen), "it is taken for gone")
        time.sleep(self.rng.uniform(0, 5))  # others are at its partitions now
        frozen.send_signal(signal.SIGCONT)
        until(lambda: self._beats(frozen), "it is back among the others")

    def reload(self) -> None:
        self._any().send_signal(signal.SIGHUP)

    def look(self, watch: Watch) -> None:
        """Note what each holds, and how many connections all of them have. Raises AssertionError for more than they may have."""
        for name, process in self.at_work.items():
            assert process.poll() is None, f"{name} has ended"
            watch.look(name, process.pid)
        connected = self._connected()
        assert connected <= WORKERS * CONNECTIONS + 1, f"{connected} connections"
        watch.note("store", "connections", connected)

    def end(self) -> None:
        """Stop all, and demand that none of them leaves a connection."""
        for name in list(self.at_work):
            assert self.crew.end(self.at_work.pop(name)) == 143, f"{name} did not end as it should"
        until(lambda: self._connected() <= 1, "only the connection that looks is left")

    def _one_more(self) -> None:
        self.ever += 1
        name = f"worker {self.ever}"
        self.at_work[name] = self.crew.start(name=name.replace(" ", "-"))

    def _lose(self) -> tuple[str, subprocess.Popen[str]]:
        name = self.rng.choice(sorted(self.at_work))
        return name, self.at_work.pop(name)

    def _any(self) -> subprocess.Popen[str]:
        return self.at_work[self.rng.choice(sorted(self.at_work))]

    def _beats(self, process: subprocess.Popen[str]) -> bool:
        return process.pid in {one.pid for one in self.crew.workers()}

    def _connected(self) -> int:
        with self.crew.store.reading() as connection:
            return int(connection.execute(_CONNECTED).scalar_one())


@contextmanager
def together(directory: Directory, murder: Murder, rng: Random) -> Iterator[Together]:
    """Yield workers that are not started yet, and leave none behind."""
    made = Together(Crew(directory, murder.store), rng)
    try:
        yield made
    finally:
        made.crew.dismiss()
