"""Decides how far a reader is, and which rows come next: always by (time, key), never by counting rows."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeAlias
from uuid import UUID

import sqlalchemy as sa

from adapters.database.reading import LOCAL, Unfit
from adapters.database.tables import Shape
from hub.errors import SourceFailed

#: A row stamped further ahead than this never carries the cursor along: everything later would be taken for old.
_AHEAD = timedelta(days=1)
_FORMS = (
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d %H:%M:%S.%f",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%d",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d",
    "%Y%m%d%H%M%S",
    "%Y%m%d",
)


RawRow: TypeAlias = Sequence[Any]
#: Reads a page: the rows, and by position those the driver could not give.
Fetch: TypeAlias = Callable[[sa.Select[Any]], tuple[Sequence[RawRow], dict[int, Unfit]]]


@dataclass(frozen=True, slots=True)
class Position:
    """A row's place in the order (time, key), in the driver's own types."""

    time: Any
    key: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Walked:
    """One page of a walk."""

    rows: Sequence[RawRow]
    unread: dict[int, Unfit]
    place: Position | None


def text_form(text: str) -> tuple[datetime, str] | None:
    """Return a time that is kept as text, and the form it is written in; None when it is no time."""
    for form in _FORMS:
        try:
            return datetime.strptime(text.strip(), form), form  # noqa: DTZ007 - Beijing time without saying so
        except ValueError:
            continue
    return None


def earlier(value: Any, overlap: int | timedelta) -> Any:
    """Return where to resume: that much before `value`, in the same type. A time that cannot be understood stays as it is."""
    if isinstance(value, int | Decimal):
        return value - overlap if isinstance(overlap, int) else value
    span = overlap if isinstance(overlap, timedelta) else timedelta(seconds=overlap)
    if isinstance(value, datetime):
        return value - span
    if isinstance(value, date):
        return (datetime(value.year, value.month, value.day) - span).date()  # noqa: DTZ001
    found = text_form(value) if isinstance(value, str) else None
    return value if found is None else (found[0] - span).strftime(found[1])


def carries(value: Any) -> bool:
    """Tell whether the cursor may stand on this time: not on a text that is no time, not on a moment far ahead."""
    if isinstance(value, str):
        found = text_form(value)
        return found is not None and carries(found[0])
    if isinstance(value, datetime):
        return value <= datetime.now(value.tzinfo or LOCAL).replace(tzinfo=value.tzinfo) + _AHEAD
    if isinstance(value, date):
        return value <= (datetime.now(LOCAL) + _AHEAD).date()
    return True


@dataclass(frozen=True, slots=True)
class Keyset:
    """Pages over a table in the order (time, key). `time` may be absent: then the key alone is the order."""

    shape: Shape
    time: str | None
    key: tuple[str, ...]
    limit: int
    where: tuple[sa.ColumnElement[bool], ...] = ()

    @property
    def order(self) -> list[sa.ColumnElement[Any]]:
        """Return the columns of the order."""
        return self.shape.elements([*([self.time] if self.time else []), *self.key])

    def page(self, after: Position | None, since: Any = None) -> sa.Select[Any]:
        """Return the statement of the next page: strictly after a position, or from `since` on (that time included)."""
        conditions = [*self.where]
        if after is not None:
            conditions += _after(self.order, [*([after.time] if self.time else []), *after.key])
        elif since is not None and self.time:
            conditions.append(self.shape.element(self.time) >= since)
        return sa.select(*self.shape.clause.c).where(*conditions).order_by(*self.order).limit(self.limit)

    def positions(self) -> tuple[int, tuple[int, ...]]:
        """Return where time (-1: none) and key stand in a row."""
        names = [column.name for column in self.shape.columns]
        time = names.index(self.shape.column(self.time).name) if self.time else -1
        return time, tuple(names.index(self.shape.column(part).name) for part in self.key)

    def at(self, row: RawRow) -> Position:
        """Return a row's place."""
        time, key = self.positions()
        return Position(row[time] if time >= 0 else None, tuple(row[place] for place in key))

    def further(self, place: Position | None, rows: Sequence[RawRow]) -> Position | None:
        """Return the last place the cursor may stand on; the look back over late commits never moves it backwards."""
        time, _ = self.positions()
        last = next((row for row in reversed(rows) if time < 0 or carries(row[time])), None)
        if last is None:
            return place
        found = self.at(last)
        return place if place is not None and _before(found.time, place.time) else found

    def missing_order(self) -> list[sa.ColumnElement[bool]]:
        """Return the conditions under which a row has no place in the order, so that no page would ever show it."""
        names = [*([self.time] if self.time else []), *self.key]
        found: list[sa.ColumnElement[bool]] = [
            self.shape.element(name).is_(None) for name in names if self.shape.column(name).nullable
        ]
        if self.time and self.shape.column(self.time).textual:
            found.append(self.shape.element(self.time) == "")
        return found


