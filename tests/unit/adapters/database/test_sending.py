"""Grouping keeps the order of every lane, whatever the mixture."""

from __future__ import annotations

from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from adapters.database.sending import Item, grouped, in_lane_order
from adapters.database.targets import Plan
from hub.errors import Deferred, Failure, Rejected
from hub.model import Receipt
from hub.ports import Outcome
from tests.databases import message

PLANS = [cast(Plan, object()) for _ in range(3)]
mixtures = st.lists(st.tuples(st.integers(0, 2), st.sampled_from("ABC")), max_size=30)


@given(mixtures)
def test_lanes_keep_their_order_and_nothing_is_lost(mixture: list[tuple[int, str]]) -> None:
    items = [Item(at, message(at, lane=lane), PLANS[plan]) for at, (plan, lane) in enumerate(mixture)]
    groups = grouped(items)
    order = [item for group in groups for item in group.items]
    assert sorted(item.at for item in order) == list(range(len(items)))
    for lane in "ABC":
        within = [item.at for item in order if item.message.lane == lane]
        assert within == sorted(within)
    assert all(item.plan is group.plan for group in groups for item in group.items)


def test_lanes_of_equal_steps_share_their_statements() -> None:
    items = [Item(n * 2 + plan, message(n, lane=f"L{n}"), PLANS[plan]) for n in range(50) for plan in (0, 1)]
    assert [len(group.items) for group in grouped(items)] == [50, 50]


@given(st.lists(st.tuples(st.booleans(), st.sampled_from("AB")), max_size=20))
def test_whatever_stands_behind_a_failure_is_deferred(mixture: list[tuple[bool, str]]) -> None:
    messages = [message(at, lane=lane) for at, (_, lane) in enumerate(mixture)]
    outcomes: list[Outcome] = [Receipt() if good else Rejected("HUB-D-307", "no") for good, _ in mixture]
    found = in_lane_order(messages, outcomes)
    stopped: set[Any] = set()
    for (good, lane), outcome in zip(mixture, found, strict=True):
        assert isinstance(outcome, Deferred) is (lane in stopped)
        if not good:
            stopped.add(lane)
        assert isinstance(outcome, Failure) or lane not in stopped
