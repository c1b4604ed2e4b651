"""What a worker does in one job, and what it knows in the next: how narrow a window is to be, and what is not yet written down."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from hub.engine import dispatch, remake
from hub.engine.exchange import Exchange
from hub.engine.jobs import Jobs
from hub.engine.roster import Roster
from hub.errors import Rejected, Retryable
from hub.model import Message, State
from hub.ports import Outcome
from hub.store import schema
from tests import fakes
from tests.exchanges import Site, case, city, site
from tests.servers import fresh_sqlite

CITY = "deliver:city:0"


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Site]:
    fakes.forget()
    with fresh_sqlite() as url, site(tmp_path, url, {"config/systems/city.yaml": city(idempotent=True)}) as made:
        yield made


class Bench:
    """The jobs of one worker that waits for nothing."""

    def __init__(self, here: Site) -> None:
        self.exchange, self.stopping = here.exchange, threading.Event()
        self.stopping.wait = lambda timeout=None: False  # type: ignore[assignment, method-assign]
        self.jobs = Jobs(here.exchange, Roster(here.exchange), lambda *_: None, self.stopping)

    def do(self, times: int = 1) -> None:
        for _ in range(times):
            self.jobs.do(CITY, lambda: False)

    def close(self) -> None:
        self.jobs.close(wait=True)

    def errors(self) -> float:
        return self.exchange.metrics.registry.get_sample_value("hub_engine_errors_total", {"step": "deliver"}) or 0.0


def choking(here: Site, key: str) -> None:
    """Let the far side break at every batch with this record in it."""
    real = here.exchange.sink("city").send

    def send(messages: Sequence[Message]) -> Sequence[Outcome]:
        if any(message.key == key for message in messages):
            here.side.calls.append(tuple(message.id for message in messages))
            raise Retryable("HUB-D-113", "broken")
        return real(messages)

    here.exchange.sink("city").send = send  # type: ignore[method-assign]


def test_what_one_job_learned_of_a_batch_that_breaks_the_target_the_next_job_knows(here: Site) -> None:
    here.sync(*(case(f"A{n}") for n in range(8)))
    choking(here, "A7")
    with closing(Bench(here)) as bench:
        for _ in range(3):
            bench.do()
            here.later(minutes=3)
    assert {one.key for one in here.deliveries() if one.state is State.DELIVERED} >= {f"A{n}" for n in range(4)}


def test_a_job_that_fails_for_hours_still_waits_and_is_still_counted(here: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object) -> Any:
        raise OSError("no such file")

    monkeypatch.setattr(Exchange, "adapter", missing)
    with closing(Bench(here)) as bench:
        bench.do(1100)
        assert bench.errors() == 1100


def fails_once(real: Callable[..., Any], error: Exception) -> Callable[..., Any]:
    left = [error]

    def act(*arguments: Any, **named: Any) -> Any:
        if left:
            raise left.pop()
        return real(*arguments, **named)

    return act


@pytest.mark.parametrize("error", [KeyError("a bug"), OperationalError("UPDATE", None, Exception("away"))])
def test_what_was_answered_is_written_down_whatever_goes_wrong_as_the_next_window_is_opened(
    here: Site, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    here.side.will("A", Rejected("HUB-D-115", "no"))
    here.sync(case("A"), case("B"))
    here.sync(case("A", "2"))  # an update whose insert dies in the first window: it is made anew as the second one is opened
    monkeypatch.setattr(remake, "as_inserts", fails_once(remake.as_inserts, error))
    with closing(Bench(here)) as bench:
        bench.do()
        with here.store.reading() as connection:
            assert not connection.execute(schema.window.select().where(schema.window.c.closed_at.is_(None))).all()
        assert here.states()["B"] is State.DELIVERED
        assert bench.errors() == 1
        bench.do()
    assert here.states()["A"] is State.DELIVERED
    assert here.sent().count("B") == 1


def test_answers_that_cannot_be_written_down_are_said_and_counted(here: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    here.sync(case("A"))
    away = OperationalError("UPDATE", None, Exception("away"))
    real = dispatch.write_down
    tries: list[int] = []

    def write_down(desk: dispatch.Desk) -> None:
        if desk.unwritten and len(tries) < 3:
            tries.append(1)
            raise away
        real(desk)

    monkeypatch.setattr(dispatch, "write_down", write_down)
    monkeypatch.setattr(dispatch.conclude, "write", fails_once(dispatch.conclude.write, away))
    with closing(Bench(here)) as bench:
        bench.do()
        assert bench.errors() == 4
    assert here.states()["A"] is State.DELIVERED
    assert here.sent() == ["A"]
