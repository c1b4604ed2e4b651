"""Decides how a sub-centre carries a case on that the hall sent it: its steps, its result, and when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from hub.sandbox.national import now

#: What a sub-centre may decide, in the hall's letters, and how often.
_RESULTS = (("Y", 94, "办结"), ("N", 3, "经审核不符合条件，不予办理"), ("T", 3, "材料不齐且逾期未补正，退件"))
_OPINIONS = ("材料齐全，予以受理", "经核查情况属实", "符合规定，同意办理")


@dataclass(frozen=True, slots=True)
class Step:
    """One step over there. `action` is in the hall's letters: 2 done, 6 the last one."""

    number: int
    name: str
    action: str
    clerk: str
    opinion: str
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Result:
    """How it ended. `code` is in the hall's letters: Y granted, N refused, T returned."""

    code: str
    words: str
    certificate: str
    number: str
    clerk: str
    ended: datetime


@dataclass(frozen=True, slots=True)
class Course:
    """Everything a sub-centre does with one case."""

    steps: tuple[Step, ...]
    result: Result


@dataclass(frozen=True, slots=True)
class Office:
    """One sub-centre: the names of its steps, the certificate it issues (or ""), and two letters for its numbers."""

    name: str
    steps: tuple[str, ...]
    certificate: str = ""
    letters: str = "ZX"
    seed: int = 1

    def course(self, case: str, accepted: datetime) -> Course:
        """Return how the case goes on after the hall accepted it at `accepted` (Beijing time): equal for equal arguments.

        Nothing lies before the acceptance or in the future.
        """
        rng = Random(f"{self.name}-{case}-{self.seed}")
        moments = _moments(rng, accepted, len(self.steps))
        clerks = [f"{rng.choice('赵钱孙李周吴郑王')}{rng.choice('建国志强桂兰秀英')}" for _ in self.steps]
        steps = tuple(
            Step(number, name, "6" if number == len(self.steps) else "2", clerk, rng.choice(_OPINIONS), start, end)
            for number, (name, clerk, (start, end)) in enumerate(zip(self.steps, clerks, moments, strict=True), start=1)
        )
        code, _, words = rng.choices(_RESULTS, [share for _, share, _ in _RESULTS])[0]
        granted = self.certificate if code == "Y" else ""
        number = f"{self.letters}{case[-12:]}" if granted else ""
        return Course(steps, Result(code, words, granted, number, clerks[-1], steps[-1].end))


def _moments(rng: Random, accepted: datetime, count: int) -> list[tuple[datetime, datetime]]:
    """Return start and end of so many steps, one after the other; a case accepted just now is done in the time there was."""
    wanted = timedelta(hours=rng.randint(2, 30) * count)
    there_was = max(now().replace(microsecond=0) - accepted, timedelta(0))
    each = min(wanted, there_was) / (2 * count)
    whole = timedelta(seconds=int(each.total_seconds()))
    return [(accepted + whole * (2 * number), accepted + whole * (2 * number + 1)) for number in range(count)]
