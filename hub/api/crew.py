"""/api/v1/workers: who shares the work on this store, and who of them is not as the one that answers."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from fastapi import APIRouter

from hub import __version__
from hub.api import models
from hub.engine.service import Service
from hub.store import workers
from hub.store.workers import Worker


class WorkerOut(models.Given):
    """One worker. `holds`: the partitions it was at when last seen. `gone`: it has not been seen for a while.

    `warning`: HUB-E-142 when its version or configuration is not that of the worker that answers.
    """

    name: str
    version: str
    digest: str
    host: str
    pid: int
    started_at: datetime
    seen_at: datetime
    holds: tuple[str, ...]
    gone: bool
    warning: Literal["HUB-E-142"] | None = None


def routes(api: APIRouter, service: Service) -> None:
    """Add the list of workers; a hub that serves alone has none."""

    @api.get("/workers", tags=["systems"], summary="The workers that share this store", response_model=models.Items[WorkerOut])
    def list_workers() -> dict[str, list[WorkerOut]]:
        with service.store.reading() as connection:
            found = workers.everybody(connection)
        return {"items": [_told(service, one) for one in found]}


def _told(service: Service, one: Worker) -> WorkerOut:
    alike = (one.version, one.digest) == (__version__, service.exchange.settings.digest)
    told = WorkerOut.model_validate(one)
    return told if alike or one.gone else told.model_copy(update={"warning": "HUB-E-142"})
