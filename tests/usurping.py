"""Another hub that has the lease of a store, as it may when the server has ended the session of whoever had it before."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from sqlalchemy import text

from hub.store import Store
from hub.store.dialect import LEASE_KEY
from tests.commands import until

_LOCKS = "FROM pg_locks WHERE locktype = 'advisory' AND objid = :key AND objsubid = 1"
_OURS = f"{_LOCKS} AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"


@contextmanager
def usurped(store: Store) -> Iterator[None]:
    """End the sessions that hold the lease, and hold it alone until the block ends: it waits in line, so that nobody is quicker."""
    told = {"key": LEASE_KEY}
    with ThreadPoolExecutor(1) as threads, store.engine.connect() as other, store.engine.connect() as looking:
        taking = threads.submit(other.execute, text("SELECT pg_advisory_lock(:key)"), told)
        until(lambda: looking.scalar(text(f"SELECT count(*) {_OURS} AND NOT granted"), told), "the other hub waits in line")
        looking.execute(text(f"SELECT pg_terminate_backend(pid) {_OURS} AND granted"), told)
        taking.result()
        try:
            yield
        finally:
            other.execute(text("SELECT pg_advisory_unlock(:key)"), told)
