"""Decides how one feed is read: pages by (time, key), a look back over late commits, a fault for every row that is no record."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, ClassVar, Protocol

import sqlalchemy as sa

from adapters.database.children import attach
from adapters.database.clock import database_now
from adapters.database.connection import Connections, steadily
from adapters.database.documents import document_reader
from adapters.database.failures import Missing, Trouble, source_failed, source_missing, trouble
from adapters.database.fields import Value
from adapters.database.keyset import Keyset, RawRow
from adapters.database.options import Feed
from adapters.database.reading import LOCAL, Reading, Rows, Unfit, digest, read, unpadded
from adapters.database.tables import Shape, Tables
from adapters.database.targets import flagged
from adapters.database.walking import Bookmark, Now, walk
from adapters.kit.answer import as_text, value_at
from hub.errors import SourceFailed
from hub.model import Operation, Record, Unreadable

#: Tries to read a page row by row while somebody changes its rows.
_TRIES = 3
_NO_ORDER = "has no time or no key, so nothing can tell when it changed"


@dataclass(frozen=True, slots=True)
class Found:
    """What one page of a feed yielded, and how far the cursor may go (None: where it was)."""

    records: tuple[Record, ...]
    faults: tuple[Unreadable, ...]
    place: Bookmark | None


class Reader(Protocol):
    """Reads one feed."""

    def pages(self, start: Bookmark | None) -> Iterator[Found]: ...


@contextmanager
def telling(where: str) -> Iterator[None]:
    """Turn what the database and the set-up raise into SourceFailed."""
    try:
        yield
    except Missing as error:
        raise source_missing(error) from error
    except sa.exc.DBAPIError as error:
        raise source_failed(error, where) from error


class Feeding:
    """What every way of reading a feed needs: the table's shape, and rows turned into records.

    `only`: the columns that matter, where the others need not be readable.
    """

    noun: ClassVar[str] = "feed"

    def __init__(
        self, kind: str, feed: Feed, connections: Connections, tables: Tables, max_field: int, only: Sequence[str] = ()
    ) -> None:
        self.kind, self.feed, self.connections, self.tables = kind, feed, connections, tables
        self.where = f"{self.noun} {kind}"
        with telling(self.where):
            shape = tables.query(feed.query) if feed.query else tables.shape(*(feed.table or ()))
            shape = shape.only(only) if only else shape
            self.shape = replace(shape, asked=self.asked(shape))
        self.where += f" ({shape.title})"
        with telling(self.where):
            self.conditions = tuple(flagged(self.shape, name, _listed(value)) for name, value in feed.match.items())
            self.how = _reading(feed, self.shape, max_field)
            self.key = [self.shape.column(name).shown for name in feed.key]
            self._revision = self.shape.column(feed.revision).shown if feed.revision else None
            self._deleted = self.shape.column(feed.deleted.column).shown if feed.deleted else None
        asked = [label.name for label in self.shape.asked]
        self.names = [*(column.shown for column in self.shape.columns), *asked]
        self._read = [*(column.name for column in self.shape.columns), *asked]
        self.hidden = self._protocol()
        self._key_places = [self.names.index(name) for name in self.key]

    def asked(self, shape: Shape) -> tuple[sa.Label[Any], ...]:
        """Return what the database is asked about each row beside its columns: nothing, where the feed is read for its data."""
        return ()

    def _protocol(self) -> frozenset[str]:
        """Return the columns a claim writes: they are not part of the data, or every claim would make a new revision."""
        claim = self.feed.claim
        if claim is None:
            return frozenset()
        with telling(self.where):
            written = {self.shape.column(name).shown for name in (claim.status, claim.token, claim.time, claim.error) if name}
        return frozenset(written - {*self.key, self._revision, self._deleted})

    def fetch(self, statement: sa.Select[Any], order: Sequence[sa.ColumnElement[Any]]) -> tuple[Sequence[RawRow], dict[int, Unfit]]:
        """Read a page; also return, by position, the rows the driver could not give. `order` identifies a row."""
        with telling(self.where):
            try:
                return self.connections.rows(statement)[1], {}
            except (sa.exc.DBAPIError, ValueError) as error:
                _only_data(error)
                return self._one_by_one(statement, order)

    def _one_by_one(
        self, statement: sa.Select[Any], order: Sequence[sa.ColumnElement[Any]]
    ) -> tuple[Sequence[RawRow], dict[int, Unfit]]:
        """Read a page again, row by row, since the driver could not give one of its values."""
        for _ in range(_TRIES):
            _, places = self.connections.rows(statement.with_only_columns(*order))
            unread: dict[int, Unfit] = {}
            rows = [self._alone(index, place, order, unread) for index, place in enumerate(places)]
            if None not in rows:
                return [row for row in rows if row is not None], unread
        raise SourceFailed("HUB-S-305", f"{self.where}: rows change while they are read one by one")

    def _alone(self, index: int, place: RawRow, order: Sequence[sa.ColumnElement[Any]], unread: dict[int, Unfit]) -> RawRow | None:
        """Return the row at this place in the order, None when it has moved on since; what cannot be read goes into `unread`."""
        condition = (column == value for column, value in zip(order, place, strict=True))
        try:
            found = self.connections.rows(sa.select(*self.shape.selected).where(*condition).limit(1))[1]
            return found[0] if found else None
        except (sa.exc.DBAPIError, ValueError) as error:
            _only_data(error)
            unread[index] = Unfit("HUB-S-315", "the driver cannot read one of its values")
            known = dict(zip((column.key for column in order), place, strict=True))
            return [known.get(name) for name in self._read]

    def records(
        self, rows: Sequence[RawRow], unread: dict[int, Unfit] | None = None
    ) -> tuple[tuple[Record, ...], tuple[Unreadable, ...]]:
        """Turn raw rows into records; what is broken becomes a fault. `unread`: rows the driver could not give, by position."""
        records, faults = self.judged(rows, unread or {})
        return tuple(records.values()), tuple(fault for _, fault in sorted(faults.items()))

    def judged(self, rows: Sequence[RawRow], unread: dict[int, Unfit]) -> tuple[dict[int, Record], dict[int, Unreadable]]:
        """Return each raw row's record or fault, by its position in the page."""
        found = read(self.names, rows, self.how)
        found.broken.update(unread)
        for name in self.hidden:
            for data in found.data:
                del data[name]
        with telling(self.where):
            if self.feed.children:
                attach(self.feed, self.connections, self.tables, found, self.key, replace(self.how, documents={}))
            names = self._named(found)
            records = {at: self._record(name, found.data[at]) for at, name in names.items()}
        return records, {at: Unreadable(self.kind, self._key_of(rows[at]), *unfit.told) for at, unfit in found.broken.items()}

    def _named(self, found: Rows) -> dict[int, str]:
        """Return what each sound row's record is called; a row without such a name is broken."""
        places = self.feed.record_key
        if places is None:
            return {at: _joined(data[name] for name in self.key) for at, data in self._sound(found)}
        for at, data in self._sound(found):
            if not all(self.text(data, place) for place in places):
                found.broken[at] = Unfit("HUB-S-319", f"has nothing at {' or '.join(places)}, which is to be its record's key")
        return {at: _joined(self.text(data, place) for place in places) for at, data in self._sound(found)}

    def _sound(self, found: Rows) -> list[tuple[int, dict[str, Any]]]:
        return [(at, data) for at, data in enumerate(found.data) if at not in found.broken]

    def text(self, data: Mapping[str, Any], place: str) -> str | None:
        """Return what stands in a column, or at a place inside the document it holds: `content.Body.SN`."""
        column, _, inside = (place, "", "") if place in data else place.partition(".")
        found = data.get(self.shape.column(column).shown)
        return as_text(value_at(found, tuple(inside.split("."))) if inside else found)

    def _key_of(self, row: RawRow) -> str:
        return self.shown_key([row[place] for place in self._key_places])

    def shown_key(self, parts: Sequence[Any]) -> str:
        """Return a key as the driver gives it as text, for a fault."""
        named = zip(self.key, parts, strict=True)
        return "|".join("?" if part is None else str(unpadded(part) if name in self.how.padded else part) for name, part in named)

    def _record(self, key: str, data: dict[str, Any]) -> Record:
        revision = data[self._revision] if self._revision else None
        return Record(self.kind, key, digest(data) if revision is None else str(revision), data, self._operation(data))

    def _operation(self, data: dict[str, Any]) -> Operation:
        if self._deleted is None or self.feed.deleted is None:
            return Operation.UPDATE
        value = data[self._deleted]
        gone = value in self.feed.deleted.values or str(value) in map(str, self.feed.deleted.values)
        return Operation.DELETE if gone else Operation.UPDATE


