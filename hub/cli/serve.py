"""Decides how `hub serve` lives: works until told to stop, reloads on SIGHUP, and leaves only with everything in flight settled."""

from __future__ import annotations

import logging
import signal
import threading
from contextlib import ExitStack
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from hub.cli import exits, logs, terminal
from hub.cli.lang import say
from hub.cli.terminal import Terminal
from hub.errors import ConfigurationError

if TYPE_CHECKING:
    from hub.engine.service import Service

log = logging.getLogger(__name__)


def register(app: typer.Typer) -> None:
    """Add `hub serve`."""
    help_ = say(
        "持续运行：按计划读取、投递、轮询回执，并提供 HTTP 接口和指标。SIGHUP 重新载入配置，SIGTERM 排空后退出。",
        "Work until stopped: schedules, delivery, feedback, HTTP API and metrics. SIGHUP reloads, SIGTERM drains and leaves.",
    )
    app.command("serve", help=help_)(serve)


def serve(
    ctx: typer.Context,
    port: Annotated[
        int | None,
        typer.Option("--port", min=0, max=65535, help=say("HTTP 端口，代替配置", "HTTP port instead of the configured one")),
    ] = None,
    http: Annotated[bool, typer.Option("--http/--no-http", help=say("是否提供 HTTP", "whether to listen for HTTP"))] = True,
) -> None:
    """Serve: exit 130 or 143 after a clean drain, 3 when something was still in flight, 5 when another hub holds the store."""
    screen = terminal.of(ctx)
    settings = screen.settings()
    logs.configure(screen.level("info"), screen.log_format)
    signals = _Signals()
    from hub.engine.service import serving

    with ExitStack() as stack:
        service = stack.enter_context(serving(settings))
        if http:
            from hub.api.server import listening

            server = stack.enter_context(listening(service, screen.settings, settings.http, port=port))
            screen.note(f"HTTP 接口：http://{server.host}:{server.port}", f"HTTP API: http://{server.host}:{server.port}")
        log.info("%s serves", settings.name, extra={"event": "hub.started"})
        ended_by = _work(screen, service, signals)
        log.info("draining", extra={"event": "hub.draining", "signal": ended_by})
        clean = service.stop()
    log.info("stopped", extra={"event": "hub.stopped", "clean": clean})
    raise typer.Exit({signal.SIGINT: exits.INTERRUPTED, signal.SIGTERM: exits.TERMINATED}[ended_by] if clean else exits.PARTLY)


class _Signals:
    """Turns signals into something the main thread can wait for."""

    def __init__(self) -> None:
        self.came = threading.Event()
        self._waiting: list[signal.Signals] = []
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._note)

    def _note(self, number: int, _: FrameType | None) -> None:
        self._waiting.append(signal.Signals(number))
        self.came.set()

    def next(self) -> signal.Signals:
        """Wait for the next signal; in slices, because a blocked main thread would not run the handler."""
        while not self._waiting:
            self.came.wait(0.5)
            self.came.clear()
        return self._waiting.pop(0)


def _work(screen: Terminal, service: Service, signals: _Signals) -> signal.Signals:
    while True:
        came = signals.next()
        if came is not signal.SIGHUP:
            return came
        try:
            service.reload(screen.settings)
        except ConfigurationError as error:
            log.error("the new configuration is refused, the old one stays: %s", error, extra={"event": "config.refused"})
            for finding in error.findings:
                screen.finding(finding, screen.err)
