"""One partition of one system, held by us: what it is emptied with, and what bounds it."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy.exc import SQLAlchemyError

from hub.engine.deliver import Sender
from hub.engine.exchange import Exchange
from hub.engine.pace import Pace, widest
from hub.engine.settle import Policy
from hub.model import Guarantees
from hub.ports import Outcome
from hub.settings import SystemSettings
from hub.store import outbox, quota
from hub.store.outbox import SendWindow
from hub.store.partitions import Holding
from hub.store.systems import Standing

log = logging.getLogger(__name__)

#: How long a call waits that could not be granted because the store did not answer.
_AGAIN = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Desk:
    """One partition of one system, held by us, and all it takes to empty it."""

    exchange: Exchange
    holding: Holding
    system: str
    partition: int
    sender: Sender
    policy: Policy
    parents: frozenset[str]
    pace: Pace
    shared: bool  # other partitions, perhaps of other workers, send to the same system
    unwritten: list[tuple[Standing | None, SendWindow, list[Outcome]]] = field(default_factory=list)  # sent, not yet in the store

    @property
    def settings(self) -> SystemSettings:
        """How its system is configured."""
        return self.exchange.settings.systems[self.system]

    @property
    def heads_only(self) -> bool:
        """Whether one window may hold only one message of a lane."""
        return not self.sender.guarantees.ordered_batch

    @property
    def urgent(self) -> bool:
        """Whether its backlog drains by what was promised."""
        return self.system in self.exchange.settings.urgent


def desk(
    exchange: Exchange, holding: Holding, system: str, partition: int, pool: ThreadPoolExecutor, pace: Pace | None = None
) -> Desk:
    """Set up the desk of a partition. `pace`: what was learned about it before; None: nothing."""
    observe = exchange.metrics.attempt_seconds.labels(system).observe
    turnstile = Turnstile(exchange, system)
    guarantees = capped(exchange, system)
    configured = exchange.settings.systems[system]
    sender = Sender(
        exchange.sink(system), guarantees, pool, observe, enter=turnstile.enter, count=turnstile.count,
        one_request=configured.flow.rate is not None, ours=exchange.unbroken, endpoints=configured.endpoints,
    )  # fmt: skip
    return Desk(
        exchange, holding, system, partition, sender, exchange.policy(system), exchange.parents(system),
        pace or Pace(widest(guarantees)), _shared(exchange, system, partition),
    )  # fmt: skip


def _shared(exchange: Exchange, system: str, partition: int) -> bool:
    """Tell whether a system has more than this partition; what is left in those it no longer has counts until it is sent."""
    if partition > 0 or exchange.settings.systems[system].partitions > 1:
        return True
    with exchange.store.reading() as connection:
        return outbox.partitions(connection, system) > 1


def capped(exchange: Exchange, system: str) -> Guarantees:
    """Return what the adapter guarantees, capped by what the configuration allows."""
    settings = exchange.settings.systems[system]
    given = exchange.adapter(system).guarantees()
    rated = settings.flow.rate is not None
    batch = 1 if rated and given.singly else min(given.batch, settings.batch or given.batch)
    return replace(given, batch=batch, in_flight=min(given.in_flight, settings.in_flight or given.in_flight))


@dataclass(frozen=True, slots=True)
class Turnstile:
    """Grants the calls of a system that has a rate, each at the moment it is made, whichever worker makes it."""

    exchange: Exchange
    system: str

    def enter(self) -> datetime | None:
        """Take one call; returns None if it may be made, else the time from which on it may be tried again."""
        rate = self.exchange.settings.systems[self.system].flow.rate
        if rate is None:
            return None
        try:
            with self.exchange.store.writing() as connection:
                return quota.take(connection, self.system, rate, self.exchange.settings.timezone, self.exchange.clock())
        except SQLAlchemyError:  # nothing was sent: what the store cannot grant now waits, and is in no doubt
            log.exception("a call of %s could not be granted", self.system, extra={"event": "engine.error"})
            return self.exchange.clock() + _AGAIN

    def count(self) -> None:
        """Count a call that is made whatever the rate says: a look-up settles what may be lost or doubled."""
        rate = self.exchange.settings.systems[self.system].flow.rate
        if rate is None:
            return
        try:
            with self.exchange.store.writing() as connection:
                quota.count(connection, self.system, rate, self.exchange.settings.timezone, self.exchange.clock())
        except SQLAlchemyError:
            log.exception("a look-up of %s could not be counted", self.system, extra={"event": "engine.error"})
