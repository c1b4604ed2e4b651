"""Decides what one of several workers does for all: each look, each occurrence and each chore is the turn of one of them."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import timedelta

from hub.engine import look, maintain, schedule
from hub.engine.exchange import Exchange
from hub.store import partitions

log = logging.getLogger(__name__)

#: How often one of the workers looks at the outbox, and an idle worker at the jobs.
LOOK_SECONDS = 1.0
#: How often one of the workers does the chores, and each its gauges.
CHORE_SECONDS = maintain.EVERY_SECONDS


class Turns:
    """The turns of one worker. `scheduled`: it begins runs by itself."""

    def __init__(self, exchange: Exchange, *, scheduled: bool) -> None:
        self._exchange, self._scheduled = exchange, scheduled
        self._chores_at = 0.0

    def look(self, rung: set[str]) -> list[str]:
        """Return the names of what there is to do for these systems, and for all if it is our turn.

        Chores that are due are done. Raises SQLAlchemyError when the store is away.
        """
        names = look.due(self._exchange, rung) if rung else []
        if self._turn("look", LOOK_SECONDS):
            if self._scheduled:
                self._aside("schedule", lambda: schedule.fall_due(self._exchange))
            names += [name for name in look.due(self._exchange) if name not in names]
        if time.monotonic() >= self._chores_at:
            self._chores_at = time.monotonic() + CHORE_SECONDS
            self._aside("maintain", self._chores)
        return names

    def _aside(self, step: str, act: Callable[[], object]) -> None:
        """Do something that keeps nothing from being delivered when it fails."""
        try:
            act()
        except Exception:
            log.exception("%s failed and is tried again at its next turn", step, extra={"event": "engine.error"})
            self._exchange.metrics.errors.labels(step).inc()

    def _chores(self) -> None:
        self._exchange.once.catch_up(self._exchange.store)
        if self._turn("chores", CHORE_SECONDS):
            maintain.sweep(self._exchange)
        maintain.refresh(self._exchange)

    def _turn(self, name: str, every: float) -> bool:
        with self._exchange.store.writing() as connection:
            return partitions.turn(connection, f"turn:{name}", self._exchange.owner, timedelta(seconds=every * 0.9))
