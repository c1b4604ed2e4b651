"""A dead letter never brings back what is gone or outdated: deleted records, older versions, also from another lane."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.engine import feedback, replay
from hub.errors import InDoubt, Rejected, Retryable
from hub.model import Judgement, Operation, State, Verdict
from hub.store import actions, schema
from hub.store.scopes import Scope
from tests import configs, fakes
from tests.exchanges import Site, case, city, site

NO = Rejected("HUB-D-115", "refused")
LOST = InDoubt("HUB-D-104", "no answer")
LINES = "feedback: {every: 5m}\nretry: [1s]"
ROUTES = configs.ROUTES.replace("lane: BJBH}", "lane: BJBH, row: project_no, deletes: true}", 1)


@pytest.fixture
def here(store_url: str, tmp_path: Path) -> Iterator[Site]:
    fakes.forget()
    late = city("LateMemoryAdapter", lines=LINES)
    with site(tmp_path, store_url, {"config/routes/city.yaml": ROUTES, "config/systems/city.yaml": late}) as made:
        yield made


def retry(here: Site, *, remap: bool = False) -> int:
    return replay.retry(here.exchange, Scope(everything=True), remap=remap, actor="wang", reason="they mended it").retried


def gone(key: str, revision: str = "gone", lane: str | None = None) -> fakes.Record:
    return fakes.record(key, revision, operation=Operation.DELETE, BJBH=lane or key, SQRMC="甲某")


def states(here: Site) -> list[State]:
    return [one.state for one in here.deliveries()]


def taken(here: Site) -> list[str]:
    return [message.operation.value for message in here.side.taken]


def refuse(here: Site, row: str, batch: str) -> None:
    here.side.verdicts.append(Verdict("accept", row, batch, Judgement.REJECTED, "核验"))
    feedback.poll(here.exchange, "city")


@pytest.mark.parametrize("remap", [False, True])
def test_a_dead_insert_of_what_the_source_deleted_since_is_not_sent_any_more(here: Site, remap: bool) -> None:
    here.side.will("A", NO)
    here.sync(case("A"))
    here.drain()
    here.sync(gone("A"))
    assert states(here) == [State.SUPERSEDED]
    assert retry(here, remap=remap) == 0


def test_one_that_may_have_arrived_stays_to_be_looked_at(here: Site) -> None:
    here.reconfigure({"config/systems/city.yaml": city("LateMemoryAdapter", lines=LINES, findable=False)})
    here.side.will("A", LOST, NO)
    here.sync(case("A"))
    here.drain()
    here.later(minutes=1)
    here.drain()
    assert states(here) == [State.DEAD]
    here.sync(gone("A"))
    assert states(here) == [State.DEAD]


@pytest.mark.parametrize("remap", [False, True])
def test_two_dead_versions_that_are_retried_go_as_an_insert_and_an_update(here: Site, remap: bool) -> None:
    here.side.will("A", NO, NO)
    here.sync(case("A"))
    here.sync(case("A", "2"))
    here.drain()
    assert ([one.operation for one in here.deliveries()], states(here)) == (["I", "I"], [State.DEAD, State.DEAD])
    assert retry(here, remap=remap) == 2
    here.drain()
    assert taken(here) == ["I", "U"]


def test_an_older_version_in_another_lane_is_not_sent_over_the_newer_one(here: Site) -> None:
    here.sync(case("A", lane="1"))
    here.sync(case("A", "2", lane="2"))
    here.drain()
    with here.store.writing() as connection:  # as if it had been on its way when its record left the lane, and was refused
        refused = {"state": "dead", "stage": "send", "code": "HUB-D-115"}
        connection.execute(schema.delivery.update().where(schema.delivery.c.lane == "1").values(refused))
    assert states(here) == [State.DEAD, State.DELIVERED]
    assert retry(here) == 0
    assert states(here) == [State.SUPERSEDED, State.DELIVERED]


def test_a_late_refusal_of_what_a_newer_version_in_another_lane_replaced_is_history(here: Site) -> None:
    here.sync(case("A", lane="1"))
    here.drain()
    here.sync(case("A", "2", lane="2"))
    here.drain()
    refuse(here, "1", here.deliveries()[0].batch)
    assert states(here) == [State.SUPERSEDED, State.DELIVERED]


def test_a_late_refusal_comes_back_when_the_newer_version_in_another_lane_comes_to_nothing(here: Site) -> None:
    here.sync(case("A", lane="1"))
    here.drain()
    refuse(here, "1", here.deliveries()[0].batch)
    here.side.will("A", NO)
    here.sync(case("A", "2", lane="2"))
    here.drain()
    assert states(here) == [State.SUPERSEDED, State.DEAD]
    with here.store.writing() as connection:
        actions.cancel(connection, Scope(ids=(here.deliveries()[1].id,)), actor="wang", reason="不再报送", now=here.now)
    assert states(here) == [State.REJECTED, State.CANCELLED]


# --- a record whose lane changes ---


@pytest.mark.parametrize("newer", [case("A", "2", lane="2"), gone("A", "2", lane="2")], ids=["version", "deletion"])
def test_what_waits_in_a_lane_its_record_has_left_is_not_sent_over_what_is_newer(here: Site, newer: fakes.Record) -> None:
    here.side.will("A", Retryable("HUB-D-113", "503"))
    here.sync(case("A", lane="1"))
    here.drain()
    here.sync(newer)
    assert states(here) == [State.SUPERSEDED, State.PENDING]
    here.later(hours=1)
    here.drain()
    assert [message.lane for message in here.side.taken] == ["2"]


def test_of_two_versions_in_one_page_the_one_in_the_lane_left_is_not_sent(here: Site) -> None:
    here.sync(case("A", lane="1"), case("A", "2", lane="2"))
    here.drain()
    assert [(message.lane, message.operation) for message in here.side.taken] == [("2", Operation.INSERT)]


def arrived_from_another_lane(here: Site) -> None:
    """Let a blind target lose the answer to A, which is held then, and take its next version, which stands in another lane."""
    here.reconfigure({"config/systems/city.yaml": city("LateMemoryAdapter", lines=LINES, findable=False, idempotent=False)})
    here.side.will("A", LOST)
    here.sync(case("A", lane="1"))
    here.drain()
    here.sync(case("A", "2", lane="2"))
    here.drain()


def test_what_is_let_go_after_its_record_arrived_from_another_lane_ends(here: Site) -> None:
    arrived_from_another_lane(here)
    assert states(here) == [State.HELD, State.DELIVERED]
    with here.store.writing() as connection:
        actions.decide_held(connection, Scope("city"), State.PENDING, actor="wang", reason="核实过", now=here.now)
    here.drain()
    assert (states(here), [message.lane for message in here.side.taken]) == ([State.SUPERSEDED, State.DELIVERED], ["2"])


def test_what_comes_up_behind_what_ends_is_looked_at_as_well(here: Site) -> None:
    arrived_from_another_lane(here)
    here.sync(case("B"), case("B", "2"))
    table, insert = schema.delivery, next(one.id for one in here.deliveries() if one.key == "B")
    with here.store.writing() as connection:  # as if each had been on its way meanwhile: one comes back, one was refused
        connection.execute(table.update().where(table.c.lane == "1").values(state="pending", due_at=0))
        connection.execute(table.update().where(table.c.id == insert).values(state="dead", stage="send", code="HUB-D-115"))
    here.drain()
    assert [(message.key, message.operation.value) for message in here.side.taken] == [("A", "I"), ("B", "I")]


# --- what was deleted over there comes back as an insert ---


def test_what_was_deleted_in_another_lane_comes_back_as_an_insert(here: Site) -> None:
    for version in (case("A"), case("A", "2", lane="X"), gone("A", "3", lane="X"), case("A", "4", lane="Y")):
        here.sync(version)
        here.drain()
    assert taken(here) == ["I", "U", "D", "I"]


@pytest.mark.parametrize("remap", [False, True])
def test_a_retried_insert_behind_a_deletion_stays_an_insert(here: Site, remap: bool) -> None:
    here.sync(case("A"))
    here.sync(gone("A"))
    here.drain()
    here.side.will("A", NO)
    here.sync(case("A", "3"))
    here.drain()
    assert retry(here, remap=remap) == 1
    here.drain()
    assert taken(here) == ["I", "D", "I"]


def test_an_update_whose_insert_died_behind_a_deletion_becomes_one(here: Site) -> None:
    here.sync(case("A"))
    here.sync(gone("A"))
    here.drain()
    here.side.will("A", NO)
    here.sync(case("A", "3"), case("A", "4"))
    here.drain()
    here.drain()
    assert taken(here) == ["I", "D", "I"]


def test_an_insert_behind_a_deletion_that_was_refused_becomes_an_update(here: Site) -> None:
    here.sync(case("A"))
    here.drain()
    here.side.will("A", NO)
    here.sync(gone("A"), case("A", "3"))
    here.drain()
    here.drain()
    assert taken(here) == ["I", "U"]
