"""What every reader of later verdicts must prove: each verdict comes, none is skipped wherever the reading is cut."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

import pytest

from adapters.kit.conformance.common import Conformance, coded
from hub.errors import SourceFailed
from hub.model import Judgement, Verdict, VerdictPage
from hub.ports import Feedback

#: More page breaks than any honest reading of the test's verdicts can have.
TOO_MANY = 500


class FeedbackConformance(Conformance):
    """Tests of `Feedback`. A subclass gives `adapter` and `judge`; `adapter` should read small pages (2 to 10 verdicts)."""

    #: The endpoint that the verdicts speak of.
    endpoint: ClassVar[str] = "accept"
    #: How many verdicts the tests seed; must not fit one page.
    count: ClassVar[int] = 25

    def judge(self, n: int) -> list[Verdict]:
        """Let the far side judge n rows it took, every other one rejected with words; return what must be read, oldest first."""
        raise NotImplementedError

    def undecided(self) -> None:
        """Let the far side list one row that it has not judged yet."""
        pytest.skip("this class does not say how a row is listed without a verdict (undecided)")

    def traces(self) -> object:
        return None

    def test_reads_verdicts(self, subject: Any) -> None:
        assert isinstance(subject, Feedback)

    def test_no_verdicts_yet(self, subject: Any) -> None:
        assert told(subject.verdicts(None)) == []

    def test_every_verdict_once_oldest_first(self, subject: Any) -> None:
        expected = self.judge(self.count)
        pages = list(subject.verdicts(None))
        assert told(pages) == expected
        assert len(pages) > 1, "let the adapter read small pages, else resuming is not tested"
        assert all(isinstance(page.cursor, str) for page in pages)
        assert {verdict.judgement for verdict in told(pages)} == set(Judgement)

    def test_no_new_verdicts(self, subject: Any) -> None:
        self.judge(self.count)
        pages = list(subject.verdicts(None))
        assert set(told(subject.verdicts(pages[-1].cursor))) <= set(told(pages))

    def test_later_verdicts_are_read_later(self, subject: Any) -> None:
        self.judge(3)
        pages = list(subject.verdicts(None))
        later = self.judge(3)
        assert set(later) <= set(told(subject.verdicts(pages[-1].cursor)))

    def test_what_is_not_judged_says_nothing(self, subject: Any) -> None:
        before = self.judge(2)
        self.undecided()
        after = self.judge(2)
        assert told(subject.verdicts(None)) == [*before, *after]

    def test_verdicts_broken_off_after_every_page(self) -> None:
        expected = self.judge(self.count)
        cursor: str | None = None
        found: list[Verdict] = []
        for _ in range(TOO_MANY):
            page = self._first_page(cursor)
            if page is None or (page.cursor == cursor and set(page.verdicts) <= set(found)):
                break
            found, cursor = [*found, *page.verdicts], page.cursor
        assert set(found) == set(expected)

    def test_verdicts_nobody_kept_come_again(self) -> None:
        self.judge(self.count)
        first, second = self._first_page(None), self._first_page(None)
        assert first is not None
        assert first == second

    def test_verdicts_of_an_unreachable_far_side(self, subject: Any) -> None:
        expected = self.judge(3)
        self.go_down()
        with pytest.raises(SourceFailed) as caught:
            list(subject.verdicts(None))
        coded(caught.value)
        self.come_back()
        assert told(subject.verdicts(None)) == expected

    def _first_page(self, cursor: str | None) -> VerdictPage | None:
        """Read one page as a process does that is killed right after keeping it."""
        subject = self.adapter()
        reading: Iterator[VerdictPage] = iter(subject.verdicts(cursor))
        try:
            return next(reading, None)
        finally:
            if hasattr(reading, "close"):
                reading.close()
            subject.close()


def told(pages: Iterable[VerdictPage]) -> list[Verdict]:
    """Return the verdicts of all pages, in order."""
    return [verdict for page in pages for verdict in page.verdicts]
