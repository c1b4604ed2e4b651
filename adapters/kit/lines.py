"""Decides who has which of a few things that one thread at a time may use: whoever has waited longest gets the next."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

_T = TypeVar("_T")


class NoneFree(Exception):
    """None came free in time."""


class Lines(Generic[_T]):
    """At most so many things, each made when there is need of one more, and lent to one thread at a time."""

    def __init__(self, make: Callable[[], _T], most: int) -> None:
        self._make, self._most = make, most
        self._lock = threading.Lock()
        self._made: list[_T] = []
        self._free: list[_T] = []
        self._waiting: deque[SimpleQueue[_T]] = deque()

    @contextmanager
    def one(self, timeout: float) -> Iterator[_T]:
        """Lend one until the block ends, of several that are free the one used last. Raises NoneFree after so many seconds."""
        line = self._take(timeout)
        try:
            yield line
        finally:
            with self._lock:
                self._give(line)

    def made(self) -> list[_T]:
        """Return all of them, whoever has them."""
        with self._lock:
            return list(self._made)

    def _take(self, timeout: float) -> _T:
        with self._lock:
            if self._free:
                return self._free.pop()
            if len(self._made) < self._most:
                self._made.append(self._make())
                return self._made[-1]
            mine: SimpleQueue[_T] = SimpleQueue()
            self._waiting.append(mine)
        try:
            return mine.get(timeout=timeout)
        except Empty:
            return self._given_up(mine)

    def _give(self, line: _T) -> None:
        if self._waiting:
            self._waiting.popleft().put(line)
        else:
            self._free.append(line)

    def _given_up(self, mine: SimpleQueue[_T]) -> _T:
        with self._lock:
            if mine in self._waiting:
                self._waiting.remove(mine)
                raise NoneFree
        return mine.get_nowait()  # it came in this very moment
