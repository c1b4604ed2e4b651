"""Decides how much of a push is let in before it is judged: so many bytes, seconds, and requests at once."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Request

from hub.api import models
from hub.api.problems import DOCUMENTED, Missing, TooLarge, TooMany, TooSlow
from hub.documents import suggest
from hub.engine.receive import Account
from hub.engine.service import Service
from hub.model import Push

#: Below it a signature is asked for, not the token.
PREFIX = "/api/v1/push/"
#: Seconds a body may take to come; pushes of one system let in at once; threads that judge and keep them.
BODY_SECONDS, AT_ONCE, THREADS = 30.0, 8, 8
_ANY: dict[str, Any] = {"schema": {}}
_BODIES = ("application/json", "application/x-www-form-urlencoded", "application/xml", "text/csv", "application/octet-stream")


def router(service: Service) -> APIRouter:
    """Return the way in for far sides that push."""
    api = APIRouter(prefix="/api/v1", responses=DOCUMENTED)
    doorway = _Doorway(service)

    @api.post(
        "/push/{system}/{kind}",
        tags=["push"],
        summary="A far side hands records over; 200 once they are durable. Guarded by its signature instead of the token",
        response_model=models.PushOut,
        openapi_extra={"requestBody": {"required": True, "content": dict.fromkeys(_BODIES, _ANY)}, "security": []},
    )
    async def push(system: str, kind: str, request: Request) -> models.PushOut:
        return _told(await doorway.take(system, kind, request))

    return api


class _Doorway:
    """Lets pushes in, so many at once."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._inside: Counter[str] = Counter()
        self._limiter: CapacityLimiter | None = None  # belongs to the event loop, which is not there yet

    async def take(self, system: str, kind: str, request: Request) -> Account:
        largest = self._largest(system, kind)
        with self._one_more(system):
            push = Push(
                method=request.method,
                path=request.url.path,
                query=request.url.query,
                headers=dict(request.headers),
                body=await _body(request, largest),
                received_at=self._service.exchange.clock(),
            )
            self._limiter = self._limiter or CapacityLimiter(THREADS)
            return await to_thread.run_sync(self._service.receive, system, kind, push, limiter=self._limiter)

    def _largest(self, system: str, kind: str) -> int:
        exchange = self._service.exchange
        pushing = {name: one.kinds for name, one in exchange.settings.systems.items() if one.pushes}
        if system not in pushing:
            raise Missing("HUB-X-140", f"no system {system!r} pushes to this hub", hint=suggest(system, pushing))
        if kind not in pushing[system]:
            raise Missing("HUB-X-140", f"the system {system!r} pushes no kind {kind!r}", hint=suggest(kind, pushing[system]))
        return exchange.receiver(system).largest(kind)

    @contextmanager
    def _one_more(self, system: str) -> Iterator[None]:
        if self._inside[system] >= AT_ONCE:
            raise TooMany("HUB-X-143", f"{AT_ONCE} pushes of this system are under way")
        self._inside[system] += 1
        try:
            yield
        finally:
            self._inside[system] -= 1


async def _body(request: Request, largest: int) -> bytes:
    """Return the body; never holds more of it than is allowed."""
    told = request.headers.get("content-length", "")
    if told.isdecimal() and int(told) > largest:
        raise TooLarge("HUB-X-141", f"the body has {told} bytes; {largest} are allowed")
    pieces = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for piece in request.stream():
                pieces += piece
                if len(pieces) > largest:
                    raise TooLarge("HUB-X-141", f"the body has more than {largest} bytes")
    except TimeoutError:
        raise TooSlow("HUB-X-142", f"the body did not come within {BODY_SECONDS:.0f} s") from None
    return bytes(pieces)


def _told(account: Account) -> models.PushOut:
    run = account.run
    counts = {name: getattr(run, name) for name in ("read", "accepted", "unchanged", "rejected")}
    records = [models.PushedOut.model_validate(one) for one in account.items]
    return models.PushOut(run=run.id, repeated=account.repeated, records=records, **counts)
