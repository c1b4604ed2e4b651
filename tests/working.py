"""A hub at work on the small configuration, inside the test's own process: real store, real engine, far sides in memory."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection

from hub.engine.progress import look
from hub.engine.service import Service, serving
from hub.settings import Settings, load
from hub.store import runs
from hub.store.runs import Run, RunState, Trigger

PATIENCE = 30.0


def now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


def settings_of(here: Path) -> Settings:
    """Load the configuration in a directory, whatever the caller's environment says."""
    return load(here, env={})


@contextmanager
def at_work(here: Path) -> Iterator[Service]:
    """Work on the store of that configuration until the block ends; nothing runs by itself."""
    with serving(settings_of(here), scheduled=False) as service:
        yield service


def until(condition: Callable[[], bool], what: str = "the condition") -> None:
    """Wait until something holds; fail after a while."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, f"{what} never held"
        time.sleep(0.02)


def sync(service: Service, source: str = "local", *, full: bool = False) -> Run:
    """Read a source once and deliver until nothing can move; return the run."""
    number = service.ask(source, Trigger.CLI, "test", full=full)
    until(lambda: look(service.exchange, [number]).quiet, "quiet")
    return look(service.exchange, [number]).runs[0]


def exchanged(here: Path) -> None:
    """Run the example once: A1 and its step are delivered, A2 is dead at stage map."""
    with at_work(here) as service:
        sync(service)


def read_whole(connection: Connection, *times: datetime) -> None:
    """Note that the example's source was read to its end at these times."""
    for at in times:
        runs.ask(connection, "local", Trigger.SCHEDULE, "schedule", at)
        run = runs.begin_next(connection, "local", at)
        assert run is not None
        runs.end(connection, run.id, RunState.DONE, at)
