"""A sub-centre's desk: reviewed, carried on, ended another day, and everything numbered in the order it came about."""

from __future__ import annotations

from datetime import datetime

from hub.sandbox.caseload import Caseload, Submission
from hub.sandbox.office import Office

ACCEPTED = datetime(2025, 3, 3, 9, 0, 0)
OFFICE = Office("test", ("受理", "审核"), "证")


def submission(case: str, batch: str = "B1", doubt: str = "") -> Submission:
    return Submission(case, batch, OFFICE, ACCEPTED, doubt)


def test_what_passes_goes_its_course_and_ends_another_day() -> None:
    desk = Caseload()
    desk.take(submission("A"))
    desk.take(submission("B"))
    assert desk.work() == 2 + 4
    assert [(number, one.case, one.step.number) for number, one in desk.progress(0)] == [
        (1, "A", 1),
        (2, "A", 2),
        (3, "B", 1),
        (4, "B", 2),
    ]
    assert desk.outcomes(0) == []
    assert desk.work() == 2 and desk.work() == 0
    assert [(number, one.case) for number, one in desk.outcomes(0)] == [(1, "A"), (2, "B")]
    assert [number for number, _ in desk.progress(3)] == [4] and desk.progress(4) == []


def test_what_is_sent_back_lies_still_and_an_old_opinion_is_withdrawn() -> None:
    desk = Caseload()
    desk.take(submission("A", doubt="缺电话"))
    assert desk.work() == 1 and desk.progress(0) == []
    assert [(number, one.passed, one.words, one.batch) for number, one in desk.opinions(0)] == [(1, False, "缺电话", "B1")]
    desk.take(submission("A", "B2"))
    assert desk.opinions(0) == [] and desk.counts()["waiting"] == 1
    desk.work()
    assert [(number, one.passed, one.batch) for number, one in desk.opinions(0)] == [(2, True, "B2")]
    assert desk.counts() == {"waiting": 0, "late_rejections": 1, "steps": 2, "results": 0}


def test_only_the_newest_version_is_reviewed_and_none_begins_twice() -> None:
    desk = Caseload()
    desk.take(submission("A", doubt="缺电话"))
    desk.take(submission("A", "B2"))
    assert desk.work() == 3 and desk.counts()["late_rejections"] == 0
    desk.take(submission("A", "B3"))
    assert desk.work() == 2, "the opinion on the correction, and the result of before"
    assert len(desk.progress(0)) == 2 and len(desk.outcomes(0)) == 1
