"""The embedded engine with its threads: works to the end, drains, recovers from its own and from adapters' trouble."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread

import pytest
import sqlalchemy as sa

from hub.catalogue.reasons import reason
from hub.engine import local, steps
from hub.engine.collect import collect
from hub.engine.service import Service
from hub.errors import ConfigurationError, Fenced
from hub.model import Message, Page, Receipt, State
from hub.ports import Outcome
from hub.settings import load
from hub.store import open_store, partitions, runs, schema, views
from hub.store.runs import Run, RunState, Trigger
from tests import configs, fakes
from tests.exchanges import Site, case, city, site
from tests.fakes import MemoryAdapter, far


def eventually(condition: Callable[[], object], seconds: float = 20.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it never came true"
        time.sleep(0.02)


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Site]:
    fakes.forget()
    with site(tmp_path, f"sqlite:///{tmp_path}/hub.db") as made:
        yield made


@pytest.fixture
def service(here: Site) -> Iterator[Service]:
    made = Service(load(here.directory, env={}), here.store, scheduled=False)
    yield made
    made.stop(20)


def ended(here: Site, number: int) -> Run | None:
    with here.store.reading() as connection:
        run = runs.get(connection, number)
    return run if run and run.ended_at else None


def all_in(here: Site, state: State, count: int) -> bool:
    found = [one.state for one in here.deliveries()]
    return found == [state] * count


def test_works_to_the_end(here: Site, service: Service) -> None:
    here.source.records.extend(case(f"A{number}") for number in range(250))
    service.start()
    number = service.ask("local", Trigger.CLI, "test")
    eventually(lambda: all_in(here, State.DELIVERED, 250) and ended(here, number) is not None)
    run = ended(here, number)
    assert run is not None
    assert (run.state, run.read, run.adds_up) == (RunState.DONE, 250, True)
    assert {one.name for one in here_owners(service)} == {"collect:local", "deliver:city:0"}


def here_owners(service: Service) -> list[local.Holding]:
    return service._engine.owners()


def test_invariant_8_stopping_settles_what_is_in_flight(here: Site, service: Service) -> None:
    sending, go = Event(), Event()

    def receive(message: Message, *, idempotent: bool) -> Outcome:
        sending.set()
        assert go.wait(20)
        here.side.taken.append(message)
        return Receipt()

    here.side.receive = receive  # type: ignore[method-assign]
    here.sync(case("A"))
    service.start()
    assert sending.wait(20)
    assert not service._engine.stop(0.1)  # it does not leave a message half-way
    go.set()
    assert service.stop(20)
    assert (here.taken(), here.states()) == (["A"], {"A": State.DELIVERED})
    with here.store.reading() as connection:
        assert views.sending(connection) == {}


def test_another_process_may_ask_for_a_run(here: Site, service: Service) -> None:
    service.start()
    here.source.records.append(case("A"))
    other = open_store(here.store.engine.url.render_as_string(hide_password=False))
    with other.writing() as connection:
        runs.ask(connection, "local", Trigger.CLI, "another", here.now)
    other.close()
    eventually(lambda: all_in(here, State.DELIVERED, 1))


def test_bad_files_keep_the_old_configuration_and_good_ones_lose_nothing(here: Site, service: Service) -> None:
    service.start()
    here.source.records.extend(case(f"A{number}") for number in range(60))
    service.ask("local", Trigger.CLI, "test")
    configs.put(here.directory, "config/systems/city.yaml", "version: 1\nsystem: city\n")
    before = service.exchange
    with pytest.raises(ConfigurationError):
        service.reload(lambda: load(here.directory, env={}))
    assert service.exchange is before
    assert service.metrics.registry.get_sample_value("hub_config_last_reload_successful") == 0
    for number in (3, 1):  # what was owed in a partition that is gone is sent all the same
        configs.put(here.directory, "config/systems/city.yaml", city(lines=f"partitions: {number}"))
        service.reload(lambda: load(here.directory, env={}))
        here.source.records.extend(case(f"B{number}{one}") for one in range(60))
        service.ask("local", Trigger.CLI, "test")
    eventually(lambda: all_in(here, State.DELIVERED, 180))
    assert len(here.taken()) == len(set(here.taken())) == 180


@pytest.mark.parametrize("full", [False, True])
def test_a_run_that_a_reload_broke_off_says_so_and_another_reads_on(
    here: Site, service: Service, monkeypatch: pytest.MonkeyPatch, full: bool
) -> None:
    """Nobody told the hub to stop, and whoever asked for the run wants all of it."""
    real, engine = MemoryAdapter.read, service._engine
    assert isinstance(engine, local.LocalEngine)
    reloads: list[Thread] = []

    def read(self: MemoryAdapter, cursor: str | None) -> Iterator[Page]:
        for page in real(self, cursor):
            if not reloads:
                reloads.append(Thread(target=service.reload, args=(lambda: load(here.directory, env={}),)))
                reloads[0].start()
                assert engine._stopping.wait(20)
            yield page

    monkeypatch.setattr(MemoryAdapter, "read", read)
    here.source.records.extend(case(f"A{number}") for number in range(250))
    service.start()
    first = service.ask("local", Trigger.API, "王某", full=full)
    eventually(lambda: ended(here, first) and ended(here, first + 1))
    reloads[0].join()
    broken, another = ended(here, first), ended(here, first + 1)
    assert broken is not None and another is not None
    told = f"the hub took a new configuration over, run {another.id} reads on"
    assert (broken.state, broken.read, broken.reason) == (RunState.INTERRUPTED, 100, told)
    assert reason(told, "zh") == f"中枢换用了新的配置，由运行 {another.id} 接着读"
    assert (another.state, another.read, another.full, another.trigger, another.asked_by) == (
        RunState.DONE, 150, False, Trigger.API, "王某",
    )  # fmt: skip
    eventually(lambda: all_in(here, State.DELIVERED, 250))


@pytest.mark.parametrize(("gone", "told"), [(False, "the hub was told to stop"), (True, "the hub took a new configuration over")])
def test_a_run_that_nothing_will_read_on_is_followed_by_none(here: Site, gone: bool, told: str) -> None:
    """Asked for of a source that is no longer configured, it would wait for ever."""
    here.exchange.successor = replace(here.exchange.settings, systems={}) if gone else None
    here.source.records.append(case("A"))
    run = here.begin()
    collect(here.exchange, here.holding("collect:local"), run, stopping=lambda: True, wake=lambda: None)
    with here.store.reading() as connection:
        (only,) = runs.latest(connection, limit=9)
    assert (only.state, only.reason) == (RunState.INTERRUPTED, told)


def test_an_engine_that_could_not_start_is_told_and_the_next_reload_starts_one(
    here: Site, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store was away just then: nothing works any more, and it must not look well."""

    def away(*_: object) -> int:
        raise sa.exc.OperationalError("SELECT", {}, Exception("the server closed the connection"))

    service.start()
    with monkeypatch.context() as patch, pytest.raises(sa.exc.OperationalError):
        patch.setattr("hub.store.outbox.partitions", away)
        service.reload(lambda: load(here.directory, env={}))
    assert service.ended() == ["engine"]
    here.source.records.append(case("A"))
    service.reload(lambda: load(here.directory, env={}))
    assert service.ended() == []
    service.ask("local", Trigger.CLI, "test")
    eventually(lambda: all_in(here, State.DELIVERED, 1))


