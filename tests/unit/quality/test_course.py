"""C01 to C03: a case without a part, with the wrong number of steps, with steps that cannot be."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.quality.building import bench, case, fact, found, part

MAIN: dict[str, Any] = {"accepted": "2025-06-02 09:00:00", "type": "2"}
STEP = fact("step", name="审核", action="2", started="2025-06-02 10:00:00")
TAKEN_IN = fact("step", name="窗口受理", action="4", started="2025-06-02 09:00:00")
CLOSING = fact("step", name="办结", action="6", started="2025-06-03 10:00:00")
RESULT = fact("result", ended="2025-06-03 10:00:00", outcome="Y")


@pytest.mark.parametrize(
    ("facts", "main", "lines"),
    [
        ([STEP, RESULT], MAIN, set()),
        ([RESULT], {}, {"C01/result-alone", "C01/no-step"}),
        ([STEP, RESULT], {"applied": "2025-06-02"}, {"C01/result-alone", "C01/step-alone"}),
        ([STEP], {}, {"C01/step-alone"}),
        ([RESULT], MAIN, {"C01/no-step"}),
        ([TAKEN_IN, RESULT], MAIN, {"C01/no-step"}),
        ([], MAIN, {"C01/idle"}),
        ([TAKEN_IN], MAIN, {"C01/idle"}),
        ([STEP], MAIN, set()),
    ],
)
def test_c01(facts: list[Any], main: dict[str, Any], lines: set[str]) -> None:
    assert found(case(*facts, **main), rule="C01") == lines


@pytest.mark.parametrize(("now", "lines"), [("2025-06-06 18:00:00", set()), ("2025-06-09 08:00:00", {"C01/idle"})])
def test_c01_waits_so_many_working_days(now: str, lines: set[str]) -> None:
    assert found(case(**MAIN), bench(now), rule="C01") == lines


def test_c01_says_nothing_of_work_where_no_steps_are_kept() -> None:
    without = bench(parts=frozenset({"case", "result"}))
    assert found(case(**MAIN), without, rule="C01") == set()
    assert found(case(RESULT, **MAIN), without, rule="C01") == set()


@pytest.mark.parametrize(
    ("facts", "kind", "lines"),
    [
        ([STEP, CLOSING, RESULT], "2", set()),
        ([TAKEN_IN, CLOSING, RESULT], "2", {"C02/no-middle"}),
        ([RESULT], "2", {"C02/no-middle"}),
        ([CLOSING], "2", set()),  # not done yet
        ([TAKEN_IN, CLOSING, RESULT], "1", set()),
        ([STEP, CLOSING, RESULT], "1", {"C02/many"}),
        ([STEP, CLOSING, RESULT], "9", set()),
        ([TAKEN_IN, CLOSING, RESULT], None, set()),
    ],
)
def test_c02(facts: list[Any], kind: str | None, lines: set[str]) -> None:
    assert found(case(*facts, accepted="2025-06-02 09:00:00", type=kind), rule="C02") == lines


def steps(*actions: str | None) -> list[Any]:
    return [fact("step", name="审核", action=one, started=f"2025-06-0{number} 10:00:00") for number, one in enumerate(actions, 2)]


@pytest.mark.parametrize(
    ("facts", "lines"),
    [
        (steps("2", "3", "6"), set()),
        (steps("6", "2", "6"), {"C03/pair"}),
        (steps("2", "6", "6"), {"C03/pair"}),
        (steps("2", "9"), {"C03/pair"}),
        (steps("6"), set()),
        (steps("2", None), set()),
        (list(reversed(steps("2", "6"))), set()),  # the order is that of their times
        ([fact("step", action="6")], set()),  # no time, no position
        ([], set()),
    ],
)
def test_c03(facts: list[Any], lines: set[str]) -> None:
    assert found(case(*facts, **MAIN), rule="C03") == lines


def test_c03_needs_the_countys_pairs() -> None:
    from dataclasses import replace

    without = replace(part("step"), pairs={})
    assert found(case(fact("step", without, action="9", started="2025-06-02 10:00:00"), **MAIN), rule="C03") == set()
