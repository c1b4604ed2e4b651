"""Decides what a worker does in one job: the partition it names is taken, worked on for a bounded time, and let go."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from sqlalchemy.exc import SQLAlchemyError

from hub.engine import dispatch, feedback, look, steps
from hub.engine.dispatch import Desk
from hub.engine.exchange import Exchange
from hub.engine.pace import Pace
from hub.engine.roster import Roster
from hub.errors import Fenced

log = logging.getLogger(__name__)

#: A delivery job ends after so long, so that partitions move when workers come and go.
BOUND_SECONDS = 20.0
#: A job waits for what may leave so soon, instead of ending and being made again.
LINGER = timedelta(seconds=1)
#: Waits after a job that failed by the hub's own fault (the store is away): first and longest.
FIRST_WAIT, LONGEST_WAIT = 0.5, 15.0


class Jobs:
    """The jobs of one worker. `wake` is told the systems that are owed something new."""

    def __init__(self, exchange: Exchange, roster: Roster, wake: Callable[..., None], stopping: threading.Event) -> None:
        self._exchange, self._roster, self._wake, self._stopping = exchange, roster, wake, stopping
        self._pools: dict[str, ThreadPoolExecutor] = {}
        self._paces: dict[str, Pace] = {}  # learned in one job, used in the next
        self._waits: dict[str, float] = {}  # after the last job that failed
        self._kinds = {"deliver": self._deliver, "collect": self._collect, "feedback": self._poll}

    def do(self, name: str, over: Callable[[], bool]) -> None:
        """Carry out the job of that name until `over`; never raises for what happens in it."""
        kind, _, rest = name.partition(":")
        if over() or rest.split(":")[0] not in self._exchange.settings.systems:  # a worker of another configuration asked for it
            return
        with self._roster.at(name):
            try:
                self._kinds[kind](name, rest, over)
                self._waits.pop(name, None)
            except Fenced as error:
                log.error("%s: %s", name, error, extra={"event": "partition.fenced", "error_code": error.code})
            except Exception:
                self._failed(name, kind)

    def close(self, *, wait: bool) -> None:
        """End the threads for calls."""
        for pool in self._pools.values():
            pool.shutdown(wait=wait, cancel_futures=True)

    def _failed(self, name: str, kind: str) -> None:
        """Wait before the job ends: while it lasts, nobody else tries the same in vain."""
        wait = self._waits[name] = min(2 * self._waits.get(name, FIRST_WAIT / 2), LONGEST_WAIT)
        log.exception("%s failed and is tried again in %.1f s", name, wait, extra={"event": "engine.error"})
        self._exchange.metrics.errors.labels(kind).inc()
        self._stopping.wait(wait)

    def _deliver(self, name: str, rest: str, over: Callable[[], bool]) -> None:
        system, _, number = rest.rpartition(":")
        if name not in self._pools:
            self._pools[name] = steps.pool(self._exchange, system)
        ends, parts = time.monotonic() + BOUND_SECONDS, look.most_deliveries(self._exchange)
        desk = steps.desk(self._exchange, system, int(number), self._pools[name], self._paces.get(name))
        self._paces[name] = desk.pace

        def stopping() -> bool:
            return over() or time.monotonic() > ends or self._roster.spare(name, parts)

        try:
            due = steps.deliver(desk, sound=False, stopping=stopping)
            while self._soon(due) and not stopping():
                due = steps.deliver(desk, sound=True, stopping=stopping)
        except Fenced:
            raise
        except Exception:
            self._write_down(desk)
            raise

    def _soon(self, due: datetime | None) -> bool:
        """Wait for what may leave in a moment, as calls of a system with a rate do; False: that is nothing to wait for."""
        if due is None or due - self._exchange.clock() > LINGER:
            return False
        self._stopping.wait(max(0.01, (due - self._exchange.clock()).total_seconds()))
        return True

    def _write_down(self, desk: Desk) -> None:
        """Keep trying to write down what was answered: nobody else knows it. Raises Fenced once somebody else has the partition."""
        while desk.unwritten:
            stopped = self._stopping.wait(FIRST_WAIT)
            try:
                dispatch.write_down(desk)
            except SQLAlchemyError as error:
                log.warning("answers cannot be written down: %s", type(error).__name__, extra={"event": "engine.unwritten"})
                self._exchange.metrics.errors.labels("deliver").inc()
                if stopped:
                    raise

    def _collect(self, name: str, source: str, over: Callable[[], bool]) -> None:
        sinks = steps.sinks_of(self._exchange, source)
        holding = steps.begin_collecting(self._exchange, source)
        while not over() and steps.collect_next(self._exchange, holding, source, stopping=over, wake=lambda: self._wake(*sinks)):
            pass

    def _poll(self, name: str, system: str, over: Callable[[], bool]) -> None:
        feedback.poll(self._exchange, system, steps.take(self._exchange, name))
