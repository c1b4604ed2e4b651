"""Which runs fall due, and what becomes of occurrences that were missed or find their predecessor at work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from hub.engine import schedule
from hub.engine.exchange import Exchange
from hub.settings import ScheduleSettings, load
from hub.store import open_store, runs
from hub.store.runs import Run, RunState
from tests import configs

CHINA = ZoneInfo("Asia/Shanghai")
START = datetime(2016, 12, 13, 1, 2, 30, tzinfo=UTC)


def test_a_line_is_read_by_the_clocks_of_its_zone() -> None:
    after = datetime(2016, 12, 12, 16, 0, tzinfo=UTC)  # midnight in China
    daily = schedule.occurrences("30 8 * * *", CHINA, after)
    assert [next(daily) for _ in range(2)] == [datetime(2016, 12, 13, 0, 30, tzinfo=UTC), datetime(2016, 12, 14, 0, 30, tzinfo=UTC)]
    assert next(schedule.occurrences("30 8 * * *", UTC, after)) == datetime(2016, 12, 13, 8, 30, tzinfo=UTC)


def test_week_days_are_those_of_the_zone() -> None:
    sunday_evening = datetime(2016, 12, 11, 17, 0, tzinfo=UTC)  # Monday 01:00 in China
    assert next(schedule.occurrences("0 2 * * mon", CHINA, sunday_evening)) == datetime(2016, 12, 11, 18, 0, tzinfo=UTC)


def test_due_is_after_the_last_seen_and_up_to_now() -> None:
    every = ScheduleSettings("*/5 * * * *")
    first, second = (datetime(2016, 12, 13, 1, minute, tzinfo=UTC) for minute in (5, 10))
    assert schedule.due_between(every, CHINA, first - timedelta(seconds=1), second) == [first, second]
    assert schedule.due_between(every, CHINA, first, second) == [second]
    assert schedule.due_between(every, CHINA, first, second - timedelta(microseconds=1)) == []


def test_of_more_missed_ones_than_anybody_counts_the_last_is_left() -> None:
    minutely = ScheduleSettings("* * * * *")
    until = START + timedelta(days=3)
    assert schedule.due_between(minutely, CHINA, START, until) == [until.replace(second=0)]


def test_jitter_delays_each_occurrence_by_its_own_share() -> None:
    jittery = ScheduleSettings("0 * * * *", jitter=timedelta(minutes=10))
    ticks = [datetime(2016, 12, 13, hour, tzinfo=UTC) for hour in range(24)]
    delays = {schedule.delay(jittery, "local", tick) for tick in ticks}
    assert len(delays) == 24
    assert all(timedelta(0) <= delay <= timedelta(minutes=10) for delay in delays)
    assert delays == {schedule.delay(jittery, "local", tick) for tick in ticks}
    assert schedule.delay(jittery, "city", ticks[0]) != schedule.delay(jittery, "local", ticks[0])


def test_a_delayed_occurrence_is_due_after_its_delay_and_not_before() -> None:
    jittery = ScheduleSettings("0 * * * *", jitter=timedelta(minutes=10))
    tick = datetime(2016, 12, 13, 2, tzinfo=UTC)
    late = schedule.delay(jittery, "local", tick)
    assert schedule.due_between(jittery, UTC, START, tick + late - timedelta(microseconds=1), "local") == []
    assert schedule.due_between(jittery, UTC, START, tick + late, "local") == [tick]


class Clocked:
    """An exchange on an empty store whose clock the test turns."""

    def __init__(self, directory: Path, line: str) -> None:
        local = configs.LOCAL.replace('schedule: {cron: "*/5 * * * *"}', f"schedule: {line}")
        settings = load(configs.write(directory, {"config/systems/local.yaml": local}), env={})
        self.now = START
        self.exchange = Exchange(settings, open_store(settings.store), clock=lambda: self.now)

    def at(self, **later: float) -> list[str]:
        self.now = START + timedelta(**later)
        return schedule.fall_due(self.exchange)

    def runs(self) -> list[Run]:
        with self.exchange.store.reading() as connection:
            return runs.latest(connection, limit=100)[::-1]

    def begin(self) -> None:
        with self.exchange.store.writing() as connection:
            runs.begin_next(connection, "local", self.now)

    def close(self) -> None:
        self.exchange.close()
        self.exchange.store.close()


Clock = Callable[[str], Clocked]


@pytest.fixture
def clocked(tmp_path: Path) -> Iterator[Clock]:
    made: list[Clocked] = []

    def make(line: str) -> Clocked:
        made.append(Clocked(tmp_path / str(len(made)), line))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_a_new_schedule_owes_nothing(clocked: Clock) -> None:
    hub = clocked('{cron: "* * * * *"}')
    assert hub.at(seconds=0) == []
    assert hub.runs() == []


def test_an_occurrence_asks_once(clocked: Clock) -> None:
    hub = clocked('{cron: "*/5 * * * *"}')
    hub.at(seconds=0)
    assert hub.at(minutes=2) == []
    assert hub.at(minutes=2, seconds=30) == ["local"]
    assert hub.at(minutes=2, seconds=31) == []
    assert [run.state for run in hub.runs()] == [RunState.ASKED]
    assert hub.exchange.metrics.registry.get_sample_value("hub_sync_next_run_timestamp_seconds", {"system": "local"}) == (
        datetime(2016, 12, 13, 1, 10, tzinfo=UTC).timestamp()
    )


def test_until_an_occurrence_can_be_due_the_store_is_not_asked(clocked: Clock) -> None:
    hub = clocked('{cron: "*/5 * * * *", jitter: 60s}')
    hub.at(seconds=0)
    tick = datetime(2016, 12, 13, 1, 5, tzinfo=UTC)
    due = tick + schedule.delay(ScheduleSettings("*/5 * * * *", jitter=timedelta(minutes=1)), "local", tick) - START
    asked: list[object] = []
    sa.event.listen(hub.exchange.store.engine, "begin", lambda *_: asked.append(1))
    assert hub.at(seconds=due.total_seconds() - 0.001) == []
    assert not asked
    assert hub.at(seconds=due.total_seconds()) == ["local"]
    asked.clear()
    assert hub.at(seconds=due.total_seconds() - 1) == []
    assert asked, "a clock that was set back is believed in nothing"


def test_misfire_once_makes_up_for_many_with_one_run(clocked: Clock) -> None:
    hub = clocked('{cron: "*/5 * * * *", misfire: once}')
    hub.at(seconds=0)
    assert hub.at(hours=5) == ["local"]
    assert hub.at(hours=5, seconds=1) == []
    assert len(hub.runs()) == 1


def test_misfire_skip_says_so_and_goes_on_with_the_next(clocked: Clock) -> None:
    hub = clocked('{cron: "*/30 * * * *", misfire: skip}')
    hub.at(seconds=0)
    assert hub.at(hours=5, minutes=10) == []
    (skipped,) = hub.runs()
    assert skipped.state is RunState.SKIPPED
    assert "missed 10" in (skipped.reason or "")
    assert hub.at(hours=5, minutes=27, seconds=31) == ["local"]


def test_missed_by_less_than_the_grace_is_not_missed(clocked: Clock) -> None:
    hub = clocked('{cron: "*/30 * * * *", misfire: skip}')
    hub.at(seconds=0)
    assert hub.at(minutes=28, seconds=20) == ["local"]


def test_three_days_of_minutes_are_made_up_for_with_one_run(clocked: Clock) -> None:
    hub = clocked('{cron: "* * * * *", misfire: once}')
    hub.at(seconds=0)
    assert hub.at(days=3) == ["local"]
    hub.begin()
    assert hub.at(days=3, seconds=1) == []
    assert len(hub.runs()) == 1


def test_overlap_skip_writes_the_occurrence_down(clocked: Clock) -> None:
    hub = clocked('{cron: "*/5 * * * *", overlap: skip}')
    hub.at(seconds=0)
    hub.at(minutes=3)
    hub.begin()
    assert hub.at(minutes=8) == []
    assert [run.state for run in hub.runs()] == [RunState.RUNNING, RunState.SKIPPED]


def test_overlap_queue_waits_in_line_once(clocked: Clock) -> None:
    hub = clocked('{cron: "*/5 * * * *", overlap: queue}')
    hub.at(seconds=0)
    hub.at(minutes=3)
    hub.begin()
    assert hub.at(minutes=8) == ["local"]
    assert hub.at(minutes=13) == ["local"]
    assert [run.state for run in hub.runs()] == [RunState.RUNNING, RunState.ASKED]
