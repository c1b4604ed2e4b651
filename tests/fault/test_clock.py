"""A hub that begins and works under a clock that is years off, ahead or behind, and goes on once it is right."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from hub.engine.exchange import utc_now
from hub.model import State
from hub.store import runs
from hub.store.runs import RunState, Trigger
from tests.commands import until
from tests.fault.matrix import YEAR
from tests.fault.scene import BLIND, CASES, TABLE, Scene

#: On a machine that is busy a hub may begin only after the minute it was to see: then it waits for the next one.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


def shift(seconds: int) -> str:
    """Return by how much a clock is off whose next minute, when the schedule falls due, is some seconds away."""
    return str(seconds + 48 - time.time() % 60)


@pytest.mark.parametrize("off", [pytest.param(3 * YEAR, id="ahead"), pytest.param(-3 * YEAR, id="behind")])
def test_a_hub_that_worked_under_a_wrong_clock_sends_all_once_it_is_right(tmp_path: Path, off: int) -> None:
    scene = Scene(tmp_path, f"sqlite:///{tmp_path}/hub.db", scheduled=True, slow=True)
    try:
        scene.start(CLOCK_SHIFT=shift(off))
        until(lambda: scene.read() and scene.states(BLIND)[State.DELIVERED] > 3, "it reads by its schedule, and delivers")
        scene.stop()
        assert scene.states(BLIND)[State.PENDING], "all was delivered under the wrong clock: nothing is proven"
        scene.start(CLOCK_SHIFT=shift(0))
        cost = scene.cost(scene.settles(done=lambda: scheduled_now(scene)))
        assert (cost.lost, cost.doubled, cost.held, cost.order_kept) == (0, {TABLE: 0, BLIND: 0}, 0, True)
        for system in (TABLE, BLIND):
            assert sum(scene.states(system).values()) == 3 * CASES
            assert scene.states(system)[State.PENDING] == 0
    finally:
        scene.close()


def scheduled_now(scene: Scene) -> bool:
    """Tell whether the schedule was kept by the right clock."""
    with scene.store.reading() as connection:
        found = runs.latest(connection, limit=50, source="local")
    mine = [run for run in found if run.trigger is Trigger.SCHEDULE and run.state is RunState.DONE]
    return any(abs((run.asked_at - utc_now()).total_seconds()) < 24 * 3600 for run in mine)
