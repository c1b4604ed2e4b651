"""How far a hub at work has come: what runs have read, what is owed, and whether anything could still move now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from hub.engine import dispatch
from hub.engine.exchange import Exchange
from hub.model import State
from hub.settings import SystemSettings
from hub.settings.hours import closed
from hub.store import outbox, quota, runs, systems, views
from hub.store.runs import Run

#: How long a rate may keep something waiting that still counts as moving: minutes pass, days do not.
PATIENCE = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Progress:
    """One look. `owed`: deliveries not yet taken and not given up. `next_due`: when a waiting one falls due; None: none waits."""

    runs: tuple[Run, ...]
    read: int
    total: int
    owed: int
    restless: bool
    next_due: datetime | None

    @property
    def reading(self) -> bool:
        """Whether a run is asked for or at work."""
        return any(run.ended_at is None for run in self.runs)

    @property
    def quiet(self) -> bool:
        """Whether nothing can move now: runs have ended, and what is owed waits for a time or a person."""
        return not self.reading and not self.restless


def look(exchange: Exchange, numbers: Sequence[int]) -> Progress:
    """Look at these runs and at everything owed."""
    now = exchange.clock()
    with exchange.store.reading() as connection:
        found = tuple(run for number in numbers if (run := runs.get(connection, number)))
        backlog = views.backlog(connection)
        sinks = exchange.sinks()
        open_now = [one for one in sinks if _reachable(connection, exchange, one, now)]
        restless = any(
            outbox.restless(
                connection, system=one.name, partitions=one.partitions, now=now,
                heads_only=not dispatch.capped(exchange, one.name).ordered_batch,
            )
            for one in open_now
        )  # fmt: skip
        dues = [outbox.next_due(connection, system=one.name, partition=number) for one in sinks for number in range(one.partitions)]
    owed = sum(states[State.PENDING].count for states in backlog.values() if State.PENDING in states)
    return Progress(
        found,
        read=sum(run.read for run in found),
        total=sum(run.deliveries for run in found),
        owed=owed,
        restless=restless,
        next_due=min((due for due in dues if due), default=None),
    )


def _reachable(connection: Connection, exchange: Exchange, system: SystemSettings, now: datetime) -> bool:
    """Whether messages may leave for a system now, or so soon that it is worth waiting for."""
    zone = exchange.settings.timezone
    if not systems.standing(connection, system.name).open_at(now) or closed(system.flow, zone, now):
        return False
    spent = quota.spent_until(connection, system.name, system.flow.rate, zone, now)
    return spent is None or spent - now < PATIENCE
