"""The embedded engine: one process, a thread per partition, source and chore; nothing to install beside it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hub.engine import dispatch, feedback, look, maintain, steps
from hub.engine.exchange import Exchange
from hub.engine.front import Front
from hub.engine.gate import Gate
from hub.engine.tenure import Tenure
from hub.errors import Fenced
from hub.settings import SystemSettings
from hub.store.lease import Lease
from hub.store.partitions import Holding

log = logging.getLogger(__name__)

#: How often one thread looks at the store for all: another process may have asked for a run or replayed a dead letter.
LOOK_SECONDS = 1.0
#: How often the schedule is looked at.
TICK_SECONDS = 1.0
#: Waits of a thread whose step failed by the hub's own fault (store locked, disk full): first and longest, and that of the look.
FIRST_WAIT, LONGEST_WAIT, LONGEST_BLINDNESS = 0.5, 30.0, 2.0
#: How long a thread sleeps at most until what it knows of falls due; a time for ever away is more than a lock can wait.
LONGEST_SLEEP = 3600.0


@dataclass
class _Worker:
    """One thread that repeats a step until told to stop; a step returns when it wants to be run again at the latest."""

    name: str
    step: Callable[[], float | None]  # seconds until the next one, unless woken; None: not before
    stopping: threading.Event
    lease: Lease
    failed: Callable[[str], None]
    longest: float = LONGEST_WAIT
    bell: threading.Event = field(default_factory=threading.Event)
    failing: bool = False
    thread: threading.Thread | None = None
    tenure: Tenure = field(init=False)

    def __post_init__(self) -> None:
        self.tenure = Tenure(self.lease)

    def start(self) -> None:
        self.thread = threading.Thread(target=self._run, name=self.name, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        wait = FIRST_WAIT
        while True:
            self.bell.clear()  # before anything is looked at: what is rung for from now on is looked at by the next step
            if self.stopping.is_set():
                return
            try:
                pause = self.step() if self._may() else LOOK_SECONDS
                wait, self.failing = FIRST_WAIT, False
            except Fenced as error:
                log.error("%s: %s", self.name, error, extra={"event": "partition.fenced"})
                self.tenure.fenced = True
                pause = 0.0
            except Exception:
                log.exception("%s failed and is tried again in %.1f s", self.name, wait, extra={"event": "engine.error"})
                self.failed(self.name.split(":")[0])
                pause, wait, self.failing = wait, min(wait * 2, self.longest), True
            self.bell.wait(pause)

    def _may(self) -> bool:
        """Tell whether to go on: nobody else works on the store, or has what is worked on here. Raises SQLAlchemyError."""
        if self.failing:
            self.lease.look()  # what failed may have been the server, and have ended the lease as well
        if self.tenure.fenced and self.tenure.outdated:
            self.tenure = Tenure(self.lease)
        return not self.lease.refused and not self.tenure.lost

    @property
    def ended(self) -> bool:
        """Whether it works no more, stopped or not."""
        return self.tenure.lost or (self.thread is not None and not self.thread.is_alive())

    def join(self, until: float) -> bool:
        if self.thread is not None:
            self.thread.join(max(0.0, until - time.monotonic()))
        return self.thread is None or not self.thread.is_alive()


class LocalEngine(Front):
    """Works for one exchange inside this process (see `hub.engine.port.Engine`)."""

    def __init__(self, exchange: Exchange, *, scheduled: bool = True) -> None:
        super().__init__(exchange)
        exchange.unbroken = lambda since: not exchange.lease.refused and since >= exchange.lease.since
        self._stopping = threading.Event()
        self._workers: list[_Worker] = []
        self._by_system: dict[str, list[_Worker]] = {}
        self._pools: list[ThreadPoolExecutor] = []
        self._scheduled = scheduled
        self._stillborn = False

    def start(self) -> None:
        """Take every partition and begin to work."""
        try:
            self._plan()
        except Exception:
            self._stillborn = True
            raise
        for worker in self._workers:
            worker.start()

    def _plan(self) -> None:
        for system in self._exchange.sinks():
            self._serve(system, range(steps.count(self._exchange, system)))
        for system in self._exchange.settings.readable():
            self._add(f"collect:{system.name}", self._collector(system.name), system.name)
        for system in self._exchange.settings.sources():
            if system.pushes:
                self._gates[system.name] = Gate(self._exchange, system.name)
        if self._scheduled:
            self._add("schedule", self._scheduler)
        self._add("maintain", self._maintainer)
        self._add("look", self._looker).longest = LONGEST_BLINDNESS

    def _serve(self, system: SystemSettings, numbers: Iterable[int]) -> list[_Worker]:
        """Add the threads that send in these partitions of a system, and the one that asks for its verdicts if there is none."""
        added = [self._add(steps.deliverer(system.name, one), self._deliverer(system, one), system.name) for one in numbers]
        poll = f"feedback:{system.name}"
        if system.feedback_every and all(worker.name != poll for worker in self._workers):
            added.append(self._add(poll, self._poller(system.name, system.feedback_every)))
        return added

    def wake(self, *systems: str) -> None:
        """Ring the threads of these systems."""
        for system in systems:
            for worker in self._by_system.get(system, ()):
                worker.bell.set()

    def stop(self, within: float) -> bool:
        """Finish what is in flight and end; False when something was still at it after `within` seconds."""
        self._stopping.set()
        until = time.monotonic() + within
        for worker in self._workers:
            worker.bell.set()
        late = [gate for gate in self._gates.values() if not gate.close(until)]
        clean = not [worker for worker in self._workers if not worker.join(until)] and not late
        for pool in self._pools:
            pool.shutdown(wait=clean, cancel_futures=True)
        return clean

    def ended(self) -> list[str]:
        """Return the threads that work no more although nobody stopped the engine: somebody else took their partition.

        An engine that could not even start, because the store was away, is `engine` as a whole.
        """
        if self._stopping.is_set():
            return []
        if self._stillborn:
            return ["engine"]
        ended = [worker.name for worker in self._workers if worker.ended]
        return [*ended, *(gate.name for gate in self._gates.values() if gate.tenure.lost)]

    def _add(self, name: str, step: Callable[[], float | None], system: str | None = None) -> _Worker:
        exchange = self._exchange
        worker = _Worker(name, step, self._stopping, exchange.lease, lambda step: exchange.metrics.errors.labels(step).inc())
        self._workers.append(worker)
        if system is not None:
            self._by_system.setdefault(system, []).append(worker)
        return worker

    def _over(self) -> bool:
        """Tell whether nothing more is to be begun: stopped, or another hub works on the store."""
        return self._stopping.is_set() or self._exchange.lease.refused

    def _looker(self) -> float:
        """Look for all threads whether there is something to do that nobody rang for, and ring those that have it.

        Where no thread is, one begins: a dead letter of a route or a partition that is gone goes again.
        """
        with self._exchange.store.reading() as connection:
            found = set(look.work(connection, self._exchange))
        for name in sorted(found - {worker.name for worker in self._workers}):
            _, system, number = name.split(":")
            for late in self._serve(self._exchange.settings.systems[system], [int(number)]):
                late.start()
        for worker in self._workers:
            if worker.name in found and not worker.failing:  # who failed has its own time to try again
                worker.bell.set()
        return LOOK_SECONDS

    def _deliverer(self, system: SystemSettings, partition: int) -> Callable[[], float | None]:
        desks: list[dispatch.Desk] = []
        sound: list[bool] = []

        def step() -> float | None:
            if not desks:
                desks.append(self._desk(system, partition))
            clean = bool(sound)
            sound[:] = []
            try:
                due = steps.deliver(desks[0], sound=clean, stopping=self._over)
            except Fenced:
                desks.clear()  # what it was answered has been seen to by who took the partition
                raise
            sound[:] = [True]
            return self._until(due)

        return step

    def _desk(self, system: SystemSettings, partition: int) -> dispatch.Desk:
        pool = steps.pool(self._exchange, system.name)
        self._pools.append(pool)
        return steps.desk(self._exchange, system.name, partition, pool)

    def _until(self, due: datetime | None) -> float | None:
        return None if due is None else min(LONGEST_SLEEP, max(0.0, (due - self._exchange.clock()).total_seconds()))

    def _collector(self, source: str) -> Callable[[], float | None]:
        held: list[Holding] = []
        sinks = steps.sinks_of(self._exchange, source)

        def step() -> float | None:
            # kept only if all goes well: else it is taken anew, and the run that broke off is ended
            holding = held.pop() if held else steps.begin_collecting(self._exchange, source)
            busy = steps.collect_next(self._exchange, holding, source, stopping=self._over, wake=lambda: self.wake(*sinks))
            held.append(holding)
            return 0.0 if busy else None

        return step

    def _poller(self, system: str, every: timedelta) -> Callable[[], float]:
        def step() -> float:
            feedback.poll(self._exchange, system)
            return every.total_seconds()

        return step

    def _scheduler(self) -> float:
        self.schedule()
        return TICK_SECONDS

    def _maintainer(self) -> float:
        maintain.maintain(self._exchange)
        return maintain.EVERY_SECONDS
