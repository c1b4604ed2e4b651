"""Decides who works on a store on a server: a lock of a session of its own, taken again when the server has ended the session."""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from hub.errors import LeaseHeld

log = logging.getLogger(__name__)

#: Seconds between two looks at the session.
LOOK_SECONDS = 3.0


class ServerLease:
    """An advisory lock. `how`: empty, or `_shared` with others of its kind; `holder` tells who has it."""

    def __init__(self, engine: Engine, key: int, how: str, holder: Callable[[], str | None]) -> None:
        self._engine, self._how, self._holder = engine, how, holder
        self._told = {"key": key, "who": f"hub {socket.gethostname()} pid {os.getpid()}"}
        self._connection: Connection | None = None
        self._over = threading.Event()
        self._lost = False

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold it until the block ends. Raises LeaseHeld HUB-T-110 at once when somebody else has it."""
        self._connection = self._taken()
        watching = threading.Thread(target=self._watch, name="lease", daemon=True)
        watching.start()
        try:
            yield
        finally:
            self._over.set()
            watching.join(LOOK_SECONDS)  # not for ever for a server that does not answer
            self._let_go()

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
        while not self._over.wait(LOOK_SECONDS):
            try:
                self._look()
            except LeaseHeld as error:  # its owner has taken the partitions too: what we still write is refused
                if not self._lost:
                    log.error("the lease was lost: %s", error, extra={"event": "lease.lost"})
                self._lost = True
            except SQLAlchemyError as error:  # also that all connections are in use
                log.warning("the lease cannot be looked at: %s", type(error).__name__, extra={"event": "lease.unseen"})

    def _look(self) -> None:
        if self._connection is not None:
            try:
                self._connection.execute(text("SELECT 1"))
                self._connection.commit()
                return
            except DBAPIError:
                _drop(self._connection)
                self._connection = None
        self._connection, self._lost = self._taken(), False
        log.warning("the server had ended the lease, it was taken again", extra={"event": "lease.retaken"})

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
