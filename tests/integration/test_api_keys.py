"""The same request, with the same Idempotency-Key, to two workers on one store: one acts, and both answer the same."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from hub.api.server import build
from hub.engine import maintain, replay
from hub.engine.exchange import Exchange
from hub.engine.replay import Replayed
from hub.engine.service import Service
from hub.engine.turns import Turns
from hub.errors import Rejected
from hub.store import Store, dialect, open_store, runs, schema, wishes, workers
from hub.store.runs import Trigger
from hub.store.wishes import Claim, KeyBusy, KeyReused
from tests import fakes, working
from tests.asgi import Asker
from tests.commands import until
from tests.exchanges import START, Site, case, site

NO = Rejected("HUB-D-115", "refused", said="编号不存在")
RETRY = {"actor": "operator", "reason": "test", "system": "city", "confirm": True}
DONE = {"retried": 2, "still_unmappable": 0}


class Worker:
    """One of two that answer for the same store. Its retries wait while `gate` is closed."""

    def __init__(self, here: Site, url: str) -> None:
        settings = working.settings_of(here.directory)
        self.store = open_store(url)
        self.service = Service(settings, self.store, scheduled=False)
        self.api = Asker(build(self.service, lambda: settings, settings.http))
        self.gate, self.waits = threading.Event(), threading.Event()
        self.gate.set()
        self.beat()

    def beat(self) -> None:
        with self.store.writing() as connection:
            workers.beat(connection, self.name, version="1", digest="d", host="here", pid=1, holds=())

    @property
    def name(self) -> str:
        return self.service.exchange.owner

    def lose_the_store(self) -> None:
        sa.event.listen(self.store.engine, "begin", _away)

    def find_the_store(self) -> None:
        sa.event.remove(self.store.engine, "begin", _away)

    def post(self, path: str, wish: dict[str, Any], key: str = "k1") -> httpx.Response:
        return self.api.post(f"/api/v1/{path}", json=wish, headers={"Idempotency-Key": key})


def _away(_: sa.Connection) -> None:
    raise sa.exc.OperationalError("BEGIN", {}, Exception("the server closed the connection"))


@pytest.fixture
def two(store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Worker, Worker]]:
    """Two workers on a store with two dead letters."""
    fakes.forget()
    real = replay.retry

    with site(tmp_path, store_url) as here:
        for key in ("A", "B"):
            here.side.will(key, NO)
        here.sync(case("A"), case("B"))
        here.drain()
        made = Worker(here, store_url), Worker(here, store_url)

        def retry(exchange: Exchange, *arguments: Any, **named: Any) -> Replayed:
            (mine,) = [one for one in made if one.service.exchange is exchange]
            mine.waits.set()
            assert mine.gate.wait(60)
            return real(exchange, *arguments, **named)

        monkeypatch.setattr(replay, "retry", retry)
        yield made
        for one in made:
            one.store.close()


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as pool:
        yield pool


def acts_of(store: Store) -> list[tuple[str, int]]:
    journal = schema.journal
    with store.reading() as connection:
        return [(action, number) for action, number in connection.execute(sa.select(journal.c.action, journal.c["count"]))]


def stopped(threads: ThreadPoolExecutor, one: Worker) -> Future[httpx.Response]:
    """Let a worker claim a retry, and stop before it does anything."""
    one.gate.clear()
    asked = threads.submit(one.post, "dead/retry", RETRY)
    until(one.waits.is_set, "it is at it")
    return asked


def test_many_at_once_on_both_are_one_act_and_one_answer(two: tuple[Worker, Worker], threads: ThreadPoolExecutor) -> None:
    answers = [one.result() for one in [threads.submit(two[n % 2].post, "dead/retry", RETRY) for n in range(8)]]
    assert {one.status_code for one in answers} <= {200, 409}
    assert all(one.json() == DONE for one in answers if one.status_code == 200)
    assert {one.json()["code"] for one in answers if one.status_code == 409} <= {"HUB-X-127"}
    assert [one.post("dead/retry", RETRY).json() for one in two] == [DONE, DONE]
    assert acts_of(two[0].store) == [("retry", 2)]


def test_while_one_is_at_it_the_other_says_so_and_then_answers_the_same(
    two: tuple[Worker, Worker], threads: ThreadPoolExecutor
) -> None:
    first, second = two
    asked = stopped(threads, first)
    busy = second.post("dead/retry", RETRY)
    assert (busy.status_code, busy.json()["code"]) == (409, "HUB-X-127")
    other = second.post("dead/retry", {**RETRY, "reason": "another"})
    assert (other.status_code, other.json()["code"]) == (422, "HUB-X-116")
    first.gate.set()
    assert asked.result().json() == DONE
    assert second.post("dead/retry", RETRY).json() == DONE
    assert acts_of(first.store) == [("retry", 2)]


def test_what_a_worker_that_is_gone_left_undone_is_done_by_the_next_and_not_by_it_when_it_wakes(
    two: tuple[Worker, Worker], threads: ThreadPoolExecutor
) -> None:
    first, second = two
    asked = stopped(threads, first)
    with second.store.writing() as connection:
        workers.leave(connection, first.name)
    assert second.post("dead/retry", RETRY).json() == DONE
    first.gate.set()
    late = asked.result()
    assert (late.status_code, late.json()["code"]) == (409, "HUB-X-127")
    assert first.post("dead/retry", RETRY).json() == DONE
    assert acts_of(first.store) == [("retry", 2)]


def test_a_wish_that_failed_may_be_asked_for_again(two: tuple[Worker, Worker], monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = two

    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("a bug")

    with monkeypatch.context() as patch:
        patch.setattr(replay, "retry", fails)
        assert first.post("dead/retry", RETRY).status_code == 500
    assert second.post("dead/retry", RETRY).json() == DONE


def losing(one: Worker, monkeypatch: pytest.MonkeyPatch, *, acts: bool) -> None:
    """Let the store go away from a worker before or after it acts, and be away from then on."""
    real = replay.retry

    def retry(exchange: Exchange, *arguments: Any, **named: Any) -> Replayed:
        done = real(exchange, *arguments, **named) if acts else None
        if exchange is one.service.exchange:
            one.lose_the_store()
        return done or real(exchange, *arguments, **named)

    monkeypatch.setattr(replay, "retry", retry)


CHORES = {"serve": maintain.maintain, "worker": lambda exchange: Turns(exchange, scheduled=False).look(set())}


@pytest.mark.parametrize("chores", CHORES)
@pytest.mark.parametrize("acts", [True, False])
def test_a_claim_whose_end_could_not_be_written_ends_when_the_store_is_back(
    two: tuple[Worker, Worker], monkeypatch: pytest.MonkeyPatch, acts: bool, chores: str
) -> None:
    """Nobody need ask the worker that has it again, or end it."""
    first, second = two
    with monkeypatch.context() as patch:
        losing(first, patch, acts=acts)
        assert first.post("dead/retry", RETRY).status_code == (200 if acts else 503)
        assert first.post("dead/retry", RETRY).status_code == 503
    first.find_the_store()
    assert second.post("dead/retry", RETRY).json()["code"] == "HUB-X-127"
    CHORES[chores](first.service.exchange)
    assert [one.post("dead/retry", RETRY).json() for one in (second, first)] == [DONE, DONE]
    assert acts_of(first.store) == [("retry", 2)]


def test_what_was_done_is_not_done_again_where_only_its_answer_could_not_be_written(
    two: tuple[Worker, Worker], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = two[0]
    with monkeypatch.context() as patch:
        losing(first, patch, acts=True)
        first.post("dead/retry", RETRY)
    first.find_the_store()
    assert first.post("dead/retry", RETRY).json() == DONE
    assert acts_of(first.store) == [("retry", 2)]


def test_a_claim_that_was_written_and_not_heard_of_ends_too(two: tuple[Worker, Worker], monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = two
    real = dialect.writing

    @contextmanager
    def unheard(engine: sa.Engine) -> Iterator[sa.Connection]:
        with real(engine) as connection:
            yield connection
        _away(connection)

    with monkeypatch.context() as patch:
        patch.setattr(dialect, "writing", unheard)
        assert first.post("dead/retry", RETRY).status_code == 503
    maintain.maintain(first.service.exchange)
    assert second.post("dead/retry", RETRY).json() == DONE


def test_a_purge_is_once_too(two: tuple[Worker, Worker], threads: ThreadPoolExecutor) -> None:
    answers = [one.result() for one in [threads.submit(two[n % 2].post, "dead/purge", RETRY) for n in range(6)]]
    assert {one.json()["purged"] for one in answers if one.status_code == 200} == {2}
    assert acts_of(two[0].store) == [("purge", 2)]


def test_a_run_asked_for_on_both_is_one_run(two: tuple[Worker, Worker], threads: ThreadPoolExecutor) -> None:
    asked = [threads.submit(two[n % 2].post, "runs", {"source": "local"}) for n in range(8)]
    assert {one.result().status_code for one in asked} == {202}
    assert len({one.result().json()["id"] for one in asked}) == 1


def held(threads: ThreadPoolExecutor, store: Store, act: Callable[[sa.Connection], object]) -> Future[object]:
    def write() -> object:
        with store.writing() as connection:
            return act(connection)

    return threads.submit(write)


@pytest.mark.server
def test_who_comes_while_a_key_is_being_written_waits_for_it(postgresql_url: str, threads: ThreadPoolExecutor) -> None:
    """Also where nothing else keeps them apart."""
    first, second = open_store(postgresql_url), open_store(postgresql_url)

    def ask(connection: sa.Connection, full: bool = False) -> int:
        return wishes.ask_once(connection, "k", "local", Trigger.API, "test", START, full=full)

    with first.writing() as connection:
        number = ask(connection)
        again, other = held(threads, second, ask), held(threads, second, lambda one: ask(one, full=True))
        until(lambda: _waiting(first) == 2, "both wait")
    assert again.result() == number
    with pytest.raises(KeyReused):
        other.result()
    with first.reading() as connection:
        assert len(runs.unfinished(connection, "local")) == 1
    first.close()
    second.close()


def _waiting(store: Store) -> int:
    query = "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE NOT granted AND datname = current_database()"
    with store.reading() as connection:
        return int(connection.exec_driver_sql(query).scalar_one())


def test_a_claim_is_kept_from_others_only_while_its_owner_lives(store_url: str) -> None:
    store = open_store(store_url)
    mine, theirs = Claim("k", "wish", "mine"), Claim("k", "wish", "theirs")
    with store.writing() as connection:
        assert wishes.claim(connection, mine, {"mine", "theirs"}, START) is None
        assert wishes.claim(connection, mine, {"mine", "theirs"}, START) is None, "an earlier try of our own left it"
        with pytest.raises(KeyBusy):
            wishes.claim(connection, theirs, {"mine", "theirs"}, START)
        with pytest.raises(KeyReused):
            wishes.claim(connection, Claim("k", "another", "theirs"), {"mine"}, START)
        assert wishes.claim(connection, theirs, {"theirs"}, START) is None
        with pytest.raises(KeyBusy):
            wishes.require(connection, mine)
        wishes.release(connection, mine)
        wishes.remember(connection, theirs, "answer", START)
        assert wishes.claim(connection, mine, {"mine"}, START) == "answer"
        wishes.release(connection, mine)
        assert wishes.claim(connection, theirs, {"mine"}, START) == "answer"
        assert connection.scalar(sa.select(sa.func.count()).select_from(schema.cursor)) == 1
    store.close()
