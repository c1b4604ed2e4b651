"""Decides what time it is for one of several workers: the store's, learned at each beat and carried on by a clock nobody sets."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from hub.engine.exchange import utc_now
from hub.store import dialect
from hub.store.ticks import ticks


class StoreClock:
    """The clock of the store, as well as it is known: better than the shortest way there and back. Until it is learned: our own."""

    def __init__(self, ours: Callable[[], datetime] = utc_now, ticks: Callable[[], float] = ticks) -> None:
        self._ours, self._ticks = ours, ticks
        self._offset: float | None = None  # of the store's clock from the ticks

    def __call__(self) -> datetime:
        """Return the time as an aware UTC datetime."""
        if self._offset is None:
            return self._ours()
        return datetime.fromtimestamp(self._ticks() + self._offset, UTC)

    def learn(self, connection: Connection) -> None:
        """Ask the store. What is believed stays as far as the answer allows: a slow one tells less than a quick one before it."""
        before = self._ticks()
        told = dialect.now(connection).timestamp()
        least, most = told - self._ticks(), told - before
        self._offset = (least + most) / 2 if self._offset is None else min(max(self._offset, least), most)

    @property
    def ahead(self) -> timedelta:
        """By how much the clock of this machine is before the store's; negative: behind it."""
        return self._ours() - self()
