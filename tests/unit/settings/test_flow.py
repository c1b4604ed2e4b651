"""How much, how fast and when: what a system's file says becomes values, nonsense is told, and the hours are kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from hub.errors import ConfigurationError
from hub.model import Finding
from hub.settings import load
from hub.settings.flow import BreakerSettings, ClosureSettings, FlowSettings, RateSettings, SpanSettings, rests_like
from hub.settings.hours import Closed, closed
from tests import configs

ZONE = ZoneInfo("Asia/Shanghai")
OFFICE = (SpanSettings("workdays", 510, 720), SpanSettings("workdays", 870, 1080))  # 08:30-12:00, 14:30-18:00
NIGHT = (SpanSettings("daily", 22 * 60, 30 * 60),)  # 22:00-06:00


def given(directory: Path, lines: str) -> dict[str, str | None]:
    return {"config/systems/city.yaml": configs.CITY.replace("    options:", f"    {lines}\n    options:")}


def flow(directory: Path, lines: str) -> FlowSettings:
    return load(configs.write(directory, given(directory, lines)), env={}).systems["city"].flow


def findings(directory: Path, lines: str) -> list[Finding]:
    try:
        return list(load(configs.write(directory, given(directory, lines)), env={}).warnings)
    except ConfigurationError as error:
        return error.findings


# --- what a file says ---


def test_a_system_that_says_nothing_is_always_open_and_rests_like_it_retries(tmp_path: Path) -> None:
    said = flow(tmp_path, "retry: [30s, 2m, 24h]")
    assert said == FlowSettings(BreakerSettings(5, (timedelta(seconds=30), timedelta(minutes=2), timedelta(minutes=10))))


def test_everything_that_can_be_said(tmp_path: Path) -> None:
    lines = (
        "breaker: {after: 3, rest: [5s, 1h]}\n    rate: {second: 5, minute: 100, day: 10000}\n"
        '    hours: [{from: "08:30", to: "12:00"}, {days: [sat, sun], from: "20:00", to: "02:00"}]\n'
        '    maintenance: [{from: "22:00", to: "24:00"}, {from: "2026-12-01 20:00", to: "2026-12-02 06:00"}]'
    )
    said = flow(tmp_path, lines)
    assert said.breaker == BreakerSettings(3, (timedelta(seconds=5), timedelta(hours=1)))
    assert said.rate == RateSettings(5, 100, 10000)
    assert said.hours == (SpanSettings("workdays", 510, 720), SpanSettings(frozenset({5, 6}), 1200, 1560))
    closure = ClosureSettings(datetime(2026, 12, 1, 20), datetime(2026, 12, 2, 6))
    assert said.maintenance == (SpanSettings("daily", 1320, 1440), closure)


@pytest.mark.parametrize(
    ("lines", "code", "path"),
    [
        ("breaker: {after: 0}", "HUB-C-108", "breaker.after"),
        ("breaker: {rest: []}", "HUB-C-108", "breaker.rest"),
        ("breaker: {rests: [5s]}", "HUB-C-106", "breaker.rests"),
        ("rate: {}", "HUB-C-169", "rate"),
        ("rate: {second: 0}", "HUB-C-108", "rate.second"),
        ("rate: {second: 100, minute: 100}", "HUB-C-169", "rate.second"),
        ("rate: {minute: 100, day: 50}", "HUB-C-169", "rate.minute"),
        ('hours: [{from: "8:30", to: "12:00"}]', "HUB-C-108", "hours[0].from"),
        ('hours: [{from: "08:30"}]', "HUB-C-107", "hours[0].to"),
        ('hours: [{from: "08:30", to: "08:30"}]', "HUB-C-168", "hours[0]"),
        ('hours: [{from: "24:00", to: "08:30"}]', "HUB-C-168", "hours[0]"),
        ('hours: [{days: [monday], from: "08:30", to: "12:00"}]', "HUB-C-108", "hours[0].days[0]"),
        ('maintenance: [{from: "2026-12-02 06:00", to: "2026-12-01 20:00"}]', "HUB-C-168", "maintenance[0]"),
        ('maintenance: [{from: "2026-02-30 06:00", to: "2026-03-01 20:00"}]', "HUB-C-168", "maintenance[0]"),
        ('maintenance: [{from: "2026-12-01 06:00", to: "20:00"}]', "HUB-C-168", "maintenance[0]"),
        ('maintenance: [{days: daily, from: "2026-12-01 06:00", to: "2026-12-01 20:00"}]', "HUB-C-168", "maintenance[0]"),
        ('maintenance: [{from: "00:00", to: "24:00"}]', "HUB-C-170", "maintenance"),
        ('hours: [{from: "08:00", to: "09:00"}]\n    maintenance: [{from: "07:00", to: "10:00"}]', "HUB-C-170", "hours"),
    ],
)
def test_nonsense_is_told_where_it_stands(tmp_path: Path, lines: str, code: str, path: str) -> None:
    found = [one for one in findings(tmp_path, lines) if one.code == code]
    assert path in [one.place.path for one in found] or (code == "HUB-C-170" and found)
    assert all(one.place.line for one in found)


def test_more_calls_at_once_than_all_partitions_could_make_have_no_effect(tmp_path: Path) -> None:
    assert [one.code for one in findings(tmp_path, "in_flight: 4\n    partitions: 4")] == []
    assert [one.code for one in findings(tmp_path, "in_flight: 5\n    partitions: 4")] == ["HUB-C-161"]


# --- the breaker ---


def test_a_down_target_is_left_alone_longer_and_longer() -> None:
    breaker = BreakerSettings(2, (timedelta(seconds=30), timedelta(minutes=2)))
    assert [breaker.rest_after(failures).total_seconds() for failures in (0, 2, 3, 50)] == [30, 30, 120, 120]


def test_rests_follow_the_retry_list_and_never_last_for_hours() -> None:
    assert rests_like([timedelta(hours=24)]) == (timedelta(minutes=10),)
    assert rests_like([]) == (timedelta(minutes=1),)


# --- the hours ---


def until(flow: FlowSettings, local: str) -> tuple[str, str | None] | None:
    """Return why it is closed and until when in the hub's zone, None while it is open."""
    found = closed(flow, ZONE, datetime.fromisoformat(local).replace(tzinfo=ZONE).astimezone(UTC))
    return found and (found.why, f"{found.until.astimezone(ZONE):%Y-%m-%d %H:%M}" if found.until else None)