def _joined(parts: Iterable[Any]) -> str:
    return "|".join(map(str, parts))


def _only_data(error: sa.exc.DBAPIError | ValueError) -> None:
    """Raise again what is not about a value the driver cannot give."""
    if isinstance(error, sa.exc.DBAPIError) and trouble(error) is not Trouble.DATA:
        raise error


def _reading(feed: Feed, shape: Shape, max_field: int) -> Reading:
    return Reading(
        text_bytes=feed.text_bytes,
        base64=frozenset(shape.column(name).shown for name in feed.base64),
        bits=shape.bits,
        padded=shape.padded,
        max_field=max_field,
        documents={
            (shown := shape.column(name).shown): document_reader(shown, document, max_field)
            for name, document in feed.documents.items()
        },
    )


def _listed(value: Value | tuple[Value, ...]) -> tuple[Value, ...]:
    return value if isinstance(value, tuple) else (value,)


def _time(connections: Connections) -> datetime:
    with connections.reading() as connection:
        return database_now(connection).replace(tzinfo=LOCAL)


class TimedReader:
    """Reads what is new or changed by a time or version column, as far as that went when the reader was made."""

    def __init__(self, feeding: Feeding) -> None:
        self._feeding = feeding
        feed = feeding.feed
        with telling(feeding.where):
            self._lost = Keyset(feeding.shape, feed.time, feed.key, feed.page).missing_order()
            placed = (*feeding.conditions, *(sa.not_(lost) for lost in self._lost))
            keyset = Keyset(feeding.shape, feed.time, feed.key, feed.page, placed)
            time = steadily(lambda: _time(feeding.connections))  # asked first: what is stamped later is ahead of it
            self._now = Now(time, feeding.fetch(keyset.latest(), ())[0][0][0] if feed.time else None)
            self._keyset = keyset.until(self._now.latest) if feed.time else keyset

    def pages(self, start: Bookmark | None) -> Iterator[Found]:
        """Yield pages from `overlap` before `start` on; last, the rows that have no place in the order."""
        feeding, order, place = self._feeding, self._keyset.order, start
        for walked in walk(self._keyset, self._now, start, feeding.feed.overlap, lambda page: feeding.fetch(page, order)):
            place = walked.place
            yield Found(*feeding.records(walked.rows, walked.unread), place)
        yield from self._orphans(place)

    def _orphans(self, place: Bookmark | None) -> Iterator[Found]:
        """Yield the rows without time or key as faults, at most one page of them a run."""
        if not self._lost:
            return
        feeding = self._feeding
        lost = (*feeding.conditions, sa.or_(*self._lost))
        statement = sa.select(*feeding.shape.elements(feeding.feed.key)).where(*lost).limit(self._keyset.limit)
        with telling(feeding.where):
            rows = feeding.connections.rows(statement)[1]
        keys = [feeding.shown_key(row) for row in rows]
        if keys:
            yield Found((), tuple(Unreadable(feeding.kind, key, "HUB-S-313", _NO_ORDER) for key in keys), place)
