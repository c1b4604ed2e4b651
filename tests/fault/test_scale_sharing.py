"""Workers that come and go share the partitions of one store; all of it arrives, once and in order."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.model import State
from tests.commands import until
from tests.fault.crew import Crew, crew, in_order
from tests.servers import fresh_postgresql

pytestmark = [pytest.mark.slow, pytest.mark.server]


@pytest.mark.timeout(300)
def test_one_two_and_four_workers_share_the_partitions(tmp_path: Path) -> None:
    with fresh_postgresql() as url, crew(tmp_path, url, cases=1500, pause=0.04) as many:
        first = many.start(name="first")
        many.ask()
        until(lambda: len(many.holders()) == 8, "one worker is at all partitions")
        many.start()
        until(lambda: _shared(many, 2), "each of two workers is at its share")
        for _ in range(2):
            many.start()
        until(lambda: _shared(many, 4), "each of four workers is at its share")
        assert many.end(first) == 143
        until(lambda: _all_taken(many), "all is delivered")
        assert sorted(many.arrived()) == sorted(key for n in range(1500) for key in (f"A{n}", f"A{n}-1"))
        assert in_order(many.arrived())
        assert [many.end(one) for one in many.started[1:]] == [143] * 3
        assert many.workers() == []


def _shared(many: Crew, count: int) -> bool:
    """Each is at some, none at more than its share, and no partition is at two."""
    holders = many.holders()
    mine = [sum(pid in pids for pids in holders.values()) for pid in many.at_work()]
    return len(mine) == count and max(mine) <= 8 // count and all(len(pids) == 1 for pids in holders.values())


def _all_taken(many: Crew) -> bool:
    states = many.states()
    return states[State.DELIVERED] == 3000 and states.total() == 3000
