"""Workers on machines of their own: one vanishes from the network, or loses only the store; it comes back, and is one of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from psycopg.pq import ExecStatus

from hub.errors import LeaseHeld
from hub.model import State
from hub.store import Store, dialect, numbers, open_store
from tests.commands import until
from tests.fault.county import County, bring, county, server
from tests.fault.crew import in_order, records
from tests.fault.lan import FAR, STORE, Machine, inside, lan

pytestmark = [pytest.mark.slow, pytest.mark.server, pytest.mark.timeout(300)]

#: Calls of the far side in a second, over all machines.
RATE = 30


def test_two_machines_share_the_work_and_one_takes_it_all_while_the_other_is_off_the_network(tmp_path: Path) -> None:
    with county(tmp_path, f"rate: {{second: {RATE}}}") as land:
        west, east = land.machine("west", 200), land.machine("east", 200)
        workers = [land.start(west), land.start(east)]
        land.crew.ask()
        until(lambda: _both_send(land, [west, east], 60), "both machines send")
        lost = _vanish(land, west)
        until(lambda: land.crew.states() == {State.DELIVERED: 400}, "the other one does all that is left")
        _once_and_in_order(land, 200)
        assert lost <= {key for machine, key in land.office.asked if machine == east.address(FAR)}
        _returns(land, west)
        bring([west, east], 300)
        before = land.office.sent_by(west.address(FAR))
        land.crew.ask()
        until(lambda: land.crew.states() == {State.DELIVERED: 600}, "what is new is delivered")
        assert land.office.sent_by(west.address(FAR)) > before
        _once_and_in_order(land, 300)
        assert land.office.within(5.0) < 5 * RATE * 1.4  # two that each keep it alone would come to twice as many
        assert [land.crew.end(one) for one in workers] == [143, 143]


def test_what_a_machine_without_the_store_finishes_is_asked_about_by_the_next_owner(tmp_path: Path) -> None:
    with county(tmp_path) as land:
        west, east = land.machine("west", 200), land.machine("east", 200)
        workers = [land.start(west), land.start(east)]
        land.office.keep_waiting(west.address(FAR))
        land.crew.ask()
        until(lambda: land.office.waiting(west.address(FAR)), "what it sent has arrived, and it has no answer yet")
        west.unplug(STORE)
        until(lambda: land.crew.states() == {State.DELIVERED: 400}, "the other one does all of it")
        finished = land.office.waiting(west.address(FAR))
        assert finished <= {key for machine, key in land.office.asked if machine == east.address(FAR)}
        land.office.answer()  # it hears now that its messages were taken, and cannot write it down
        _returns(land, west)
        _once_and_in_order(land, 200)
        assert [land.crew.end(one) for one in workers] == [143, 143]


def _both_send(land: County, machines: list[Machine], calls: int) -> bool:
    """Each is at partitions, and has made so many calls."""
    return land.at_work() == land.names() and all(land.office.sent_by(one.address(FAR)) >= calls for one in machines)


def _vanish(land: County, machine: Machine) -> set[str]:
    """Take a machine off the network when it waits for answers, and give them; return the keys of what they are about."""
    land.office.keep_waiting(machine.address(FAR))
    until(lambda: land.office.waiting(machine.address(FAR)), "it waits for an answer")
    machine.unplug()
    lost = land.office.waiting(machine.address(FAR))
    land.office.answer()
    until(lambda: machine.name not in land.names(), "it is taken for gone")
    return lost


def _returns(land: County, machine: Machine) -> None:
    """Plug a machine in again: it finds that others have what it had, writes and sends nothing of it, and is back among them."""
    rows, sent = land.crew.rows(), land.office.sent_by(machine.address(FAR))
    assert "partition.fenced" not in machine.log()
    machine.plug()
    until(lambda: "partition.fenced" in machine.log(), "it says that what it had has a newer owner")
    until(lambda: machine.name in land.names(), "it is back among the others")
    assert land.crew.rows() == rows
    assert land.office.sent_by(machine.address(FAR)) == sent


def _once_and_in_order(land: County, cases: int) -> None:
    arrived = land.office.arrived()
    assert Counter(arrived) == Counter(str(one["key"]) for one in records(cases))
    assert in_order(arrived)


def test_what_a_machine_that_vanished_had_locked_in_the_store_comes_free(tmp_path: Path) -> None:
    """A session of it stands in a transaction, one in the middle of a page, and to one an answer is on its way."""
    with lan() as network, server(network) as (far_url, near_url), closing(open_store(near_url)) as store:
        west = network.machine("west", tmp_path)
        with inside(west.namespace), _sessions(far_url) as (standing, reading, leased):
            numbers.take(standing, "window", 1)
            numbers.take(reading, "delivery", 1)
            _begin_a_page(reading)
            with _answer_held_back(store, leased):
                west.unplug()
            assert _take(store, "window") == _take(store, "delivery") == 1
            until(lambda: _alone(store), "a hub may have the store for itself", within=120)


@contextmanager
def _sessions(url: str) -> Iterator[list[sa.Connection]]:
    """Yield three sessions as a worker has them."""
    engine = dialect.connect(url)
    made = [engine.connect() for _ in range(3)]
    try:
        yield made
    finally:
        for one in made:
            one.invalidate()  # a rollback would wait for the server
            one.close()
        engine.dispose()


def _begin_a_page(session: sa.Connection) -> None:
    """Let the server wait for rows, as it does in the middle of T1."""
    assert _libpq(session).exec_(b"COPY record FROM STDIN").status == ExecStatus.COPY_IN


@contextmanager
def _answer_held_back(store: Store, session: sa.Connection) -> Iterator[None]:
    """Let a session ask for the lease, and the server give and say so only when the block has ended."""
    with store.reading() as holding:
        holding.exec_driver_sql("SELECT pg_advisory_xact_lock(1)")
        asking = f"SELECT pg_advisory_xact_lock_shared(1), pg_advisory_lock_shared({dialect.LEASE_KEY})"
        _libpq(session).send_query(asking.encode())
        until(lambda: _waits(store), "the server has the question")
        yield


def _libpq(session: sa.Connection) -> Any:
    driver: Any = session.connection.driver_connection
    return driver.pgconn


def _waits(store: Store) -> bool:
    with store.reading() as connection:
        return connection.exec_driver_sql("SELECT count(*) FROM pg_locks WHERE NOT granted").scalar_one() > 0


def _take(store: Store, name: str) -> int:
    with store.writing() as connection:
        return numbers.take(connection, name, 1)


def _alone(store: Store) -> bool:
    try:
        with store.lease():
            return True
    except LeaseHeld:
        return False
