"""A decision at a gate is made once, about what is really published, and what leaves is what was approved."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from hub.engine import feedback, replay
from hub.errors import Rejected
from hub.model import Judgement, Operation, State, Verdict
from hub.store import actions, gate, journal
from hub.store.scopes import Scope
from tests import configs, fakes
from tests.exchanges import Site, case, city, site

#: Where two write at once; SQLite lets the second one wait for the first.
TWO_WRITERS = [pytest.param("postgresql", marks=pytest.mark.server)]
OFFICE = "县审改办"
ROUTES = f"""
    version: 1
    routes:
      - {{route: city-accept, title: 受理, from: local, kind: case, mapping: city/accept, to: city/accept, lane: BJBH,
         row: project_no, gate: {OFFICE}, deletes: true}}
      - {{route: city-extend, title: 扩展, from: local, kind: case, mapping: city/accept, to: city/extend, lane: BJBH,
         row: project_no, parent: {{route: city-accept, key: BJBH}}}}
    """
NO = Rejected("HUB-D-115", "refused")
PENDING, DELIVERED, HELD = State.PENDING, State.DELIVERED, State.HELD
REJECTED, CANCELLED, SUPERSEDED = State.REJECTED, State.CANCELLED, State.SUPERSEDED


@pytest.fixture
def here(store_url: str, tmp_path: Path) -> Iterator[Site]:
    fakes.forget()
    far = city("LateMemoryAdapter", lines="feedback: {every: 5m}", endpoints="[accept, extend]")
    files = {"config/routes/city.yaml": ROUTES, "config/systems/city.yaml": far}
    with site(tmp_path, store_url, files) as made:
        yield made


def decide(here: Site, state: State, *numbers: int, actor: str = "王某") -> int:
    """Decide these, or all that waits."""
    scope = Scope(ids=numbers or tuple(waiting(here)))
    with here.store.writing() as connection:
        return actions.decide_held(connection, scope, state, actor=actor, reason="已核对", now=here.now)


def waiting(here: Site) -> list[int]:
    return [one.id for one in here.deliveries() if one.approver]


def stands(here: Site, route: str = "city-accept") -> list[State]:
    return [one.state for one in here.deliveries() if one.route == route]


def publish(here: Site, record: fakes.Record) -> None:
    here.sync(record)
    decide(here, PENDING)
    here.drain()


def gone(revision: str) -> fakes.Record:
    return fakes.record("A", revision, operation=Operation.DELETE, BJBH="A", SQRMC="甲某")


def refuse(here: Site, batch: str, endpoint: str = "accept") -> None:
    here.side.verdicts.append(Verdict(endpoint, "A", batch, Judgement.REJECTED, "核验"))
    feedback.poll(here.exchange, "city")


def shown(here: Site) -> tuple[str | None, str]:
    """Return what an approver compares: the name that is published, and the one that waits."""
    (number,) = waiting(here)
    with here.store.reading() as connection:
        version = gate.versions(connection, number)[0]
    return _name(version.published), version.body["applyer_name"]


def _name(body: Mapping[str, Any] | None) -> str | None:
    return None if body is None else body["applyer_name"]


def remapped(here: Site) -> None:
    """Let the mapping say something else from now on."""
    changed = configs.ACCEPT.replace("{path: SQRMC, do: [trim]}", "{const: 别人}")
    here.reconfigure({"mappings/city/accept.yaml": changed, "mappings/city/accept.cases.yaml": configs.ACCEPT_CASES})


# --- what is published ---


def test_nothing_is_published_after_a_deletion(here: Site) -> None:
    publish(here, case("A"))
    publish(here, gone("2"))
    here.sync(case("A", "3", name="丙某"))
    assert (here.deliveries()[-2].operation, shown(here)) == ("I", (None, "丙某"))


def test_what_was_to_be_deleted_is_published_until_the_deletion_leaves_and_when_it_is_refused(here: Site) -> None:
    publish(here, case("A"))
    here.sync(gone("2"))
    assert shown(here)[0] == "甲某"
    decide(here, PENDING)
    here.drain()
    refuse(here, here.deliveries()[-1].batch)
    here.sync(case("A", "3", name="丙某"))
    assert (here.deliveries()[-2].operation, shown(here)) == ("U", ("甲某", "丙某"))


def test_a_deletion_that_waits_has_taken_nothing_away_yet(here: Site) -> None:
    publish(here, case("A"))
    here.sync(gone("2"))
    here.sync(case("A", "3", name="丙某"))
    assert (here.deliveries()[-2].operation, shown(here)) == ("U", ("甲某", "丙某"))


def test_what_was_refused_later_is_published_whatever_became_of_it(here: Site) -> None:
    publish(here, case("A"))
    here.side.will("A", NO)
    here.sync(case("A", "2", name="乙某"))
    decide(here, PENDING)
    refuse(here, here.deliveries()[0].batch)
    assert stands(here) == [SUPERSEDED, PENDING]
    here.drain()
    here.sync(case("A", "3", name="丙某"))
    assert shown(here) == ("甲某", "丙某")


# --- what leaves is what was approved ---


def test_an_approved_update_whose_insert_died_leaves_with_the_words_that_were_approved(here: Site) -> None:
    here.sync(case("A"))
    decide(here, PENDING)
    here.side.will("A", NO)
    here.sync(case("A", "2", name="乙某"))
    here.drain()
    decide(here, PENDING)
    remapped(here)
    here.drain()
    assert [(one.endpoint, one.operation.value, _name(one.body)) for one in here.side.taken][:1] == [("accept", "I", "乙某")]


# --- one version waits ---


def test_a_dead_version_made_anew_gives_way_to_the_newer_one_that_waits(here: Site) -> None:
    here.sync(case("A"))
    decide(here, PENDING)
    here.side.will("A", NO)
    here.sync(case("A", "2", name="乙某"))
    here.drain()
    assert stands(here) == [State.DEAD, HELD]
    assert replay.retry(here.exchange, Scope(system="city"), remap=True, actor="x", reason="y").retried == 0
    assert (stands(here), stands(here, "city-extend")) == ([SUPERSEDED, HELD], [SUPERSEDED, PENDING])
    decide(here, PENDING)
    here.drain()
    assert [(one.endpoint, one.operation.value, _name(one.body)) for one in here.side.taken] == [
        ("accept", "I", "乙某"),
        ("extend", "I", "乙某"),
    ]


def test_a_version_refused_later_is_not_made_anew_while_a_newer_one_waits_and_stays_to_be_mended(here: Site) -> None:
    publish(here, case("A"))
    refuse(here, here.deliveries()[0].batch)
    here.sync(case("A", "2", name="乙某"))
    assert replay.retry(here.exchange, Scope(system="city"), remap=True, actor="x", reason="y").retried == 0
    assert stands(here) == [REJECTED, HELD]
    decide(here, CANCELLED)
    assert stands(here) == [REJECTED, CANCELLED]


def test_the_kin_of_a_refused_version_gives_back_the_place_it_took(here: Site) -> None:
    publish(here, case("A"))
    here.sync(case("A", "2", name="乙某"))
    refuse(here, here.deliveries()[0].batch, "extend")
    assert stands(here, "city-extend") == [SUPERSEDED, PENDING]
    decide(here, CANCELLED)
    assert stands(here, "city-extend") == [REJECTED, CANCELLED]


# --- two at once ---


def first(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Let something else happen between the reading of what waits and the writing of what becomes of it."""
    real, left = gate._move, [act]

    def move(*arguments: Any, **more: Any) -> Any:
        if left:
            left.pop()()
        return real(*arguments, **more)

    monkeypatch.setattr(gate, "_move", move)


