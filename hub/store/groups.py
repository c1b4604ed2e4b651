"""Reads dead letters as groups of one cause: all of them, those of some names, and samples of each."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, select

from hub.errors import HubError
from hub.store import causes, schema, views
from hub.store.causes import Cause
from hub.store.views import DeadGroup


class Unknown(HubError):
    """There is no such group (any more): nothing lies dead for that cause."""


def listed(connection: Connection, *, system: str | None = None) -> list[DeadGroup]:
    """Return the groups of dead letters, rows of one file with one fault as one, largest first."""
    return causes.folded(views.dead_groups(connection, system=system))


def find(connection: Connection, names: Collection[str]) -> tuple[Cause, ...]:
    """Return the causes of the groups with these names. Raises Unknown HUB-X-111 for the first that is not there."""
    found = {one.group: causes.of(one) for one in listed(connection)} if names else {}
    for name in names:
        if name not in found:
            raise Unknown("HUB-X-111", f"there is no group {name!r} of dead letters (any more)", hint="hub dead list")
    return tuple(found[name] for name in dict.fromkeys(names))


def members(connection: Connection, cause: Cause, *, before: int | None = None, limit: int = 100) -> list[views.Delivery]:
    """Return the dead letters of a group, newest first, below a delivery number (paging)."""
    query = select(schema.delivery).where(*views.failed(cause.system), cause.holds())
    if before:
        query = query.where(schema.delivery.c.id < before)
    return views.read(connection, query.order_by(schema.delivery.c.id.desc()).limit(limit))
