"""The `database` adapter: reads and writes exchange tables (前置库) and any other table, over SQLAlchemy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar

from adapters.database.checking import check
from adapters.database.claiming import ClaimingReader
from adapters.database.columns import compare, place_of, remember, remembered
from adapters.database.confirming import ConfirmingReader
from adapters.database.connection import Connections
from adapters.database.feeds import Feeding, Reader, TimedReader
from adapters.database.inventory import entries
from adapters.database.options import DatabaseOptions
from adapters.database.sending import Sender
from adapters.database.tables import Tables
from adapters.database.verdicts import verdict_pages
from adapters.database.walking import Bookmark, dump, load
from hub.errors import SourceFailed
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
        """Yield every feed's pages, in declared order. Raises SourceFailed.

        How far each feed is read is decided before the first of them is, the last feed's first: what is written meanwhile waits for
        the next run, so that no row goes ahead of one that was written before it into a feed declared before its own.
        """
        positions = load(cursor)
        tables = Tables(self._connections, self._options.schema_)  # looked up for every run: tables change
        readers = {kind: self._reader(kind, tables, remembered(positions, kind)) for kind in reversed(self._options.feeds)}
        for kind in self._options.feeds:
            with self._waiting_behind(kind):
                opened = readers[kind]
                if isinstance(opened, SourceFailed):
                    raise opened
                for found in opened.reader.pages(positions.get(kind)):
                    positions |= {kind: found.place} if found.place is not None else {}
                    positions[place_of(kind)] = opened.columns
                    yield Page(found.records, dump(positions), found.faults)

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

    def _reader(self, kind: str, tables: Tables, before: dict[str, str]) -> _Opened | SourceFailed:
        """Return the reader of a feed, or why there is none: the feeds before it are read all the same."""
        try:
            feeding = Feeding(kind, self._options.feeds[kind], self._connections, tables, self._options.max_field)
            compare(before, feeding.shape, feeding.where)
            return _Opened(_reader(feeding), remember(feeding.shape, feeding.hidden))
        except SourceFailed as failed:
            return failed

    @contextmanager
    def _waiting_behind(self, kind: str) -> Iterator[None]:
        """Say with a feed's failure which feeds are not read because of it: their rows may be about rows of this one."""
        try:
            yield
        except SourceFailed as failed:
            feeds = list(self._options.feeds)
            behind = feeds[feeds.index(kind) + 1 :]
            if not behind:
                raise
            message = f"{failed.message}; the feeds behind it wait: {', '.join(behind)}"
            raise SourceFailed(failed.code, message, misconfigured=failed.misconfigured) from failed


@dataclass(frozen=True, slots=True)
class _Opened:
    """A feed that can be read, and its columns as the cursor remembers them."""

    reader: Reader
    columns: Bookmark


def _reader(feeding: Feeding) -> Reader:
    """Return how this feed is read: by claim, by confirmation, or else by time."""
    if feeding.feed.claim is not None:
        return ClaimingReader(feeding, feeding.feed.claim)
    if feeding.feed.confirm is not None:
        return ConfirmingReader(feeding, feeding.feed.confirm)
    return TimedReader(feeding)
