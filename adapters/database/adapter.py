"""The `database` adapter: reads and writes exchange tables (前置库) and any other table, over SQLAlchemy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from adapters.database.checking import check
from adapters.database.collecting import Collecting
from adapters.database.connection import Connections
from adapters.database.inventory import entries
from adapters.database.options import DatabaseOptions
from adapters.database.sending import Sender
from adapters.database.tables import Tables
from adapters.database.verdicts import verdict_pages
from hub.model import Entry, Guarantees, Message, Page, Receipt, VerdictPage, Window
from hub.ports import Options, Outcome


class DatabaseAdapter:
    """One database: feeds are read from it, endpoints are tables written to."""

    name: ClassVar[str] = "database"
    options: ClassVar[type[Options]] = DatabaseOptions

    def __init__(self, options: Options, *, system: str) -> None:
        assert isinstance(options, DatabaseOptions)
        self._options = options
        self._system = system
        self._connections = Connections(options)
        self._sender = Sender(options, self._connections)
        self._spoken = Tables(self._connections, options.schema_)  # what feedback reads: polled often, and looked at once

    def __repr__(self) -> str:
        return f"DatabaseAdapter({self._system!r})"

    def guarantees(self) -> Guarantees:
        """Return what holds for every endpoint; idempotent when each of them is upserted."""
        upserted = all(endpoint.mode == "upsert" for endpoint in self._options.endpoints.values())
        return Guarantees(
            idempotent=upserted, findable=True, ordered_batch=True, batch=self._options.batch, in_flight=self._options.pool
        )

    def endpoints(self) -> frozenset[str]:
        """Return the names of the tables written."""
        return frozenset(self._options.endpoints)

    def kinds(self) -> frozenset[str]:
        """Return the names of the feeds."""
        return frozenset(self._options.feeds)

    def read(self, cursor: str | None) -> Iterator[Page]:
        """Yield every feed's pages, in declared order. Raises SourceFailed."""
        return Collecting(self._options, self._connections).pages(cursor)

    def changed(self, cursor: str) -> Sequence[str]:
        """Return which feeds' tables lost a column or have one of another kind since that cursor, in words. Raises SourceFailed."""
        return Collecting(self._options, self._connections).changed(cursor)

    def send(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        """Write a batch in one transaction; what is guilty alone is refused alone."""
        return self._sender.send(messages)

    def find(self, message: Message) -> Receipt | None:
        """Tell whether the message's row is there, in the message's version. Raises a Failure when nobody can tell."""
        return self._sender.find(message)

    def verdicts(self, cursor: str | None) -> Iterator[VerdictPage]:
        """Yield what the far side's tables say about rows it took. Raises SourceFailed."""
        return verdict_pages(self._options, self._connections, self._spoken, cursor)

    def inventory(self, window: Window) -> Iterator[Entry]:
        """Yield key and digest of every row written in the window. Raises SourceFailed."""
        return entries(self._options, self._connections, window)

    def check(self) -> None:
        """Log in and compare every declared table, column and right with the database; changes nothing. Raises a Failure."""
        check(self._options, self._connections)

    def close(self) -> None:
        """Close every connection."""
        self._connections.close()
