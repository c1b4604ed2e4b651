"""Decides how a hub that works until told to stop lives: reloads on SIGHUP, and leaves only with everything in flight settled."""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from queue import Empty, SimpleQueue
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from hub.cli import exits, logs
from hub.cli.lang import say
from hub.cli.terminal import Terminal
from hub.errors import ConfigurationError, LeaseHeld
from hub.model import Finding

if TYPE_CHECKING:
    from hub.engine.service import Service
    from hub.settings import Settings

log = logging.getLogger(__name__)

Port = Annotated[
    int | None,
    typer.Option("--port", min=0, max=65535, help=say("HTTP 端口，代替配置", "HTTP port instead of the configured one")),
]
Http = Annotated[bool, typer.Option("--http/--no-http", help=say("是否提供 HTTP", "whether to listen for HTTP"))]


def live(screen: Terminal, made: Callable[[Settings], AbstractContextManager[Service]], *, http: bool, port: int | None) -> int:
    """Work until a signal ends it; return the exit code: 130 or 143 after a clean drain, 3 when something was still in flight.

    Raises LeaseHeld HUB-T-110 when another hub works on the store now.
    """
    logs.configure(screen.level("info"), screen.log_format)
    signals = _Signals()  # first: until somebody listens, SIGHUP ends a process that has only begun
    load = _loader(screen)
    settings = load()
    with ExitStack() as stack:
        service = stack.enter_context(made(settings))
        if http:
            from hub.api.server import listening

            server = stack.enter_context(listening(service, load, settings.http, port=port))
            log.info("HTTP at http://%s:%s", server.host, server.port, extra={"event": "http.listening", "port": server.port})
        log.info("%s serves as %s", settings.name, service.exchange.owner, extra={"event": "hub.started"})
        _tell_next_reads(settings)
        ended_by = _work(load, service, signals)
        why = ended_by.code if isinstance(ended_by, LeaseHeld) else ended_by.name
        log.info("draining", extra={"event": "hub.draining", "signal": why})
        clean = service.stop()
    log.info("stopped", extra={"event": "hub.stopped", "clean": clean})
    if isinstance(ended_by, LeaseHeld):
        raise ended_by
    return {signal.SIGINT: exits.INTERRUPTED, signal.SIGTERM: exits.TERMINATED}[ended_by] if clean else exits.PARTLY


def _tell_next_reads(settings: Settings) -> None:
    """Say when each source is read next: until then a hub that has just started does nothing, and rightly so."""
    from datetime import UTC, datetime

    from hub.engine.schedule import occurrences

    for source in settings.sources():
        if source.schedule:
            tick = next(occurrences(source.schedule.cron, settings.timezone, datetime.now(UTC)))
            extra = {"event": "schedule.next", "system": source.name}
            log.info("%s is read next at %s; now by hand: hub sync %s", source.name, logs.clock(tick), source.name, extra=extra)


def _loader(screen: Terminal) -> Callable[[], Settings]:
    """Return how the files are read, now and at every reload; warnings go to the log, since a machine reads it."""

    def load() -> Settings:
        from hub import settings

        loaded = settings.load(screen.directory, env_file=screen.env_file)
        for warning in loaded.warnings:
            _log_finding(logging.WARNING, warning)
        return loaded

    return load


def _log_finding(level: int, finding: Finding) -> None:
    where = {"file": finding.place.file, "line": finding.place.line, "path": finding.place.path}
    log.log(level, "%s", finding, extra={"event": "config.finding", "error_code": finding.code, **where})


class _Signals:
    """Turns signals into something the main thread can wait for.

    A signal may interrupt the noting of another: a queue of this kind takes that, an event's lock would never be had.
    """

    def __init__(self) -> None:
        self._came: SimpleQueue[signal.Signals] = SimpleQueue()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._note)

    def _note(self, number: int, _: FrameType | None) -> None:
        self._came.put(signal.Signals(number))

    def next(self, lost: Callable[[], LeaseHeld | None]) -> signal.Signals | LeaseHeld:
        """Wait for the next signal, or the loss of the lease; in slices, since a blocked main thread would not run the handler."""
        while True:
            try:
                return self._came.get(timeout=0.5)
            except Empty:
                if error := lost():
                    return error


def _work(load: Callable[[], Settings], service: Service, signals: _Signals) -> signal.Signals | LeaseHeld:
    """Work until a signal or the loss of the lease ends it, and return what did."""
    while True:
        came = signals.next(lambda: service.lost)
        if came is not signal.SIGHUP:
            return came
        try:
            service.reload(load)
        except ConfigurationError as error:
            log.error("the new configuration is refused, the old one stays", extra={"event": "config.refused"})
            for finding in error.findings:
                _log_finding(logging.WARNING if finding.warning else logging.ERROR, finding)
