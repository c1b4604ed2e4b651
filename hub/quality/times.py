"""Decides whether the times of a case can be true and its promise was kept: rules T01 to T04."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import pairwise

from hub.mapping.workdays import between, told
from hub.quality.bench import Bench, Found
from hub.quality.facts import Case, Main, Special
from hub.quality.moments import Moment, day, earlier, later_by

#: A clock may be this much ahead.
_SKEW = 600
_DAY = timedelta(days=1)


def order(case: Case, bench: Bench) -> Iterator[Found]:
    """T01: apply ≤ accept ≤ first step ≤ last step ≤ result, across records, none in the future."""
    accepted, ended = case.accepted, case.ended
    if case.main and earlier(accepted, case.main.applied):
        yield "T01", "accepted-early"
    if any(earlier(step.started, accepted) for step in case.steps):
        yield "T01", "step-early"
    if any(earlier(ended, step.started if step.ended is None else step.ended) for step in case.steps):
        yield "T01", "step-late"
    if earlier(ended, accepted):
        yield "T01", "result-early"
    limit = later_by(bench.now, _SKEW)
    if any(earlier(limit, one) for one in _told(case)):
        yield "T01", "future"


def _told(case: Case) -> Iterator[Moment | None]:
    for main in case.mains:
        yield from (main.applied, main.accepted)
    for step in case.steps:
        yield from (step.started, step.ended)
    yield from (result.ended for result in case.results)
    yield from (fee.paid for fee in case.fees)
    yield from (one.at for one in case.evaluations)


def steps(case: Case, bench: Bench) -> Iterator[Found]:
    """T02: a step ends no earlier than it begins; without an end it counts as ended at once."""
    if any(earlier(step.ended, step.started) for step in case.steps):
        yield "T02", "backwards"


def specials(case: Case, bench: Bench) -> Iterator[Found]:
    """T03: special procedures end after they begin, do not overlap, and are closed before the result."""
    if any(earlier(one.ended, one.started) for one in case.specials):
        yield "T03", "backwards"
    spans = sorted((one.started, one.ended) for one in case.specials if one.started is not None and one.ended is not None)
    if any(earlier(after[0], before[1]) for before, after in pairwise(spans)):
        yield "T03", "overlap"
    if case.result and any(one.started is not None and one.ended is None for one in case.specials if one.has("ended")):
        yield "T03", "open"


def promise(case: Case, bench: Bench) -> Iterator[Found]:
    """T04: promised so many working days after acceptance, kept or not; days on which the clock stood do not count."""
    main = case.main
    if main is None or main.accepted is None:
        return
    days = told(main.days)
    due = between(day(main.accepted), day(main.promised)) if main.promised is not None else None
    end = case.ended if case.result else bench.now
    paused = _paused(case, main, end) if end is not None else 0
    if days is not None and due is not None and not days <= due <= max(days, 1) + paused:
        yield "T04", "promise"
    allowed = due if due is not None else days
    if allowed is not None and allowed >= 0 and end is not None:
        used = between(day(main.accepted), day(end)) - paused
        yield from _kept(used, allowed, done=case.result is not None, near=bench.terms.near)


def _kept(used: int, allowed: int, *, done: bool, near: float) -> Iterator[Found]:
    if used > allowed:
        yield "T04", "overdue" if done else "overdue-open"
    elif not done and used == allowed:
        yield "T04", "last-day"
    elif not done and used >= near * allowed:
        yield "T04", "near"


def _paused(case: Case, main: Main, end: Moment) -> int:
    """Count the working days after acceptance on which a procedure stopped the clock, even for an hour, each once."""
    first, last = day(end if main.accepted is None else main.accepted), day(end)
    spans = sorted(
        (max(begin, first), min(until, last))
        for one in case.specials
        if one.started is not None and (not one.part.codes.get("pausing") or one.means("pausing", one.type))
        for begin, until in [_days(one, last)]
    )
    total, reached = 0, first  # the day of acceptance counts for nobody
    for begin, until in spans:
        before = reached if begin <= reached else begin - _DAY  # the calendar has no day before its first
        if until > before:
            total += between(before, until)
            reached = until
    return total


def _days(one: Special, last: date) -> tuple[date, date]:
    """Return the first and last day of a procedure; written backwards (T03) it stopped the clock all the same."""
    begin = day(one.started or 0)
    until = day(one.ended) if one.ended is not None else last
    return min(begin, until), max(begin, until)
