"""Decides what every far side of the sandbox has in common: where it stands, how it is opened and closed, and its own work."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from hub.sandbox.faults import FaultKind, FaultPlan
from hub.sandbox.flaws import Flaw, Rates
from hub.sandbox.ledger import Held


@dataclass(frozen=True, slots=True)
class Ground:
    """What a far side is built upon.

    `cases` is how many the hall has, `rates` how many of everybody's are flawed. `urls` names the databases that are not to be
    SQLite files in `directory`; `chances` says how often which far side misbehaves; `late` is the share of the province's rows that
    it rejects afterwards for no reason in the data.
    """

    directory: Path
    seed: int = 1
    cases: int = 0
    rates: Rates = field(default_factory=Rates)
    late: float = 0.0
    urls: Mapping[str, str] = field(default_factory=dict)
    chances: Mapping[str, Mapping[FaultKind, float]] = field(default_factory=dict)

    def url(self, name: str) -> str:
        """Return the URL of the database of that name."""
        return self.urls.get(name) or f"sqlite:///{(self.directory / f'{name}.db').resolve()}"

    def plan(self, name: str) -> FaultPlan:
        """Return the faults of the far side of that name."""
        return FaultPlan(seed=self.seed, rates=self.chances.get(name, {}))


class FarSide:
    """A far side of the county. What it does not override it does not have.

    `name` is the system's name in `config/`; `port` is counted from the sandbox's control port, 0: it does not listen, else it is a
    `hub.sandbox.web.Site` too. `path` is shown behind its address. `create` may be called on what is there already.
    """

    name: ClassVar[str]
    port: ClassVar[int] = 0
    path: ClassVar[str] = ""
    plan: FaultPlan

    @classmethod
    def on(cls, ground: Ground) -> FarSide:
        """Build the far side; nothing is opened or created yet."""
        raise NotImplementedError

    def create(self) -> None:
        """Create its tables and directories, and what it has to hand down from the beginning."""

    def stop(self) -> None:
        """Close what is open; may be called twice."""

    def environment(self, address: str) -> dict[str, str]:
        """Return the variables by which the shipped configuration finds it; `address` is where it listens, if it does."""
        raise NotImplementedError

    def meet(self, hub: str) -> None:
        """Learn at which address the hub listens; only who pushes needs it."""

    def held(self) -> list[Held]:
        """Return every row that it holds and the hub has brought."""
        raise NotImplementedError

    def stats(self) -> dict[str, Any]:
        """Return the counts so far."""
        raise NotImplementedError

    def work(self) -> int:
        """Do what its own people do meanwhile: judge, carry on, hand down. Returns how many rows that concerned."""
        return 0

    def offered(self) -> list[tuple[str, str]]:
        """Return (kind, key) of everything it has for the hub to read."""
        return []

    def flaws(self) -> list[Flaw]:
        """Return what is wrong on purpose with what it offers."""
        return []