@pytest.mark.parametrize("store_url", TWO_WRITERS, indirect=True)
def test_of_two_decisions_at_once_the_first_one_counts(here: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    here.sync(case("A"))
    (number,) = waiting(here)
    first(monkeypatch, lambda: (decide(here, PENDING, number), here.drain()))
    assert decide(here, CANCELLED, number, actor="李某") == 0
    assert (stands(here), stands(here, "city-extend")) == ([DELIVERED], [DELIVERED])
    with here.store.reading() as connection:
        assert [(one.actor, one.approved) for one in journal.decisions(connection, [number])] == [("王某", True)]


@pytest.mark.parametrize("store_url", TWO_WRITERS, indirect=True)
def test_an_approval_after_a_refusal_at_the_same_time_sends_nothing(here: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    here.sync(case("A"))
    (number,) = waiting(here)
    first(monkeypatch, lambda: decide(here, CANCELLED, number))
    assert decide(here, PENDING, number, actor="李某") == 0
    here.drain()
    assert (stands(here), here.side.taken) == ([CANCELLED], [])


@pytest.mark.parametrize("store_url", TWO_WRITERS, indirect=True)
def test_a_newer_version_does_not_overtake_what_was_decided_meanwhile(here: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    here.sync(case("A"))
    (number,) = waiting(here)
    with here.store.writing() as connection:
        first(monkeypatch, lambda: (decide(here, PENDING, number), here.drain()))
        assert not gate.overtake(connection, "local", {("case", "A"): 2}, 1)
    assert stands(here) == [DELIVERED]
