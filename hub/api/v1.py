"""/api/v1: runs, deliveries, dead letters and systems, for other programs and for the console."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from hub.api.problems import Missing
from hub.engine import replay
from hub.engine.service import Service
from hub.errors import HubError
from hub.model import State
from hub.store import acceptance, actions, runs, systems, views
from hub.store.actions import Scope
from hub.store.runs import Trigger

Limit = Annotated[int, Query(ge=1, le=1000, description="most items of a page")]
Before = Annotated[int | None, Query(alias="cursor", description="`next` of the page before")]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class RunWish(_Body):
    """A pass over a source, now."""

    source: str
    full: bool = False


class Reason(_Body):
    """Who does it, and why: written into the journal."""

    actor: str = Field(min_length=1, max_length=128)
    reason: str = Field(min_length=1, max_length=500)


class RetryWish(Reason):
    """Dead letters to try again. Without `confirm` they are only counted."""

    system: str | None = None
    code: str | None = None
    cause: str | None = None
    lane: str | None = None
    ids: list[int] = []
    everything: bool = False
    remap: bool = Field(False, description="make the bodies anew with the present mapping")
    confirm: bool = False

    def scope(self) -> Scope:
        """Return which deliveries are meant."""
        return Scope(self.system, self.code, self.cause, None, self.lane, tuple(self.ids), self.everything)


def router(service: Service) -> APIRouter:
    """Return /api/v1 of a service."""
    api = APIRouter(prefix="/api/v1")
    _runs(api, service)
    _deliveries(api, service)
    _dead(api, service)
    _systems(api, service)
    return api


def _runs(api: APIRouter, service: Service) -> None:
    @api.get("/runs", tags=["runs"], summary="Runs, newest first")
    def list_runs(source: str | None = None, limit: Limit = 100, cursor: Before = None) -> dict[str, Any]:
        with service.store.reading() as connection:
            found = runs.latest(connection, limit=limit, source=source, before=cursor)
        return _page([{**asdict(run), "adds_up": run.adds_up} for run in found], limit)

    @api.post("/runs", tags=["runs"], status_code=202, summary="Ask for a pass over a source")
    def ask(
        wish: RunWish, response: Response, idempotency_key: Annotated[str | None, Header(max_length=64)] = None
    ) -> dict[str, Any]:
        if wish.source not in {system.name for system in service.exchange.settings.sources()}:
            raise Missing("HUB-X-102", f"there is no source {wish.source!r}")
        number = _ask_once(service, wish, idempotency_key)
        response.headers["Location"] = f"/api/v1/runs/{number}"
        return {"id": number}

    @api.get("/runs/{number}", tags=["runs"], summary="One run with its account")
    def one_run(number: int) -> dict[str, Any]:
        with service.store.reading() as connection:
            run = runs.get(connection, number)
        if run is None:
            raise Missing("HUB-X-111", f"there is no run {number}")
        return {**asdict(run), "adds_up": run.adds_up}


def _ask_once(service: Service, wish: RunWish, key: str | None) -> int:
    """Ask for a run; the same idempotency key asks for the same run."""
    if key is not None:
        with service.store.reading() as connection:
            before = acceptance.get_cursor(connection, f"asked:{key}")
        if before is not None:
            return int(before)
    number = service.ask(wish.source, Trigger.API, "api", full=wish.full)
    if key is not None:
        with service.store.writing() as connection:
            acceptance.set_cursor(connection, f"asked:{key}", str(number), service.exchange.clock())
    return number


def _deliveries(api: APIRouter, service: Service) -> None:
    @api.get("/deliveries", tags=["deliveries"], summary="Deliveries, newest first; no bodies")
    def list_deliveries(
        system: str | None = None,
        state: Annotated[list[State] | None, Query()] = None,
        code: str | None = None,
        lane: str | None = None,
        limit: Limit = 100,
        cursor: Before = None,
    ) -> dict[str, Any]:
        with service.store.reading() as connection:
            found = views.deliveries(connection, system=system, states=state, code=code, lane=lane, before=cursor, limit=limit)
        return _page([asdict(one) for one in found], limit)

    @api.get("/deliveries/{number}", tags=["deliveries"], summary="One delivery with its attempts")
    def one_delivery(number: int) -> dict[str, Any]:
        with service.store.reading() as connection:
            found = views.delivery(connection, number)
            tried = views.attempts(connection, [number]) if found else []
        if found is None:
            raise Missing("HUB-X-111", f"there is no delivery {number}")
        return {**asdict(found), "tried": [asdict(one) for one in tried]}

    @api.get("/cases/{lane}", tags=["deliveries"], summary="The life of one case: every delivery and attempt")
    def one_case(lane: str) -> dict[str, Any]:
        with service.store.reading() as connection:
            found = views.life(connection, service.exchange.settings.systems, lane)
            tried = views.attempts(connection, [one.id for one in found])
        return {"deliveries": [asdict(one) for one in found], "attempts": [asdict(one) for one in tried]}


def _dead(api: APIRouter, service: Service) -> None:
    @api.get("/dead", tags=["dead letters"], summary="Dead letters grouped by cause, largest group first")
    def groups(system: str | None = None) -> dict[str, Any]:
        with service.store.reading() as connection:
            return {"items": [asdict(group) for group in views.dead_groups(connection, system=system)]}

    @api.post("/dead/retry", tags=["dead letters"], summary="Count, or with `confirm` retry, the dead letters of a scope")
    def retry(wish: RetryWish) -> dict[str, Any]:
        if not wish.scope():
            raise HubError("HUB-X-120", "no scope was given", hint="name a system, code, cause, lane or ids")
        if not wish.confirm:
            with service.store.reading() as connection:
                return {"would_retry": actions.count(connection, wish.scope())}
        done = replay.retry(service.exchange, wish.scope(), remap=wish.remap, actor=wish.actor, reason=wish.reason)
        service.wake(*service.exchange.settings.systems)
        return asdict(done)


def _systems(api: APIRouter, service: Service) -> None:
    @api.get("/systems", tags=["systems"], summary="Every system: how it stands and what is owed to it")
    def list_systems() -> dict[str, Any]:
        return {"items": [_system(service, name) for name in sorted(service.exchange.settings.systems)]}

    @api.get("/systems/{name}", tags=["systems"], summary="One system")
    def one_system(name: str) -> dict[str, Any]:
        return _system(service, _known(service, name))

    @api.post("/systems/{name}/pause", tags=["systems"], summary="Send nothing to it until resumed")
    def pause(name: str, why: Reason) -> dict[str, Any]:
        now = service.exchange.clock()
        with service.store.writing() as connection:
            systems.pause(connection, _known(service, name), why.actor, now, reason=why.reason)
            actions.write_journal(connection, why.actor, "pause", f"system={name}", 0, why.reason, now)
        return _system(service, name)

    @api.post("/systems/{name}/resume", tags=["systems"], summary="Send to it again, at once")
    def resume(name: str, why: Reason) -> dict[str, Any]:
        now = service.exchange.clock()
        with service.store.writing() as connection:
            systems.resume(connection, _known(service, name), now)
            actions.write_journal(connection, why.actor, "resume", f"system={name}", 0, why.reason, now)
        service.wake(name)
        return _system(service, name)


def _known(service: Service, name: str) -> str:
    if name not in service.exchange.settings.systems:
        raise Missing("HUB-X-102", f"there is no system {name!r}")
    return name


def _system(service: Service, name: str) -> dict[str, Any]:
    settings = service.exchange.settings.systems[name]
    with service.store.reading() as connection:
        standing = systems.standing(connection, name)
        backlog = views.backlog(connection).get(name, {})
    return {
        "name": name,
        "title": settings.title,
        "adapter": settings.adapter,
        "contact": settings.contact,
        "standing": asdict(standing),
        "open": standing.open_at(service.exchange.clock()),
        "backlog": {state.value: asdict(one) for state, one in backlog.items()},
    }


def _page(items: list[dict[str, Any]], limit: int) -> dict[str, Any]:
    return {"items": items, "next": items[-1]["id"] if len(items) == limit else None}
