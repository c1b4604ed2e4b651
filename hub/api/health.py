"""Health for machines: alive, ready, metrics, version. None of these scans a table, none needs a token."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Query, Request, Response
from prometheus_client import exposition
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST as OPENMETRICS
from prometheus_client.openmetrics.exposition import generate_latest as openmetrics_latest
from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError

from hub import __version__
from hub.engine import feedback
from hub.engine.service import Service
from hub.store import systems
from hub.store.opening import HEAD

#: Probes come from several places at once; the store is asked at most so often, in seconds.
READY_FOR = 2.0


class Alive(BaseModel):
    """The process answers."""

    status: str = "alive"


class Ready(BaseModel):
    """Whether the hub can store and deliver. A system that is down leaves it ready; `?verbose` names it."""

    status: str
    checks: dict[str, Any] | None = None


def router(service: Service, clock: Callable[[], float] = time.monotonic) -> APIRouter:
    """Return the health pages of a service. `clock` returns seconds that never go back."""
    pages = APIRouter(tags=["health"])
    readiness = _Readiness(service, clock)

    @pages.get("/livez", summary="The process is alive")
    @pages.get("/healthz", include_in_schema=False)
    @pages.get("/ping", include_in_schema=False)
    def livez() -> Alive:
        return Alive()

    @pages.get(
        "/readyz", summary="The hub can store and deliver", responses={503: {"model": Ready}}, response_model_exclude_none=True
    )
    @pages.get("/ready", include_in_schema=False, response_model_exclude_none=True)
    def readyz(response: Response, verbose: str | None = Query(None, description="name every check")) -> Ready:
        ready, checks = readiness.look()
        response.status_code = 200 if ready else 503
        return Ready(status="ready" if ready else "not ready", checks=checks if verbose is not None or not ready else None)

    @pages.get("/metrics", summary="Prometheus metrics", response_class=Response)
    def metrics(request: Request) -> Response:
        registry = service.metrics.registry
        if "application/openmetrics-text" in request.headers.get("accept", ""):
            return Response(openmetrics_latest(registry), media_type=OPENMETRICS)  # type: ignore[no-untyped-call]
        return Response(exposition.generate_latest(registry), media_type=exposition.CONTENT_TYPE_LATEST)

    @pages.get("/version", summary="What runs here: program, store schema, name, configuration digest")
    def version() -> dict[str, str]:
        settings = service.exchange.settings
        return {"version": __version__, "schema": HEAD, "name": settings.name, "configuration": settings.digest}

    return pages


class _Readiness:
    """The last look at the store, kept for a moment."""

    def __init__(self, service: Service, clock: Callable[[], float]) -> None:
        self._service, self._clock = service, clock
        self._lock = threading.Lock()
        self._until = float("-inf")
        self._seen: tuple[bool, dict[str, Any]] = (False, {})

    def look(self) -> tuple[bool, dict[str, Any]]:
        with self._lock:
            if self._clock() >= self._until:
                self._seen = self._ask()
                self._until = self._clock() + READY_FOR
            return self._seen

    def _ask(self) -> tuple[bool, dict[str, Any]]:
        ended = self._service.ended()
        try:
            return not ended, {"store": "ok", "engine": ended or "ok", "systems": self._systems(), **self._unheard()}
        except SQLAlchemyError:
            return False, {"store": "does not answer"}

    def _unheard(self) -> dict[str, dict[str, str]]:
        """Return the code of each failing poll for later verdicts, nothing while all go well."""
        configured = self._service.exchange.settings.systems.values()
        polled = [system.name for system in configured if system.feedback_every is not None]
        if not polled:
            return {}
        with self._service.store.reading() as connection:
            failed = {name: told.code for name in polled if (told := feedback.last_failure(connection, name))}
        return {"feedback": failed} if failed else {}

    def _systems(self) -> dict[str, str]:
        now = self._service.exchange.clock()
        with self._service.store.reading() as connection:
            standings = [systems.standing(connection, name) for name in sorted(self._service.exchange.settings.systems)]
        return {one.name: "paused" if one.paused else "ok" if one.open_at(now) else "resting" for one in standings}
