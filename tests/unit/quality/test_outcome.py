"""C04, C05, C07, C08, D01 and D03: results, fees, materials, evaluations, the same case twice, times that were filled in."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.quality.building import bench, case, fact, found, item, part

MAIN: dict[str, Any] = {"item": "S1", "applied": "2025-06-02 08:30:00", "accepted": "2025-06-02 09:00:00"}


def result(of: Any = None, **values: Any) -> Any:
    return fact("result", of, ended="2025-06-03 10:00:00", **values)


@pytest.mark.parametrize(
    ("one", "lines"),
    [
        (result(outcome="Y", certificate="1", certificate_number="1"), set()),
        (result(outcome="Y"), set()),
        (result(outcome="Y", certificate="1"), {"C04/half-certificate"}),
        (result(outcome="Y", certificate_number="1"), {"C04/half-certificate"}),
        (result(outcome="N", reason="1"), set()),
        (result(outcome="N"), {"C04/no-reason"}),
        (result(outcome="N", reason="1", certificate="1", certificate_number="1"), {"C04/refused-certificate"}),
        (result(part("result", "reason", "certificate_number"), outcome="N", certificate=None), set()),
    ],
)
def test_c04(one: Any, lines: set[str]) -> None:
    assert found(case(one, **MAIN), rule="C04") == lines


@pytest.mark.parametrize(
    ("one", "hall", "lines"),
    [
        (fact("fee", amount="1", payer="1"), None, set()),
        (fact("fee", payer="1"), None, {"C05/no-amount"}),
        (fact("fee", amount="1"), None, {"C05/no-payer"}),
        (fact("fee", part("fee", "amount", "payer")), None, set()),
        (fact("fee", amount="1", payer="1"), [item(charged="0")], {"C05/not-charged"}),
        (fact("fee", amount="1", payer="1"), [item(charged="0", version="1"), item(charged="1", version="2")], set()),
        (fact("fee", amount="1", payer="1"), [item("S2", charged="0")], set()),
    ],
)
def test_c05(one: Any, hall: Any, lines: set[str]) -> None:
    assert found(case(one, **MAIN), bench(hall=hall), rule="C05") == lines


@pytest.mark.parametrize(
    ("facts", "materials", "lines"),
    [
        ([fact("material", name="申请书", way="0")], (), set()),
        ([fact("material", name="申请书", way="2", file="1")], (), set()),
        ([fact("material", name="申请书", way="2")], (), {"C07/no-file"}),
        ([fact("material", part("material", "file"), name="申请书", way="2")], (), set()),
        ([fact("material", name="申请书", way="0")], ("申请书",), set()),
        ([fact("material", name="申请书", way="0")], ("申请书", "章程"), {"C07/missing"}),
        ([], ("申请书",), {"C07/missing"}),
    ],
)
def test_c07(facts: list[Any], materials: tuple[str, ...], lines: set[str]) -> None:
    assert found(case(*facts, **MAIN), bench(hall=[item(materials=materials)]), rule="C07") == lines


def test_c07_any_version_of_the_item_will_do() -> None:
    versions = [item(version="1", materials=("章程",)), item(version="2", materials=("申请书",))]
    assert found(case(fact("material", name="申请书", way="0"), **MAIN), bench(hall=versions), rule="C07") == set()


RATING = fact("evaluation", level="5", status="02", automatic="0", place="3", at="2025-06-03 11:00:00")


@pytest.mark.parametrize(
    ("facts", "main", "lines"),
    [
        ([RATING], MAIN, set()),
        ([RATING], {}, {"C08/alone"}),
        ([fact("evaluation", level="5", status="03")], MAIN, {"C08/early"}),
        ([fact("evaluation", level="5", status="03"), result(outcome="Y")], MAIN, set()),
        ([fact("evaluation", level="5", automatic="1")], MAIN, {"C08/default"}),
    ],
)
def test_c08(facts: list[Any], main: dict[str, Any], lines: set[str]) -> None:
    assert found(case(*facts, **main), rule="C08") == lines


def test_what_was_found_across_cases_is_told_of_the_case() -> None:
    on = bench(twice=frozenset({"A1"}), praised=frozenset({"A1", "A2"}))
    assert found(case(number="A1", **MAIN), on) == {"D01/twice", "C08/bulk", "C01/idle"}
    assert found(case(number="A3", **MAIN), on) == {"C01/idle"}


@pytest.mark.parametrize(
    ("times", "ended", "lines"),
    [
        (("2025-06-02", "2025-06-02"), "2025-06-02", {"D03/same-time"}),
        (("2025-06-02 09:00:00", "2025-06-02 09:00:00"), "2025-06-02 09:00:00", {"D03/same-time"}),
        (("2025-06-02 09:00:00", "2025-06-02 09:00:00"), "2025-06-02 09:00:01", set()),
        (("2025-06-02 09:00:00", "2025-06-02 09:00:00"), None, set()),
        ((None, None), None, set()),
    ],
)
def test_d03_equal_times(times: tuple[Any, Any], ended: Any, lines: set[str]) -> None:
    applied, accepted = times
    made = case(fact("result", ended=ended), applied=applied, accepted=accepted, item="S1")
    assert found(made, rule="D03") == lines
