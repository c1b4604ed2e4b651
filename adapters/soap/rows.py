"""Decides how the rows of a listing are read, page by page, and where reading resumes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import orjson
from lxml import etree
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from adapters.kit.moments import carries, time_in
from adapters.soap.call import taken
from adapters.soap.options import Listing, NextField, NextTime
from adapters.soap.placeholders import OF_FEED
from adapters.soap.reply import Reply
from adapters.soap.session import Session
from hub.errors import Failure, InDoubt, Misconfigured, Retryable, SourceFailed
from hub.model import Json

Row = Mapping[str, Json]
#: Reading changes nothing over there, so a page whose answer was lost is asked for again.
_AGAIN = Retrying(
    stop=stop_after_attempt(max_attempt_number=3),
    wait=wait_random_exponential(multiplier=0.2, max=5.0),
    retry=retry_if_exception_type(exception_types=(Retryable, InDoubt)),
    reraise=True,
)


#: How many rows of one cursor value are remembered; with more of them, some are read again, which is harmless.
_REMEMBERED = 500
#: Most answers in a row with hardly anything left to read.
_MOST_TRICKLE = 100


@dataclass(frozen=True, slots=True)
class Place:
    """Where one listing stands: the cursor it asks with, the page of that cursor, and how not to read equal rows for ever.

    known: digests of rows already read whose cursor value is `cursor` · seen: the largest value on the pages so far · latest:
    digests of the rows that have it.
    """

    cursor: str
    page: int = 1
    known: tuple[str, ...] = ()
    seen: str = ""
    latest: tuple[str, ...] = ()


def dumped(places: Mapping[str, Place]) -> str:
    """Return the cursor that holds the places of several listings."""
    return orjson.dumps({name: asdict(place) for name, place in places.items()}).decode()


def loaded(cursor: str | None) -> dict[str, Place]:
    """Return the places a cursor holds. Raises SourceFailed HUB-S-503 when it is not one of ours."""
    if cursor is None:
        return {}
    try:
        return {name: _place(**place) for name, place in orjson.loads(cursor).items()}
    except (orjson.JSONDecodeError, AttributeError, TypeError) as error:
        raise SourceFailed("HUB-S-503", "the stored cursor is not one of this adapter", misconfigured=True) from error


def _place(cursor: str, page: int, known: list[str], seen: str, latest: list[str]) -> Place:
    return Place(cursor, page, tuple(known), seen, tuple(latest))


@dataclass(frozen=True, slots=True)
class Rows:
    """The new rows of one page: where the page stands, and where reading goes on after it."""

    rows: Sequence[Row]
    place: Place
    after: Place


class Trickle:
    """Tells when what is left to read is only what comes in meanwhile: such a list has no end, and the next run reads on.

    A far side that cuts its answers gives full ones as long as there is a backlog.
    """

    def __init__(self) -> None:
        self._largest = self._number = 0

    def ended(self, rows: int, fresh: int) -> bool:
        """Note an answer; tell whether the last `_MOST_TRICKLE` had one new row each, or fewer rows than one before them."""
        self._number = 0 if fresh > 1 and rows >= self._largest else self._number + 1
        self._largest = max(self._largest, rows)
        return self._number >= _MOST_TRICKLE


class RowReader:
    """One compiled listing."""

    def __init__(self, name: str, listing: Listing, session: Session) -> None:
        """Compile. Raises ValueError."""
        self._name = name
        self._listing = listing
        self._session = session
        self._exchange = session.exchange(listing, OF_FEED)

    def pages(self, place: Place | None) -> Iterator[Rows]:
        """Yield pages with something new from `place` on (None: the start), until there is no more now. Raises SourceFailed."""
        place = self._began(place)
        asked: set[Place] = set()
        before: list[Row] = []
        more, trickle = True, Trickle()
        while more and place not in asked:  # a far side that leads in circles is left
            asked.add(place)
            rows, after, more = self._page(place)
            if place.page > 1 and rows and rows == before:
                reason = f"{self._name}: page {place.page} holds what the page before it held"
                raise SourceFailed("HUB-S-506", reason, misconfigured=True, hint="does the far side heed $page?")
            before = rows
            fresh = _without(rows, frozenset(place.known))
            # a far side that says how many pages there are ends by itself
            more = more and (self._listing.pages is not None or not trickle.ended(len(rows), len(fresh)))
            if fresh or after.cursor != place.cursor:
                yield Rows(fresh, place, after)
            place = after

    def _page(self, place: Place) -> tuple[list[Row], Place, bool]:
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

    def _rows(self, reply: Reply) -> list[Row]:
        found = self._exchange.reader.found(reply, self._listing.rows)
        if found is None or found == []:
            return []
        if not isinstance(found, list) or any(not isinstance(row, etree._Element | Mapping) for row in found):
            raise SourceFailed("HUB-S-501", f"{self._name}: rows: does not lead to rows", misconfigured=True)
        return [row_of(row, self._listing) if isinstance(row, etree._Element) else dict(row) for row in found]

    def _next(self, reply: Reply, rows: list[Row], place: Place) -> tuple[Place, bool]:
        """Return the place after this page and whether there is more to ask for now."""
        tracked = self._tracked(rows, place)
        if rows and self._listing.pages is not None and place.page < self._page_count(reply):  # an empty page is the last
            return replace(tracked, page=place.page + 1), True
        following = self._listing.next
        if isinstance(following, NextTime):
            # With pages the answer to one cursor is complete; without, the far side may have cut it.
            cut = following.size is None or len(rows) >= following.size
            more = self._listing.pages is None and tracked.seen != place.cursor and cut
            if not more and self._listing.pages is None and self._full(rows, following):
                reason = f"{self._name}: more rows share one time than fit one answer"
                raise SourceFailed("HUB-S-505", reason, misconfigured=True, hint="ask with $page and say pages:, or raise size")
            return Place(tracked.seen, known=tracked.latest[:_REMEMBERED]), more
        text = self._exchange.reader.text(reply, following.path) if isinstance(following, NextField) else None
        return Place(text or place.cursor), bool(rows) and bool(text) and text != place.cursor

    def _tracked(self, rows: list[Row], place: Place) -> Place:
        """Return the place with the largest cursor value so far, and the rows that have it.

        The start is where to ask from, no row's value: rows are not measured by it. Rows that never move the place may come each
        time; they are remembered with it.
        """
        if not isinstance(self._listing.next, NextTime):
            return place
        ranked = self._ranked(rows, self._listing.next)
        begun = _rank(place.seen or place.cursor, self._listing.next.format)
        measures = [] if begun.text == self._listing.start else [begun]
        seen = max([*measures, *(rank for rank, _ in ranked if rank.carries)], default=begun)
        before = () if seen.text != begun.text else place.latest if place.seen else place.known
        fresh = [digest(row) for rank, row in ranked if rank.text == seen.text or rank.astray(seen)]
        return replace(place, seen=seen.text, latest=(*before, *(one for one in fresh if one not in before)))

    @staticmethod
    def _ranked(rows: list[Row], following: NextTime) -> list[tuple[Rank, Row]]:
        return [(_rank(text_of(row.get(following.time)), following.format), row) for row in rows]

    def _full(self, rows: list[Row], following: NextTime) -> bool:
        """Whether rows of this answer's last time may have been cut off: none were where rows far ahead follow."""
        if following.size is None or len(rows) < following.size:
            return False
        return not any(rank.ahead for rank, _ in self._ranked(rows, following))

    def _began(self, place: Place | None) -> Place:
        """Return where to go on; one that stands far ahead is left, for everything since would look old."""
        following = self._listing.next
        if place is not None and isinstance(following, NextTime) and _rank(place.cursor, following.format).ahead:
            return Place(self._listing.start)
        return place or Place(self._listing.start)

    def _since(self, cursor: str) -> str:
        """Return the cursor to ask with: earlier by the overlap, if there is one and the cursor is a time."""
        following = self._listing.next
        if not isinstance(following, NextTime) or following.overlap is None or cursor == self._listing.start:
            return cursor
        try:
            moment = datetime.strptime(cursor, following.format)  # noqa: DTZ007 - shifted and written back, its zone never matters
            return (moment - timedelta(seconds=following.overlap)).strftime(following.format)
        except ValueError:
            reason = f"{self._name}: next.format does not fit {following.time}"
            raise SourceFailed("HUB-S-504", reason, misconfigured=True) from None
        except OverflowError:  # it stands at the beginning of all times
            return cursor

    def _page_count(self, reply: Reply) -> int:
        text = (self._exchange.reader.text(reply, self._listing.pages or "") or "").strip()
        if not text:
            return 1
        if not text.isascii() or not text.isdigit():
            raise SourceFailed("HUB-S-501", f"{self._name}: pages: does not lead to a number", misconfigured=True)
        return int(text)


