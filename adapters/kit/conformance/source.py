"""What every source must prove: each row once, none skipped whenever the reading is cut, and broken rows accounted for."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

import pytest

from adapters.kit.conformance.common import Conformance, coded
from hub.errors import SourceFailed
from hub.model import Operation, Page, Record
from hub.ports import Source

#: More page breaks than any honest reading of the test's rows can have.
TOO_MANY = 500


class SourceConformance(Conformance):
    """Tests of `Source`. A subclass gives `adapter`, `rows`, `kind`; `adapter` should read small pages (2 to 10 rows)."""

    kind: ClassVar[str] = "case"
    #: How many rows the tests seed; must not fit one page.
    count: ClassVar[int] = 25

    def rows(self, n: int, *, same_time: bool = False) -> list[str]:
        """Add n rows over there, newer than those before, and return their record keys, oldest first.

        `same_time`: all with the latest time already used, so that only a cursor finer than the time finds them.
        """
        raise NotImplementedError

    def spoil(self) -> None:
        """Add one row over there, after those before, that cannot be read as a record."""
        pytest.skip("this class does not say how to spoil a row (spoil)")

    def change(self, key: str) -> None:
        """Change the row of this key over there, at a later time."""
        pytest.skip("this class does not say how to change a row (change)")

    def traces(self) -> object:
        return None

    # --- reading on ---

    def test_is_a_source(self, subject: Any) -> None:
        kinds = subject.kinds()
        assert isinstance(subject, Source)
        assert self.kind in kinds

    def test_nothing_there(self, subject: Any) -> None:
        assert keys(subject.read(None)) == []

    def test_every_row_once_oldest_first(self, subject: Any) -> None:
        expected = self.rows(self.count)
        pages = list(subject.read(None))
        assert len(pages) > 1, "let the adapter read small pages, else resuming is not tested"
        assert keys(pages) == expected
        for page in pages:
            self._proper(page)

    def test_nothing_new_at_the_end(self, subject: Any) -> None:
        self.rows(self.count)
        pages = list(subject.read(None))
        again = list(subject.read(pages[-1].cursor))
        assert versions(again) <= versions(pages), "a row came back with another revision"

    def test_what_comes_later_is_read_later(self, subject: Any) -> None:
        self.rows(3)
        pages = list(subject.read(None))
        later = self.rows(3)
        assert set(later) <= set(keys(subject.read(pages[-1].cursor)))

    def test_equal_times_are_never_skipped(self, subject: Any) -> None:
        self.rows(3)
        pages = list(subject.read(None))
        late = self.rows(self.count, same_time=True)
        assert set(late) <= set(keys(subject.read(pages[-1].cursor)))

    def test_many_rows_of_one_time(self) -> None:
        first = self.rows(1)
        late = self.rows(self.count, same_time=True)
        assert set(self._broken_off_after_every_page()) == {*first, *late}

    def test_a_changed_row_comes_again(self, subject: Any) -> None:
        key = self.rows(3)[1]
        pages = list(subject.read(None))
        self.change(key)
        again = list(subject.read(pages[-1].cursor))
        assert key in {record_key for _, record_key, _ in versions(again) - versions(pages)}

    # --- breaking off ---

    def test_broken_off_after_every_page(self) -> None:
        expected = self.rows(self.count)
        assert set(self._broken_off_after_every_page()) == set(expected)

    def test_a_page_nobody_kept_comes_again(self) -> None:
        self.rows(self.count)
        first, second = self._first_page(None), self._first_page(None)
        assert first is not None
        assert first == second, "the same rows must come with the same revisions"

    def test_a_later_page_nobody_kept_comes_again(self) -> None:
        self.rows(self.count)
        first = self._first_page(None)
        assert first is not None
        again, once_more = self._first_page(first.cursor), self._first_page(first.cursor)
        assert again == once_more
        assert again is not None

    # --- trouble ---

    def test_a_spoilt_row_is_accounted_for(self, subject: Any) -> None:
        before = self.rows(3)
        self.spoil()
        after = self.rows(3)
        pages = list(subject.read(None))
        assert keys(pages) == [*before, *after], "one broken row must not cost the others"
        (fault,) = [fault for page in pages for fault in page.faults]
        assert (fault.kind, bool(fault.key), bool(fault.reason)) == (self.kind, True, True)

    def test_an_unreachable_far_side(self, subject: Any) -> None:
        expected = self.rows(3)
        self.go_down()
        with pytest.raises(SourceFailed) as caught:
            list(subject.read(None))
        coded(caught.value)
        self.come_back()
        assert keys(subject.read(None)) == expected

    # --- parts ---

    def _broken_off_after_every_page(self) -> list[str]:
        cursor: str | None = None
        found: list[str] = []
        for _ in range(TOO_MANY):
            page = self._first_page(cursor)
            if page is None or (not page.records and page.cursor == cursor):
                return found
            if page.cursor == cursor and set(keys([page])) <= set(found):
                return found
            found, cursor = [*found, *keys([page])], page.cursor
        raise AssertionError("reading never comes to an end")

    def _first_page(self, cursor: str | None) -> Page | None:
        """Read one page as a process does that is killed right after keeping it."""
        subject = self.adapter()
        reading: Iterator[Page] = iter(subject.read(cursor))
        try:
            return next(reading, None)
        finally:
            if hasattr(reading, "close"):
                reading.close()
            subject.close()

    def _proper(self, page: Page) -> None:
        assert isinstance(page.cursor, str)
        for record in page.records:
            assert record.kind == self.kind
            assert record.revision
            assert record.operation in (Operation.UPDATE, Operation.INSERT, Operation.DELETE)
            assert json.loads(json.dumps(record.data)) == record.data, "data must be JSON-native"
            f"{record.key}{record.revision}{json.dumps(record.data, ensure_ascii=False)}".encode()  # no half characters


def records(pages: Iterable[Page]) -> Iterator[Record]:
    """Give the records of all pages."""
    for page in pages:
        yield from page.records


def keys(pages: Iterable[Page]) -> list[str]:
    """Return the keys of all records, in order."""
    return [record.key for record in records(pages)]


def versions(pages: Iterable[Page]) -> set[tuple[str, str, str]]:
    """Return (kind, key, revision) of all records."""
    return {(record.kind, record.key, record.revision) for record in records(pages)}
