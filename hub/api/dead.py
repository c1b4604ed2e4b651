"""/api/v1/dead: dead letters by cause, tried again or given up, counted before anything happens."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Header, Path, Query
from pydantic import BaseModel

from hub.api import dead_forms as forms
from hub.api import models, shared
from hub.api.shared import Before, Limit, OfSystem
from hub.engine import replay
from hub.engine.service import Service
from hub.store import causes, groups, purging, wishes
from hub.store.scopes import Scope

Answer = TypeVar("Answer", bound=BaseModel)
#: Wishes with a key are carried out one by one: the same one may come twice at once.
_KEYED = threading.Lock()
Key = Annotated[
    str | None,
    Header(min_length=1, max_length=64, description="the same key with `confirm` does it once, however often it is sent"),
]
After = Annotated[int, Query(alias="cursor", ge=1, description="`next` of the page before")]
Name = Annotated[str, Path(pattern=f"^{causes.NAME.pattern}$", description="`group` of a group of dead letters")]


def routes(api: APIRouter, service: Service) -> None:
    """Add what is known of dead letters, and what can be done about them."""
    _looking(api, service)
    _ending(api, service)


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


def _ending(api: APIRouter, service: Service) -> None:
    @api.post(
        "/dead/retry",
        tags=["dead letters"],
        summary="Count, or with `confirm` retry, the dead letters of a scope",
        response_model=forms.Replayed | models.Counted,
    )
    def retry(wish: forms.RetryWish, idempotency_key: Key = None) -> Any:
        def act(scope: Scope) -> forms.Replayed:
            done = replay.retry(service.exchange, scope, remap=wish.remap, actor=wish.actor, reason=wish.reason)
            service.wake(*service.exchange.settings.systems)
            return forms.Replayed.model_validate(done)

        return _once(service, wish, idempotency_key, forms.Replayed, act)

    @api.post(
        "/dead/purge",
        tags=["dead letters"],
        summary="Count, or with `confirm` give up the dead letters of a scope and forget their contents",
        response_model=forms.Purged | models.Counted,
    )
    def purge(wish: forms.PurgeWish, idempotency_key: Key = None) -> Any:
        def act(scope: Scope) -> forms.Purged:
            now = service.exchange.clock()
            with service.store.writing() as connection:
                done = purging.purge(connection, scope, actor=wish.actor, reason=wish.reason, now=now)
            return forms.Purged.model_validate(done)

        return _once(service, wish, idempotency_key, forms.Purged, act)


def _once(
    service: Service, wish: forms.DeadWish, key: str | None, form: type[Answer], act: Callable[[Scope], Answer]
) -> Answer | models.Counted:
    """Count, or do what is confirmed; what was done under this key before is answered the same and not done again.

    A hub that ends between doing and remembering does it once more: what was dealt with is no longer dead, and is left alone.
    """
    if not wish.confirm:
        return shared.counted(service, _scope(service, wish))
    if not key:
        return act(_scope(service, wish))
    asked = f"{form.__name__} {wish.model_dump_json()}"
    with _KEYED:
        with service.store.reading() as connection:
            before = wishes.answered(connection, key, asked)
        if before is not None:
            return form.model_validate_json(before)
        done = act(_scope(service, wish))
        with service.store.writing() as connection:
            wishes.remember(connection, key, asked, done.model_dump_json(), service.exchange.clock())
        return done


def _scope(service: Service, wish: forms.DeadWish) -> Scope:
    with service.store.reading() as connection:
        return shared.scoped(service, replace(wish.scope(), groups=groups.find(connection, wish.groups)))
