"""A hub with nothing to do: one thread looks for all, nobody else asks the store, and nothing is missed for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from hub.engine.local import LocalEngine, _Worker
from hub.engine.service import Service
from hub.model import State
from hub.settings import load
from hub.store import Store, open_store, runs, schema, systems
from hub.store.lease import Lease
from hub.store.runs import Trigger
from tests import fakes
from tests.exchanges import Site, case, city, site
from tests.integration.test_engine_local import all_in, eventually


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Site]:
    fakes.forget()
    with site(tmp_path, f"sqlite:///{tmp_path}/hub.db", {"config/systems/city.yaml": city(lines="partitions: 8")}) as made:
        yield made


@pytest.fixture
def service(here: Site) -> Iterator[Service]:
    made = Service(load(here.directory, env={}), here.store)
    yield made
    made.stop(20)


@pytest.fixture
def another(here: Site) -> Iterator[Store]:
    """The store as another process has it open: nobody rings a bell for what it writes."""
    other = open_store(here.store.engine.url.render_as_string(hide_password=False))
    yield other
    other.close()


def heard(store: Store) -> list[str]:
    """Return the list in which the threads stand that ask the store from now on, once for each statement."""
    asking: list[str] = []
    sa.event.listen(store.engine, "before_cursor_execute", lambda *_: asking.append(threading.current_thread().name))
    return asking


def looks_alone(asking: list[str]) -> Callable[[], bool]:
    """Tell whether the look was made three times since anybody else but the chores asked."""

    def told() -> bool:
        lately: list[str] = []
        for name in reversed([*asking]):
            if name not in ("look", "maintain"):
                break
            lately.append(name)
        return lately.count("look") >= 3 * 3  # a look at nothing begins a transaction and asks twice

    return told


def test_only_one_thread_asks_the_store_while_there_is_nothing_to_do(here: Site, service: Service) -> None:
    asking = heard(here.store)
    service.start()
    eventually(looks_alone(asking), 60)
    here.source.records.append(case("A"))
    service.ask("local", Trigger.CLI, "test")
    eventually(lambda: all_in(here, State.DELIVERED, 1))
    asking.clear()
    eventually(looks_alone(asking), 60)


def test_what_another_process_writes_is_seen_by_threads_that_sleep(here: Site, service: Service, another: Store) -> None:
    here.sync(*(case(f"A{number}") for number in range(20)))
    with another.writing() as connection:
        systems.pause(connection, "city", "test", here.now)
    asking = heard(here.store)
    service.start()
    eventually(looks_alone(asking), 60)
    assert here.taken() == []
    with another.writing() as connection:
        systems.resume(connection, "city", here.now)
    eventually(lambda: all_in(here, State.DELIVERED, 20))
    with another.writing() as connection:
        connection.execute(sa.update(schema.delivery).where(schema.delivery.c.key == "A7").values(state="pending", generation=1))
    eventually(lambda: here.taken().count("A7") == 2)
    here.source.records.append(case("B"))
    with another.writing() as connection:
        runs.ask(connection, "local", Trigger.CLI, "another", here.now)
    eventually(lambda: all_in(here, State.DELIVERED, 21))


def test_who_failed_is_not_rung_by_the_look_and_tries_again_in_its_own_time(here: Site, service: Service) -> None:
    here.sync(case("A"))
    engine = service._engine
    assert isinstance(engine, LocalEngine)
    engine._plan()
    partitions = [worker for worker in engine._workers if worker.name.startswith("deliver:")]
    partitions[0].failing = True
    with here.store.writing() as connection:
        connection.execute(sa.update(schema.delivery).values(partition=0))
    engine._looker()
    assert not any(worker.bell.is_set() for worker in engine._workers)
    partitions[0].failing = False
    engine._looker()
    assert [worker.name for worker in engine._workers if worker.bell.is_set()] == ["deliver:city:0"]


@pytest.mark.parametrize("ringers", [1, 4])
def test_no_ring_is_lost_however_it_falls_together_with_a_step(ringers: int) -> None:
    """Whatever was put down before the bell was rung is found, although the thread sleeps for ever once it finds nothing."""
    put: list[int] = []
    found: list[int] = []
    stopping = threading.Event()

    def step() -> None:
        found.extend(put[len(found) :])

    worker = _Worker("deliver:city:0", step, stopping, Lease(), lambda _: None)
    worker.start()

    def ring(first: int) -> None:
        for number in range(first, 2000, ringers):
            put.append(number)
            worker.bell.set()

    threads = [threading.Thread(target=ring, args=(first,)) for first in range(ringers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    eventually(lambda: len(found) == 2000)
    stopping.set()
    worker.bell.set()
    assert worker.join(time.monotonic() + 20)
    assert found == put
