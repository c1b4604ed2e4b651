"""What a person decides while the hub maps a page or sends a window: no insert twice, and never old data over new."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from hub.engine import accept, dispatch, replay
from hub.engine.deliver import Sender
from hub.engine.frame import Frame
from hub.errors import InDoubt, Rejected, Retryable
from hub.model import Message, Page, State
from hub.ports import Outcome
from hub.store import acceptance, actions, outbox
from hub.store.scopes import Scope
from tests import configs, fakes, working
from tests.exchanges import Site, case, city, site
from tests.servers import fresh_postgresql

NO = Rejected("HUB-D-115", "refused")
BUSY = Retryable("HUB-D-113", "busy")
UNHEARD = InDoubt("HUB-D-104", "no answer")


@pytest.fixture
def gated(here: Site) -> Site:
    """The same, and every case waits for an approval."""
    routes = configs.ROUTES.replace("to: city/accept, lane: BJBH}", "to: city/accept, lane: BJBH, gate: 县审改办}")
    assert "gate" in routes
    here.reconfigure({"config/routes/city.yaml": routes})
    return here


def approve(here: Site) -> None:
    """Let everything through that waits now, and send it."""
    waiting = tuple(one.id for one in here.deliveries() if one.approver)
    with here.store.writing() as connection:
        actions.decide_held(connection, Scope(ids=waiting), State.PENDING, actor="王某", reason="已核对", now=here.now)
    here.drain()


def retry(here: Site, key: str = "A", *, remap: bool = False) -> int:
    """Try the oldest version of a record again."""
    first = next(one.id for one in here.deliveries() if one.key == key)
    return replay.retry(here.exchange, Scope(ids=(first,)), remap=remap, actor="王某", reason="mended").retried


def once_mapped(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]) -> None:
    """Let something happen after the next page was mapped, and before it is written."""
    real, events = accept._accept_all, [happens]

    def mapped(frame: Frame, page: Page) -> Any:
        made = real(frame, page)
        if events:
            events.pop()()
        return made

    monkeypatch.setattr(accept, "_accept_all", mapped)


def once_sending(monkeypatch: pytest.MonkeyPatch, number: int, happens: Callable[[], object]) -> None:
    """Let something happen while the delivery of that number is on its way for the first time."""
    real, events = Sender.send, [happens]

    def send(self: Sender, messages: Sequence[Message], *rest: Any) -> list[Outcome]:
        if events and number in [message.id for message in messages]:
            events.pop()()
        return real(self, messages, *rest)

    monkeypatch.setattr(Sender, "send", send)


def took(here: Site) -> list[tuple[str, str]]:
    """Return the operation and the name of everything the far side took."""
    return [(message.operation.value, str(message.body["applyer_name"])) for message in here.side.taken]


def test_what_is_approved_while_the_next_version_is_mapped_makes_that_one_an_update(
    gated: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    gated.sync(case("A"))
    once_mapped(monkeypatch, lambda: approve(gated))
    run = gated.sync(case("A", "2", name="乙某"), case("B"))
    assert [(one.key, one.operation) for one in gated.deliveries() if one.approver] == [("A", "U"), ("B", "I")]
    assert (run.read, run.accepted, run.deliveries) == (2, 2, 2)
    approve(gated)
    assert took(gated) == [("I", "甲某"), ("U", "乙某"), ("I", "甲某")]


def test_what_is_retried_while_the_next_version_is_mapped_makes_that_one_an_update(
    here: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.side.will("A", NO)
    here.sync(case("A"))
    here.drain()
    once_mapped(monkeypatch, lambda: (retry(here), here.drain()))
    here.sync(case("A", "2", name="乙某"))
    here.drain()
    assert took(here) == [("I", "甲某"), ("U", "乙某")]


def test_nothing_is_mapped_twice_while_what_waits_only_waits(gated: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    gated.sync(case("A"))
    pages: list[int] = []
    once_mapped(monkeypatch, lambda: pages.append(1))
    gated.sync(case("A", "2", name="乙某"))
    assert pages == [1]
    assert [(one.operation, one.state) for one in gated.deliveries()] == [("I", State.SUPERSEDED), ("I", State.HELD)]


@pytest.mark.server
def test_a_retry_waits_for_the_page_that_is_being_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only PostgreSQL lets two write at once; there the page keeps what lies dead from being brought to life behind its back."""
    fakes.forget()
    retried: list[int] = []
    with fresh_postgresql() as url, site(tmp_path, url) as here:
        here.side.will("A", NO)
        here.sync(case("A"))
        here.drain()
        person = threading.Thread(target=lambda: retried.append(retry(here)))
        real = acceptance.write_page

        def write_page(*arguments: Any, **named: Any) -> int:
            person.start()
            working.until(lambda: bool(retried) or _waits(here), "the retry ends or waits for a lock")
            return real(*arguments, **named)

        monkeypatch.setattr(acceptance, "write_page", write_page)
        here.sync(case("A", "2", name="乙某"))
        person.join()
        here.drain()
        assert (retried, took(here)) == ([0], [("I", "乙某")])


