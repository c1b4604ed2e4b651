"""Decides how the rows of one operation become records, page by page, and where reading resumes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import orjson
from lxml import etree
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from adapters.kit.answer import Answer, json_selector
from adapters.kit.answers import compiled
from adapters.soap.call import taken
from adapters.soap.options import Feed, NextField, NextTime
from adapters.soap.reply import Reply
from adapters.soap.session import Session
from adapters.soap.values import OF_FEED
from hub.errors import Failure, InDoubt, Misconfigured, Retryable, SourceFailed
from hub.model import Json, Operation, Page, Record, Unreadable

#: Reading changes nothing over there, so a page whose answer was lost is asked for again.
_AGAIN = Retrying(
    stop=stop_after_attempt(max_attempt_number=3),
    wait=wait_random_exponential(multiplier=0.2, max=5.0),
    retry=retry_if_exception_type(exception_types=(Retryable, InDoubt)),
    reraise=True,
)


#: How many rows of one cursor value are remembered; with more of them, some are read again, which is harmless.
_REMEMBERED = 500


@dataclass(frozen=True, slots=True)
class Place:
    """Where one feed stands: the cursor it asks with, the page of that cursor, and how not to read equal rows for ever.

    known: digests of rows already read whose cursor value is `cursor` · seen: the largest value on the pages so far · latest:
    digests of the rows that have it.
    """

    cursor: str
    page: int = 1
    known: tuple[str, ...] = ()
    seen: str = ""
    latest: tuple[str, ...] = ()


class FeedReader:
    """One compiled feed."""

    def __init__(self, kind: str, feed: Feed, session: Session) -> None:
        """Compile. Raises ValueError."""
        self._kind = kind
        self._feed = feed
        self._session = session
        self._exchange = session.exchange(feed, OF_FEED)
        self._deleted = None if feed.deleted is None else compiled(feed.deleted)
        self._keys = (feed.key,) if isinstance(feed.key, str) else feed.key

    def start(self) -> Place:
        """Return the place of a feed that was never read."""
        return Place(self._feed.start)

    def pages(self, place: Place) -> Iterator[tuple[Page, Place]]:
        """Yield pages and the place right after each; the page's own cursor is left to the caller. Raises SourceFailed."""
        asked: set[Place] = set()
        more = True
        while more and place not in asked:  # a far side that leads in circles is left
            asked.add(place)
            rows, after, more = self._page(place)
            page = self._records(rows, place)
            if page.records or page.faults or after.cursor != place.cursor:
                yield page, after
            place = after

    def _page(self, place: Place) -> tuple[list[Json], Place, bool]:
        try:
            reply = _AGAIN.copy()(self._ask, place)
        except Failure as failure:
            misconfigured = isinstance(failure, Misconfigured)
            raise SourceFailed(failure.code, failure.message, misconfigured=misconfigured, hint=failure.hint) from failure
        rows = self._rows(reply)
        return rows, *self._next(reply, rows, place)

    def _ask(self, place: Place) -> Reply:
        scope = self._session.scope(None, cursor=self._since(place.cursor), page=place.page)
        reply = self._session.ask(self._exchange, scope)
        taken(self._exchange.judge(reply))
        return reply

    def _rows(self, reply: Reply) -> list[Json]:
        found = self._exchange.reader.found(reply, self._feed.rows)
        if found is None or found == []:
            return []
        if not isinstance(found, list) or any(not isinstance(row, etree._Element | Mapping) for row in found):
            raise SourceFailed("HUB-S-501", f"{self._kind}: rows: does not lead to rows", misconfigured=True)
        return [row_of(row, self._feed) if isinstance(row, etree._Element) else dict(row) for row in found]

    def _next(self, reply: Reply, rows: list[Json], place: Place) -> tuple[Place, bool]:
        """Return the place after this page and whether there is more to ask for now."""
        tracked = self._tracked(rows, place)
        if self._feed.pages is not None and place.page < self._page_count(reply):
            return replace(tracked, page=place.page + 1), True
        following = self._feed.next
        if isinstance(following, NextTime):
            # With pages the answer to one cursor is complete; without, the far side may have cut it.
            return Place(
                tracked.seen, known=tracked.latest[:_REMEMBERED]
            ), self._feed.pages is None and tracked.seen != place.cursor
        text = self._exchange.reader.text(reply, following.path) if isinstance(following, NextField) else None
        return Place(text or place.cursor), bool(rows) and bool(text) and text != place.cursor

    def _tracked(self, rows: list[Json], place: Place) -> Place:
        """Return the place with the largest cursor value so far, and the rows that have it."""
        if not isinstance(self._feed.next, NextTime):
            return place
        values = [(_text(row.get(self._feed.next.time)), row) for row in rows]
        start = place.seen or place.cursor
        seen = max([start, *(value for value, _ in values if value)], key=_rank)
        before = () if seen != start else place.latest if place.seen else place.known
        fresh = [_digest(row) for value, row in values if value == seen]
        return replace(place, seen=seen, latest=(*before, *(digest for digest in fresh if digest not in before)))

    def _since(self, cursor: str) -> str:
        """Return the cursor to ask with: earlier by the overlap, if there is one and the cursor is a time."""
        following = self._feed.next
        if not isinstance(following, NextTime) or following.overlap is None or cursor == self._feed.start:
            return cursor
        try:
            moment = datetime.strptime(cursor, following.format)  # noqa: DTZ007 - shifted and written back, its zone never matters
        except ValueError:
            raise SourceFailed(
                "HUB-S-504", f"{self._kind}: next.format does not fit {following.time}", misconfigured=True
            ) from None
        return (moment - timedelta(seconds=following.overlap)).strftime(following.format)

    def _page_count(self, reply: Reply) -> int:
        text = (self._exchange.reader.text(reply, self._feed.pages or "") or "").strip()
        if not text:
            return 1
        if not text.isascii() or not text.isdigit():
            raise SourceFailed("HUB-S-501", f"{self._kind}: pages: does not lead to a number", misconfigured=True)
        return int(text)

    def _records(self, rows: list[Json], place: Place) -> Page:
        records, faults = [], []
        known = frozenset(place.known)
        for number, row in enumerate(rows, 1):
            if known and _digest(row) in known:
                continue
            texts = [_text(row.get(field)) for field in self._keys]
            if all(texts):
                records.append(Record(self._kind, "|".join(texts), self._revision(row), row, self._operation(row)))
            else:
                where = f"page {place.page} row {number}"
                faults.append(Unreadable(self._kind, where, "HUB-S-502", f"{where} lacks {' or '.join(self._keys)}"))
        return Page(tuple(records), None, tuple(faults))

    def _operation(self, row: Mapping[str, Json]) -> Operation:
        gone = self._deleted is not None and self._deleted(Answer(200, select=json_selector(row)))
        return Operation.DELETE if gone else Operation.UPDATE

    def _revision(self, row: Mapping[str, Json]) -> str:
        told = _text(row.get(self._feed.revision)) if self._feed.revision else ""
        return told or _digest(row)


def _digest(row: Mapping[str, Json]) -> str:
    return hashlib.sha256(orjson.dumps(row, option=orjson.OPT_SORT_KEYS)).hexdigest()[:24]


def _rank(cursor: str) -> tuple[int, str]:
    """Order cursors: numbers by size, times and other texts by their letters."""
    return (len(cursor), cursor) if cursor.isdigit() else (0, cursor)


def _text(value: Json) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)


def row_of(row: etree._Element, feed: Feed) -> dict[str, Json]:
    """Return a row's values by local name, from its attributes or its child elements; namespaces are dropped."""
    if feed.fields == "attributes":
        return {etree.QName(name).localname: value for name, value in row.attrib.items()}
    return _fields(row, feed.lists)


def _fields(element: etree._Element, lists: frozenset[str]) -> dict[str, Json]:
    found: dict[str, list[Json]] = {}
    for child in element.iterchildren(tag=etree.Element):
        value: Any = _fields(child, lists) if len(child) else child.text or ""
        found.setdefault(etree.QName(child).localname, []).append(value)
    return {name: values if len(values) > 1 or name in lists else values[0] for name, values in found.items()}
