"""Decides who works on a store on a server: a lock of a session of its own, taken again when the server has ended the session.

Whoever finds it taken by another takes nothing new, and has lost it when that stays so.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from hub.errors import LeaseHeld
from hub.store.lease import Lease
from hub.store.ticks import ticks

log = logging.getLogger(__name__)

#: Seconds between two looks at the session, and between two tries to take the lease again while somebody else has it.
LOOK_SECONDS, AGAIN_SECONDS = 3.0, 0.5
#: Seconds after which it is lost: a hub that is itself refused holds it for a moment, too.
LOST_SECONDS = 3.0


class ServerLease(Lease):
    """An advisory lock. `how`: empty, or `_shared` with others of its kind; `holder` tells who has it."""

    def __init__(self, engine: Engine, key: int, how: str, holder: Callable[[], str | None]) -> None:
        self._engine, self._how, self._holder = engine, how, holder
        self._told = {"key": key, "who": f"hub {socket.gethostname()} pid {os.getpid()}"}
        self._connection: Connection | None = None
        self._looking = threading.Lock()
        self._over = threading.Event()
        self._since = 0.0  # when it was refused first

    @contextmanager
    def held(self) -> Iterator[Lease]:
        """Hold it until the block ends. Raises LeaseHeld HUB-T-110 at once when somebody else has it."""
        self._connection = self._taken()
        watching = threading.Thread(target=self._watch, name="lease", daemon=True)
        watching.start()
        try:
            yield self
        finally:
            self._over.set()
            watching.join(LOOK_SECONDS)  # not for ever for a server that does not answer
            self._let_go()

    def look(self) -> None:
        """Take the lease again if the server has ended its session. Raises SQLAlchemyError when neither can be seen."""
        with self._looking:
            if self.lost or self._alive():
                return
            try:
                self._connection = self._taken()
            except LeaseHeld as error:
                self._refuse(error)
            else:
                self.since, self.refused = ticks(), False
                log.warning("the server had ended the lease, it was taken again", extra={"event": "lease.retaken"})

    def _refuse(self, error: LeaseHeld) -> None:
        """Note that somebody else has it, and after a while that it is lost. What was taken before has epochs of its own."""
        now = time.monotonic()
        if not self.refused:
            self._since, self.refused = now, True
            log.warning("nothing new is taken: %s", error, extra={"event": "lease.refused", "error_code": error.code})
        elif now - self._since >= LOST_SECONDS:
            self.lost = error
            log.error("the lease was lost: %s", error, extra={"event": "lease.lost", "error_code": error.code})

    def _taken(self) -> Connection:
        connection = self._engine.connect()
        try:
            connection.execute(text("SELECT set_config('application_name', :who, false)"), self._told)
            if not connection.scalar(text(f"SELECT pg_try_advisory_lock{self._how}(:key)"), self._told):
                raise LeaseHeld("HUB-T-110", f"another hub works on this store ({self._holder() or 'it has just begun or ended'})")
            connection.commit()
        except BaseException:
            _drop(connection)
            raise
        return connection

    def _watch(self) -> None:
        while not self.lost and not self._over.wait(AGAIN_SECONDS if self.refused else LOOK_SECONDS):
            try:
                self.look()
            except SQLAlchemyError as error:  # also that all connections are in use
                log.warning("the lease cannot be looked at: %s", type(error).__name__, extra={"event": "lease.unseen"})

    def _alive(self) -> bool:
        """Tell whether the session of the lease still is; forget one that is not."""
        if self._connection is None:
            return False
        try:
            self._connection.execute(text("SELECT 1"))
            self._connection.commit()
        except DBAPIError:
            _drop(self._connection)
            self._connection = None
        return self._connection is not None

    def _let_go(self) -> None:
        if self._connection is None:
            return
        with suppress(DBAPIError):  # the server has ended this connection, and the lease with it
            self._connection.execute(text(f"SELECT pg_advisory_unlock{self._how}(:key)"), self._told)
            self._connection.commit()
        _drop(self._connection)


def _drop(connection: Connection) -> None:
    """Close a connection for good: its name is not for whoever gets it next."""
    with suppress(DBAPIError):
        connection.invalidate()
    with suppress(DBAPIError):
        connection.close()
