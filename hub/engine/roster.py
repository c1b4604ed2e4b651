"""Decides who of the workers on one store is alive, and what a fair share of the work is: each beats, and all read the beats."""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from sqlalchemy.exc import SQLAlchemyError

from hub import __version__
from hub.engine.exchange import Exchange
from hub.engine.storeclock import StoreClock
from hub.store import workers
from hub.store.clocks import APART
from hub.store.ticks import ticks
from hub.store.workers import LOST, Worker

log = logging.getLogger(__name__)

BEAT_SECONDS = 1.0


class Roster:
    """This process among the workers: beats in a thread of its own, so that neither work nor a drain silences it."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._at: set[str] = set()
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._beat_on, name="beat", daemon=True)
        self._last = self._since = 0.0
        self._others: list[Worker] = []
        self._told: set[str] = set()
        self._alive: set[str] = set()  # who was alive when last looked at
        #: The time of the store, for all this process does; it outlives a reload.
        self.clock = exchange.clock if isinstance(exchange.clock, StoreClock) else StoreClock()
        self._apart = False

    def join(self) -> None:
        """Be seen by the others from now on. Raises SQLAlchemyError when the store is away."""
        self._beat()
        self._thread.start()

    def leave(self) -> None:
        """Be gone, and be known to be."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()
        with suppress(SQLAlchemyError), self._exchange.store.writing() as connection:
            workers.leave(connection, self._exchange.owner)
        self._exchange.metrics.held.set(0)

    @contextmanager
    def at(self, name: str) -> Iterator[None]:
        """Tell the others what this process is at until the block ends."""
        with self._lock:
            self._at.add(name)
        try:
            yield
        finally:
            with self._lock:
                self._at.discard(name)

    @property
    def living(self) -> list[Worker]:
        """The workers that beat, this one among them, as last read."""
        return self._others

    @property
    def sure(self) -> bool:
        """Whether this process may call others gone: it has itself been here, and heard, for as long as that takes."""
        now = ticks()
        return now - self._last < LOST.total_seconds() / 2 and now - self._since >= LOST.total_seconds()

    def unbroken(self, since: float) -> bool:
        """Tell whether nobody can have called this process gone since then, in ticks: it was never silent for so long."""
        return since >= self._since and ticks() - self._last < LOST.total_seconds() / 2

    def share(self, parts: int) -> int:
        """Return how many of so many partitions this process may be at at once: an equal part, rounded up."""
        return max(1, -(-parts // max(1, len(self._others))))

    def spare(self, name: str, parts: int) -> bool:
        """Tell whether this process is at more than its share of so many partitions of that kind, and is to let this one go."""
        kind = name.partition(":")[0]
        with self._lock:
            mine = sorted(one for one in self._at if one.startswith(f"{kind}:"))
        return name in mine[self.share(parts) :]

    def _beat_on(self) -> None:
        while not self._stopping.wait(BEAT_SECONDS):
            try:
                self._beat()
            except SQLAlchemyError as error:
                log.warning("the store does not answer: %s", type(error).__name__, extra={"event": "worker.unheard"})
            except Exception:  # who ends here is gone for all others, and for good
                log.exception("a beat failed", extra={"event": "engine.error"})

    def _beat(self) -> None:
        exchange = self._exchange
        with self._lock:
            holds = sorted(self._at)
        began = ticks()
        with exchange.store.writing() as connection:
            workers.beat(
                connection, exchange.owner, version=__version__, digest=exchange.settings.digest,
                host=socket.gethostname(), pid=os.getpid(), holds=holds,
            )  # fmt: skip
            everybody = workers.everybody(connection)
            self.clock.learn(connection)
        self._others = [one for one in everybody if not one.gone]
        if began - self._last > LOST.total_seconds() / 2:
            self._since = began  # was away: whoever else was silent may have been so for the same reason
        self._last = began  # not when it was written: the others count from when it was said
        exchange.metrics.held.set(len(holds))
        exchange.metrics.workers.set(len(self._others))
        self._tell_of_the_gone(everybody)
        self._compare()
        self._look_at_the_clock()

    def _tell_of_the_gone(self, everybody: Sequence[Worker]) -> None:
        """Say once of each worker that lived and does no more what is left to the others; only while we may call others gone."""
        if self.sure:
            for one in everybody:
                if one.gone and one.name in self._alive:
                    log.warning(
                        "the worker %s is gone, nothing was heard of it for %d s; the others go on with what it was at: %s",
                        one.name, LOST.total_seconds(), " ".join(one.holds) or "nothing", extra={"event": "worker.gone"},
                    )  # fmt: skip
            for name in sorted(self._alive - {one.name for one in everybody}):
                log.info("the worker %s has ended as it should", name, extra={"event": "worker.left"})
            self._alive = set()
        self._alive |= {one.name for one in self._others}

    def _look_at_the_clock(self) -> None:
        """Warn once of a clock of this machine that is not the store's, and again when it was right in between."""
        ahead = self.clock.ahead
        apart, told = abs(ahead) > APART, self._apart
        self._apart = apart
        if apart and not told:
            log.warning(
                "HUB-E-143 the clock of this machine is %+.1f s off the store's, which counts", ahead.total_seconds(),
                extra={"event": "clock.apart", "error_code": "HUB-E-143"},
            )  # fmt: skip

    def _compare(self) -> None:
        """Warn once of each worker that is not of this version or not of this configuration."""
        for one in self._others:
            unlike = one.version != __version__ or one.digest != self._exchange.settings.digest
            if unlike and one.name not in self._told:
                self._told.add(one.name)
                log.warning(
                    "HUB-E-142 the worker %s has version %s and configuration %s, this one %s and %s",
                    one.name, one.version, one.digest[:12], __version__, self._exchange.settings.digest[:12],
                    extra={"event": "worker.unlike", "error_code": "HUB-E-142"},
                )  # fmt: skip
