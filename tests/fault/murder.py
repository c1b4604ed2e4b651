"""Kills a real `hub serve` at random moments and starts it again; notes what each death left behind."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from sqlalchemy import func, select

from hub.engine.exchange import utc_now
from hub.model import State
from hub.settings import load
from hub.store import Store, open_store, outbox, runs, schema
from hub.store.runs import RunState, Trigger
from tests.commands import DEADLINE, Directory, until


@dataclass
class Murder:
    """One hub and its deaths. `doubtful`: deliveries that were on their way at a death, taken over there or not."""

    directory: Directory
    source: str
    rng: Random
    store: Store = field(init=False)
    doubtful: set[int] = field(default_factory=set)
    deaths_at_work: int = 0

    def __post_init__(self) -> None:
        self.store = open_store(load(self.directory.path, env=dict(self.directory.environment)).store)

    def kill(self, times: int, longest: float) -> None:
        """Kill it so many times: up to `longest` seconds after it began to work, and every other time with a window open."""
        for number in range(times):
            process = self._start()
            time.sleep(self.rng.uniform(0, longest))  # not to win a race: any moment will do, and each is another one
            if number % 2:
                self._catch()
            process.send_signal(signal.SIGKILL)
            process.communicate(timeout=DEADLINE)
            with self.store.reading() as connection:
                self.doubtful |= outbox.in_flight(connection)
            self.deaths_at_work += not self._read() or self.count(State.PENDING) > 0

    def _catch(self) -> None:
        """Wait until something is on its way; give up when there is nothing left to send."""
        ends = time.monotonic() + DEADLINE
        while self._idle() and time.monotonic() < ends and not (self._read() and not self.count(State.PENDING)):
            time.sleep(0.002)

    def live(self, done: Callable[[], bool]) -> None:
        """Let it live until it has read everything and `done`, and end as it should."""
        process = self._start()
        try:
            until(lambda: self._read() and self._idle() and done(), "the hub has nothing left to do")
            process.terminate()
            process.communicate(timeout=DEADLINE)
        finally:
            process.kill()
            process.communicate()
        assert process.returncode == 143

    def count(self, *states: State) -> int:
        """Return how many deliveries are in these states."""
        ours = schema.delivery
        with self.store.reading() as connection:
            return connection.scalar(select(func.count()).where(ours.c.state.in_([state.value for state in states]))) or 0

    def _start(self) -> subprocess.Popen[str]:
        """Start it and wait until it works; as long as the server has not noticed the death, it may have to be started again."""
        before, process = self.taken(), self.directory.start("serve", "--no-http")
        ends = time.monotonic() + DEADLINE
        while self.taken() == before:
            assert time.monotonic() < ends and process.poll() in (None, 5), "hub serve does not start"
            if process.poll() == 5:
                process.communicate()
                process = self.directory.start("serve", "--no-http")
            time.sleep(0.01)
        if not self._read():
            with self.store.writing() as connection:
                runs.ask(connection, self.source, Trigger.CLI, "test", utc_now())
        return process

    def taken(self) -> int:
        """Return how often partitions were taken so far."""
        with self.store.reading() as connection:
            return connection.scalar(select(func.sum(schema.partition.c.epoch))) or 0

    def _read(self) -> bool:
        """Whether a run has read the source to its end; what the schedule has read of other systems meanwhile does not count."""
        with self.store.reading() as connection:
            return any(run.state is RunState.DONE for run in runs.latest(connection, limit=50, source=self.source))

    def _idle(self) -> bool:
        with self.store.reading() as connection:
            return not outbox.in_flight(connection)
