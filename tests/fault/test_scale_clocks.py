"""Workers whose machines disagree about the time share a system as if they did not: what counts is the clock of the store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from hub.model import State
from hub.store import schema
from tests.commands import Directory, until
from tests.fault.crew import Crew, crew
from tests.servers import fresh_postgresql

pytestmark = [pytest.mark.slow, pytest.mark.server, pytest.mark.timeout(300)]

CASES = 60


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Crew]:
    with fresh_postgresql() as url, crew(tmp_path, url, cases=CASES, partitions=2, pause=0.0, lines="rate: {second: 10}") as found:
        yield found


class Shifted(Directory):
    """The same directory on a machine with another clock."""

    def command(self, *arguments: str) -> list[str]:
        return [word if word != "hub.cli" else "tests.fault.dying" for word in super().command(*arguments)]


def partitions(team: Crew) -> dict[str, int]:
    """Return in which partition each record is delivered."""
    ours = schema.delivery.c
    with team.store.reading() as connection:
        return {row.key: row.partition for row in connection.execute(select(ours.key, ours.partition))}


@pytest.mark.parametrize("seconds", [3, -7200])
def test_who_is_ahead_starves_nobody_of_a_rate_and_puts_nothing_off(team: Crew, seconds: int) -> None:
    """One of two workers has another time. Both call all the time; each gets its share of what may be called."""
    team.start(name="right")
    wrong = Shifted(team.directory.path, {"CLOCK_SHIFT": str(seconds)})
    team.start(name="wrong", directory=wrong)
    until(lambda: len(team.workers()) == 2, "both are seen")
    team.ask()
    until(lambda: len(team.at_work()) == 2, "both are at it")
    until(lambda: team.states() == {State.DELIVERED: 2 * CASES}, "all is delivered")
    places = partitions(team)
    arrived = [places[key] for key in team.arrived()]
    assert len(arrived) == 2 * CASES
    half = Counter(arrived[:CASES])
    assert min(half[0], half[1]) >= CASES // 3, f"one waits for the other: {half}"
    assert ("HUB-E-143" in team.log()) == (abs(seconds) > 5)
