"""Decides how far one page of a list of deliveries looks: what no index leads to is not looked for in the whole history."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sqlalchemy import Connection, func, select

from hub.model import State
from hub.store import partitions, schema, views
from hub.store.views import OPEN, Delivery

#: Most deliveries that are looked at for one page: 0.1 s.
REACH = 50_000
_OURS = schema.delivery


def page(
    connection: Connection,
    systems: Iterable[str],
    *,
    system: str | None = None,
    states: Collection[State] | None = None,
    code: str | None = None,
    lane: str | None = None,
    before: int | None = None,
    limit: int = 100,
) -> tuple[list[Delivery], int | None]:
    """Return deliveries newest first by any of these, and the number below which the next page begins, None after the last.

    `systems`: those that are configured. A page may hold fewer than `limit`, or none, and not be the last: it ends where it has
    looked at `REACH` deliveries.
    """
    led = lane or not (system or states is not None or code) or (states is not None and set(states) <= set(OPEN))
    floor = None if led else _floor(connection, before)
    among = {*systems, *partitions.systems(connection)} if lane else None  # lanes are found by their system only
    found = views.deliveries(
        connection, system=system, states=states, code=code, lane=lane, before=before, above=floor, among=among, limit=limit + 1
    )
    if len(found) > limit:
        return found[:limit], found[limit - 1].id
    return found, floor + 1 if floor else None


def _floor(connection: Connection, before: int | None) -> int:
    """Return the number of the delivery above which a page ends."""
    last = before - 1 if before else connection.scalar(select(func.max(_OURS.c.id))) or 0
    return max(0, last - REACH)