def _waits(here: Site) -> bool:
    waiting = sa.text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
    with here.store.reading() as connection:
        return bool(connection.scalar(waiting))


@pytest.mark.parametrize("remap", [False, True], ids=["as it was", "with the present mapping"])
def test_an_old_version_is_not_retried_while_a_newer_one_is_on_its_way(
    here: Site, monkeypatch: pytest.MonkeyPatch, remap: bool
) -> None:
    here.side.will("A", BUSY, NO)
    here.sync(case("A"))
    here.drain()
    here.sync(case("A", "2", name="乙某"))
    retried: list[int] = []
    once_sending(monkeypatch, here.one("A").id, lambda: retried.append(retry(here, remap=remap)))
    here.later(hours=1)
    for _ in range(3):
        here.drain()
    assert (retried, took(here)) == ([0], [("I", "乙某")])
    assert [one.state for one in here.deliveries()] == [State.SUPERSEDED, State.DELIVERED]


@pytest.mark.parametrize("remap", [False, True], ids=["as it was", "with the present mapping"])
@pytest.mark.parametrize("idempotent", [True, False], ids=["will be sent again", "waits for a person"])
def test_an_old_version_is_not_retried_while_a_newer_one_may_have_arrived(here: Site, idempotent: bool, remap: bool) -> None:
    here.reconfigure({"config/systems/city.yaml": city(idempotent=idempotent, findable=False)})
    here.side.will("A", BUSY, NO)
    here.side.will("A", UNHEARD, taken=True)
    here.sync(case("A"))
    here.drain()
    here.sync(case("A", "2", name="乙某"))
    here.later(hours=1)
    here.drain()
    assert here.one("A").state is (State.PENDING if idempotent else State.HELD)
    assert retry(here, remap=remap) == 0
    here.later(hours=1)
    here.drain()
    assert took(here) == [("I", "乙某")]


def test_a_newer_version_that_left_while_the_old_one_was_made_anew_is_not_followed_by_it(
    here: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.side.will("A", BUSY, NO)
    here.sync(case("A"))
    here.drain()
    here.sync(case("A", "2", name="乙某"))
    here.later(hours=1)
    stopping = iter([False, True])  # one window: the first version is refused, the second is still to be sent
    dispatch.drain(here.desk(), stopping=lambda: next(stopping))
    real = replay.by_present_mapping

    def slow(*arguments: Any) -> Any:
        here.drain()
        return real(*arguments)

    monkeypatch.setattr(replay, "by_present_mapping", slow)
    assert retry(here, remap=True) == 0
    here.drain()
    assert took(here) == [("I", "乙某")]


def test_a_newer_version_that_died_after_a_doubt_is_still_the_newer_one(here: Site) -> None:
    """It may have arrived: a retry of both must not end with the older one over there."""
    here.reconfigure({"config/systems/city.yaml": city(findable=False)})
    here.side.will("A", BUSY, NO)
    here.side.will("A", UNHEARD, taken=True)
    here.side.will("A", NO)
    here.sync(case("A"))
    here.drain()
    here.sync(case("A", "2", name="乙某"))
    for _ in range(6):
        here.later(hours=1)
        here.drain()
    assert [one.state for one in here.deliveries()] == [State.DEAD, State.DEAD]
    replay.retry(here.exchange, Scope(everything=True), remap=False, actor="test", reason="test")
    for _ in range(3):
        here.drain()
    assert took(here)[-1][1] == "乙某"
    assert [one.state for one in here.deliveries()] == [State.SUPERSEDED, State.DELIVERED]


def test_an_old_version_can_be_retried_before_a_newer_one_that_waits(gated: Site) -> None:
    gated.side.will("A", BUSY, NO)
    gated.sync(case("A"))
    approve(gated)
    gated.sync(case("A", "2", name="乙某"))
    gated.later(hours=1)
    gated.drain()
    with gated.store.reading() as connection:
        assert outbox.in_flight(connection) == set()
    assert retry(gated) == 1
    gated.drain()
    approve(gated)
    assert took(gated) == [("I", "甲某"), ("U", "乙某")]
