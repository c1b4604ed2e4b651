"""The engine port: who works on what, now. The outbox is the truth; an engine that forgets everything loses nothing."""

from __future__ import annotations

from typing import Protocol

from hub.engine.receive import Account
from hub.model import Push
from hub.store.partitions import Holding


class Engine(Protocol):
    """Runs the steps for one exchange until stopped."""

    def start(self) -> None:
        """Take every partition and begin to work."""

    def wake(self, *systems: str) -> None:
        """Tell that something may be due for these systems; unknown names are ignored."""

    def schedule(self) -> list[str]:
        """Write down the runs that fell due; return their sources."""

    def receive(self, system: str, kind: str, push: Push) -> Account:
        """Accept what a system pushes; durable when this returns. Raises PushRefused, Closing, Fenced."""

    def stop(self, within: float) -> bool:
        """Finish what is in flight and end; False when something was still at it after `within` seconds."""

    def ended(self) -> list[str]:
        """Return the steps that ended although nobody stopped the engine: somebody else took their partition."""

    def owners(self) -> list[Holding]:
        """Return who holds which partition."""
