"""Decides how far a reader is: what the cursor remembers, when rows are read again, and when nothing can have changed.

A walk reads from `overlap` before the latest time the walk before it began with, because rows are committed late and several share
a second. Broken off, it goes on exactly where it was. Over a table that has been quiet for `overlap` no walk is made at all.

What time it is, the database says: no walk looks back from a moment that was still to come, since rows stamped earlier are written
after it. Rows of such a time are read again by every walk until it has come.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeAlias
from uuid import UUID

import sqlalchemy as sa

from adapters.database.keyset import TIED, Keyset, Position, RawRow
from adapters.database.moments import earlier, over
from adapters.database.reading import Unfit
from adapters.kit.moments import carries, latest_sane
from hub.errors import SourceFailed

#: Reads a page: the rows, and by position those the driver could not give.
Fetch: TypeAlias = Callable[[sa.Select[Any]], tuple[Sequence[RawRow], dict[int, Unfit]]]


@dataclass(frozen=True, slots=True)
class Bookmark:
    """Where a walk stands.

    `mark`: the latest time there was when the walk began, and not ahead of it; the next walk looks back from there. `at`: the last
    row read, None once the walk came to its end. `count`: rows seen since `overlap` before the mark. `settled`: the mark was older
    than `overlap` when the walk began, so that no more rows of its time can come.
    """

    mark: Any
    count: int = 0
    settled: bool = False
    at: Position | None = None


@dataclass(frozen=True, slots=True)
class Walked:
    """One page of a walk, and the bookmark after it."""

    rows: Sequence[RawRow]
    unread: dict[int, Unfit]
    place: Bookmark


@dataclass(frozen=True, slots=True)
class Now:
    """The database's time when a walk began, aware, and the latest time there was in the keyset then.

    `latest` is None when it has no rows or no time, or where nobody will walk on from there.
    """

    time: datetime
    latest: Any


def walk(keyset: Keyset, now: Now, start: Bookmark | None, overlap: int | timedelta, fetch: Fetch) -> Iterator[Walked]:
    """Yield pages, oldest first; within one walk no row comes twice. Raises what `fetch` raises, and SourceFailed HUB-S-309."""
    if start is not None and start.at is not None:
        yield from _pages(keyset, start, None, overlap, fetch)
        return
    if start is not None and not carries(earlier(start.mark, overlap), now.time):
        start = None  # the database's clock was set back: what was written since may be stamped with any time before the mark
    top = _top(keyset, now, start, fetch)
    mark = start.mark if start and top is None else top
    if start is not None and _unchanged(keyset, start, top, overlap, fetch):
        return
    since = earlier(start.mark, overlap) if start else None
    yield from _pages(keyset, Bookmark(mark, settled=over(mark, overlap, now.time)), since, overlap, fetch)


def _pages(keyset: Keyset, place: Bookmark, since: Any, overlap: int | timedelta, fetch: Fetch) -> Iterator[Walked]:
    floor, (time, _) = earlier(place.mark, overlap), keyset.positions()
    while True:
        found, broken = fetch(keyset.page(place.at, since, ahead=1))
        rows = found[: keyset.limit]
        broken = {at: unfit for at, unfit in broken.items() if at < keyset.limit}
        last = keyset.at(rows[-1]) if len(found) > keyset.limit else None
        if last is not None and last == place.at:
            raise SourceFailed(
                "HUB-S-309", f"{keyset.shape.title}: the same page came twice; its key is not unique or its time is cut"
            )
        if last is not None and keyset.at(found[-1]).time == last.time:
            rows, broken = _with_tied(keyset, last, rows, broken, fetch)
        count = place.count + _since(floor, [row[time] for row in rows] if time >= 0 else [])
        if rows or place.at is not None:
            place = replace(place, count=count, at=last)
            yield Walked(rows, broken, place)
        if last is None:
            return


def _with_tied(
    keyset: Keyset, last: Position, rows: Sequence[RawRow], broken: dict[int, Unfit], fetch: Fetch
) -> tuple[Sequence[RawRow], dict[int, Unfit]]:
    """Add to a page the rows the database takes for its last one's equals: the next page begins behind all of them.

    Keys that differ in case, accents or blanks are one under many collations. Raises SourceFailed HUB-S-309 for more than TIED.
    """
    alike, unread = fetch(keyset.tied(last))
    if len(alike) > TIED:
        raise SourceFailed(
            "HUB-S-309", f"{keyset.shape.title}: more than {TIED} rows share one time and key; the key is not unique"
        )
    known = [tuple(row) for row in rows[-len(alike) :]] if alike else []
    more = [at for at, row in enumerate(alike) if tuple(row) not in known]
    faults = {len(rows) + place: unread[at] for place, at in enumerate(more) if at in unread}
    return [*rows, *(alike[at] for at in more)], {**broken, **faults}


def _top(keyset: Keyset, now: Now, start: Bookmark | None, fetch: Fetch) -> Any:
    """Return the latest time that has come: a mistyped year, or a clock ahead, must not make what is written next look old."""
    latest = now.latest
    if latest is None or carries(latest, now.time):
        return latest
    known = latest_sane(start.mark if start else None, now.time) or latest_sane(latest, now.time)
    limit = known or latest_sane(_single(keyset.earliest(), fetch), now.time)
    return None if limit is None else _single(keyset.latest(limit), fetch)


def _unchanged(keyset: Keyset, start: Bookmark, top: Any, overlap: int | timedelta, fetch: Fetch) -> bool:
    """Tell whether nothing was added since: same latest time, same number of rows, and too long ago for late commits.

    A row deleted while another came late would go unseen until the next change; then the walk looks back from the same mark.
    """
    if not start.settled or top != start.mark or top is None:
        return False
    return bool(_single(keyset.count(earlier(start.mark, overlap)), fetch) == start.count)


def _single(statement: sa.Select[Any], fetch: Fetch) -> Any:
    rows, _ = fetch(statement)
    return rows[0][0]


def _since(floor: Any, times: Sequence[Any]) -> int:
    """Count the times from `floor` on; they come in order, so most pages are decided by their ends."""
    if not times or _before(times[-1], floor):
        return 0
    return len(times) if not _before(times[0], floor) else sum(1 for time in times if not _before(time, floor))


def _before(one: Any, other: Any) -> bool:
    try:
        return bool(one < other)
    except TypeError:  # no time, or a column whose type changed since the cursor was written
        return False


# --- the cursor ---

_TAGS: Mapping[str, type] = {"datetime": datetime, "date": date, "decimal": Decimal, "uuid": UUID}


def dump(places: Mapping[str, Bookmark]) -> str:
    """Return the compound cursor: JSON, kind → [mark, count, settled] and, in the middle of a walk, [… , time, key parts…]."""
    told = {kind: [_told(place.mark), place.count, place.settled, *_at(place)] for kind, place in places.items()}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))


def _at(place: Bookmark) -> list[Any]:
    return [_told(place.at.time), *map(_told, place.at.key)] if place.at else []


def load(cursor: str | None) -> dict[str, Bookmark]:
    """Return the bookmarks a cursor holds. Raises SourceFailed HUB-S-308 for one that is not ours."""
    try:
        told: dict[str, list[Any]] = json.loads(cursor) if cursor else {}
        return {kind: _bookmark(*place) for kind, place in told.items()}
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise SourceFailed("HUB-S-308", "the cursor was not written by this adapter", misconfigured=True) from error


def _bookmark(mark: Any, count: int, settled: bool, *at: Any) -> Bookmark:
    place = Position(_meant(at[0]), tuple(map(_meant, at[1:]))) if at else None
    return Bookmark(_meant(mark), count, settled, place)


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
