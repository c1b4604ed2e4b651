"""A thread of the embedded engine ends when it is told to, whenever that is."""

from __future__ import annotations

import threading
from collections.abc import Callable

from hub.engine.local import _Worker


class Late(threading.Event):
    """Set, and rung for, at the very moment after somebody has looked and found it unset."""

    def __init__(self) -> None:
        super().__init__()
        self.ring: Callable[[], None] = lambda: None

    def is_set(self) -> bool:
        found = super().is_set()
        self.set()
        self.ring()
        return found


def test_a_stop_between_two_looks_is_not_lost() -> None:
    stopping = Late()
    worker = _Worker("deliver:city:0", lambda: None, stopping, lambda: False, lambda _: None)
    stopping.ring = worker.bell.set
    worker.start()
    assert worker.thread is not None
    worker.thread.join(10)
    assert not worker.thread.is_alive()
