"""Decides how the items of an answer become records, and how their times order them."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import orjson

from adapters.kit.answer import Answer, as_text, json_selector, steps, value_at
from adapters.kit.answers import compiled
from adapters.kit.moments import EPOCH, carries, moment, written
from adapters.rest.listings import Listing, NextTime
from hub.errors import SourceFailed
from hub.model import Operation, Record, Unreadable


@dataclass(frozen=True, slots=True)
class Row:
    """One item: a record, or why it is none; and its time when the feed goes by time."""

    key: str
    record: Record | None
    fault: Unreadable | None
    time: datetime | None = None

    @property
    def mark(self) -> str:
        """What two readings of the same version have in common."""
        return f"{self.key} {self.record.revision if self.record else ''}"


class Items:
    """Reads the items of one listing."""

    def __init__(self, kind: str, listing: Listing) -> None:
        self._kind = kind
        self._key = steps(listing.identity)
        self._revision = steps(listing.revision) if listing.revision else None
        self._data = steps(listing.data) if listing.data else ()
        self._deleted = compiled(listing.gone) if listing.gone else None
        self._next = listing.next if isinstance(listing.next, NextTime) else None
        self._start = listing.start

    def rows(self, items: list[Any]) -> list[Row]:
        """Return one row per item, in the order given."""
        return [self._row(item, at) for at, item in enumerate(items)]

    def split(self, rows: list[Row]) -> tuple[tuple[Record, ...], tuple[Unreadable, ...]]:
        """Return the records and the faults among rows."""
        records = tuple(row.record for row in rows if row.record)
        return records, tuple(row.fault for row in rows if row.fault)

    def clock(self, next_: NextTime) -> Clock:
        """Return how this feed's times and cursors work."""
        return Clock(next_, self._start)

    def _row(self, item: Any, at: int) -> Row:
        data = value_at(item, self._data)
        key = as_text(value_at(item, self._key))
        if not isinstance(data, Mapping) or not key:
            return self._unreadable(f"item-{at}-{_digest(item)}", "is no object" if key else "has no key")
        time = None
        if self._next is not None:
            try:
                time = moment(as_text(value_at(item, steps(self._next.time))), self._next.format)
            except ValueError:
                return self._unreadable(key, f"has no readable time at {self._next.time}")
        return Row(key, Record(self._kind, key, self._revised(item, data), data, self._operation(item)), None, time)

    def _unreadable(self, key: str, reason: str) -> Row:
        return Row(key, None, Unreadable(self._kind, key, "HUB-S-403", f"the item {reason}"))

    def _revised(self, item: Any, data: Mapping[str, Any]) -> str:
        told = as_text(value_at(item, self._revision)) if self._revision else None
        return told or _digest(data)

    def _operation(self, item: Any) -> Operation:
        gone = self._deleted is not None and self._deleted(Answer(200, select=json_selector(item)))
        return Operation.DELETE if gone else Operation.UPDATE


def _digest(value: Any) -> str:
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()[:32]


class Clock:
    """Cursors made of (time, key): where to start, and which is the latest."""

    def __init__(self, next_: NextTime, start: str | None) -> None:
        self._next = next_
        self._start = start

    def kept(self, cursor: str | None) -> str | None:
        """Return the cursor a pass begins with: none when it stands far ahead, for everything since would look old."""
        return cursor if cursor and carries(self._read(cursor)[0]) else None

    def start(self, cursor: str | None) -> str | None:
        """Return what `$cursor` is at the start of a pass: a little before the last time, for rows that came in late."""
        if not cursor:
            return self._start
        time = self._read(cursor)[0]
        with contextlib.suppress(OverflowError):  # it stands at the beginning of all times
            time -= timedelta(seconds=self._next.overlap)
        return written(time, self._next.format)

    def exactly(self, cursor: str | None) -> str | None:
        """Return what `$cursor` is within a pass: the last time itself, rows of equal time come again."""
        return written(self._read(cursor)[0], self._next.format) if cursor else self._start

    def ordered(self, rows: list[Row], *, cut: bool) -> list[Row]:
        """Return rows by (time, key). A far side that cuts its answer must give the oldest first, or rows would be lost."""
        times = [row.time for row in rows if row.time]
        if cut and any(earlier > later for earlier, later in pairwise(times)):
            raise SourceFailed(
                "HUB-S-405", "the rows are not oldest first", misconfigured=True, hint="let the far side sort by time"
            )
        return sorted(rows, key=lambda row: (row.time or EPOCH, row.key))

    def after(self, rows: list[Row], cursor: str | None) -> str | None:
        """Return the cursor after these rows; it never goes back, and never along with a time far ahead."""
        return self.reached([row for row in rows if row.time and carries(row.time)], cursor)

    def reached(self, rows: list[Row], position: str | None) -> str | None:
        """Return how far a pass has come with these rows, wherever their times are."""
        marks = [(row.time, row.key) for row in rows if row.time]
        if position:
            marks.append(self._read(position))
        if not marks:
            return position
        time, key = max(marks)
        return orjson.dumps([time.isoformat(), key]).decode()

    @staticmethod
    def _read(cursor: str) -> tuple[datetime, str]:
        try:
            time, key = orjson.loads(cursor)
            return datetime.fromisoformat(time), str(key)
        except (ValueError, TypeError):
            raise SourceFailed("HUB-S-404", "the cursor kept for this feed is no time and key", misconfigured=True) from None
