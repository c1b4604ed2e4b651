"""Decides how the push adapter keeps the hub's contract: it opens nothing, reads nothing, and judges what comes."""

from __future__ import annotations

from typing import ClassVar

from adapters.push.authenticity import Gate
from adapters.push.contents import Contents
from adapters.push.options import PushOptions
from hub.model import Guarantees, Push, Pushed
from hub.ports import Options


class PushAdapter:
    """A far side that hands its records over by signed HTTP requests to the hub."""

    name: ClassVar[str] = "push"
    options: ClassVar[type[Options]] = PushOptions

    def __init__(self, options: PushOptions, *, system: str) -> None:
        self._feeds = options.feeds
        self._gate = Gate(options.auth)
        self._contents = {kind: Contents(kind, feed, numbered=self._gate.numbered) for kind, feed in options.feeds.items()}

    def guarantees(self) -> Guarantees:
        """Promise nothing: it sends nothing."""
        return Guarantees()

    def endpoints(self) -> frozenset[str]:
        """Return none: nothing can be delivered to who only pushes."""
        return frozenset()

    def kinds(self) -> frozenset[str]:
        """Return the names under `feeds`."""
        return frozenset(self._feeds)

    def largest(self, kind: str) -> int:
        """Return the most bytes of a body of that kind."""
        return self._feeds[kind].largest

    def receive(self, kind: str, push: Push) -> Pushed:
        """Return what an authentic push holds; see `Gate` and `Contents`."""
        number = self._gate.admit(push, self._feeds[kind])
        return Pushed(number, self._contents[kind].page(push, number))

    def close(self) -> None:
        """Nothing is open."""
