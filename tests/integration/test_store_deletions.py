"""A source that deletes many at once deletes few over there: the rest waits until somebody confirms that it is meant."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.model import Operation, Record, State
from hub.store import actions, views
from hub.store.scopes import Scope
from tests import configs, fakes
from tests.exchanges import Site, case, site

FEW = "deletes: {at_most: 50%, always: 1, approver: 县信息股}"
ROUTES = configs.ROUTES.replace("lane: BJBH}", f"lane: BJBH, {FEW}}}", 1)


@pytest.fixture
def here(store_url: str, tmp_path: Path) -> Iterator[Site]:
    fakes.forget()
    with site(tmp_path, store_url, {"config/routes/city.yaml": ROUTES}) as made:
        yield made


def gone(key: str, revision: str = "gone") -> Record:
    return fakes.record(key, revision, operation=Operation.DELETE, BJBH=key)


def have(here: Site, number: int) -> None:
    """Let the city have so many cases: A0, A1, …"""
    here.sync(*(case(f"A{one}") for one in range(number)))
    here.drain()


def deleted(here: Site) -> list[str]:
    return [message.key for message in here.side.taken if message.operation is Operation.DELETE]


def held(here: Site) -> list[str]:
    return [one.key for one in here.deliveries() if one.state is State.HELD]


def decide(here: Site, state: State) -> int:
    with here.store.writing() as connection:
        return actions.decide_held(connection, Scope(system="city"), state, actor="wang", reason="核实过", now=here.now)


def test_invariant_10_deletions_beyond_the_share_wait_for_somebody(here: Site) -> None:
    have(here, 10)
    here.sync(*(gone(f"A{one}") for one in range(8)))
    here.drain()
    assert deleted(here) == ["A0", "A1", "A2", "A3", "A4"]
    assert held(here) == ["A5", "A6", "A7"]
    one = here.one("A7")
    assert (one.stage, one.code, one.approver) == ("gate", "HUB-E-131", "县信息股")


def test_the_share_holds_over_runs_of_a_day_and_not_longer(here: Site) -> None:
    have(here, 4)
    for one in range(3):
        here.sync(gone(f"A{one}"))
    here.drain()
    assert (deleted(here), held(here)) == (["A0", "A1"], ["A2"])
    assert decide(here, State.CANCELLED) == 1
    here.later(days=1)
    here.sync(gone("A3"))
    here.drain()
    assert (deleted(here), held(here)) == (["A0", "A1", "A3"], [])


def test_nothing_more_is_deleted_while_some_wait(here: Site) -> None:
    have(here, 4)
    here.sync(*(gone(f"A{one}") for one in range(3)))
    here.later(days=2)
    here.sync(gone("A3"))
    here.drain()
    assert held(here) == ["A2", "A3"]


def test_what_is_confirmed_is_deleted_and_the_count_begins_anew(here: Site) -> None:
    have(here, 6)
    here.sync(*(gone(f"A{one}") for one in range(4)))
    assert decide(here, State.PENDING) == 1
    here.sync(gone("A4"))
    here.drain()
    assert (deleted(here), held(here)) == (["A0", "A1", "A2", "A3", "A4"], [])


def test_what_the_source_shows_again_is_not_deleted(here: Site) -> None:
    have(here, 4)
    here.sync(*(gone(f"A{one}") for one in range(4)))
    here.sync(*(case(f"A{one}", "2") for one in range(4)))
    here.drain()
    assert held(here) == []
    with here.store.reading() as connection:
        assert [one.key for one in views.deliveries(connection, states=[State.SUPERSEDED])] == ["A3", "A2"]
    last = {message.key: message.operation for message in here.side.taken}
    assert set(last.values()) <= {Operation.UPDATE, Operation.INSERT}


def test_few_go_by_themselves_where_nothing_else_is_said(here: Site) -> None:
    plain = configs.ROUTES.replace("lane: BJBH}", "lane: BJBH, deletes: true}", 1)
    here.reconfigure({"config/routes/city.yaml": plain})
    have(here, 30)
    here.sync(*(gone(f"A{one}") for one in range(12)))
    here.drain()
    assert (len(deleted(here)), len(held(here))) == (10, 2)
