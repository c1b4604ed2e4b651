"""Reads dead letters as groups of one cause: all of them, those of some names, and samples of each."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from hub.errors import HubError
from hub.model import FAILED, Stage
from hub.store import causes, schema, views
from hub.store.causes import Cause
from hub.store.numbers import instant

_OURS = schema.delivery


@dataclass(frozen=True, slots=True)
class DeadGroup:
    """Dead letters with one cause."""

    system: str
    stage: str
    code: str
    reason: str
    count: int
    oldest: datetime
    sample: int  # a delivery id to look at
    group: str = field(init=False)  # what it is called

    def __post_init__(self) -> None:
        """Name it by what its members have in common."""
        object.__setattr__(self, "group", causes.name(self.system, self.stage, self.code, self.reason))


class Unknown(HubError):
    """There is no such group (any more): nothing lies dead for that cause."""


def listed(connection: Connection, *, system: str | None = None) -> list[DeadGroup]:
    """Return the groups of dead letters, rows of one file with one fault as one, largest first."""
    return causes.folded(unfolded(connection, system=system))


def unfolded(connection: Connection, *, system: str | None = None) -> list[DeadGroup]:
    """Return dead letters grouped by system, stage, code and reason, largest group first: each row of a file apart."""
    what = (_OURS.c.system, _OURS.c.stage, _OURS.c.code, _OURS.c.reason)
    number = func.count().label("number")
    query = select(*what, number, func.min(_OURS.c.changed_at), func.min(_OURS.c.id)).where(*failed(system)).group_by(*what)
    rows = connection.execute(query.order_by(number.desc(), _OURS.c.system))
    return [group(*row) for row in rows]


def find(connection: Connection, names: Collection[str]) -> tuple[Cause, ...]:
    """Return the causes of the groups with these names. Raises Unknown HUB-X-111 for the first that is not there."""
    found = {one.group: causes.of(one) for one in listed(connection)} if names else {}
    for name in names:
        if name not in found:
            raise Unknown("HUB-X-111", f"there is no group {name!r} of dead letters (any more)", hint="hub dead list")
    return tuple(found[name] for name in dict.fromkeys(names))


def members(connection: Connection, cause: Cause, *, before: int | None = None, limit: int = 100) -> list[views.Delivery]:
    """Return the dead letters of a group, newest first, below a delivery number (paging)."""
    query = select(_OURS).where(*failed(cause.system), cause.holds())
    if before:
        query = query.where(_OURS.c.id < before)
    return views.read(connection, query.order_by(_OURS.c.id.desc()).limit(limit))


def group(system: str, stage: str | None, code: str | None, reason: str | None, *rest: Any) -> DeadGroup:
    """Return a group from what a query counted: `rest` is the number, the oldest change in milliseconds, and a delivery."""
    number, oldest, sample = rest
    return DeadGroup(system, stage or "", code or "", reason or "", number, instant(oldest), sample)


def failing_routes(connection: Connection, system: str) -> frozenset[str]:
    """Return the routes of which something lies dead that never left: who gave its data is to be asked."""
    never = _OURS.c.stage.in_([Stage.SOURCE.value, Stage.MAP.value])
    return frozenset(connection.execute(select(_OURS.c.route).where(*failed(system), never).distinct()).scalars())


def failed(system: str | None) -> list[Any]:
    """Return the conditions of a dead letter, of one system or of all."""
    dead = [_OURS.c.state.in_([state.value for state in FAILED]), schema.OPEN]
    return [*dead, _OURS.c.system == system] if system else dead
