"""Reads what happened to deliveries: all tries, all times they were made to go again, all decisions about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection

from hub.store import attempts, journal, replays
from hub.store.attempts import Attempt
from hub.store.journal import Decision
from hub.store.replays import Replay


@dataclass(frozen=True, slots=True)
class Story:
    """What happened to deliveries: tries, times they were made to go again, decisions at a gate."""

    tried: list[Attempt]
    replays: list[Replay]
    decisions: list[Decision]

    def of(self, number: int) -> Story:
        """Return what happened to one of them."""
        tried = [one for one in self.tried if one.delivery == number]
        again = [one for one in self.replays if one.delivery == number]
        return Story(tried, again, [one for one in self.decisions if one.delivery == number])

    def data(self, tries: str = "tried") -> dict[str, Any]:
        """Return it as JSON data, the tries under this name."""
        told: dict[str, list[Any]] = {tries: self.tried, "replays": self.replays, "decisions": self.decisions}
        return {name: [asdict(one) for one in found] for name, found in told.items()}


def read(connection: Connection, numbers: Sequence[int]) -> Story:
    """Return what happened to these deliveries."""
    return Story(attempts.read(connection, numbers), replays.read(connection, numbers), journal.decisions(connection, numbers))
