"""A fault plan throws what it is told, as often as it is told, and counts it."""

from __future__ import annotations

from threading import Thread

from hub.sandbox.faults import LEVELS, FaultKind, FaultPlan


def test_a_script_is_used_up_first_and_in_order() -> None:
    plan = FaultPlan(rates={FaultKind.SLOW: 1.0}, script=[FaultKind.TOO_MANY, None, FaultKind.BUSY])
    assert [plan.next() for _ in range(4)] == [FaultKind.TOO_MANY, None, FaultKind.BUSY, FaultKind.SLOW]
    assert plan.thrown() == {FaultKind.TOO_MANY: 1, FaultKind.BUSY: 1, FaultKind.SLOW: 1}


def test_equal_seeds_throw_alike() -> None:
    def throws(seed: int) -> list[FaultKind | None]:
        plan = FaultPlan(seed=seed, rates=LEVELS["many"])
        return [plan.next() for _ in range(500)]

    assert throws(1) == throws(1) != throws(2)
    assert 30 < sum(kind is not None for kind in throws(1)) < 130


def test_limits_cap_a_kind() -> None:
    plan = FaultPlan(rates={FaultKind.BUSY: 1.0}, limits={FaultKind.BUSY: 2})
    assert [plan.next() for _ in range(3)] == [FaultKind.BUSY, FaultKind.BUSY, None]
    assert plan.thrown()[FaultKind.BUSY] == 2


def test_a_plan_can_be_changed_while_it_runs_and_keeps_its_counts() -> None:
    plan = FaultPlan(rates={FaultKind.BUSY: 1.0})
    plan.next()
    plan.change(rates={}, script=[FaultKind.SLOW])
    assert [plan.next(), plan.next()] == [FaultKind.SLOW, None]
    plan.change(limits={FaultKind.BUSY: 1}, rates={FaultKind.BUSY: 1.0})
    assert plan.next() is None
    plan.note(FaultKind.LATE_REJECTION)
    assert plan.thrown() == {FaultKind.BUSY: 1, FaultKind.SLOW: 1, FaultKind.LATE_REJECTION: 1}


def test_counts_hold_when_many_threads_ask() -> None:
    plan = FaultPlan(rates={FaultKind.BUSY: 0.5, FaultKind.SLOW: 0.5})
    threads = [Thread(target=lambda: [plan.next() for _ in range(500)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert plan.thrown().total() == 2000
