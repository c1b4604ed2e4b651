"""Decides whether a system is open: its opening hours by the working calendar, and its maintenance windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Literal

from hub.mapping.workdays import is_workday
from hub.settings.flow import ClosureSettings, Days, FlowSettings, SpanSettings

Span = SpanSettings | ClosureSettings
#: How far ahead the next opening is looked for, in days and in steps from one closing to the next.
_AHEAD, _STEPS = 400, 2000
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Closed:
    """Nothing is sent to a system now, and not before `until` (aware UTC; None: not within a year)."""

    why: Literal["hours", "maintenance"]
    until: datetime | None


def closed(flow: FlowSettings, zone: tzinfo, now: datetime) -> Closed | None:
    """Return why a system is closed at that time, and until when; None while it is open."""
    if not flow.hours and not flow.maintenance:
        return None
    at = now.astimezone(zone).replace(tzinfo=None)
    why = _shut(flow, at)
    if why is None:
        return None
    for _ in range(_STEPS):
        following = _later(flow, at)
        if following is None:
            return Closed(why, None)
        at = following
        if _shut(flow, at) is None:
            return Closed(why, at.replace(tzinfo=zone).astimezone(UTC))
    return Closed(why, None)


def _shut(flow: FlowSettings, at: datetime) -> Literal["hours", "maintenance"] | None:
    if _end(flow.maintenance, at):
        return "maintenance"
    return "hours" if flow.hours and not _end(flow.hours, at) else None


def _later(flow: FlowSettings, at: datetime) -> datetime | None:
    """Return the next moment at which a system that is shut may be open."""
    return _end(flow.maintenance, at) or _start(flow.hours, at)


def _end(spans: Sequence[Span], at: datetime) -> datetime | None:
    """Return when what holds now ends; None: nothing does. A span that began yesterday may last past midnight."""
    days = (at.date() - _DAY, at.date())
    stretches = (_stretch(span, day) for span in spans for day in days if falls(span, day))
    return max((end for start, end in stretches if start <= at < end), default=None)


def _start(spans: Sequence[Span], at: datetime) -> datetime | None:
    """Return when the next span begins after that time."""
    for ahead in range(_AHEAD):
        day = at.date() + ahead * _DAY
        starts = [start for span in spans if falls(span, day) and (start := _stretch(span, day)[0]) > at]
        if starts:
            return min(starts)
    return None


def falls(span: Span, day: date) -> bool:
    """Tell whether a span begins on that day."""
    return True if isinstance(span, ClosureSettings) else _is(span.days, day)


def _is(days: Days, day: date) -> bool:
    if isinstance(days, frozenset):
        return day.weekday() in days
    return days == "daily" or is_workday(day) is (days == "workdays")


def _stretch(span: Span, day: date) -> tuple[datetime, datetime]:
    if isinstance(span, ClosureSettings):
        return span.start, span.end
    midnight = datetime.combine(day, time())
    return midnight + timedelta(minutes=span.start), midnight + timedelta(minutes=span.end)
