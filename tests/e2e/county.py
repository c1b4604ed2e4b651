"""The shipped county in this process: far sides, the whole configuration or a part of it, and the hub, run round by round."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, func, select, text

from hub.demo import job, review
from hub.demo.account import Account, draw
from hub.demo.review import Review
from hub.engine.service import Service, serving
from hub.model import State
from hub.sandbox.flaws import GroundTruth, Rates
from hub.sandbox.ledger import Held
from hub.sandbox.street import Plan, Ports, Sandbox
from hub.store import groups, schema, views
from hub.store.groups import DeadGroup
from tests.commands import Directory, shipped


@dataclass
class County:
    """The far sides (`sandbox`), the hub (`service`), and the directory whose configuration it has."""

    sandbox: Sandbox
    service: Service
    directory: Directory
    _runs: list[int] = field(default_factory=list)

    def rounds(self, reviewed: Review = review.approving) -> None:
        """Read and deliver, the far sides' people working and what waits `reviewed` in between, until nothing is new."""
        numbers, _ = job.rounds(self.service, self.sandbox.work, lambda progress: None, reviewed)
        self._runs += numbers

    def account(self) -> Account:
        """Draw up the account as `hub demo` does."""
        twins = self.sandbox.twins.items()
        held, stats = {name: twin.held() for name, twin in twins}, {name: twin.stats() for name, twin in twins}
        offered = {name: twin.offered() for name, twin in twins}
        return draw(self.service, self._runs, held, stats, offered, self.sandbox.truth or GroundTruth())

    def failing(self) -> list[str]:
        """Return the checks of the account that do not hold, with what was found."""
        return [f"{check.en}: {check.found}" for check in self.account().checks if not check.holds]

    def held(self, system: str, endpoint: str | None = None) -> list[Held]:
        """Return what a far side holds, all of it or what came in at one of its endpoints."""
        return [one for one in self.sandbox.twins[system].held() if endpoint in (None, one.endpoint)]

    def states(self, system: str) -> Counter[State]:
        """Return how many deliveries owed to a system are in which state."""
        ours = schema.delivery
        query = select(ours.c.state, func.count()).where(ours.c.system == system).group_by(ours.c.state)
        with self.service.store.reading() as connection:
            return Counter({State(state): number for state, number in connection.execute(query)})

    def dead(self, system: str | None = None) -> list[DeadGroup]:
        """Return the dead letters grouped by cause."""
        with self.service.store.reading() as connection:
            return groups.unfolded(connection, system=system)

    def life(self, case: str) -> list[Any]:
        """Return every delivery of one case, as `hub trace` does."""
        with self.service.store.reading() as connection:
            return list(views.life(connection, self.service.exchange.settings.systems, case))

    def local(self, statement: str, **values: Any) -> list[Any]:
        """Run one statement on the approval database, and return its rows if it has any."""
        engine = create_engine(self.sandbox.plan.local_url)
        try:
            with engine.begin() as connection:
                done = connection.execute(text(statement), values)
                return list(done.all()) if done.returns_rows else []
        finally:
            engine.dispose()


@contextmanager
def county(
    path: Path,
    *systems: str,
    prepare: Callable[[Directory], None] | None = None,
    arrange: Callable[[Sandbox], None] | None = None,
    **plan: Any,
) -> Iterator[County]:
    """Run the county with these systems besides `local` (none named: with all); `plan` changes the sandbox's plan.

    Without a word: 40 flawless cases, no items, and far sides that behave. `arrange` may change the far sides before anybody
    asks them, `prepare` the configuration before it is loaded.
    """
    chosen = frozenset(systems) | {"local"} if systems else None
    quiet = {"rates": Rates.none(), "faults": "none", "ports": Ports.free(), "alive": None}
    wanted = {"cases": 40, "items": False, **quiet, "systems": chosen, **plan}
    with Sandbox(Plan(path / "county", **wanted)) as sandbox:
        if arrange:
            arrange(sandbox)
        environment = {**sandbox.environment(), "HUB_STORE": f"sqlite:///{path / 'hub.db'}"}
        directory = shipped(path, environment, chosen)
        if prepare:
            prepare(directory)
        settings = job.settings_of(directory.path, environment)
        with serving(settings, scheduled=False) as service, job.within_reach(service) as address:
            sandbox.meet(address)
            yield County(sandbox, service, directory)