def walk(keyset: Keyset, start: Position | None, overlap: int | timedelta, fetch: Fetch) -> Iterator[Walked]:
    """Yield pages from `overlap` before `start` on, and how far the cursor may go after each.

    Within one walk no row comes twice. A later walk reads the last `overlap` again, and always the last time value again: rows
    committed late, or in the same second, stand behind the cursor.
    """
    since = earlier(start.time, overlap) if start else None
    after, place = None, start
    while True:
        rows, unread = fetch(keyset.page(after, since))
        if not rows:
            return
        last = keyset.at(rows[-1])
        if last == after:
            raise SourceFailed(
                "HUB-S-309", f"{keyset.shape.title}: the same page came twice; its key is not unique or its time is cut"
            )
        after, place = last, keyset.further(place, rows)
        yield Walked(rows, unread, place)
        if len(rows) < keyset.limit:
            return


def _before(one: Any, other: Any) -> bool:
    try:
        return bool(one < other)
    except TypeError:  # the column's type changed since the cursor was written
        return False


def _after(columns: Sequence[sa.ColumnElement[Any]], values: Sequence[Any]) -> Iterator[sa.ColumnElement[bool]]:
    """(a, b) > (x, y) written out, since few databases use an index for the short form; a >= x helps them find it."""
    yield columns[0] >= values[0]
    yield sa.or_(
        *(
            sa.and_(*(columns[before] == values[before] for before in range(place)), columns[place] > values[place])
            for place in range(len(columns))
        )
    )


# --- the cursor ---

_TAGS: Mapping[str, type] = {"datetime": datetime, "date": date, "decimal": Decimal, "uuid": UUID}


def dump(positions: Mapping[str, Position]) -> str:
    """Return the compound cursor: JSON, kind → [time, key parts…]."""
    told = {kind: [_told(place.time), *map(_told, place.key)] for kind, place in positions.items()}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))


def load(cursor: str | None) -> dict[str, Position]:
    """Return the positions a cursor holds. Raises SourceFailed HUB-S-308 for one that is not ours."""
    try:
        told: dict[str, list[Any]] = json.loads(cursor) if cursor else {}
        return {kind: Position(_meant(time), tuple(map(_meant, key))) for kind, (time, *key) in told.items()}
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise SourceFailed("HUB-S-308", "the cursor was not written by this adapter", misconfigured=True) from error


def _told(value: Any) -> Any:
    if isinstance(value, datetime):
        return {"datetime": value.isoformat(" ")}
    if isinstance(value, date):
        return {"date": value.isoformat()}
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    tag = next((name for name, kind in _TAGS.items() if isinstance(value, kind)), None)
    return {tag: str(value)} if tag else value


def _meant(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    [(tag, text)] = value.items()
    if tag == "bytes":
        return bytes.fromhex(text)
    kind: Any = _TAGS[tag]
    return kind.fromisoformat(text) if tag in ("datetime", "date") else kind(text)
