"""Proves that a store whose server ends a transaction in the middle of any step loses nothing and doubles nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from hub.engine.progress import look
from hub.engine.service import Service
from hub.errors import LeaseHeld
from hub.model import State
from hub.store import partitions, schema, serverlease
from hub.store.runs import RunState, Trigger
from tests import configs, fakes, working
from tests.fakes import far
from tests.servers import postgresql_url
from tests.usurping import usurped

__all__ = ["postgresql_url"]

WAITING = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
#: Rows that each step writes in its middle.
OF_READING = "SELECT 1 FROM sequence WHERE name = 'delivery' FOR UPDATE"
OF_OPENING = "SELECT 1 FROM sequence WHERE name = 'window' FOR UPDATE"
OF_SETTLING = 'SELECT 1 FROM "window" WHERE closed_at IS NULL FOR UPDATE'
RECORDS = [{"kind": "case", "key": f"A{n}", "data": {"BJBH": f"A{n}", "SQRMC": "甲某某"}} for n in range(5)]


class Server:
    """The store's server, as its administrator sees it."""

    def __init__(self, url: str) -> None:
        self.engine = sa.create_engine(url, poolclass=NullPool)

    @contextmanager
    def locked(self, statement: str) -> Iterator[None]:
        """Keep rows for ourselves until the block ends."""
        with self.engine.begin() as connection:
            connection.execute(sa.text(statement)).all()
            yield

    def kill_who_waits(self) -> None:
        """Wait until somebody waits for a lock in the middle of a transaction, and end that connection."""
        killed: list[bool] = []

        def one() -> bool:
            with self.engine.begin() as connection:
                for pid in connection.execute(sa.text(WAITING)).scalars().all():
                    killed.append(bool(connection.scalar(sa.text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})))
            return any(killed)

        working.until(one, "somebody in the middle of the step")


@pytest.fixture
def hub(tmp_path: Path, postgresql_url: str) -> Iterator[tuple[Service, Server]]:
    """A hub at work on PostgreSQL, which has done each step once, so that every row there is to lock is there."""
    fakes.forget()
    files = {"config/hub.yaml": configs.HUB.rstrip(" ") + f"    store: {postgresql_url}\n"}
    configs.write(tmp_path, files, RECORDS[:1])
    with working.at_work(tmp_path) as service:
        working.sync(service)
        configs.write(tmp_path, files, RECORDS)
        yield service, Server(postgresql_url)


def settled(service: Service) -> bool:
    with service.store.reading() as connection:
        states = connection.execute(sa.select(schema.delivery.c.state).distinct()).scalars().all()
    return set(states) == {State.DELIVERED.value}


def ask(service: Service) -> int:
    return service.ask("local", Trigger.CLI, "test")


def arrived_once(service: Service) -> None:
    working.until(lambda: settled(service), "all is delivered")
    assert sorted(message.key for message in far("city").arrived) == ["A0", "A1", "A2", "A3", "A4"]


def test_a_page_whose_transaction_is_ended_is_read_again(hub: tuple[Service, Server]) -> None:
    """T1: the run says that it broke off, its cursor stands before the page, and the next run reads it."""
    service, server = hub
    with server.locked(OF_READING):
        number = ask(service)
        server.kill_who_waits()
    working.until(lambda: not look(service.exchange, [number]).reading, "the run has ended")
    broken = look(service.exchange, [number]).runs[0]
    assert (broken.state, broken.accepted) == (RunState.INTERRUPTED, 0)
    working.sync(service)
    arrived_once(service)


def test_a_window_whose_opening_is_ended_is_opened_again(hub: tuple[Service, Server]) -> None:
    """T2: nothing had left."""
    service, server = hub
    with server.locked(OF_OPENING):
        ask(service)
        server.kill_who_waits()
    arrived_once(service)


def test_answers_whose_settling_is_ended_are_written_again(hub: tuple[Service, Server]) -> None:
    """T3: all has left, and the answers are known; nothing is sent a second time."""
    service, server = hub
    with ExitStack() as stack:
        with far("city").lock:  # the target thinks about it
            ask(service)
            working.until(lambda: opened(service), "a window is open")
            stack.enter_context(server.locked(OF_SETTLING))
        server.kill_who_waits()
    arrived_once(service)


def opened(service: Service) -> bool:
    with service.store.reading() as connection:
        return connection.execute(sa.select(schema.window.c.id).where(schema.window.c.closed_at.is_(None))).first() is not None


@pytest.fixture
def unwatched(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody look at the lease by itself, as in the first seconds after its session has ended."""
    for name in ("LOOK_SECONDS", "AGAIN_SECONDS", "LOST_SECONDS"):
        monkeypatch.setattr(serverlease, name, 600.0)


@pytest.mark.usefixtures("unwatched")
@pytest.mark.parametrize("noticed", ["while the other works", "when the other has ended"])
def test_a_hub_goes_on_after_another_that_worked_in_between(hub: tuple[Service, Server], noticed: str) -> None:
    """As `hub sync` may in the moment after the server has ended the session of a lease."""
    service, _ = hub
    with usurped(service.store):
        taken = taken_by_another(service)
        if noticed == "while the other works":
            service.exchange.lease.look()
            number = ask(service)
            assert service.ended() == ["lease"]
        else:
            number = ask(service)
            working.until(lambda: service.ended() == ["collect:local"], "it finds that another has its source")
        assert epochs(service) == taken
    service.exchange.lease.look()
    working.until(lambda: look(service.exchange, [number]).quiet, "it has gone on")
    arrived_once(service)
    assert service.ended() == []


@pytest.mark.usefixtures("unwatched")
def test_a_step_that_failed_takes_nothing_before_the_lease_is_looked_at(hub: tuple[Service, Server]) -> None:
    """What ended the step may have ended the lease as well, and another hub may be at work."""
    service, server = hub
    taken = epochs(service)
    with ExitStack() as stack:
        stack.enter_context(server.locked(OF_READING))
        ask(service)
        stack.enter_context(usurped(service.store))
        server.kill_who_waits()
        working.until(lambda: service.exchange.lease.refused, "it looks at the lease")
        assert epochs(service) == taken
    service.exchange.lease.look()
    working.sync(service)
    arrived_once(service)
    assert service.ended() == []


def taken_by_another(service: Service) -> dict[str, int]:
    with service.store.writing() as connection:
        for one in partitions.holdings(connection):
            partitions.take(connection, one.name, "another hub", working.now())
    return epochs(service)


def epochs(service: Service) -> dict[str, int]:
    with service.store.reading() as connection:
        return {one.name: one.epoch for one in partitions.holdings(connection)}


def test_every_connection_that_is_ended_at_once_is_replaced(hub: tuple[Service, Server], tmp_path: Path) -> None:
    """All of the hub's sessions at once, also the one that holds its lease."""
    service, server = hub
    everybody = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    with far("city").lock:
        ask(service)
        working.until(lambda: opened(service), "a window is open")
        with server.engine.begin() as connection:
            connection.execute(sa.text(everybody)).all()
    arrived_once(service)
    assert service.ended() == []
    working.until(lambda: service.store.holder() is not None, "the lease is taken again")
    with pytest.raises(LeaseHeld), working.at_work(tmp_path):
        pass  # whoever comes now is told all the same
