"""Decides how pages of records are read from an HTTP interface, and where reading resumes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urljoin, urlsplit

import orjson
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from adapters.kit.answer import Answer, json_tree, steps, value_at
from adapters.kit.answers import Judge
from adapters.rest.items import Items, Row
from adapters.rest.listings import Feedback, Listing, NextField, NextLink, NextPage, NextTime
from adapters.rest.options import RestOptions
from adapters.rest.session import Session
from adapters.rest.turning import Numbers, Tokens
from hub.errors import Failure, InDoubt, Misconfigured, Retryable, SourceFailed
from hub.model import Page

_NEXT = re.compile(r"<([^>]*)>\s*;[^,]*\brel\s*=\s*\"?next\b", re.IGNORECASE)
_TRIES = 3


def read_all(readers: Mapping[str, Reader], cursor: str | None) -> Iterator[Page]:
    """Read feed after feed; the cursor is a JSON object with one cursor per kind."""
    state = _state(cursor)
    for kind, reader in readers.items():
        for page in reader.pages(state.get(kind)):
            state[kind] = page.cursor
            yield Page(page.records, orjson.dumps(state).decode(), page.faults)


def _state(cursor: str | None) -> dict[str, str | None]:
    if cursor is None:
        return {}
    try:
        state = orjson.loads(cursor)
    except orjson.JSONDecodeError:
        state = None
    if not isinstance(state, dict):
        raise SourceFailed("HUB-S-404", "the cursor kept for this source is not one of the rest adapter", misconfigured=True)
    return state


@dataclass(frozen=True, slots=True)
class Look:
    """One request of a feed by time: from where, which page, what of it is known already, and the pages of one time so far."""

    since: str | None
    page: int
    numbers: Numbers
    known: frozenset[str] = frozenset()

    def values(self) -> dict[str, Any]:
        """Return what the placeholders mean."""
        return {"page": self.page, **({} if self.since is None else {"cursor": self.since})}


class Reader:
    """One listing, compiled."""

    def __init__(self, kind: str, feed: Listing, options: RestOptions, session: Session) -> None:
        self._feed = feed
        self._name = f"{'feedback' if isinstance(feed, Feedback) else 'feeds'}.{kind}"
        self._session = session
        self._call = session.compile(feed)
        self._judge = Judge([*feed.answers, *options.answers])
        self._items = Items(kind, feed)
        self._base_url = options.base_url
        self._path = steps(feed.items)
        self._check_paging(feed)
        self._again = Retrying(
            stop=stop_after_attempt(max_attempt_number=_TRIES),
            wait=wait_random_exponential(multiplier=0.2, max=5.0),
            retry=retry_if_exception_type(exception_types=(Retryable, InDoubt)),
            reraise=True,
        )

    def _check_paging(self, feed: Listing) -> None:
        paged = "page" in self._call.names
        if isinstance(feed.next, NextPage) and not paged:
            raise ValueError(f"{feed.path}: next by page needs $page in the request")
        if isinstance(feed.next, NextField) and "cursor" not in self._call.names:
            raise ValueError(f"{feed.path}: next by field needs $cursor in the request")
        if isinstance(feed.next, NextTime) and feed.next.oldest_first and paged and feed.next.size is None:
            raise ValueError(f"{feed.path}: next by time with $page needs size")

    def pages(self, cursor: str | None) -> Iterator[Page]:
        """Yield this feed's pages, oldest first; each page's cursor is the feed's own. Raises SourceFailed."""
        next_ = self._feed.next
        if isinstance(next_, NextField):
            return self._by_field(next_, cursor)
        if isinstance(next_, NextPage):
            return self._by_page(next_, cursor)
        if isinstance(next_, NextLink):
            return self._by_link(cursor)
        if isinstance(next_, NextTime):
            return self._by_time(next_, cursor) if next_.oldest_first else self._by_time_in_pages(next_, cursor)
        return self._whole()

    def _whole(self) -> Iterator[Page]:
        rows = self._rows(self._ask({}))
        if rows:
            yield self._page(rows, "")

    def _by_field(self, next_: NextField, cursor: str | None) -> Iterator[Page]:
        """The last page's token is kept and that page read again next time: far sides give no token for «from here on»."""
        token, tokens = cursor or self._feed.start, Tokens()
        while True:
            tokens.asks(token or "")
            answer = self._ask({} if token is None else {"cursor": token})
            rows, following = self._rows(answer), answer.select(next_.path)
            tokens.sees(rows)
            ended = not following or following == token
            if rows:
                yield self._page(rows, (token or "") if ended else following or "")
            if ended:
                return
            token = following

    def _by_page(self, next_: NextPage, cursor: str | None) -> Iterator[Page]:
        """A full page is read again next time too: only the page behind it shows that this one was not given in its place."""
        number, numbers = self._number(cursor, next_.first), Numbers(last_again=next_.last_again)
        while True:
            rows = self._rows(self._ask({"page": number}))
            if numbers.ended(rows):
                return
            if rows:
                yield self._page(rows, str(number))
            if len(rows) < next_.size:
                return
            number += 1

    def _by_link(self, cursor: str | None) -> Iterator[Page]:
        url, tokens = cursor or "", Tokens()
        while True:
            tokens.asks(url)
            answer = self._ask({}, url)
            following = self._following(answer, url)
            rows = self._rows(answer)
            tokens.sees(rows)
            if rows:
                yield self._page(rows, following or url)
            if not following:
                return
            url = following

    def _by_time(self, next_: NextTime, cursor: str | None) -> Iterator[Page]:
        """Look again from the last time on until the answer is not full; rows of that time come again and are known.

        Rows of the overlap are held until the cursor moves, so that reading cut off after any page goes on behind it.
        """
        clock = self._items.clock(next_)
        cursor = clock.kept(cursor)
        look, position = self._look(next_, clock.start(cursor)), None
        held: list[Row] = []
        while True:
            rows = self._rows(self._ask(look.values()))
            full = next_.size is not None and len(rows) >= next_.size and not look.numbers.ended(rows)
            new = [row for row in clock.ordered(rows, cut=full) if row.mark not in look.known]
            held, position, moved = held + new, clock.reached(new, position), clock.after(new, cursor)
            if held and (moved != cursor or not full):
                yield self._page(held, moved or "")
                held, cursor = [], moved
            if not full:
                return
            look = self._next_look(next_, look, clock.exactly(position) if position else look.since, rows, new)

    @staticmethod
    def _look(next_: NextTime, since: str | None, known: frozenset[str] = frozenset()) -> Look:
        return Look(since, next_.first, Numbers(last_again=next_.last_again), known)

    def _next_look(self, next_: NextTime, look: Look, since: str | None, rows: list[Row], new: list[Row]) -> Look:
        """Go on at the last time; while that stands still, turn pages if the far side has any."""
        marks = frozenset(row.mark for row in rows)
        if since != look.since:
            return self._look(next_, since, marks)
        if "page" in self._call.names:
            return replace(look, page=look.page + 1, known=look.known | marks)
        if new:
            return self._look(next_, since, marks)
        reason = "more rows share one time than fit one answer"
        raise SourceFailed("HUB-S-405", reason, misconfigured=True, hint="raise size, or page with $page")

    def _by_time_in_pages(self, next_: NextTime, cursor: str | None) -> Iterator[Page]:
        """Rows in any order: no page may move the cursor before the last one is read."""
        clock = self._items.clock(next_)
        cursor = clock.kept(cursor)
        look, latest = self._look(next_, clock.start(cursor)), cursor
        held: list[Row] = []
        while (rows := self._rows(self._ask(look.values()))) and not look.numbers.ended(rows):
            if held:
                yield self._page(held, cursor or "")
            held, latest = clock.ordered(rows, cut=False), clock.after(rows, latest)
            look = replace(look, page=look.page + 1)
            if "page" not in self._call.names or (next_.size is not None and len(rows) < next_.size):
                break
        if held:
            yield self._page(held, latest or "")

    def _page(self, rows: list[Row], cursor: str) -> Page:
        records, faults = self._items.split(rows)
        return Page(records, cursor, faults)

    def _rows(self, answer: Answer) -> list[Row]:
        found = value_at(json_tree(answer), self._path)
        if found is None and self._path and isinstance(json_tree(answer), dict):
            return []  # many far sides leave an empty list out
        if not isinstance(found, list):
            raise SourceFailed("HUB-S-406", f"the answer has no list at {self._feed.items or 'its top'}", misconfigured=True)
        return self._items.rows(found)

    def _ask(self, values: Mapping[str, Any], url: str = "") -> Answer:
        """Return a page's answer, asking again a few times: reading changes nothing over there."""
        try:
            return self._again.copy()(self._once, values, url)
        except Failure as failure:
            raise self._no_page(failure) from failure

    def _no_page(self, failure: Failure) -> SourceFailed:
        """Say what kept a page from being read: an answer that only lacks a rule is ours to mend, not the far side's."""
        if failure.code == "HUB-D-118":
            status, name = failure.message.partition(":")[0], self._name
            reason = f"{status}: the far side answered, but no rule of {name} knows the answer; give {name} answers of its own"
            return SourceFailed("HUB-S-409", reason, hint=failure.said)
        wrong = isinstance(failure, Misconfigured)
        return SourceFailed("HUB-S-402" if wrong else "HUB-S-401", f"no page: {failure}", misconfigured=wrong, hint=failure.said)

    def _once(self, values: Mapping[str, Any], url: str) -> Answer:
        answer = self._session.ask(self._call, values=values, url=url)
        outcome = self._judge(answer)
        if isinstance(outcome, Failure):
            raise outcome
        return answer

    def _number(self, cursor: str | None, first: int) -> int:
        if not cursor:
            return first
        if not cursor.isdigit():
            raise SourceFailed("HUB-S-404", "the cursor kept for this feed is no page number", misconfigured=True)
        return int(cursor)

    def _following(self, answer: Answer, url: str) -> str:
        """Return the address of the next page; one of another host is refused, for our credentials would go with it."""
        found = _NEXT.search(answer.headers.get("link", ""))
        if found is None:
            return ""
        target: str = urljoin(url or f"{self._base_url}{self._feed.path}", found[1])
        if urlsplit(target)[:2] != urlsplit(self._base_url)[:2]:
            raise SourceFailed("HUB-S-402", "the next page is said to be on another host", misconfigured=True)
        return target
