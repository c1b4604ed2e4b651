"""Decides which pushes of a system are accepted when: one after the other, by the owner of its partition, while the hub works."""

from __future__ import annotations

import threading
import time

from hub.engine import receive
from hub.engine.exchange import Exchange
from hub.engine.receive import Account
from hub.errors import Closing, Fenced
from hub.model import Push
from hub.store import partitions, runs


class Gate:
    """Where the pushes of one system come in. Taking it takes its partition: a former owner can write nothing any more."""

    def __init__(self, exchange: Exchange, system: str) -> None:
        self.name = f"push:{system}"
        self._exchange, self._system = exchange, system
        self._turn = threading.Lock()
        self._closed = False
        self.lost = False  # somebody else took the partition
        now = exchange.clock()
        with exchange.store.writing() as connection:
            self._holding = partitions.take(connection, self.name, exchange.owner, now)
            runs.interrupt_running(connection, system, now, push=True)

    def receive(self, kind: str, push: Push) -> Account:
        """Judge a push, and make its records durable. Raises Closing HUB-X-144 when the hub is being stopped."""
        pushed = receive.judge(self._exchange, self._system, kind, push)
        with self._turn:
            if self._closed:
                raise Closing("HUB-X-144", "the hub is being stopped or takes a new configuration over")
            try:
                return receive.keep(self._exchange, self._holding, kind, pushed)
            except Fenced:
                self.lost = True
                raise

    def close(self, until: float) -> bool:
        """Let the push that is being kept end, and no other begin; False when it was still at it at that monotonic time."""
        if not self._turn.acquire(timeout=max(0.0, until - time.monotonic())):
            return False
        self._closed = True
        self._turn.release()
        return True
