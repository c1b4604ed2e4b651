"""/api/v1: runs, deliveries, dead letters and systems, for other programs and for the console."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Response
from sqlalchemy import Connection

from hub.api import asked, crew, dead, models, shared
from hub.api.problems import DOCUMENTED, Missing, Refused
from hub.api.shared import Before, Limit, OfSystem
from hub.api.standings import standings
from hub.documents import suggest
from hub.engine.service import Service
from hub.model import State
from hub.store import actions, journal, listing, runs, stories, systems, views
from hub.store.runs import Trigger

Key = Annotated[
    str | None, Header(min_length=1, max_length=64, description="the same key asks for the same run, however often it is sent")
]


def router(service: Service) -> APIRouter:
    """Return /api/v1 of a service."""
    api = APIRouter(prefix="/api/v1", responses=DOCUMENTED)
    _runs(api, service)
    _deliveries(api, service)
    _stories(api, service)
    _held(api, service)
    dead.routes(api, service)
    _systems(api, service)
    _pausing(api, service)
    crew.routes(api, service)
    return api


def _runs(api: APIRouter, service: Service) -> None:
    @api.get("/runs", tags=["runs"], summary="Runs, newest first", response_model=models.Page[models.RunOut])
    def list_runs(source: str | None = None, limit: Limit = 100, cursor: Before = None) -> dict[str, Any]:
        with service.store.reading() as connection:
            return shared.page(runs.latest(connection, limit=limit + 1, source=_source(service, source), before=cursor), limit)

    @api.post("/runs", tags=["runs"], status_code=202, summary="Ask for a pass over a source", response_model=models.RunOut)
    def ask(wish: asked.RunWish, response: Response, idempotency_key: Key = None) -> Any:
        _readable(service, wish.source)
        number = service.ask(wish.source, Trigger.API, "api", full=wish.full, key=idempotency_key)
        response.headers["Location"] = f"/api/v1/runs/{number}"
        return _run(service, number)

    @api.get("/runs/{number}", tags=["runs"], summary="One run with its account", response_model=models.RunOut)
    def one_run(number: int) -> Any:
        return _run(service, number)


def _deliveries(api: APIRouter, service: Service) -> None:
    @api.get(
        "/deliveries",
        tags=["deliveries"],
        summary="Deliveries, newest first; no contents",
        description="Where few match, a page may hold fewer than `limit`, or none, and not be the last: `next` is null on that.",
        response_model=models.Page[models.DeliveryOut],
    )
    def list_deliveries(
        system: OfSystem = None,
        state: Annotated[list[State] | None, Query()] = None,
        code: str | None = None,
        lane: str | None = None,
        limit: Limit = 100,
        cursor: Before = None,
    ) -> dict[str, Any]:
        shared.known(service, system)
        with service.store.reading() as connection:
            items, following = listing.page(
                connection, service.exchange.settings.systems, system=system, states=state, code=code, lane=lane,
                before=cursor, limit=limit,
            )  # fmt: skip
        return {"items": items, "next": following}


def _stories(api: APIRouter, service: Service) -> None:
    @api.get(
        "/deliveries/{number}",
        tags=["deliveries"],
        summary="One delivery with its attempts",
        response_model=models.OneDeliveryOut,
    )
    def one_delivery(number: int) -> dict[str, Any]:
        with service.store.reading() as connection:
            found, story = views.delivery(connection, number), stories.read(connection, [number])
        if found is None:
            raise Missing("HUB-X-111", f"there is no delivery {number}")
        told = models.DeliveryOut.model_validate(found).model_dump()
        return {**told, "tried": story.tried, "replays": story.replays, "decisions": story.decisions}

    @api.get(
        "/cases/{lane:path}",
        tags=["deliveries"],
        summary="The life of one case: every delivery and attempt",
        response_model=models.CaseOut,
    )
    def one_case(lane: str) -> dict[str, Any]:
        with service.store.reading() as connection:
            found = views.life(connection, service.exchange.settings.systems, lane)
            story = stories.read(connection, [one.id for one in found])
        if not found:
            raise Missing("HUB-X-111", "nothing is known of that case")
        return {"deliveries": found, "attempts": story.tried, "replays": story.replays, "decisions": story.decisions}


def _held(api: APIRouter, service: Service) -> None:
    @api.post(
        "/deliveries/decide",
        tags=["deliveries"],
        summary="Count, or with `confirm` decide, the held deliveries of a scope",
        response_model=models.Decided | models.Counted,
    )
    def decide(wish: asked.HoldWish) -> Any:
        scope, state = shared.scoped(service, wish.scope()), State(wish.state)
        if not wish.confirm:
            return shared.counted(service, scope, (State.HELD,))
        now = service.exchange.clock()

        def write(connection: Connection) -> tuple[int, set[int]]:
            if not wish.ids and state is not State.DELIVERED and actions.held(connection, scope, at_gate=True):
                raise Refused("HUB-X-126", "an approval names what it approves", hint="send the numbers that were looked at as ids")
            waiting = set(actions.held(connection, scope, at_gate=False if state is State.DELIVERED else None))
            return actions.decide_held(connection, scope, state, actor=wish.actor, reason=wish.reason, now=now), waiting

        number, waiting = service.store.write(write)
        service.wake(*service.exchange.settings.systems)
        return models.Decided(decided=number, state=state, not_waiting=[one for one in wish.ids if one not in waiting])


def _systems(api: APIRouter, service: Service) -> None:
    @api.get(
        "/systems",
        tags=["systems"],
        summary="Every system: how it stands and what is owed to it",
        response_model=models.Items[models.SystemOut],
    )
    def list_systems() -> dict[str, Any]:
        return {"items": standings(service, sorted(service.exchange.settings.systems))}

    @api.get("/systems/{name}", tags=["systems"], summary="One system", response_model=models.SystemOut)
    def one_system(name: str) -> dict[str, Any]:
        return _system(service, name)


def _pausing(api: APIRouter, service: Service) -> None:
    @api.post(
        "/systems/{name}/pause", tags=["systems"], summary="Send nothing to it until resumed", response_model=models.SystemOut
    )
    def pause(name: str, why: asked.Reason) -> dict[str, Any]:
        shared.known(service, name)
        now = service.exchange.clock()
        with service.store.writing() as connection:
            systems.pause(connection, name, why.actor, now, reason=why.reason)
            journal.write_journal(connection, why.actor, "pause", f"system={name}", 0, why.reason, now)
        return _system(service, name)

    @api.post("/systems/{name}/resume", tags=["systems"], summary="Send to it again, at once", response_model=models.SystemOut)
    def resume(name: str, why: asked.Reason) -> dict[str, Any]:
        shared.known(service, name)
        now = service.exchange.clock()
        with service.store.writing() as connection:
            systems.resume(connection, name, now)
            journal.write_journal(connection, why.actor, "resume", f"system={name}", 0, why.reason, now)
        service.wake(name)
        return _system(service, name)


# --- shared ---


def _source(service: Service, name: str | None) -> str | None:
    known = [system.name for system in service.exchange.settings.sources()]
    if name is not None and name not in known:
        raise Missing("HUB-X-102", f"there is no source {name!r}", hint=suggest(name, known))
    return name


def _readable(service: Service, name: str) -> None:
    _source(service, name)
    if not service.exchange.settings.systems[name].reads:
        raise Refused(
            "HUB-X-146", f"the system {name!r} pushes by itself: there is nothing to read", hint="its last push: hub runs"
        )


def _run(service: Service, number: int) -> runs.Run:
    with service.store.reading() as connection:
        run = runs.get(connection, number)
    if run is None:
        raise Missing("HUB-X-111", f"there is no run {number}")
    return run


def _system(service: Service, name: str) -> dict[str, Any]:
    shared.known(service, name)
    return standings(service, [name])[0]
