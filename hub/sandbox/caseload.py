"""Decides what a sub-centre has in hand: what it took waits for review, goes its course, and all that came of it is numbered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import TypeVar

from hub.sandbox.office import Office, Result, Step

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Submission:
    """One version of a case as it came in. `doubt`: why the review will send it back, or ""."""

    case: str
    batch: str
    office: Office
    accepted: datetime
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class Opinion:
    """What the review says of one version of a case; `words` only where it is sent back."""

    case: str
    batch: str
    passed: bool
    words: str


@dataclass(frozen=True, slots=True)
class Progress:
    """One step of a case."""

    case: str
    step: Step


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a case ended."""

    case: str
    result: Result


class Caseload:
    """The cases of one sub-centre. Lists only grow: a row's number is its place in its list, from 1. Thread-safe.

    A case that the review sends back lies still until it comes in again; what was said of an earlier version is then withdrawn.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._waiting: dict[str, Submission] = {}  # by case: nobody reviews a version that has been replaced
        self._newest: dict[str, int] = {}  # case -> number of the opinion on what is held of it now, 0 while it waits
        self._begun: set[str] = set()
        self._ending: list[Outcome] = []  # whose steps have been listed: they end the next time somebody works
        self._opinions: list[Opinion] = []
        self._progress: list[Progress] = []
        self._outcomes: list[Outcome] = []

    def take(self, submission: Submission) -> None:
        """Put a new or changed case on the desk."""
        with self._lock:
            self._waiting[submission.case] = submission
            self._newest[submission.case] = 0

    def work(self) -> int:
        """End what is under way, review what came in and carry on what passed; return how many rows that made."""
        with self._lock:
            before = self._rows()
            self._outcomes += self._ending
            self._ending = []
            waiting, self._waiting = self._waiting, {}
            for submission in waiting.values():
                self._review(submission)
            return self._rows() - before

    def opinions(self, since: int) -> list[tuple[int, Opinion]]:
        """Return the opinions after that number that stand, with their numbers."""
        return [(number, one) for number, one in self._after(self._opinions, since) if self._newest[one.case] == number]

    def progress(self, since: int) -> list[tuple[int, Progress]]:
        """Return the steps after that number, with their numbers."""
        return self._after(self._progress, since)

    def outcomes(self, since: int) -> list[tuple[int, Outcome]]:
        """Return the results after that number, with their numbers."""
        return self._after(self._outcomes, since)

    def counts(self) -> dict[str, int]:
        """Return how many versions are waiting, were sent back, and how many steps and results there are."""
        with self._lock:
            reviewed = Counter(one.passed for one in self._opinions)
            made = {"steps": len(self._progress), "results": len(self._outcomes)}
            return {"waiting": len(self._waiting), "late_rejections": reviewed[False], **made}

    def _review(self, submission: Submission) -> None:
        passed = not submission.doubt
        self._opinions.append(Opinion(submission.case, submission.batch, passed, submission.doubt))
        self._newest[submission.case] = len(self._opinions)
        if not passed or submission.case in self._begun:
            return
        self._begun.add(submission.case)
        course = submission.office.course(submission.case, submission.accepted)
        self._progress += [Progress(submission.case, step) for step in course.steps]
        self._ending.append(Outcome(submission.case, course.result))

    def _rows(self) -> int:
        return len(self._opinions) + len(self._progress) + len(self._outcomes)

    def _after(self, rows: Sequence[T], since: int) -> list[tuple[int, T]]:
        with self._lock:
            return list(enumerate(rows[since:], start=since + 1))
