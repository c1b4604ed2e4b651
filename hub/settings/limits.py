"""Decides whether what a system's file says of its breaker, rate, opening hours and maintenance makes sense."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise

from hub.settings.files import Files, Read
from hub.settings.flow import BreakerSettings, ClosureSettings, Days, FlowSettings, RateSettings, SpanSettings, rests_like
from hub.settings.hours import closed
from hub.settings.schema import HoursEntry, MaintenanceEntry, RateEntry, SystemFile

_WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MIDNIGHT = 24 * 60


def build(files: Files, read: Read[SystemFile]) -> FlowSettings:
    """Return how much, how fast and when this system is sent to; what makes no sense is added to `files.found`."""
    entry = read.entry
    hours = tuple(_spans(files, read, "hours", entry.hours))
    maintenance = tuple(_spans(files, read, "maintenance", entry.maintenance))
    open_ones = tuple(span for span in hours if isinstance(span, SpanSettings))
    flow = FlowSettings(_breaker(entry), _rate(files, read, entry.rate), open_ones, maintenance)
    shut = closed(flow, UTC, datetime.now(UTC))
    if shut and shut.until is None:
        files.add("HUB-C-170", "this system is never open", read.place(shut.why), "its maintenance covers all of its hours")
    return flow


def _breaker(entry: SystemFile) -> BreakerSettings:
    if entry.breaker is None:
        return BreakerSettings(rest=rests_like(entry.retry))
    return BreakerSettings(entry.breaker.after, entry.breaker.rest or rests_like(entry.retry))


def _rate(files: Files, read: Read[SystemFile], entry: RateEntry | None) -> RateSettings | None:
    if entry is None:
        return None
    given = [(name, most) for name in ("second", "minute", "day") if (most := getattr(entry, name)) is not None]
    if not given:
        files.add("HUB-C-169", "this rate limits nothing", read.place("rate"), "say how many calls a second, minute or day")
        return None
    for (name, most), (longer, fewer) in pairwise(given):
        if most >= fewer:
            message = f"{name}: {most} has no effect, since {longer}: {fewer} allows no more"
            files.add("HUB-C-169", message, read.place("rate", name), f"lower it, or remove {name}:", warning=True)
    return RateSettings(entry.second, entry.minute, entry.day)


def _spans(
    files: Files, read: Read[SystemFile], key: str, entries: Sequence[HoursEntry | MaintenanceEntry]
) -> Iterator[SpanSettings | ClosureSettings]:
    for index, entry in enumerate(entries):
        try:
            yield _dated(entry) if len(entry.start) > len("24:00") or len(entry.end) > len("24:00") else _daily(entry)
        except ValueError as error:
            hint = 'daily: {from: "22:00", to: "06:00"}; once: {from: "2026-12-01 20:00", to: "2026-12-02 06:00"}'
            files.add("HUB-C-168", str(error), read.place(key, index), hint)


def _daily(entry: HoursEntry | MaintenanceEntry) -> SpanSettings:
    start, end = _minutes(entry.start), _minutes(entry.end)
    if start in (end, _MIDNIGHT):
        raise ValueError("this span has no length")
    return SpanSettings(_days(entry), start, end if end > start else end + _MIDNIGHT)


def _days(entry: HoursEntry | MaintenanceEntry) -> Days:
    if isinstance(entry.days, list):
        return frozenset(_WEEK.index(day) for day in entry.days)
    return entry.days or "daily"


def _minutes(clock: str) -> int:
    hour, minute = clock.split(":")
    return int(hour) * 60 + int(minute)


def _dated(entry: HoursEntry | MaintenanceEntry) -> ClosureSettings:
    if entry.days is not None:
        raise ValueError("dates say when it is: days: has no meaning here")
    try:
        start, end = datetime.fromisoformat(entry.start), datetime.fromisoformat(entry.end)
    except ValueError:
        raise ValueError("there is no such date") from None
    if len(entry.start) != len(entry.end):
        raise ValueError("from and to must both have a date, or neither")
    if end <= start:
        raise ValueError("this span ends before it begins")
    return ClosureSettings(start, end)
