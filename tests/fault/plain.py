"""What the far sides of these tests have in common: nothing of them stays open, and a lane stops at its first failure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import ClassVar

from hub.errors import QUEUED, Deferred
from hub.model import Message, Receipt
from hub.ports import Options, Outcome


class PlainOptions(Options):
    """Where it can be sent to."""

    endpoints: tuple[str, ...] = ("accept", "process")


class PlainAdapter:
    """The part of an adapter that is the same in all of them; `options` are its own."""

    options: ClassVar[type[Options]] = PlainOptions

    def __init__(self, options: Options, *, system: str) -> None:
        assert isinstance(options, self.options) and isinstance(options, PlainOptions)
        self._endpoints, self.system = frozenset(options.endpoints), system

    def endpoints(self) -> frozenset[str]:
        return self._endpoints

    def kinds(self) -> frozenset[str]:
        return frozenset()

    def close(self) -> None:
        """Nothing is open."""


def in_lanes(messages: Sequence[Message], one: Callable[[Message], Outcome]) -> Iterator[Outcome]:
    """Yield what becomes of each message, as `one` says; behind one of its lane that was not taken none is tried."""
    stopped: set[str] = set()
    for message in messages:
        if message.lane in stopped:
            yield Deferred(QUEUED, "an earlier message of this lane was not taken", until=None)
            continue
        outcome = one(message)
        if not isinstance(outcome, Receipt):
            stopped.add(message.lane)
        yield outcome
