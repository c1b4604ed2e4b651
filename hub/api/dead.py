"""/api/v1/dead: dead letters by cause, tried again or given up, counted before anything happens."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Header, Path, Query
from pydantic import BaseModel
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from hub.api import dead_forms as forms
from hub.api import models, shared
from hub.api.shared import Before, Limit, OfSystem
from hub.engine import replay
from hub.engine.replay import Allowed
from hub.engine.service import Service
from hub.store import causes, groups, purging, wishes, workers
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
    once = _Once(service)
    _retrying(api, service, once)
    _purging(api, service, once)


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


def _retrying(api: APIRouter, service: Service, once: _Once) -> None:
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

        return once.do(wish, idempotency_key, forms.Replayed, act)


def _purging(api: APIRouter, service: Service, once: _Once) -> None:
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

        return once.do(wish, idempotency_key, forms.Purged, act)


class _Once:
    """Does what is confirmed; what is being done, or was done before, under the same key is not done again, by any process."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._lock = threading.Lock()  # wishes with a key are carried out one by one: the same one may come twice at once

    def do(
        self, wish: forms.DeadWish, key: str | None, form: type[Answer], act: Callable[[Scope, Allowed], Answer]
    ) -> Answer | models.Counted:
        """Count, or act: `act` calls what it is handed in each transaction that writes. What was done is answered the same.

        Raises KeyBusy HUB-X-127 while another process does it. Done once more is only what a process that has ended left undone,
        or did not write down: what was dealt with is no longer dead, and is left alone.
        """
        if not wish.confirm:
            return shared.counted(self._service, self._scope(wish))
        if not key:
            return act(self._scope(wish), _unkeyed)
        claim = Claim(key, f"{form.__name__} {wish.model_dump_json()}", self._service.exchange.owner)
        with self._lock:
            before = self._claim(claim)
            return form.model_validate_json(before) if before is not None else self._carry_out(claim, wish, act)

    def _claim(self, claim: Claim) -> str | None:
        def write(connection: Connection) -> str | None:
            living = {one.name for one in workers.living(connection)}
            return wishes.claim(connection, claim, living, self._service.exchange.clock())

        return self._service.store.write(write)

    def _carry_out(self, claim: Claim, wish: forms.DeadWish, act: Callable[[Scope, Allowed], Answer]) -> Answer:
        store = self._service.store
        try:
            done = act(self._scope(wish), partial(wishes.require, held=claim))
            answer, now = done.model_dump_json(), self._service.exchange.clock()
            store.write(lambda connection: wishes.remember(connection, claim, answer, now))
        except BaseException:
            with suppress(SQLAlchemyError):
                store.write(lambda connection: wishes.release(connection, claim))
            raise
        return done

    def _scope(self, wish: forms.DeadWish) -> Scope:
        with self._service.store.reading() as connection:
            return shared.scoped(self._service, replace(wish.scope(), groups=groups.find(connection, wish.groups)))


def _unkeyed(_: Connection) -> None:
    """Without a key, nothing forbids a wish."""
