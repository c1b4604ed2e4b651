"""Decides which deliveries the configuration leads nowhere any more, and ends them when a person says so."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from hub.model import State
from hub.store import actions, outbox, partitions, schema
from hub.store.acceptance import NOWHERE
from hub.store.journal import write_journal
from hub.store.numbers import instant
from hub.store.scopes import Scope
from hub.store.views import OPEN

_OURS = schema.delivery
#: What may still have to be sent.
WAITING = (State.PENDING, State.HELD, State.PARKED)


@dataclass(frozen=True, slots=True)
class Orphans:
    """Deliveries open for one endpoint of one system; `oldest`: when the first of them was accepted."""

    system: str
    endpoint: str
    count: int
    oldest: datetime


def owed(connection: Connection, system: str) -> bool:
    """Tell whether something waits to be sent to a system, or for its verdict; asks no more than one row of an index."""
    waiting = _OURS.c.state.in_([state.value for state in (*WAITING, State.ACCEPTED)])
    return connection.execute(select(_OURS.c.id).where(_OURS.c.system == system, waiting, schema.OPEN).limit(1)).first() is not None


def of(connection: Connection, endpoints: Mapping[str, Collection[str]]) -> list[Orphans]:
    """Return what is open for systems that are not configured, and what waits for endpoints that are not.

    `endpoints`: those that are configured, by system.
    """
    what = (_OURS.c.system, _OURS.c.endpoint)
    query = (
        select(*what, _OURS.c.state, func.count(), func.min(_OURS.c.created_at)).where(*_routed()).group_by(*what, _OURS.c.state)
    )
    found: dict[tuple[str, str], Orphans] = {}
    for system, endpoint, state, number, at in connection.execute(query.order_by(*what)):
        known = endpoints.get(system)
        if known is None or (endpoint not in known and State(state) in WAITING):
            before = found.get((system, endpoint), Orphans(system, endpoint, 0, instant(at)))
            found[system, endpoint] = Orphans(system, endpoint, before.count + number, min(before.oldest, instant(at)))
    return list(found.values())


def cancel(connection: Connection, system: str, endpoints: Collection[str], *, actor: str, reason: str, now: datetime) -> int:
    """Give up everything open for these endpoints of a system, also what is dead; what is being sent now is left alone."""
    partitions.hold(connection, "deliver:")
    mine = (_OURS.c.system == system, _OURS.c.endpoint.in_(sorted(endpoints)))
    flying = outbox.in_flight(connection)
    numbers = [one for one in connection.execute(select(_OURS.c.id).where(*_routed(), *mine)).scalars() if one not in flying]
    ended = len(actions.give_up(connection, Scope(ids=tuple(numbers)), reason=reason, now=now, states=OPEN))
    write_journal(connection, actor, "cancel", f"system={system} endpoints={','.join(sorted(endpoints))}", ended, reason, now)
    return ended


def _routed() -> tuple[Any, ...]:
    """Return the condition that a delivery is open, and owed by a route: what could not be read is owed to nobody."""
    return schema.OPEN, _OURS.c.route != NOWHERE
