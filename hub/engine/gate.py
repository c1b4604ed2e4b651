"""Decides which pushes of a system are accepted when: one after the other, by the owner of its partition, while the hub works."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from hub.engine import receive
from hub.engine.exchange import Exchange
from hub.engine.receive import Account
from hub.engine.tenure import Tenure
from hub.errors import Closing, Fenced
from hub.model import Push
from hub.store import partitions, runs
from hub.store.partitions import Holding


class Gate:
    """Where the pushes of one system come in. Taking it takes its partition: a former owner can write nothing any more."""

    def __init__(self, exchange: Exchange, system: str) -> None:
        self.name = f"push:{system}"
        self._exchange, self._system = exchange, system
        self._turn = threading.Lock()
        self._closed = False
        self.tenure = Tenure(exchange.lease)
        self._begin()

    def receive(self, kind: str, push: Push) -> Account:
        """Judge a push, and make its records durable. Raises Closing HUB-X-144 when the hub is being stopped."""
        pushed = receive.judge(self._exchange, self._system, kind, push)
        with self._turn:
            if self._closed or self._exchange.lease.refused:
                raise Closing("HUB-X-144", "the hub is being stopped or takes a new configuration over")
            if self.tenure.outdated:
                self._begin()
            with self._owning() as holding:
                return receive.keep(self._exchange, holding, kind, pushed)

    def close(self, until: float) -> bool:
        """Let the push that is being kept end, and no other begin; False when it was still at it at that monotonic time."""
        if not self._turn.acquire(timeout=max(0.0, until - time.monotonic())):
            return False
        self._closed = True
        self._turn.release()
        return True

    def _begin(self) -> None:
        tenure = Tenure(self._exchange.lease)  # before it is taken; kept only if it is
        self._holding = self._take()
        self.tenure = tenure

    def _take(self) -> Holding:
        now = self._exchange.clock()
        with self._exchange.store.writing() as connection:
            holding = partitions.take(connection, self.name, self._exchange.owner, now)
            runs.interrupt_running(connection, self._system, now, push=True)
        return holding

    @contextmanager
    def _owning(self) -> Iterator[Holding]:
        try:
            yield self._holding
        except Fenced:
            self.tenure.fenced = True
            raise


class SharedGate(Gate):
    """A gate that every worker on a store has: the partition is taken for each push, by one of them at a time."""

    def _begin(self) -> None:
        """Nothing is taken before somebody pushes: another worker may be keeping a push."""

    @contextmanager
    def _owning(self) -> Iterator[Holding]:
        with self._exchange.store.alone(self.name):
            yield self._take()
