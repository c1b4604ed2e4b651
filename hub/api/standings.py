"""How the systems stand, as the API tells it: what is owed to each, whether it is sent to now, and what keeps it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from hub.engine import feeds
from hub.engine.service import Service
from hub.settings.hours import closed
from hub.store import gate, quota, systems, views, waiting
from hub.store.systems import Standing


def standings(service: Service, names: list[str]) -> list[dict[str, Any]]:
    """Return these systems as `models.SystemOut` has them."""
    now = service.exchange.clock()
    with service.store.reading() as connection:
        backlog, behind = waiting.apart(connection, views.backlog(connection))
        flying, gates = views.sending(connection), gate.waiting(connection)
        standing_of = {name: systems.standing(connection, name) for name in names}
        short = feeds.short(connection, service.exchange.settings, now)
        flows = {name: _flow(connection, service, name, standing_of[name], now) for name in names}
    found = []
    for name, standing in standing_of.items():
        settings = service.exchange.settings.systems[name]
        mine = views.with_sending(backlog.get(name, {}), flying.get(name, 0))
        platform = service.exchange.settings.platform_of(name)
        about = {"name": name, "title": settings.title, "adapter": settings.adapter, "contact": settings.contact}
        group = {"platform": platform.name if platform else None}
        how = {**flows[name], "standing": standing, "backlog": {state.value: one for state, one in mine.items()}}
        how["short"] = [one for one in short if one.system == name]
        how["gates"], how["behind"] = gates.get(name, {}), behind.get(name, {})
        found.append({**about, **group, **how})
    return found


def _flow(connection: Connection, service: Service, name: str, standing: Standing, now: datetime) -> dict[str, Any]:
    """Return whether messages may leave for a system now, and what keeps them."""
    settings = service.exchange.settings
    flow, zone = settings.systems[name].flow, settings.timezone
    shut = closed(flow, zone, now)
    return {
        "open": standing.open_at(now) and shut is None,
        "circuit": standing.circuit(now).value,
        "closed": shut,
        "rate_spent_until": quota.spent_until(connection, name, flow.rate, zone, now),
    }
