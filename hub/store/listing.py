"""Decides how far one page of a list of deliveries looks: neither through the whole history, nor through all of a long backlog."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Iterable
from functools import partial
from itertools import product
from typing import Any

from sqlalchemy import Connection, Select, bindparam, func, select

from hub.model import State
from hub.store import partitions, ready, schema, views
from hub.store.views import OPEN, Delivery

#: Most deliveries that are looked at for one page: 0.1 s.
REACH = 50_000
#: Of what is open so many are looked at first for each that fits on a page: where one in so many is meant, no more are.
NEAR = 10
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
    ask = partial(views.deliveries, connection, system=system, states=states, code=code, lane=lane, before=before, limit=limit + 1)
    floor = None
    if lane:  # lanes are found by their system only
        found = ask(systems={*systems, *partitions.systems(connection)})
    elif states is not None and set(states) <= set(OPEN):
        found, floor = _of_open(connection, ask, states, system, before, limit)
    elif system or states is not None or code:
        floor = _floor(connection, before, REACH)
        found = ask(above=floor)
    else:
        found = ask()
    if len(found) > limit:
        return found[:limit], found[limit - 1].id
    return found, floor + 1 if floor else None


def _of_open(
    connection: Connection,
    ask: Callable[..., list[Delivery]],
    states: Collection[State],
    system: str | None,
    before: int | None,
    limit: int,
) -> tuple[list[Delivery], int | None]:
    """Return what is in open states, and the number above which it ends: of a long backlog the newest numbers hold a page."""
    near = ask(above=_floor(connection, before, NEAR * limit))
    if len(near) > limit:
        return near, None
    numbers = _numbers(connection, states, system)
    if numbers is not None:
        return ask(numbers=numbers), None
    floor = _floor(connection, before, REACH)
    return ask(above=floor), floor


def _numbers(connection: Connection, states: Collection[State], system: str | None) -> list[int] | None:
    """Return the numbers of all deliveries in these open states, None where they are more than are looked at for one page."""
    found: list[int] = []
    parts = [(name, number) for name, number in ready.standing(connection) if system in (None, name)]
    for (name, number), state in product(parts, set(states)):
        given = {"system": name, "partition": number, "state": state.value, "most": REACH + 1 - len(found)}
        found += connection.scalars(_of_state(), given)
        if len(found) > REACH:
            return None
    return found


@functools.cache
def _of_state() -> Select[Any]:
    """Return the query for the numbers of a state in a partition: each by itself, or a planner would read all that is open."""
    where = (_OURS.c[name] == bindparam(name) for name in ("system", "partition", "state"))
    return select(_OURS.c.id).where(*where, schema.OPEN).limit(bindparam("most"))


def _floor(connection: Connection, before: int | None, reach: int) -> int:
    """Return the number of the delivery above which a page ends that looks at so many."""
    last = before - 1 if before else connection.scalar(select(func.max(_OURS.c.id))) or 0
    return max(0, last - reach)
