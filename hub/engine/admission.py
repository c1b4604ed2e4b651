"""Step 7: decides whether, and how much of, a system may be sent now: its hours, its circuit, its rate, its calls in flight."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import Connection

from hub.engine.desk import Desk
from hub.model import Circuit
from hub.settings.hours import closed
from hub.store import flights, outbox, quota, systems
from hub.store.flights import Flights
from hub.store.systems import Standing

#: How soon a partition looks again that waits for others of its system.
_SOON = timedelta(milliseconds=50)
_LONG = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Admission:
    """How many messages the next window may hold, in how many calls at once. Without any: why, and when to look again."""

    standing: Standing
    messages: int = 0
    calls: int = 0
    why: Literal["", "closed", "paused", "down", "turn", "rate"] = ""
    until: datetime | None = None


def admit(connection: Connection, desk: Desk, now: datetime, *, deciding: bool) -> Admission:
    """Return what may be sent now. `deciding`: in the transaction that opens the window (T2), where it holds over all partitions
    and workers, because those that could spoil it wait for one another; else it is only a look.
    """
    flow = desk.settings.flow
    standing = systems.standing(connection, desk.system, alone=deciding and desk.shared and desk.settings.in_flight is not None)
    if shut := closed(flow, desk.exchange.settings.timezone, now):
        return Admission(standing, why="closed", until=shut.until or now + _LONG)
    if not standing.open_at(now):
        return Admission(standing, why="paused" if standing.paused else "down", until=standing.rest_until)
    if standing.circuit(now) is Circuit.HALF_OPEN:
        return _probe(connection, desk, now, deciding=deciding)
    calls = _calls(connection, desk, now, deciding=deciding)
    if not calls:
        return Admission(standing, why="turn", until=now + _SOON)
    return _rated(connection, desk, Admission(standing, desk.pace.limit, calls), now)


def _probe(connection: Connection, desk: Desk, now: datetime, *, deciding: bool) -> Admission:
    """Admit one message, if nobody else probes the target or is still waiting for its answer."""
    standing = systems.standing(connection, desk.system, alone=deciding and desk.shared)
    if not standing.open_at(now):  # somebody's probe failed while we waited for our look
        return Admission(standing, why="down", until=standing.rest_until)
    if desk.shared and flights.look(connection, desk.system, desk.holding, now).windows:
        return Admission(standing, why="turn", until=now + _SOON)
    return _rated(connection, desk, Admission(standing, 1, 1), now)


def _calls(connection: Connection, desk: Desk, now: datetime, *, deciding: bool) -> int:
    """Return how many calls the next window may have at once; none while it is the turn of others."""
    most, mine = desk.settings.in_flight, desk.sender.guarantees.in_flight
    if most is None or not desk.shared:
        return mine
    theirs = flights.look(connection, desk.system, desk.holding, now)
    if calls := max(0, min(mine, fair(most, theirs))):
        if deciding:
            flights.go(connection, desk.holding)
        return calls
    if not theirs.silent:
        return 0
    if not deciding:
        return 1  # to say that we wait takes a transaction that writes
    due = outbox.next_due(connection, system=desk.system, partition=desk.partition)
    if due is not None and due <= now:
        flights.wait(connection, desk.holding, now)
    return 0


def fair(most: int, theirs: Flights) -> int:
    """Return how many of `most` calls one partition may take now: its share of what all who want to call could have.

    Nothing while those who wait longer need what is free.
    """
    free = most - theirs.calls - theirs.ahead
    share = -(-most // (1 + theirs.windows + theirs.waiting))
    return min(free, share)


def _rated(connection: Connection, desk: Desk, admission: Admission, now: datetime) -> Admission:
    """Make the window no larger than what may be called now; each call is granted when it is made (`Turnstile`)."""
    rate = desk.settings.flow.rate
    if rate is None:
        return admission
    allowed = quota.look(connection, desk.system, rate, desk.exchange.settings.timezone, now)
    if allowed.calls <= 0:
        return Admission(admission.standing, why="rate", until=allowed.until)
    messages = min(admission.messages, allowed.calls * max(1, desk.sender.guarantees.batch))
    return Admission(admission.standing, messages, min(admission.calls, allowed.calls))
