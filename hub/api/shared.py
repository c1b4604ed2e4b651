"""Decides what all of /api/v1 has in common: pages, names that must be known, scopes that are counted first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import Query

from hub.api import models
from hub.api.problems import Missing, Refused
from hub.documents import suggest
from hub.engine.service import Service
from hub.model import FAILED, State
from hub.store import scopes
from hub.store.scopes import Scope

Limit = Annotated[int, Query(ge=1, le=1000, description="most items of a page")]
Before = Annotated[int | None, Query(alias="cursor", ge=1, description="`next` of the page before")]
OfSystem = Annotated[str | None, Query(description="only this system")]


def known(service: Service, name: str | None) -> None:
    """Refuse a system that is not configured, with a suggestion."""
    known = service.exchange.settings.systems
    if name is not None and name not in known:
        raise Missing("HUB-X-102", f"there is no system {name!r}", hint=suggest(name, known))


def scoped(service: Service, scope: Scope) -> Scope:
    """Return a scope that means something. Raises Refused HUB-X-120 for an empty one."""
    if not scope:
        raise Refused("HUB-X-120", "no scope was given", hint="name a system, lane, ids, or what else the form has")
    known(service, scope.system)
    return scope


def counted(service: Service, scope: Scope, states: Sequence[State] = tuple(FAILED)) -> models.Counted:
    """Count what a wish would touch."""
    with service.store.reading() as connection:
        number, samples = scopes.count(connection, scope, states), scopes.samples(connection, scope, states)
    return models.Counted(would_touch=number, samples=samples)


def page(found: list[Any], limit: int) -> dict[str, Any]:
    """Return a page of what was asked for with one more than fits: that one tells whether there is a next page."""
    return {"items": found[:limit], "next": found[limit - 1].id if len(found) > limit else None}
