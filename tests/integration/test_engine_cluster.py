"""What two processes on one store do at once: one accepts records of a source at a time, and both take pushes."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from hub.engine import look, receive, schedule
from hub.engine.exchange import Exchange
from hub.engine.gate import SharedGate
from hub.engine.roster import Roster
from hub.engine.turns import Turns
from hub.errors import Fenced
from hub.model import Page, Push, Pushed, State
from hub.store import runs, schema, workers
from hub.store.runs import Trigger
from tests import fakes
from tests.exchanges import START, Site, case, city, site
from tests.integration.test_meanwhile import once_mapped
from tests.servers import fresh_postgresql

pytestmark = pytest.mark.server


@pytest.fixture
def two(tmp_path: Path) -> Iterator[tuple[Site, Site]]:
    """Two processes on one store."""
    fakes.forget()
    with fresh_postgresql() as url, site(tmp_path / "first", url) as first, site(tmp_path / "second", url) as second:
        yield first, second


def keep(here: Site, number: str, *rows: fakes.Record) -> receive.Account:
    with here.exchange.store.alone("push:local"):
        holding = here.holding("push:local", anew=True)
        return receive.keep(here.exchange, holding, "case", Pushed(number, Page(rows, None)))


def test_a_record_accepted_by_another_process_while_a_page_is_mapped_is_not_accepted_again(
    two: tuple[Site, Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = two
    once_mapped(monkeypatch, lambda: keep(second, "n-1", case("A"), case("B")))
    run = first.sync(case("A"), case("C"))
    assert (run.read, run.accepted, run.unchanged) == (2, 1, 1)
    assert sorted(one.key for one in first.deliveries()) == ["A", "B", "C"]


def test_the_next_version_of_what_another_process_has_just_accepted_is_an_update(
    two: tuple[Site, Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = two
    once_mapped(monkeypatch, lambda: keep(second, "n-1", case("A")))
    first.sync(case("A", "2"))
    assert [one.operation for one in first.deliveries()] == ["I", "U"]


def test_pushes_to_two_processes_at_once_are_kept_one_after_the_other(two: tuple[Site, Site]) -> None:
    with ThreadPoolExecutor(8) as threads:
        sent = [threads.submit(keep, two[number % 2], f"n-{number % 8}", case(f"K{number % 8}")) for number in range(16)]
        accounts = [one.result() for one in sent]
    assert sorted(one.key for one in two[0].deliveries()) == sorted(f"K{number}" for number in range(8))
    assert sum(one.repeated for one in accounts) == 8
    with two[0].store.reading() as connection:
        assert len(runs.pushed(connection)) == 8
    assert two[0].column("state", "K0") == State.PENDING.value


def test_who_was_thrown_out_while_keeping_a_push_writes_nothing(two: tuple[Site, Site]) -> None:
    first, second = two
    stale = first.holding("push:local")
    keep(second, "n-1", case("A"))
    with pytest.raises(Fenced):
        receive.keep(first.exchange, stale, "case", Pushed("n-2", Page((case("B"),), None)))
    assert [one.key for one in first.deliveries()] == ["A"]


def test_a_schedule_that_two_find_due_is_one_run(two: tuple[Site, Site]) -> None:
    for one in two:
        schedule.fall_due(one.exchange)
        one.later(minutes=6)
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda one: schedule.fall_due(one.exchange), two))
    with two[0].store.reading() as connection:
        assert [run.trigger for run in runs.latest(connection, limit=9)] == [Trigger.SCHEDULE]


def test_a_look_finds_what_is_due_and_what_an_owner_that_is_gone_left_open(two: tuple[Site, Site]) -> None:
    here = two[0]
    assert look.due(here.exchange) == []
    here.sync(case("A"))
    assert look.due(here.exchange) == ["deliver:city:0"]
    assert look.due(here.exchange, {"local"}) == []
    with here.store.writing() as connection:
        runs.ask(connection, "local", Trigger.CLI, "test", here.now)
        connection.execute(sa.update(schema.delivery).values(due_at=schema.delivery.c.due_at + 60_000))
    assert look.due(here.exchange) == ["collect:local"]
    with here.store.writing() as connection:
        values = {"id": 99, "partition": "deliver:city:0", "epoch": 1, "opened_at": 0, "deliveries": b"[]"}
        connection.execute(sa.insert(schema.window).values(values))
    assert look.due(here.exchange) == ["deliver:city:0", "collect:local"]


def test_a_look_opens_no_adapter_so_one_that_cannot_be_opened_stops_nobody(
    two: tuple[Site, Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    here = two[0]
    here.sync(case("A"))

    def fails(*_: object) -> None:
        raise OSError("no such file")

    monkeypatch.setattr(Exchange, "adapter", fails)
    assert look.due(here.exchange) == ["deliver:city:0"]


class Frank:
    """A receiver that believes its far side: the body is the key of a case, the number of the push as well."""

    def receive(self, kind: str, push: Push) -> Pushed:
        key = push.body.decode()
        return Pushed(key, Page((case(key),), None))


def test_every_worker_takes_pushes_and_the_same_one_twice_is_one(two: tuple[Site, Site], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Exchange, "receiver", lambda *_: Frank())
    gates = [SharedGate(one.exchange, "local") for one in two]
    pushes = [Push("POST", "/", "", {}, f"K{number % 4}".encode(), START) for number in range(8)]
    with ThreadPoolExecutor(8) as threads:
        accounts = list(threads.map(lambda pair: gates[pair[0] % 2].receive("case", pair[1]), enumerate(pushes)))
    assert sum(one.repeated for one in accounts) == 4
    assert sorted(one.key for one in two[0].deliveries()) == ["K0", "K1", "K2", "K3"]
    assert not any(gate.tenure.lost for gate in gates)


def test_a_share_is_an_equal_part_rounded_up_and_what_is_beyond_it_is_let_go(two: tuple[Site, Site]) -> None:
    rosters = [Roster(one.exchange) for one in two]
    for roster in (*rosters, *rosters):  # twice: the first has then seen the second
        roster._beat()
    assert [roster.share(9) for roster in rosters] == [5, 5]
    names = [f"deliver:city:{number}" for number in range(3)]
    with rosters[0].at(names[0]), rosters[0].at(names[1]), rosters[0].at(names[2]), rosters[0].at("collect:local"):
        assert [rosters[0].spare(name, 3) for name in names] == [False, False, True]
        assert not rosters[0].spare("collect:local", 2)
        rosters[0]._beat()
    with two[0].store.reading() as connection:
        assert workers.living(connection)[0].holds == ("collect:local", *names)
    assert not any(roster.sure for roster in rosters), "who has just come may not call others gone"


def test_a_beat_that_took_so_long_that_others_may_have_acted_was_a_silence(
    two: tuple[Site, Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    now, stalls = [100.0], [0.0]
    monkeypatch.setattr("hub.engine.roster.ticks", lambda: now[0])
    real = workers.beat

    def beat(*arguments: Any, **named: Any) -> None:
        now[0] += stalls.pop() if stalls else 0.0
        real(*arguments, **named)

    monkeypatch.setattr(workers, "beat", beat)
    roster = Roster(two[0].exchange)
    roster._beat()
    now[0] += 1
    opened = now[0]
    assert roster.unbroken(opened)
    stalls.append(12.0)  # frozen between asking for the store and writing into it
    roster._beat()
    assert not roster.unbroken(opened)
    now[0] += 1
    roster._beat()
    assert not roster.unbroken(opened)
    assert roster.unbroken(now[0])
    assert not roster.sure


@pytest.mark.parametrize(
    ("since", "due"), [({"minutes": 4}, False), ({"minutes": 5}, True), ({"minutes": -2}, False), ({"days": -1}, True)]
)
def test_verdicts_are_asked_for_again_in_time_and_not_only_when_a_clock_that_was_ahead_said(
    two: tuple[Site, Site], since: dict[str, int], due: bool
) -> None:
    here = two[0]
    here.reconfigure({"config/systems/city.yaml": city("LateMemoryAdapter", lines="feedback: {every: 5m}")})
    assert look.due(here.exchange) == ["feedback:city"]
    here.holding("feedback:city")
    here.later(**since)
    assert look.due(here.exchange) == (["feedback:city"] if due else [])


@pytest.mark.parametrize("broken", ["hub.engine.schedule.fall_due", "hub.engine.maintain.sweep", "hub.engine.maintain.refresh"])
def test_a_schedule_or_a_chore_that_fails_keeps_nothing_from_being_delivered(
    two: tuple[Site, Site], monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    here = two[0]
    here.sync(case("A"))

    def fails(*_: object) -> None:
        raise KeyError("a bug")

    monkeypatch.setattr(broken, fails)
    assert Turns(here.exchange, scheduled=True).look(set()) == ["deliver:city:0"]
    step = "schedule" if "schedule" in broken else "maintain"
    assert here.exchange.metrics.registry.get_sample_value("hub_engine_errors_total", {"step": step}) == 1
