"""T01 to T04: each line fires on what it is about, and on nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.quality.building import bench, case, fact, found, part

A = "2025-06-02 09:00:00"  # a Monday
FIRST = "0001-01-01 00:00:00"  # a Monday, too
GOOD: dict[str, Any] = {"applied": "2025-06-02 08:40:00", "accepted": A}


def step(started: str, ended: str | None = None, **more: Any) -> Any:
    return fact("step", name="审核", started=started, ended=ended, **more)


def result(ended: str | None, **more: Any) -> Any:
    return fact("result", ended=ended, outcome="Y", **more)


@pytest.mark.parametrize(
    ("facts", "main", "lines"),
    [
        ([step("2025-06-02 09:30:00", "2025-06-02 10:00:00"), result("2025-06-02 10:00:00")], GOOD, set()),
        ([], {"applied": "2025-06-02 09:00:01", "accepted": A}, {"T01/accepted-early"}),
        ([], {"applied": "2025-06-02", "accepted": A}, set()),  # a day alone is not after a time of that day
        ([step("2025-06-02 08:59:59"), step("2025-06-03 09:00:00")], GOOD, {"T01/step-early"}),
        ([step("2025-06-03 09:00:00", "2025-06-03 10:00:01"), result("2025-06-03 10:00:00")], GOOD, {"T01/step-late"}),
        ([step("2025-06-03 11:00:00"), result("2025-06-03 10:00:00")], GOOD, {"T01/step-late"}),  # without an end: its start
        ([result("2025-06-02 08:59:00")], GOOD, {"T01/result-early"}),
        ([result("2026-01-01 09:00:00")], GOOD, {"T01/future"}),
        ([result("2025-12-31 18:09:00")], GOOD, set()),  # clocks differ by minutes
        ([fact("fee", amount="1", payer="1", paid="2026-01-02")], GOOD, {"T01/future"}),
        (
            [step("2025-06-03 11:00:00", FIRST), result("2025-06-03 10:00:00")],
            GOOD,
            set(),
        ),  # an end is an end, even the first moment
    ],
)
def test_t01(facts: list[Any], main: dict[str, Any], lines: set[str]) -> None:
    assert found(case(*facts, **main), rule="T01") == lines


@pytest.mark.parametrize(
    ("ended", "lines"), [("2025-06-02 09:29:59", {"T02/backwards"}), ("2025-06-02 09:30:00", set()), (None, set())]
)
def test_t02(ended: str | None, lines: set[str]) -> None:
    assert found(case(step("2025-06-02 09:30:00", ended), **GOOD), rule="T02") == lines


def special(started: str, ended: str | None, kind: str = "BZ", of: Any = None) -> Any:
    return fact("special", of, type=kind, started=started, ended=ended)


@pytest.mark.parametrize(
    ("facts", "lines"),
    [
        ([special("2025-06-03 09:00:00", "2025-06-04 09:00:00"), special("2025-06-04 09:00:00", "2025-06-05 09:00:00")], set()),
        ([special("2025-06-03 09:00:00", "2025-06-02 09:00:00")], {"T03/backwards"}),
        (
            [special("2025-06-03 09:00:00", "2025-06-05 09:00:00"), special("2025-06-04 09:00:00", "2025-06-06 09:00:00")],
            {"T03/overlap"},
        ),
        ([special("2025-06-03 09:00:00", None)], set()),
        ([special("2025-06-03 09:00:00", None), result("2025-06-09 09:00:00")], {"T03/open"}),
        ([special("2025-06-03 09:00:00", None, of=part("special", "ended")), result("2025-06-09 09:00:00")], set()),
    ],
)
def test_t03(facts: list[Any], lines: set[str]) -> None:
    assert found(case(*facts, **GOOD), rule="T03") == lines


PROMISED = {**GOOD, "days": "5", "promised": "2025-06-09 09:00:00"}  # five working days after Monday: the next Monday


@pytest.mark.parametrize(
    ("facts", "main", "now", "lines"),
    [
        ([result("2025-06-09 17:00:00")], PROMISED, "2025-07-01", set()),
        ([result("2025-06-10 09:00:00")], PROMISED, "2025-07-01", {"T04/overdue"}),
        # four days on which the clock stood: 06-04 to 06-09, the week-end apart
        ([special("2025-06-04 09:00:00", "2025-06-09 10:00:00"), result("2025-06-13 09:00:00")], PROMISED, "2025-07-01", set()),
        (
            [special("2025-06-04 09:00:00", "2025-06-09 10:00:00"), result("2025-06-16 09:00:00")],
            PROMISED,
            "2025-07-01",
            {"T04/overdue"},
        ),
        # a pause within a pause counts once, one written backwards counts all the same
        (
            [special("2025-06-04", "2025-06-09"), special("2025-06-05", "2025-06-06"), result("2025-06-16 09:00:00")],
            PROMISED,
            "2025-07-01",
            {"T04/overdue"},
        ),
        ([special("2025-06-09 10:00:00", "2025-06-04 09:00:00"), result("2025-06-13 09:00:00")], PROMISED, "2025-07-01", set()),
        ([], PROMISED, "2025-06-05 09:00:00", set()),
        ([], PROMISED, "2025-06-06 09:00:00", {"T04/near"}),
        ([], PROMISED, "2025-06-09 09:00:00", {"T04/last-day"}),
        ([], PROMISED, "2025-06-10 09:00:00", {"T04/overdue-open"}),
        ([special("2025-06-03 09:00:00", None)], PROMISED, "2025-06-20 09:00:00", set()),  # the clock still stands
        ([], {**PROMISED, "promised": "2025-06-06 09:00:00"}, "2025-06-03", {"T04/promise"}),
        ([], {**PROMISED, "promised": "2025-06-11 09:00:00"}, "2025-06-03", {"T04/promise"}),
        ([special("2025-06-03", "2025-06-04")], {**PROMISED, "promised": "2025-06-11 09:00:00"}, "2025-06-05", set()),
        # over a holiday: eight days off, two of them made up for
        ([], {"accepted": "2025-09-30 09:00:00", "days": "1", "promised": "2025-10-09 09:00:00"}, "2025-09-30", set()),
        (
            [],
            {"accepted": A, "days": "0", "promised": "2025-06-03 09:00:00"},
            "2025-06-02 10:00:00",
            set(),
        ),  # at once, or the next day
        ([], {"accepted": A, "days": "3"}, "2025-06-06 09:00:00", {"T04/overdue-open"}),
        ([], {"accepted": A}, "2025-12-01", set()),
        ([], {"applied": A}, "2025-12-01", set()),
        ([], {"accepted": A, "days": "三"}, "2025-12-01", set()),
        ([], {"accepted": A, "days": "9" * 5000}, "2025-12-01", set()),
        # what systems write where they know nothing: the first moment of the calendar
        (
            [special(FIRST, "0001-01-03 00:00:00"), result("0001-01-03 00:00:00")],
            {"accepted": FIRST, "days": "1"},
            "2025-06-02",
            set(),
        ),
        ([special("9999-12-31 23:59:59", None)], {"accepted": "9999-12-31 23:59:59", "days": "1"}, "2025-06-02", set()),
    ],
)
def test_t04(facts: list[Any], main: dict[str, Any], now: str, lines: set[str]) -> None:
    assert found(case(*facts, **main), bench(f"{now} 12:00:00" if len(now) == 10 else now), rule="T04") == lines


def test_t04_only_what_stops_the_clock_counts() -> None:
    extension = part("special", pausing=frozenset({"BZ"}))
    facts = [special("2025-06-04 09:00:00", "2025-06-09 10:00:00", "YC", extension), result("2025-06-13 09:00:00")]
    assert found(case(*facts, **PROMISED), rule="T04") == {"T04/overdue"}
