"""What any engine answers to whoever asks it: which runs fell due, what became of a push, who owns what."""

from __future__ import annotations

from abc import ABC, abstractmethod

from hub.engine import schedule, steps
from hub.engine.exchange import Exchange
from hub.engine.gate import Gate
from hub.engine.receive import Account
from hub.errors import Closing
from hub.model import Push
from hub.store import partitions
from hub.store.partitions import Holding


class Front(ABC):
    """The part of `hub.engine.port.Engine` that does not depend on how an engine works. `_gates`: where systems push, by name."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._gates: dict[str, Gate] = {}

    @abstractmethod
    def wake(self, *systems: str) -> None:
        """Tell that something may be due for these systems; unknown names are ignored."""

    def schedule(self) -> list[str]:
        """Write down the runs that fell due; return their sources."""
        asked = schedule.fall_due(self._exchange)
        self.wake(*asked)
        return asked

    def receive(self, system: str, kind: str, push: Push) -> Account:
        """Accept what a system pushes; durable when this returns. Raises PushRefused, Closing, Fenced."""
        gate = self._gates.get(system)
        if gate is None:
            raise Closing("HUB-X-144", "the hub has not begun to work, or takes a new configuration over")
        account = gate.receive(kind, push)
        self.wake(*steps.sinks_of(self._exchange, system))
        return account

    def owners(self) -> list[Holding]:
        """Return who holds which partition."""
        with self._exchange.store.reading() as connection:
            return partitions.holdings(connection)
