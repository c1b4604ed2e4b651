"""Decides how files become pages: one complete file after the other, moved away only when its records are kept."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from itertools import islice

from adapters.files import cursor as cursors
from adapters.files.cursor import Place
from adapters.files.options import Feed
from adapters.files.pickup import Clock, Fetched, Found, companion_name, fetch, is_ready, listing
from adapters.files.readers import reader
from adapters.files.rows import BadFile, Row, Spoilt, record, unreadable, unreadable_file
from adapters.files.share import Files, Share
from adapters.files.trouble import errors, source_failed
from hub.errors import SourceFailed
from hub.model import Page, Record

log = logging.getLogger(__name__)


class Inbox:
    """The reading half: takes files where the far side puts them."""

    def __init__(self, share: Share, feeds: Mapping[str, Feed], now: Clock) -> None:
        self._share = share
        self._feeds = feeds
        self._now = now

    def read(self, cursor: str | None) -> Iterator[Page]:
        """Yield pages, feed by feed in the order of the configuration, file by file, row by row.

        A file is moved when the next page is asked for: by then the page before, and the cursor in it, are kept (invariant 1). A
        crash in between leaves it in the cursor as done, and the next reading moves it.
        """
        places = cursors.load(cursor, self._feeds)
        for kind, feed in self._feeds.items():
            yield from self._feed(places, kind, feed)

    def _feed(self, places: dict[str, Place], kind: str, feed: Feed) -> Iterator[Page]:
        place = places[kind]
        found = self._list(feed, place)
        if place.name and place.name not in {item.stat.name for item in found}:
            yield self._vanished(places, kind)
        for item in found:
            if item.identity in place.done:
                self._tidy(feed, place, item)
            elif is_ready(item, feed, self._now()):
                yield from self._file(places, kind, feed, item)

    def _list(self, feed: Feed, place: Place) -> list[Found]:
        with self._reading(f"directory {feed.directory}") as files:
            found = listing(files, feed)
        place.keep_only(item.identity for item in found)
        if len(place.done) > feed.remember:
            raise SourceFailed(
                "HUB-S-207",
                f"directory {feed.directory} holds {len(place.done)} files that are done; {feed.remember} can be remembered",
                misconfigured=True,
                hint="set done and bad, so that they are moved away, or clear the directory",
            )
        return found

    def _vanished(self, places: dict[str, Place], kind: str) -> Page:
        """Account for a file that was taken away between two pages."""
        place = places[kind]
        fault = unreadable_file(kind, place.name, "HUB-S-226", f"taken away after {place.row} rows had been read")
        place.name, place.identity, place.row = "", "", 0
        return Page((), cursors.dump(places), (fault,))

    def _file(self, places: dict[str, Place], kind: str, feed: Feed, item: Found) -> Iterator[Page]:
        """Yield the pages of one file; the last one marks it as done."""
        place = places[kind]
        try:
            fetched = self._fetch(feed, item)
        except BadFile as reason:
            yield self._refused(places, kind, item, reason)
            self._tidy(feed, place, item)
            return
        if fetched is None:
            return
        with closing(fetched.file):
            yield from self._content(places, kind, feed, item, fetched)
        self._tidy(feed, place, item)

    def _content(self, places: dict[str, Place], kind: str, feed: Feed, item: Found, fetched: Fetched) -> Iterator[Page]:
        place = places[kind]
        if place.identity != item.identity and place.knows(item.stat.name, fetched.digest):
            log.info("files.same_content", extra={"feed": kind})
            place.start(item.stat.name, item.identity)
            place.finish(bad=False)
            yield Page((), cursors.dump(places))
            return
        rows = islice(reader(feed.format)(fetched.file, feed), place.start(item.stat.name, item.identity), None)
        while True:
            taken, broken = _take(rows, feed.page)
            place.row += len(taken)
            last = broken is None and len(taken) < feed.page
            if last:
                place.took(item.stat.name, fetched.digest)
                place.finish(bad=False)
            if taken or last:
                yield _page(feed, kind, item.stat.name, taken, cursors.dump(places))
            if broken is not None:
                yield self._refused(places, kind, item, broken)
            if last or broken is not None:
                return

    def _refused(self, places: dict[str, Place], kind: str, item: Found, reason: BadFile) -> Page:
        """Account for a file that cannot be read, or not to its end."""
        place = places[kind]
        place.start(item.stat.name, item.identity)
        place.finish(bad=True)
        fault = unreadable_file(kind, item.stat.name, reason.code, reason.reason)
        return Page((), cursors.dump(places), (fault,))

    def _fetch(self, feed: Feed, item: Found) -> Fetched | None:
        with self._reading(f"directory {feed.directory}") as files:
            try:
                return fetch(files, feed, item, self._now())
            except FileNotFoundError:
                return None  # somebody took it between the listing and now

    def _tidy(self, feed: Feed, place: Place, item: Found) -> None:
        """Move a finished file, with its manifest or marker, out of the way."""
        target = feed.bad if place.done.get(item.identity) else feed.done
        if target is None:
            return
        try:
            with self._share.lease() as files:
                _move(files, feed, item, target)
        except errors() as error:
            failed = source_failed(error, f"a finished file cannot be moved to {target}")
            raise SourceFailed("HUB-S-206", failed.message, misconfigured=True) from error
        place.done.pop(item.identity, None)

    @contextmanager
    def _reading(self, doing: str) -> Iterator[Files]:
        try:
            with self._share.lease() as files:
                yield files
        except errors() as error:
            raise source_failed(error, f"{doing} in {self._share.name}") from error


def _take(rows: Iterator[Row | Spoilt], most: int) -> tuple[list[Row | Spoilt], BadFile | None]:
    """Return the next rows, and why there will be no more if the file is broken behind them."""
    taken: list[Row | Spoilt] = []
    try:
        for row in islice(rows, most):
            taken.append(row)
    except BadFile as reason:
        return taken, reason
    return taken, None


def _page(feed: Feed, kind: str, name: str, rows: list[Row | Spoilt], cursor: str) -> Page:
    made = [record(feed, kind, row, name) if isinstance(row, Row) else row for row in rows]
    records = tuple(item for item in made if isinstance(item, Record))
    faults = tuple(unreadable(kind, name, item) for item in made if isinstance(item, Spoilt))
    return Page(records, cursor, faults)


def _move(files: Files, feed: Feed, item: Found, target: str) -> None:
    """Move a file and what goes with it. A name that is taken over there gets the file's identity added."""
    if files.stat(item.path) is None:
        return
    name = item.stat.name
    if files.stat(f"{target}/{name}") is not None:
        name = f"{item.identity}-{name}"
    files.move(item.path, f"{target}/{name}")
    companion = companion_name(feed, item.stat.name)
    if item.companion is not None and companion:
        beside = item.path[: -len(item.stat.name)] + companion
        if files.stat(beside) is not None:
            files.move(beside, f"{target}/{companion_name(feed, name)}")
