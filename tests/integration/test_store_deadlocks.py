"""Two transactions that wait for each other: the server gives ours up, and it is done anew at once, as if nothing had been."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from hub.api.server import build
from hub.engine import feedback, maintain, replay
from hub.engine.service import Service
from hub.errors import InDoubt, Rejected
from hub.model import Judgement, State, Verdict
from hub.store import schema
from hub.store.scopes import Scope
from tests import fakes, working
from tests.asgi import Asker
from tests.commands import until
from tests.exchanges import Site, case, city, site, step
from tests.integration.test_store_verdicts import OPEN
from tests.servers import fresh_postgresql

pytestmark = pytest.mark.server

NO = Rejected("HUB-D-115", "refused", said="编号不存在")
WHO = {"actor": "operator", "reason": "test", "system": "city", "confirm": True}
OWNER = "UPDATE partition SET owner = owner WHERE name = 'deliver:city:0'"


class Clash:
    """A store, and another transaction that never gives way: it looks for no deadlock before ours has."""

    def __init__(self, here: Site, url: str) -> None:
        self.here = here
        self.other = sa.create_engine(url, poolclass=NullPool)

    def met_by(self, act: Callable[[], object], hold: str, want: str) -> None:
        """Carry `act` out while the other one holds what it comes to want, and then wants what it holds by then."""
        before = self.deadlocks()
        with ThreadPoolExecutor(1) as threads, self.other.connect() as connection:
            connection.exec_driver_sql("SET LOCAL deadlock_timeout = '20s'")
            connection.exec_driver_sql(hold)
            acting = threads.submit(act)
            until(lambda: acting.done() or self.waits(), "ours waits for the other")
            connection.exec_driver_sql(want)
            connection.commit()
            acting.result()
        until(lambda: self.deadlocks() > before, "the server tells of a deadlock")

    def waits(self) -> bool:
        return self._count("pg_locks JOIN pg_stat_activity USING (pid) WHERE NOT granted AND datname = current_database()") > 0

    def deadlocks(self) -> int:
        return self._count("pg_stat_database WHERE datname = current_database()", "max(deadlocks)")

    def _count(self, where: str, what: str = "count(*)") -> int:
        with self.here.store.reading() as connection:
            return int(connection.exec_driver_sql(f"SELECT {what} FROM {where}").scalar_one())

    def journal(self) -> list[tuple[str, int]]:
        journal = schema.journal
        with self.here.store.reading() as connection:
            return [(action, number) for action, number in connection.execute(sa.select(journal.c.action, journal.c["count"]))]


def locked(key: str) -> str:
    """Return what locks the delivery of a record."""
    return f"SELECT id FROM delivery WHERE key = '{key}' FOR UPDATE"


@pytest.fixture
def clash(tmp_path: Path) -> Iterator[Clash]:
    fakes.forget()
    with fresh_postgresql() as url:
        server = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
        with server.connect() as connection:  # ours is the one that looks, but not before the other can have come to want
            connection.exec_driver_sql(f"ALTER DATABASE \"{sa.make_url(url).database}\" SET deadlock_timeout = '2s'")
        late = city("LateMemoryAdapter", lines="feedback: {every: 5m}")
        with site(tmp_path, url, {"config/systems/city.yaml": late, "config/routes/city.yaml": OPEN}) as here:
            yield Clash(here, url)


def test_what_was_sent_is_settled_all_the_same(clash: Clash) -> None:
    here = clash.here
    here.sync(case("A"), case("B"))
    clash.met_by(here.drain, locked("A"), OWNER)
    assert here.states() == {"A": State.DELIVERED, "B": State.DELIVERED}
    assert [message.key for message in here.side.arrived] == ["A", "B"]
    assert (here.one("A").attempts, here.count(schema.window)) == (1, 1)


def test_a_window_is_opened_all_the_same(clash: Clash) -> None:
    here = clash.here
    here.sync(case("A"))
    here.drain()
    here.sync(case("B"))
    clash.met_by(here.drain, "UPDATE sequence SET next = next WHERE name = 'window'", OWNER)
    assert here.states() == {"A": State.DELIVERED, "B": State.DELIVERED}
    assert [message.key for message in here.side.arrived] == ["A", "B"]


def test_verdicts_are_counted_once(clash: Clash) -> None:
    here = clash.here
    here.sync(case("A"))
    here.drain()
    here.side.verdicts.append(Verdict("accept", "A", None, Judgement.CONFIRMED))
    moved: list[int] = []
    holding = here.holding("feedback:city")
    taking = "UPDATE partition SET owner = owner WHERE name = 'feedback:city'"
    clash.met_by(lambda: moved.append(feedback.poll(here.exchange, "city", holding)), locked("A"), taking)
    assert here.one("A").state is State.CONFIRMED
    assert moved == [1]


@pytest.mark.parametrize(("remap", "action"), [(False, "retry"), (True, "retry:remap")])
def test_dead_letters_are_tried_again_once(clash: Clash, remap: bool, action: str) -> None:
    here = clash.here
    here.side.will("A", NO)
    here.sync(case("A"))
    here.drain()
    done: list[replay.Replayed] = []

    def retry() -> None:
        done.append(replay.retry(here.exchange, Scope(system="city"), remap=remap, actor="wang", reason="对方已修好"))

    clash.met_by(retry, locked("A"), OWNER)
    assert [one.retried for one in done] == [1]
    assert clash.journal() == [(action, 1)]
    assert here.count(schema.replay) == 1
    here.drain()
    assert here.one("A").state is State.DELIVERED


def api(clash: Clash) -> Asker:
    settings = working.settings_of(clash.here.directory)
    service = Service(settings, clash.here.store, scheduled=False)
    return Asker(build(service, lambda: settings, settings.http))


def posted(clash: Clash, path: str, **wish: object) -> Callable[[], object]:
    """Return what asks for that, and demands that it is done."""
    asker = api(clash)

    def post() -> None:
        answer = asker.post(f"/api/v1/{path}", json={**WHO, **wish})
        assert answer.status_code == 200, answer.text

    return post


def test_a_person_decides_once(clash: Clash) -> None:
    here = clash.here
    here.reconfigure({"config/systems/city.yaml": city(idempotent=False, findable=False)})
    here.side.will("A", InDoubt("HUB-D-105", "no answer"))
    here.sync(case("A"))
    here.drain()
    assert here.one("A").state is State.HELD
    clash.met_by(posted(clash, "deliveries/decide", state="pending"), locked("A"), OWNER)
    assert here.one("A").state is State.PENDING
    assert clash.journal() == [("held:pending", 1)]


def test_dead_letters_are_purged_once(clash: Clash) -> None:
    here = clash.here
    here.side.will("A", NO)
    here.sync(case("A"))
    here.drain()
    body = "SELECT delivery_id FROM body FOR UPDATE"
    clash.met_by(posted(clash, "dead/purge"), body, "UPDATE delivery SET reason = reason WHERE key = 'A'")
    assert here.one("A").state is State.CANCELLED
    assert clash.journal() == [("purge", 1)]


def test_the_chores_are_done_all_the_same(clash: Clash) -> None:
    here = clash.here
    here.sync(case("A"), step("S", "A"), case("B"))
    here.drain()
    with here.store.writing() as connection:
        connection.exec_driver_sql("UPDATE delivery SET state = 'parked' WHERE key = 'S'")
        connection.exec_driver_sql("UPDATE delivery SET state = 'accepted', deadline = 1 WHERE key = 'B'")
    here.later(minutes=1)
    clash.met_by(lambda: maintain.sweep(here.exchange), locked("B"), "UPDATE delivery SET reason = reason WHERE key = 'S'")
    assert (here.one("S").state, here.one("B").state) == (State.PENDING, State.HELD)
    assert here.exchange.swept == here.now