@pytest.mark.parametrize(
    ("local", "opens"),
    [
        ("2025-09-26 09:00", None),  # a Friday
        ("2025-09-26 08:29", "2025-09-26 08:30"),
        ("2025-09-26 12:00", "2025-09-26 14:30"),
        ("2025-09-26 18:00", "2025-09-28 08:30"),  # Sunday is made up for: 调休
        ("2025-09-28 09:00", None),
        ("2025-09-30 18:00", "2025-10-09 08:30"),  # the National Day week
        ("2025-10-11 09:00", None),  # a Saturday on
    ],
)
def test_offices_keep_the_working_calendar(local: str, opens: str | None) -> None:
    assert until(FlowSettings(hours=OFFICE), local) == (("hours", opens) if opens else None)


@pytest.mark.parametrize(
    ("local", "opens"),
    [
        ("2025-09-26 21:59", "2025-09-26 22:00"),
        ("2025-09-26 23:00", None),
        ("2025-09-27 05:59", None),
        ("2025-09-27 06:00", "2025-09-27 22:00"),
    ],
)
def test_a_span_may_last_past_midnight(local: str, opens: str | None) -> None:
    assert until(FlowSettings(hours=NIGHT), local) == (("hours", opens) if opens else None)


def test_a_night_belongs_to_the_day_it_begins_on() -> None:
    friday = FlowSettings(hours=(SpanSettings(frozenset({4}), 22 * 60, 30 * 60),))
    assert until(friday, "2025-09-27 05:00") is None
    assert until(friday, "2025-09-26 05:00") == ("hours", "2025-09-26 22:00")


def test_maintenance_closes_what_is_open_and_the_next_opening_is_looked_for_behind_it() -> None:
    once = ClosureSettings(datetime(2025, 9, 26, 11), datetime(2025, 9, 26, 15))
    flow = FlowSettings(hours=OFFICE, maintenance=(once, SpanSettings("daily", 900, 930)))
    assert until(flow, "2025-09-26 10:59") is None
    assert until(flow, "2025-09-26 11:00") == ("maintenance", "2025-09-26 15:30")
    assert until(flow, "2025-09-27 11:00") == ("hours", "2025-09-28 08:30")


def test_what_never_opens_says_so() -> None:
    never = FlowSettings(maintenance=(SpanSettings("daily", 0, 1440),))
    assert closed(never, ZONE, datetime(2025, 9, 26, tzinfo=UTC)) == Closed("maintenance", None)