def _without(rows: list[Row], known: frozenset[str]) -> list[Row]:
    return [row for row in rows if digest(row) not in known] if known else rows


def digest(row: Row) -> str:
    """Return a short digest of a row's values, whatever their order."""
    return hashlib.sha256(orjson.dumps(row, option=orjson.OPT_SORT_KEYS)).hexdigest()[:24]


@dataclass(frozen=True, slots=True, order=True)
class Rank:
    """How far a cursor value is: any time is beyond any number, and that beyond any other text, so no stray text outranks them."""

    kind: int
    size: float
    text: str
    ahead: bool = field(default=False, compare=False)

    @property
    def carries(self) -> bool:
        """Whether the cursor may stand there."""
        return bool(self.text) and not self.ahead

    def astray(self, seen: Rank) -> bool:
        """Whether the cursor went on without it, and always will."""
        return self.ahead or (bool(self.text) and self.kind < seen.kind)


def _rank(text: str, form: str) -> Rank:
    time = time_in(text, form)
    if time is not None:
        return Rank(2, time.timestamp(), text, not carries(time))
    return Rank(1, len(text), text) if text.isdigit() else Rank(0, 0, text)


def text_of(value: Json) -> str:
    """Return a value as text; nothing for None."""
    return value if isinstance(value, str) else "" if value is None else str(value)


def row_of(row: etree._Element, listing: Listing) -> dict[str, Json]:
    """Return a row's values by local name, from its attributes or its child elements; namespaces are dropped.

    Of two attributes of one name, that without namespace is the value: the other one, like xsi:type, speaks of the element.
    """
    if listing.fields == "attributes":
        named = sorted(row.attrib.items(), key=lambda pair: not str(pair[0]).startswith("{"))
        return {etree.QName(name).localname: value for name, value in named}
    return _fields(row, listing.lists)


def _fields(element: etree._Element, lists: frozenset[str]) -> dict[str, Json]:
    found: dict[str, list[Json]] = {}
    for child in element.iterchildren(tag=etree.Element):
        value: Any = _fields(child, lists) if len(child) else child.text or ""
        found.setdefault(etree.QName(child).localname, []).append(value)
    return {name: values if len(values) > 1 or name in lists else values[0] for name, values in found.items()}
