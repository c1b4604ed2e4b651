"""Carries a wish with a key out once, whichever process it reaches, and ends its claim also when the store goes away meanwhile."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import TypeAlias

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from hub.store import Store, wishes, workers
from hub.store.wishes import Claim, KeyBusy

log = logging.getLogger(__name__)

#: Raises where it must not go on: asked in each transaction.
Allowed: TypeAlias = Callable[[Connection], None]


class Once:
    """What one process does under keys; it outlives reloads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # one by one: the same wish may come twice at once
        self._unwritten: Callable[[Connection], None] | None = None  # how the last claim ends, while the store is away

    def carry_out(self, store: Store, clock: Callable[[], datetime], claim: Claim, act: Callable[[Allowed], str]) -> str:
        """Return what `act` answers, or what was answered when that was done before under the same key.

        `act` calls what it is handed in each transaction that writes. Raises KeyReused HUB-X-116 for the same key with another
        wish, KeyBusy HUB-X-127 while another process carries it out. Done once more is only what a process that has ended left
        undone, or did not write down: what was dealt with is no longer dead, and is left alone.
        """
        with self._lock:
            self._catch_up(store)
            try:
                before = store.write(lambda connection: _claimed(connection, claim, clock()))
                if before is not None:
                    return before
                answer = act(partial(wishes.require, held=claim))
            except BaseException:
                self._end(store, partial(wishes.release, held=claim))
                raise
            self._end(store, partial(wishes.remember, held=claim, answer=answer, now=clock()))
            return answer

    def catch_up(self, store: Store) -> None:
        """End the claim whose end could not be written, which others would wait for as long as this process lives.

        Raises SQLAlchemyError while the store is away.
        """
        if self._lock.acquire(blocking=False):  # else a wish is being carried out, and that began with it
            try:
                self._catch_up(store)
            finally:
                self._lock.release()

    def _catch_up(self, store: Store) -> None:
        if self._unwritten is not None:
            with suppress(KeyBusy):  # it was written and not heard of, or somebody else has taken it over
                store.write(self._unwritten)
            self._unwritten = None

    def _end(self, store: Store, ending: Callable[[Connection], None]) -> None:
        try:
            store.write(ending)
        except SQLAlchemyError as error:
            self._unwritten = ending
            log.warning("the end of a keyed request waits for the store: %s", type(error).__name__, extra={"event": "key.kept"})


def _claimed(connection: Connection, claim: Claim, now: datetime) -> str | None:
    return wishes.claim(connection, claim, {one.name for one in workers.living(connection)}, now)
