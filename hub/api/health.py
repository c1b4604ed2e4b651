"""Health for machines: alive, ready, metrics, version. None of these scans a table, none needs a token."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from prometheus_client import exposition
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST as OPENMETRICS
from prometheus_client.openmetrics.exposition import generate_latest as openmetrics_latest
from sqlalchemy.exc import SQLAlchemyError

from hub import __version__
from hub.engine.service import Service
from hub.store import systems
from hub.store.opening import HEAD


def router(service: Service) -> APIRouter:
    """Return the health pages of a service."""
    pages = APIRouter(tags=["health"])

    @pages.get("/livez", summary="The process is alive")
    @pages.get("/healthz", include_in_schema=False)
    def livez() -> dict[str, str]:
        return {"status": "alive"}

    @pages.get("/readyz", summary="The hub can store and deliver; one system that is down leaves it ready")
    def readyz(response: Response) -> dict[str, Any]:
        try:
            checks = _systems(service)
        except SQLAlchemyError:
            response.status_code = 503
            return {"status": "not ready", "checks": {"store": "does not answer"}}
        return {"status": "ready", "checks": {"store": "ok", "systems": checks}}

    @pages.get("/metrics", summary="Prometheus metrics", response_class=Response)
    def metrics(request: Request) -> Response:
        registry = service.metrics.registry
        if "application/openmetrics-text" in request.headers.get("accept", ""):
            return Response(openmetrics_latest(registry), media_type=OPENMETRICS)  # type: ignore[no-untyped-call]
        return Response(exposition.generate_latest(registry), media_type=exposition.CONTENT_TYPE_LATEST)

    @pages.get("/version", summary="What runs here")
    def version() -> dict[str, str]:
        settings = service.exchange.settings
        return {"version": __version__, "schema": HEAD, "name": settings.name, "configuration": settings.digest}

    return pages


def _systems(service: Service) -> dict[str, str]:
    now = service.exchange.clock()
    with service.store.reading() as connection:
        standings = [systems.standing(connection, name) for name in service.exchange.settings.systems]
    return {one.name: "paused" if one.paused else "ok" if one.open_at(now) else "resting" for one in standings}