def test_nothing_is_begun_while_another_hub_has_the_lease(here: Site, service: Service) -> None:
    """It would take partitions from their owner, whose threads would end."""
    lease = service.exchange.lease
    lease.refused = True
    service.start()
    assert service.ended() == ["lease"]
    here.source.records.append(case("A"))
    service.ask("local", Trigger.CLI, "test")
    service.reload(lambda: load(here.directory, env={}))
    assert service.ended() == ["lease"]
    assert service.exchange.lease is lease
    with here.store.reading() as connection:
        assert [one.name for one in partitions.holdings(connection)] == []
    lease.refused = False
    eventually(lambda: all_in(here, State.DELIVERED, 1))
    assert service.ended() == []


def test_what_is_owed_in_a_partition_that_is_gone_is_sent(here: Site, service: Service) -> None:
    here.sync(case("A"))
    with here.store.writing() as connection:
        connection.execute(sa.update(schema.delivery).values(partition=5))
    service.start()
    eventually(lambda: all_in(here, State.DELIVERED, 1))


def test_a_bug_of_an_adapter_ends_the_run_and_the_next_one_reads_on(
    here: Site, service: Service, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    real = MemoryAdapter.read
    broken = [True]

    def read(self: MemoryAdapter, cursor: str | None) -> Iterator[Page]:
        if broken[0]:
            raise KeyError("a bug")
        yield from real(self, cursor)

    monkeypatch.setattr(MemoryAdapter, "read", read)
    here.source.records.append(case("A"))
    service.start()
    with caplog.at_level(logging.ERROR):
        first = service.ask("local", Trigger.CLI, "test")
        eventually(lambda: ended(here, first))
    run = ended(here, first)
    assert run is not None
    assert (run.state, run.code) == (RunState.FAILED, "HUB-S-199")
    assert any(getattr(entry, "event", "") == "adapter.bug" for entry in caplog.records)
    broken[0] = False
    service.ask("local", Trigger.CLI, "test")
    eventually(lambda: all_in(here, State.DELIVERED, 1))


def test_a_run_the_store_broke_off_is_ended_and_the_source_read_again(
    here: Site, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, failures = steps.collect, [1]

    def fails(*arguments: object, **named: object) -> object:
        if failures[0]:
            failures[0] -= 1
            raise sa.exc.OperationalError("INSERT", {}, Exception("disk full"))
        return real(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(steps, "collect", fails)
    here.source.records.append(case("A"))
    service.start()
    first = service.ask("local", Trigger.CLI, "test")
    eventually(lambda: ended(here, first))
    run = ended(here, first)
    assert run is not None
    assert run.state is RunState.INTERRUPTED
    service.ask("local", Trigger.CLI, "test")
    eventually(lambda: all_in(here, State.DELIVERED, 1))


def test_a_collector_whose_source_was_taken_begins_no_run(here: Site, service: Service) -> None:
    """A run begun by a hub that may not carry it out would be at work for ever."""
    engine = service._engine
    assert isinstance(engine, local.LocalEngine)
    step = engine._collector("local")
    step()
    with here.store.writing() as connection:
        partitions.take(connection, "collect:local", "another", here.now)
        number = runs.ask(connection, "local", Trigger.CLI, "test", here.now)
    with pytest.raises(Fenced):
        step()
    with here.store.reading() as connection:
        run = runs.get(connection, number)
    assert run is not None
    assert run.state is RunState.ASKED


def test_a_locked_store_delays_and_loses_nothing(here: Site, service: Service) -> None:
    service.start()
    here.source.records.extend(case(f"A{number}") for number in range(20))
    number = service.ask("local", Trigger.CLI, "test")
    with here.store.writing() as connection:  # BEGIN IMMEDIATE: nobody else writes
        connection.execute(sa.text("SELECT 1"))
        before = len(here.side.taken)
        eventually(lambda: True)
        assert len(here.side.taken) >= before
    eventually(lambda: all_in(here, State.DELIVERED, 20))
    eventually(lambda: ended(here, number))


def test_one_slow_system_does_not_delay_another(here: Site, tmp_path: Path) -> None:
    routes = (here.directory / "config/routes/city.yaml").read_text("utf-8")
    town = "  - {route: town-accept, title: 乡镇, from: local, kind: case, mapping: city/accept, to: town/accept, lane: BJBH}\n"
    configs.put(here.directory, "config/routes/city.yaml", routes.rstrip() + "\n" + town)
    configs.put(here.directory, "config/systems/town.yaml", city().replace("system: city", "system: town"))
    go = Event()

    def receive(message: Message, *, idempotent: bool) -> Outcome:
        assert go.wait(20)
        return Receipt()

    here.side.receive = receive  # type: ignore[method-assign]
    service = Service(load(here.directory, env={}), here.store, scheduled=False)
    service.start()
    here.source.records.extend(case(f"A{number}") for number in range(5))
    service.ask("local", Trigger.CLI, "test")
    eventually(lambda: len(far("town").taken) == 5)
    assert not here.side.taken
    go.set()
    assert service.stop(20)


def test_lanes_and_partitions_go_side_by_side(here: Site) -> None:
    """Two calls must be under way at once in each of two partitions before any of them is answered."""
    configs.put(here.directory, "config/systems/city.yaml", city(lines="partitions: 2", in_flight=2, batch=1))
    here.reconfigure({})
    here.sync(*(case(f"A{number}") for number in range(40)))
    under_way, go = [0], Event()

    def receive(message: Message, *, idempotent: bool) -> Outcome:
        with here.store.reading():
            under_way[0] += 1
        assert go.wait(20)
        return Receipt()

    real: Callable[..., Sequence[Outcome]] = MemoryAdapter.send
    here.side.lock = _NoLock()  # type: ignore[assignment]
    here.side.receive = receive  # type: ignore[method-assign]
    service = Service(load(here.directory, env={}), here.store, scheduled=False)
    service.start()
    eventually(lambda: under_way[0] >= 4)
    go.set()
    eventually(lambda: all_in(here, State.DELIVERED, 40))
    assert service.stop(20)
    assert real is MemoryAdapter.send


class _NoLock:
    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...
