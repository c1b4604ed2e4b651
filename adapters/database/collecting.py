"""Decides how one pass goes over all feeds: how far each is read, which wait for one that cannot be, what the cursor remembers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from adapters.database.claiming import ClaimingReader
from adapters.database.columns import changed, compare, place_of, remember, remembered
from adapters.database.confirming import ConfirmingReader
from adapters.database.connection import Connections
from adapters.database.feeds import Feeding, Reader, TimedReader
from adapters.database.options import DatabaseOptions
from adapters.database.tables import Tables
from adapters.database.walking import Bookmark, dump, load
from hub.errors import SourceFailed
from hub.model import Page


@dataclass(frozen=True, slots=True)
class _Opened:
    """A feed that can be read, and its columns as the cursor remembers them."""

    reader: Reader
    columns: Bookmark


class Collecting:
    """One pass. It looks every table up anew: tables change."""

    def __init__(self, options: DatabaseOptions, connections: Connections) -> None:
        self._options, self._connections = options, connections
        self._tables = Tables(connections, options.schema_)

    def pages(self, cursor: str | None) -> Iterator[Page]:
        """Yield every feed's pages, in declared order. Raises SourceFailed.

        How far each feed is read is decided before the first of them is, the last feed's first: what is written meanwhile waits for
        the next run, so that no row goes ahead of one that was written before it into a feed declared before its own.
        """
        positions = load(cursor)
        opened = {kind: self._opened(kind, remembered(positions, kind)) for kind in reversed(self._options.feeds)}
        untold = cursor is None  # whoever reads from the beginning agrees to every table as it is, however far this pass comes
        if untold:
            positions |= {place_of(kind): one.columns for kind, one in opened.items() if isinstance(one, _Opened)}
        for kind, one in ((kind, opened[kind]) for kind in self._options.feeds):
            with self._waiting_behind(kind):
                if isinstance(one, SourceFailed):
                    raise one
                untold = untold or positions.get(place_of(kind)) != one.columns
                positions[place_of(kind)] = one.columns
                for found in one.reader.pages(positions.get(kind)):
                    positions |= {kind: found.place} if found.place is not None else {}
                    untold = False
                    yield Page(found.records, dump(positions), found.faults)
                if untold:
                    untold = False
                    yield Page((), dump(positions))

    def changed(self, cursor: str) -> Sequence[str]:
        """Return which feeds' tables lost a column or have one of another kind since that cursor, in words. Raises SourceFailed."""
        positions, found = load(cursor), list[str]()
        for kind in self._options.feeds:
            try:
                feeding = self._feeding(kind)
            except SourceFailed as failed:
                if not failed.misconfigured:
                    raise
                continue  # there is no such table: reading it says so
            if changes := changed(remembered(positions, kind), feeding.shape):
                found.append(f"{feeding.where}: {'; '.join(changes)}")
        return found

    def _feeding(self, kind: str) -> Feeding:
        return Feeding(kind, self._options.feeds[kind], self._connections, self._tables, self._options.max_field)

    def _opened(self, kind: str, before: dict[str, str]) -> _Opened | SourceFailed:
        """Return a feed that can be read, or why it cannot: the feeds before it are read all the same."""
        try:
            feeding = self._feeding(kind)
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


def _reader(feeding: Feeding) -> Reader:
    """Return how this feed is read: by claim, by confirmation, or else by time."""
    if feeding.feed.claim is not None:
        return ClaimingReader(feeding, feeding.feed.claim)
    if feeding.feed.confirm is not None:
        return ConfirmingReader(feeding, feeding.feed.confirm)
    return TimedReader(feeding)
