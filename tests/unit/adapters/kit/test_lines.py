"""Who waits for one of a few things gets it in turn, or is told that none came free."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from adapters.kit.lines import Lines, NoneFree
from tests.commands import until


def test_no_more_are_made_than_may_be_and_none_is_lent_twice() -> None:
    numbers = iter(range(9))
    lines = Lines(lambda: next(numbers), 2)
    with lines.one(0.0) as first, lines.one(0.0) as second:
        assert {first, second} == {0, 1}
        with pytest.raises(NoneFree), lines.one(0.0):
            pass
    with lines.one(0.0) as again:
        assert again == first, "the one given back last: it is the likeliest to be open still"
    assert lines.made() == [0, 1]


def test_who_waits_longest_is_next() -> None:
    lines, turns = Lines(lambda: "line", 1), list[int]()

    def take(number: int) -> None:
        with lines.one(60.0):
            turns.append(number)

    with ThreadPoolExecutor(3) as threads, lines.one(0.0):
        for number in range(3):
            threads.submit(take, number)
            until(lambda: len(lines._waiting) == number + 1, "it waits")  # noqa: B023
    assert turns == [0, 1, 2]
