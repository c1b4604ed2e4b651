"""A worker's time is the store's, whatever is done to the clock of its own machine, and however slowly the store answers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection

from hub.engine.exchange import Exchange
from hub.engine.roster import Roster
from hub.engine.storeclock import StoreClock
from hub.settings import load
from hub.store import dialect, open_store
from tests import configs

START = datetime(2016, 12, 13, 1, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


class World:
    """A machine whose clock may be set, and a store somewhere else that takes its time to answer."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seconds, self.ours, self.theirs = 5000.0, START, START
        self.there, self.back = 0.0, 0.0
        monkeypatch.setattr(dialect, "now", self._tell)
        self.clock = StoreClock(lambda: self.ours, lambda: self.seconds)

    def _tell(self, _: Connection) -> datetime:
        self.later(self.there)
        told = self.theirs
        self.later(self.back)
        return told

    def later(self, seconds: float) -> None:
        self.seconds += seconds
        self.ours += seconds * SECOND
        self.theirs += seconds * SECOND

    def learn(self, there: float = 0.0, back: float = 0.0) -> None:
        self.there, self.back = there, back
        self.clock.learn(None)  # type: ignore[arg-type]  # the store is the one above

    @property
    def error(self) -> float:
        return (self.clock() - self.theirs).total_seconds()


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return World(monkeypatch)


def test_it_is_our_own_until_it_is_learned(world: World) -> None:
    world.ours += timedelta(hours=1)
    assert world.clock() == world.ours
    world.learn()
    assert world.error == pytest.approx(0, abs=1e-5)
    assert world.clock.ahead.total_seconds() == pytest.approx(3600, abs=1e-5)


def test_setting_the_machines_clock_does_nothing_to_it(world: World) -> None:
    world.learn()
    for change in (timedelta(hours=-2), timedelta(days=900)):
        world.ours += change
        world.later(30)
        assert world.error == pytest.approx(0, abs=1e-5)


def test_an_answer_that_was_long_under_way_spoils_nothing_that_was_known_better(world: World) -> None:
    world.learn(0.001, 0.001)
    for there, back in ((4.0, 0.0), (0.0, 4.0), (12.0, 1.0)):
        world.learn(there, back)
        assert abs(world.error) <= 0.0011


def test_a_first_answer_that_was_long_under_way_is_mended_by_the_next(world: World) -> None:
    world.learn(4.0, 0.0)
    assert world.error == pytest.approx(2.0, abs=1e-5)
    world.learn(0.001, 0.001)
    assert abs(world.error) <= 0.0021


def test_it_follows_the_store_when_that_clock_is_set(world: World) -> None:
    world.learn()
    world.theirs -= timedelta(hours=3)
    world.learn(0.001, 0.001)
    assert abs(world.error) <= 0.0021


@pytest.fixture
def roster(tmp_path: Path) -> Iterator[Roster]:
    settings = load(configs.write(tmp_path), env={})
    store = open_store(settings.store)
    yield Roster(Exchange(settings, store))
    store.close()


def test_a_wrong_clock_is_told_of_once_and_again_when_it_was_right_in_between(
    roster: Roster, caplog: pytest.LogCaptureFixture
) -> None:
    off = [timedelta(seconds=6)]
    roster.clock = StoreClock(lambda: datetime.now(UTC) + off[0])

    def told() -> int:
        roster._beat()
        return sum("HUB-E-143" in one.getMessage() for one in caplog.records)

    assert [told(), told()] == [1, 1]
    off[0] = timedelta(0)
    assert told() == 1
    off[0] = timedelta(hours=-1)
    assert told() == 2


def test_what_was_learned_outlives_a_reload(roster: Roster) -> None:
    roster._beat()
    exchange = roster._exchange
    again = Exchange(exchange.settings, exchange.store, clock=roster.clock)
    assert Roster(again).clock is roster.clock
