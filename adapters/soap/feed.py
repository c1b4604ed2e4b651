"""Decides how the rows of a feed become records, and those of a feedback verdicts."""

from __future__ import annotations

from collections.abc import Iterator

from adapters.kit.answer import Answer, json_selector
from adapters.kit.answers import compiled
from adapters.kit.verdicts import VerdictReader
from adapters.soap.options import Feed, Feedback
from adapters.soap.rows import Place, Row, RowReader, digest, text_of
from adapters.soap.session import Session
from hub.model import Operation, Page, Record, Unreadable, VerdictPage


class FeedReader:
    """One compiled feed."""

    def __init__(self, kind: str, feed: Feed, session: Session) -> None:
        """Compile. Raises ValueError."""
        self._kind = kind
        self._feed = feed
        self._reader = RowReader(kind, feed, session)
        self._deleted = None if feed.deleted is None else compiled(feed.deleted)
        self._keys = (feed.key,) if isinstance(feed.key, str) else feed.key

    def pages(self, place: Place | None) -> Iterator[tuple[Page, Place]]:
        """Yield pages and the place right after each; the page's own cursor is left to the caller. Raises SourceFailed."""
        for found in self._reader.pages(place):
            records: list[Record] = []
            faults: list[Unreadable] = []
            for number, row in enumerate(found.rows, 1):
                one = self._record(row, f"page {found.place.page} row {number}")
                (records if isinstance(one, Record) else faults).append(one)  # type: ignore[arg-type]
            yield Page(tuple(records), None, tuple(faults)), found.after

    def _record(self, row: Row, where: str) -> Record | Unreadable:
        texts = [text_of(row.get(field)) for field in self._keys]
        if not all(texts):
            return Unreadable(self._kind, where, "HUB-S-502", f"{where} lacks {' or '.join(self._keys)}")
        revision = text_of(row.get(self._feed.revision)) if self._feed.revision else ""
        return Record(self._kind, "|".join(texts), revision or digest(row), row, self._operation(row))

    def _operation(self, row: Row) -> Operation:
        gone = self._deleted is not None and self._deleted(_answer(row))
        return Operation.DELETE if gone else Operation.UPDATE


class FeedbackReader:
    """One compiled feedback."""

    def __init__(self, name: str, feedback: Feedback, session: Session) -> None:
        """Compile. Raises ValueError."""
        self._reader = RowReader(name, feedback, session)
        self._verdicts = VerdictReader(name, feedback.endpoint, feedback.row, feedback.batch, feedback.verdicts)

    def pages(self, place: Place | None) -> Iterator[tuple[VerdictPage, Place]]:
        """Yield pages and the place right after each; the page's own cursor is left to the caller. Raises SourceFailed."""
        for found in self._reader.pages(place):
            verdicts, faults = self._verdicts.read((digest(row), row) for row in found.rows)
            yield VerdictPage(verdicts, None, faults), found.after


def _answer(row: Row) -> Answer:
    """Return the row as something rules can be asked about."""
    return Answer(200, select=json_selector(dict(row)))
