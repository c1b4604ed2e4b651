"""/api/v1/dead: dead letters by cause, tried again or given up, counted before anything happens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Header, Path, Query
from pydantic import BaseModel
from sqlalchemy import Connection

from hub.api import dead_forms as forms
from hub.api import models, shared
from hub.api.shared import Before, Limit, OfSystem
from hub.engine import replay
from hub.engine.once import Allowed
from hub.engine.service import Service
from hub.store import causes, groups, purging
from hub.store.purging import Purged
from hub.store.scopes import Scope
from hub.store.wishes import Claim

Answer = TypeVar("Answer", bound=BaseModel)
Key = Annotated[
    str | None,
    Header(min_length=1, max_length=64, description="the same key with `confirm` does it once, however often it is sent"),
]
After = Annotated[int, Query(alias="cursor", ge=1, description="`next` of the page before")]
Name = Annotated[str, Path(pattern=f"^{causes.NAME.pattern}$", description="`group` of a group of dead letters")]


def routes(api: APIRouter, service: Service) -> None:
    """Add what is known of dead letters, and what can be done about them."""
    _looking(api, service)
    _retrying(api, service)
    _purging(api, service)


def _looking(api: APIRouter, service: Service) -> None:
    @api.get(
        "/dead",
        tags=["dead letters"],
        summary="Dead letters grouped by cause, largest group first",
        response_model=models.Page[forms.DeadGroupOut],
    )
    def list_groups(system: OfSystem = None, limit: Limit = 100, cursor: After = 1) -> dict[str, Any]:
        shared.known(service, system)
        with service.store.reading() as connection:
            found = groups.listed(connection, system=system)
        items, left = found[cursor - 1 : cursor - 1 + limit], len(found) - (cursor - 1) - limit
        return {"items": items, "next": cursor + limit if left > 0 else None}

    @api.get(
        "/dead/{group}",
        tags=["dead letters"],
        summary="The dead letters of one group, newest first; no contents",
        response_model=models.Page[models.DeliveryOut],
    )
    def one_group(group: Name, limit: Limit = 100, cursor: Before = None) -> dict[str, Any]:
        with service.store.reading() as connection:
            (cause,) = groups.find(connection, [group])
            return shared.page(groups.members(connection, cause, before=cursor, limit=limit + 1), limit)


def _retrying(api: APIRouter, service: Service) -> None:
    @api.post(
        "/dead/retry",
        tags=["dead letters"],
        summary="Count, or with `confirm` retry, the dead letters of a scope",
        response_model=forms.Replayed | models.Counted,
    )
    def retry(wish: forms.RetryWish, idempotency_key: Key = None) -> Any:
        def act(scope: Scope, allowed: Allowed) -> forms.Replayed:
            told = {"actor": wish.actor, "reason": wish.reason}
            done = replay.retry(service.exchange, scope, remap=wish.remap, allowed=allowed, **told)
            service.wake(*service.exchange.settings.systems)
            return forms.Replayed.model_validate(done)

        return _once(service, wish, idempotency_key, forms.Replayed, act)


def _purging(api: APIRouter, service: Service) -> None:
    @api.post(
        "/dead/purge",
        tags=["dead letters"],
        summary="Count, or with `confirm` give up the dead letters of a scope and forget their contents",
        response_model=forms.Purged | models.Counted,
    )
    def purge(wish: forms.PurgeWish, idempotency_key: Key = None) -> Any:
        def act(scope: Scope, allowed: Allowed) -> forms.Purged:
            now = service.exchange.clock()

            def write(connection: Connection) -> Purged:
                allowed(connection)
                return purging.purge(connection, scope, actor=wish.actor, reason=wish.reason, now=now)

            return forms.Purged.model_validate(service.store.write(write))

        return _once(service, wish, idempotency_key, forms.Purged, act)


def _once(
    service: Service, wish: forms.DeadWish, key: str | None, form: type[Answer], act: Callable[[Scope, Allowed], Answer]
) -> Answer | models.Counted:
    """Count, or act, with a key once. `act` calls what it is handed in each transaction that writes."""
    if not wish.confirm:
        return shared.counted(service, _scope(service, wish))
    if not key:
        return act(_scope(service, wish), _unkeyed)

    def carry_out(allowed: Allowed) -> str:
        return act(_scope(service, wish), allowed).model_dump_json()

    exchange = service.exchange
    claim = Claim(key, f"{form.__name__} {wish.model_dump_json()}", exchange.owner)
    return form.model_validate_json(exchange.once.carry_out(exchange.store, exchange.clock, claim, carry_out))


def _scope(service: Service, wish: forms.DeadWish) -> Scope:
    with service.store.reading() as connection:
        return shared.scoped(service, replace(wish.scope(), groups=groups.find(connection, wish.groups)))


def _unkeyed(_: Connection) -> None:
    """Without a key, nothing forbids a wish."""
