"""A worker dies for good, or freezes and wakes: its work goes on elsewhere, and nothing stale is written."""

from __future__ import annotations

import json
import signal
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import select

from hub.model import State
from hub.store import outbox, schema
from tests.commands import DEADLINE, until
from tests.fault.crew import Crew, crew, in_order, stopped
from tests.servers import fresh_postgresql

pytestmark = [pytest.mark.slow, pytest.mark.server, pytest.mark.timeout(300)]

#: A job that is doing since long, of a worker that is not at it.
LEFT = """
SET LOCAL search_path TO hub_engine;
INSERT INTO procrastinate_jobs (queue_name, task_name, lock, queueing_lock, args)
    SELECT 'deliver', 'hub', name, name, json_build_object('name', name) FROM (VALUES ('deliver:city:0')) AS job (name);
UPDATE procrastinate_jobs SET status = 'doing', worker_id = (SELECT max(id) FROM procrastinate_workers);
UPDATE procrastinate_events SET at = at - interval '1 minute';
"""


def test_what_a_killed_worker_was_at_goes_on_elsewhere_and_nothing_is_lost_or_doubled(tmp_path: Path) -> None:
    with fresh_postgresql() as url, crew(tmp_path, url, cases=400, partitions=4, pause=0.03, adapter="KeepingAdapter") as two:
        _kill_one_of_two(two)
        until(lambda: two.states() == {State.DELIVERED: 800}, "the other one does all that is left")
        assert Counter(two.arrived()) == Counter(_keys(400))
        assert in_order(two.arrived())


def test_what_a_killed_worker_had_sent_to_a_blind_target_is_held_and_the_rest_goes_on(tmp_path: Path) -> None:
    with fresh_postgresql() as url, crew(tmp_path, url, cases=400, partitions=4, pause=0.03) as two:
        doubtful = _kill_one_of_two(two)
        until(lambda: _all_that_can(two), "the other one does all that may be done")
        held = _in_state(two, State.HELD)
        assert held
        assert held <= doubtful
        assert set(two.arrived()) | held | _behind(held) == set(_keys(400))
        assert max(Counter(two.arrived()).values()) == 1
        assert in_order(two.arrived())


def _kill_one_of_two(two: Crew) -> set[str]:
    """Kill one of two workers that share the work, with messages on their way; return the keys of all that were."""
    victim, other = two.start(), two.start()
    two.ask()
    until(lambda: two.states().total() == 800, "all is read: a run that is cut off is read on by the next one, and there is none")
    until(lambda: two.at_work() == {victim.pid, other.pid}, "both are at work")
    victim.send_signal(signal.SIGKILL)
    victim.communicate(timeout=DEADLINE)
    return _open(two)


def _open(crew: Crew) -> set[str]:
    """Return the keys of the messages whose windows are open."""
    with crew.store.reading() as connection:
        numbers = outbox.in_flight(connection)
        return set(connection.scalars(select(schema.delivery.c.key).where(schema.delivery.c.id.in_(numbers))))


def _in_state(crew: Crew, state: State) -> set[str]:
    ours = schema.delivery
    with crew.store.reading() as connection:
        return set(connection.scalars(select(ours.c.key).where(ours.c.state == state.value)))


def _all_that_can(crew: Crew, count: int = 800) -> bool:
    """All have been read, and nothing is pending but what stands behind a held one."""
    waits = _behind(_in_state(crew, State.HELD))
    return crew.states().total() == count and _in_state(crew, State.PENDING) == waits and not _open(crew)


def _behind(held: set[str]) -> set[str]:
    """Return the steps whose case is held."""
    return {f"{key}-1" for key in held if "-" not in key}


def _keys(cases: int) -> list[str]:
    return [key for number in range(cases) for key in (f"A{number}", f"A{number}-1")]


def test_a_worker_that_froze_and_wakes_can_write_nothing_stale_and_says_so(tmp_path: Path) -> None:
    with fresh_postgresql() as url, crew(tmp_path, url, cases=300, partitions=4, pause=0.05, adapter="KeepingAdapter") as two:
        frozen, other = two.start(name="frozen"), two.start(name="other")
        two.ask()
        until(lambda: two.at_work() == {frozen.pid, other.pid}, "both are at work")
        frozen.send_signal(signal.SIGSTOP)
        until(lambda: len(two.workers()) == 1, "it is taken for gone")
        until(lambda: two.states() == {State.DELIVERED: 600}, "the other one does all that is left")
        before = two.rows()
        frozen.send_signal(signal.SIGCONT)
        until(lambda: "partition.fenced" in _events(two), "it says that its partition has a newer owner")
        until(lambda: len(two.workers()) == 2, "it is back among the others")
        assert two.rows() == before
        assert Counter(two.arrived()) == Counter(_keys(300))
        assert in_order(two.arrived())
        assert two.end(frozen) == two.end(other) == 143


def test_a_worker_that_froze_between_t2_and_the_call_sends_nothing_of_it_once_it_wakes(tmp_path: Path) -> None:
    """Nobody over there could tell a second message from the first."""
    with fresh_postgresql() as url, crew(tmp_path, url, cases=30, partitions=1, pause=0.0) as two:
        frozen = two.start(name="frozen", fate={"DIE_AT": "t2:after:city:5", "DIE_BY": "STOP"})
        two.ask()
        until(lambda: stopped(frozen.pid), "it is frozen")
        [doubtful] = _open(two)
        other = two.start(name="other")
        until(lambda: {one.pid for one in two.workers()} == {other.pid}, "it is taken for gone")
        until(lambda: _all_that_can(two, 60), "the other one does all that may be done")
        assert _in_state(two, State.HELD) == {doubtful}
        before = two.rows()
        frozen.send_signal(signal.SIGCONT)
        until(lambda: "partition.fenced" in _events(two), "it says that its partition has a newer owner")
        until(lambda: len(two.workers()) == 2, "it is back among the others")
        assert two.end(frozen) == two.end(other) == 143
        assert two.rows() == before
        assert Counter(two.arrived()) == Counter(set(_keys(30)) - {doubtful} - _behind({doubtful}))
        assert in_order(two.arrived())


def _events(crew: Crew) -> set[str]:
    return {json.loads(line)["event"] for line in crew.log().splitlines() if line.endswith("}")}


def test_a_job_nobody_is_at_under_a_worker_that_lives_stops_its_partition_for_seconds_only(tmp_path: Path) -> None:
    """It is left when a worker could not write down that a job had ended."""
    with fresh_postgresql() as url, crew(tmp_path, url, cases=20, partitions=2, pause=0.0) as one:
        one.start()
        with one.store.writing() as connection:
            connection.exec_driver_sql(LEFT)
        one.ask()
        until(lambda: one.states() == {State.DELIVERED: 40}, "both partitions are delivered")
        assert "engine.taken_over" in _events(one)
        assert in_order(one.arrived())
