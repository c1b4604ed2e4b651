"""Decides what a configuration may say of how much, how fast and when a system is sent to: plain values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

#: Windows in a row without a single message taken, after which a target counts as down.
DOWN_AFTER = 5
#: Longest time a target that is down is left alone, unless its breaker says otherwise.
REST_AT_MOST = timedelta(minutes=10)
#: What is waited for where a system has no retry list.
_REST = timedelta(minutes=1)

#: Which days: by the working calendar, or by weekday (0 is Monday).
Days = Literal["workdays", "restdays", "daily"] | frozenset[int]


@dataclass(frozen=True, slots=True)
class BreakerSettings:
    """When a target counts as down, and how long it is then left alone: `rest` after the first, second, … failed probe."""

    after: int = DOWN_AFTER
    rest: tuple[timedelta, ...] = (_REST,)

    def rest_after(self, failures: int) -> timedelta:
        """Return how long a target is left alone after so many windows in a row without success."""
        return self.rest[min(max(failures - self.after, 0), len(self.rest) - 1)]


@dataclass(frozen=True, slots=True)
class RateSettings:
    """Most calls in any second, in any minute, and on one calendar day of the hub's zone; None: as many as there are."""

    second: int | None = None
    minute: int | None = None
    day: int | None = None


@dataclass(frozen=True, slots=True)
class SpanSettings:
    """A stretch of every such day, in minutes from its midnight; `end` beyond 1440 is on the day after."""

    days: Days
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class ClosureSettings:
    """A stretch of time given by its dates, in the hub's zone (naive)."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class FlowSettings:
    """All of it for one system. No `hours`: always open, but for its `maintenance`."""

    breaker: BreakerSettings = field(default_factory=BreakerSettings)
    rate: RateSettings | None = None
    hours: tuple[SpanSettings, ...] = ()
    maintenance: tuple[SpanSettings | ClosureSettings, ...] = ()


def rests_like(retry: Sequence[timedelta]) -> tuple[timedelta, ...]:
    """Return the rests of a breaker that names none: the waits of the retry list, up to ten minutes."""
    return tuple(min(wait, REST_AT_MOST) for wait in retry) or (_REST,)
