"""Decides how many deletions of a route go by themselves within a day; beyond that a person has to confirm them (invariant 10).

A source that is emptied, or read with half its rows, says the same as one whose records were deleted on purpose. The count holds
over pages, runs and pushes alike: many small ones do as much harm as a large one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson
from sqlalchemy import Connection, func, select

from hub.model import TAKEN, Operation
from hub.settings.model import DeletesSettings
from hub.store import cursors, gate, schema
from hub.store.numbers import instant, moment

#: From the first deletion on, so long are deletions counted together.
WINDOW = timedelta(days=1)
_OURS = schema.delivery


@dataclass(slots=True)  # not frozen: it is used up as a page is mapped
class Allowance:
    """How many deletions of a route were accepted since the window began, and how many may go.

    `there`: how many objects the target had when that first mattered; None: it has not yet. `waiting`: some lie unconfirmed, and
    nothing goes before somebody has looked.
    """

    since: datetime
    count: int
    limit: int
    there: int | None = None
    waiting: bool = False

    def spend(self) -> bool:
        """Count one more deletion; tell whether it may go by itself."""
        self.count += 1
        return not self.waiting and self.count <= self.limit


def allowance(connection: Connection, system: str, route: str, policy: DeletesSettings, *, coming: int, now: datetime) -> Allowance:
    """Return what may go of a route. `coming`: deletions that are about to be accepted.

    What the target has is only counted where they may be too many.
    """
    told = cursors.get(connection, gate.DELETIONS + route)
    since, count, there = orjson.loads(told) if told else (moment(now), 0, None)
    if instant(since) + WINDOW <= now:
        since, count, there = moment(now), 0, None
    if there is None and count + coming > policy.always:
        there = _there(connection, system, route)
    limit = max(policy.always, int(policy.at_most * there) if there else 0)
    return Allowance(instant(since), count, limit, there, gate.unconfirmed(connection, system, route))


def write(connection: Connection, route: str, spent: Allowance, now: datetime) -> None:
    """Write down how much is spent; part of T1."""
    value = orjson.dumps([moment(spent.since), spent.count, spent.there]).decode()
    cursors.put(connection, gate.DELETIONS + route, value, now)


def _there(connection: Connection, system: str, route: str) -> int:
    """Return how many objects the target has of a route. Reads all its deliveries, once a window in which it matters."""
    taken = (_OURS.c.system == system, _OURS.c.route == route, _OURS.c.state.in_([state.value for state in TAKEN]))
    objects = select(func.count(_OURS.c.key.distinct())).where(*taken)
    gone = _OURS.c.operation == Operation.DELETE.value
    here, deleted = (int(connection.scalar(objects.where(part)) or 0) for part in (~gone, gone))
    return max(here - deleted, 0)
