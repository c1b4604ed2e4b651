"""Puts the HTTP surface on a socket: guarded by a token where one is configured, stopped with the hub."""

from __future__ import annotations

import hmac
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import uvicorn
from fastapi import FastAPI, Request, Response

from hub import __version__
from hub.api import health, manual, models, problems, push, v1
from hub.engine.service import Service
from hub.errors import HubError
from hub.settings import HttpSettings, Settings

#: Pages anybody who reaches the socket may read: none of them tells a record, a case or a secret.
OPEN_PAGES = frozenset({"/livez", "/healthz", "/ping", "/readyz", "/ready", "/metrics", "/version", "/docs", "/openapi.json"})
START_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Listening:
    """Where the hub listens."""

    host: str
    port: int


def build(service: Service, load: Callable[[], Settings], http: HttpSettings) -> FastAPI:
    """Return the HTTP application of a service. `load` reads the configuration files again, for /-/reload."""
    app = FastAPI(title="甘肃数据交换中枢 · Gansu exchange hub", version=__version__, docs_url=None, redoc_url=None)
    problems.install(app)
    manual.install(app)
    app.include_router(health.router(service))
    app.include_router(v1.router(service))
    app.include_router(push.router(service))

    @app.post(
        "/-/reload",
        tags=["health"],
        summary="Take the configuration files over; bad ones keep the old",
        responses=problems.DOCUMENTED,
    )
    def reload() -> models.Reloaded:
        return models.Reloaded(systems=service.reload(load), configuration=service.exchange.settings.digest)

    if http.token is not None:
        _guard(app, http.token.get_secret_value())
    return app


def _guard(app: FastAPI, token: str) -> None:
    expected = f"Bearer {token}".encode()

    @app.middleware("http")
    async def check(request: Request, call: Callable[[Request], Awaitable[Response]]) -> Response:
        given = request.headers.get("authorization", "").encode()
        path = request.url.path
        if path in OPEN_PAGES or path.startswith(push.PREFIX) or hmac.compare_digest(given, expected):
            return await call(request)
        response = problems.problem(401, "HUB-X-110", "a valid bearer token is needed")
        response.headers["WWW-Authenticate"] = "Bearer"
        return response


@contextmanager
def listening(
    service: Service, load: Callable[[], Settings], http: HttpSettings, *, port: int | None = None
) -> Iterator[Listening]:
    """Listen until the block ends. Raises HubError HUB-X-115 when the address cannot be had."""
    wanted = http.port if port is None else port
    app = build(service, load, http)
    config = uvicorn.Config(app, host=http.host, port=wanted, log_config=None, log_level="warning", access_log=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=_run, args=(server,), name="http", daemon=True)
    thread.start()
    try:
        yield Listening(http.host, _bound(server, thread, http.host, wanted))
    finally:
        server.should_exit = True
        thread.join(START_SECONDS)


def _run(server: uvicorn.Server) -> None:
    try:
        server.run()
    except SystemExit:  # uvicorn's way to say that it could not bind; told by _bound
        return


def _bound(server: uvicorn.Server, thread: threading.Thread, host: str, port: int) -> int:
    until = time.monotonic() + START_SECONDS
    while not server.started:
        if not thread.is_alive() or time.monotonic() > until:
            raise HubError(
                "HUB-X-115", f"cannot listen on {host}:{port}", hint="another program may use the port; see http: in hub.yaml"
            )
        time.sleep(0.01)
    bound: int = server.servers[0].sockets[0].getsockname()[1]
    return bound
