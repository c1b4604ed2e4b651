"""A gate: nothing passes unapproved, nothing outdated is approved, and what was made of one version shares its fate."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from hub.engine import feedback, replay
from hub.errors import Retryable
from hub.model import Judgement, Operation, State, Verdict
from hub.store import actions, gate, journal, outbox, schema, views
from hub.store import waiting as stuck
from hub.store.scopes import Scope
from tests import configs, fakes
from tests.exchanges import Site, case, city, site, step

OFFICE = "县审改办"
#: The extended part is written first on purpose: what hangs on a route comes after it wherever it stands in the file.
ROUTES = f"""
    version: 1
    routes:
      - {{route: city-extend, title: 扩展, from: local, kind: case, mapping: city/accept, to: city/extend, lane: BJBH,
         row: project_no, parent: {{route: city-accept, key: BJBH}}}}
      - {{route: city-accept, title: 受理, from: local, kind: case, mapping: city/accept, to: city/accept, lane: BJBH,
         row: project_no, gate: {OFFICE}, when: {{not: {{path: SXLX, equals: X}}}}}}
      - {{route: city-process, title: 过程, from: local, kind: step, mapping: city/process, to: city/process, lane: BJBH,
         parent: {{route: city-accept, key: BJBH}}}}
    """
HELD, PENDING, PARKED, DELIVERED = State.HELD, State.PENDING, State.PARKED, State.DELIVERED
SUPERSEDED, CANCELLED = State.SUPERSEDED, State.CANCELLED


@pytest.fixture
def here(store_url: str, tmp_path: Path) -> Iterator[Site]:
    fakes.forget()
    far = city("LateMemoryAdapter", lines="feedback: {every: 5m}", endpoints="[accept, extend, process]")
    with site(tmp_path, store_url, {"config/routes/city.yaml": ROUTES, "config/systems/city.yaml": far}) as made:
        yield made


def decide(here: Site, state: State, *numbers: int, reason: str = "已核对") -> int:
    with here.store.writing() as connection:
        return actions.decide_held(connection, Scope(ids=numbers), state, actor="王某", reason=reason, now=here.now)


def stands(here: Site, route: str = "city-accept") -> list[State]:
    """Return the states of every version's delivery on one route, oldest first."""
    return [one.state for one in here.deliveries() if one.route == route]


def waiting(here: Site) -> int:
    """Return the number of the one delivery that waits for approval."""
    (one,) = [one for one in here.deliveries() if one.approver]
    return one.id


def gated(here: Site, key: str) -> int:
    """Return the number of a record's delivery that waits for approval."""
    return next(one.id for one in here.deliveries() if one.key == key and one.approver)


def came(here: Site) -> list[tuple[str, str, str]]:
    """Return what the far side took: endpoint, operation, name."""
    return [(one.endpoint, one.operation.value, one.body.get("applyer_name", "")) for one in here.side.taken]


def test_what_waits_says_for_whom_and_nothing_made_of_it_passes(here: Site) -> None:
    here.sync(case("A"), step("A-1", "A"))
    here.drain()
    one = here.deliveries()[0]
    assert (one.route, one.approver, one.code, one.stage, one.reason) == ("city-accept", OFFICE, gate.CODE, "gate", OFFICE)
    assert (stands(here), stands(here, "city-extend"), stands(here, "city-process")) == ([HELD], [PENDING], [PENDING])
    with here.store.reading() as connection:
        assert {name: {who: found.count for who, found in of.items()} for name, of in gate.waiting(connection).items()} == {
            "city": {OFFICE: 1}
        }
        assert outbox.next_due(connection, system="city", partition=0) is None, "what stands behind it waits for a person, too"
    assert decide(here, PENDING, waiting(here)) == 1
    here.drain()
    assert came(here) == [("accept", "I", "甲某"), ("extend", "I", "甲某"), ("process", "I", "")]


def test_what_stands_behind_an_approval_is_no_backlog(here: Site) -> None:
    here.sync(case("A"), step("A-1", "A"), step("A-2", "A"), case("B"))
    decide(here, PENDING, gated(here, "B"))
    numbers = [one.id for one in here.deliveries()]
    with here.store.reading() as connection:
        left, waits = stuck.apart(connection, views.backlog(connection))
        ahead = stuck.ahead(connection, numbers)
    assert {state: one.count for state, one in left["city"].items()} == {HELD: 1, PENDING: 2}, "of B, and nothing of A"
    assert {who: one.count for who, one in waits["city"].items()} == {OFFICE: 3}, "the extended part, and two steps"
    assert {one.lane for one in here.deliveries() if one.id in ahead} == {"A"}
    assert set(ahead.values()) == {stuck.Ahead(waiting(here), OFFICE)}
    decide(here, PENDING, waiting(here))
    with here.store.reading() as connection:
        assert stuck.behind(connection) == {} and stuck.ahead(connection, numbers) == {}
        assert stuck.free(connection, "city").count == 6  # type: ignore[union-attr]


def test_what_stands_behind_a_doubt_is_told_apart_from_what_an_office_holds_up(here: Site) -> None:
    here.sync(case("A"), step("A-1", "A"), case("B"), step("B-1", "B"))
    number = gated(here, "B")
    with here.store.writing() as connection:
        doubted = schema.delivery.update().where(schema.delivery.c.id == number)
        connection.execute(doubted.values(stage="feedback", code="HUB-E-120", reason="no verdict"))
    with here.store.reading() as connection:
        left, waits = stuck.apart(connection, views.backlog(connection))
        ahead = stuck.ahead(connection, [one.id for one in here.deliveries()])
    assert left["city"].keys() == {HELD}
    assert {who: one.count for who, one in waits["city"].items()} == {OFFICE: 2, stuck.ANYBODY: 2}
    assert stuck.Ahead(number, None) in ahead.values()


def test_what_is_tried_again_is_told_by_its_commonest_cause(here: Site) -> None:
    here.sync(case("A"), case("B"), case("C"))
    decide(here, PENDING, *(gated(here, key) for key in "ABC"))
    for key, code in (("A", "HUB-D-118"), ("B", "HUB-D-118"), ("C", "HUB-D-113")):
        here.side.will(key, Retryable(code, "not now"))
    here.drain()
    with here.store.reading() as connection:
        assert stuck.retrying(connection, "city") == stuck.Retrying(3, "HUB-D-118", "not now")
        assert stuck.retrying(connection, "local") is None


def test_a_newer_version_ends_the_waiting_of_the_older_and_its_kin(here: Site) -> None:
    here.sync(case("A"))
    seen = waiting(here)
    here.sync(case("A", "2", name="乙某"))
    assert (stands(here), stands(here, "city-extend")) == ([SUPERSEDED, HELD], [SUPERSEDED, PENDING])
    assert decide(here, PENDING, seen) == 0, "an approver must not approve what is outdated"
    here.drain()
    assert came(here) == []
    decide(here, PENDING, waiting(here))
    here.drain()
    assert came(here) == [("accept", "I", "乙某"), ("extend", "I", "乙某")], "nothing of it was there: inserts"


def test_two_versions_in_one_page_leave_one_waiting_for_an_insert(here: Site) -> None:
    here.sync(case("A"), case("A", "2", name="乙某"))
    assert stands(here) == [SUPERSEDED, HELD]
    assert [one.operation for one in here.deliveries() if one.state is HELD] == ["I"]


def test_a_refused_change_takes_its_kin_along_and_the_next_one_waits_anew(here: Site) -> None:
    here.sync(case("A"))
    decide(here, PENDING, waiting(here))
    here.drain()
    here.sync(case("A", "2", name="乙某"))
    here.drain()
    assert decide(here, CANCELLED, waiting(here), reason="依据不足") == 1
    here.drain()
    assert (stands(here), stands(here, "city-extend")) == ([DELIVERED, CANCELLED], [DELIVERED, CANCELLED])
    assert {name for _, _, name in came(here)} == {"甲某"}, "the extended part of a refused change was published"
    here.sync(case("A", "3", name="丙某"))
    assert stands(here) == [DELIVERED, CANCELLED, HELD]
    decide(here, PENDING, waiting(here))
    here.drain()
    assert came(here)[2:] == [("accept", "U", "丙某"), ("extend", "U", "丙某")]


def test_an_approved_version_that_has_not_left_yet_is_not_overtaken(here: Site) -> None:
    here.sync(case("A"))
    decide(here, PENDING, waiting(here))
    here.sync(case("A", "2", name="乙某"))
    here.drain()
    assert stands(here) == [DELIVERED, HELD]
    assert came(here) == [("accept", "I", "甲某"), ("extend", "I", "甲某")]


def test_other_records_park_behind_a_refused_parent_and_follow_the_approved_one(here: Site) -> None:
    here.sync(case("A"), step("A-1", "A"))
    decide(here, CANCELLED, waiting(here))
    assert stands(here, "city-process") == [PARKED]
    here.sync(case("A", "2"))
    decide(here, PENDING, waiting(here))
    for _ in range(2):
        here.drain()
    assert [endpoint for endpoint, _, _ in came(here)] == ["accept", "extend", "process"]


def test_what_came_between_two_versions_does_not_stand_in_the_newer_ones_way(here: Site) -> None:
    here.sync(case("A"), step("A-1", "A"))
    here.sync(case("A", "2"))
    assert stands(here, "city-process") == [PARKED], "its parent comes behind it now"
    decide(here, PENDING, waiting(here))
    for _ in range(2):
        here.drain()
    assert [endpoint for endpoint, _, _ in came(here)] == ["accept", "extend", "process"]


@pytest.mark.parametrize(
    "newer", [case("A", "2", SXLX="X"), case("A", "2", BJBH_="", name="名字过长的某某某")], ids=["filtered", "dead"]
)
def test_a_newer_version_that_is_not_owed_ends_the_waiting_too(here: Site, newer: fakes.Record) -> None:
    here.sync(case("A"))
    seen = waiting(here)
    here.sync(newer)
    assert not [one for one in here.deliveries() if one.approver]
    assert decide(here, PENDING, seen) == 0
    here.drain()
    assert came(here) == []


def test_what_was_never_sent_cannot_be_called_delivered(here: Site) -> None:
    here.sync(case("A"))
    assert decide(here, DELIVERED, waiting(here)) == 0
    assert stands(here) == [HELD]


def test_decisions_are_written_down_one_by_one_with_who_when_and_why(here: Site) -> None:
    here.sync(case("A"), case("B"), case("C"))
    first, second, third = [one.id for one in here.deliveries() if one.approver]
    decide(here, PENDING, first, second, reason="依据齐全")
    here.later(minutes=3)
    decide(here, CANCELLED, third, reason="权责不符")
    with here.store.reading() as connection:
        told = journal.decisions(connection, [first, second, third])
        assert journal.decisions(connection, [first * 10]) == []
    assert [(one.delivery, one.actor, one.gate, one.approved, one.reason) for one in told] == [
        (first, "王某", OFFICE, True, "依据齐全"),
        (second, "王某", OFFICE, True, "依据齐全"),
        (third, "王某", OFFICE, False, "权责不符"),
    ]
    assert (told[2].at - told[0].at).total_seconds() == 180
    assert here.one("C").reason == "权责不符"


def test_a_decision_leaves_those_in_doubt_to_others_and_counts_both(here: Site) -> None:
    here.sync(case("A"), case("B"))
    with here.store.writing() as connection:
        doubt = sa.update(schema.delivery).where(schema.delivery.c.key == "B", schema.delivery.c.route == "city-accept")
        connection.execute(doubt.values(stage=None, code="HUB-D-104", reason="no answer"))
        assert len(actions.held(connection, Scope(system="city"))) == 2
        assert len(actions.held(connection, Scope(system="city"), at_gate=True)) == 1
        assert len(actions.held(connection, Scope(system="city"), at_gate=False)) == 1
        assert actions.held(connection, Scope()) == []
        assert actions.decide_held(connection, Scope(system="city"), CANCELLED, actor="x", reason="y", now=here.now) == 2
    with here.store.reading() as connection:
        actions_ = list(connection.execute(sa.select(schema.journal.c.action).order_by(schema.journal.c.id)).scalars())
    assert actions_ == ["gate:refused", "held:cancelled"]


def test_an_approver_sees_what_would_replace_what_kin_included(here: Site) -> None:
    here.sync(case("A"))
    with here.store.reading() as connection:
        first = gate.versions(connection, waiting(here))
    assert [(one.route, one.published) for one in first] == [("city-accept", None), ("city-extend", None)]
    decide(here, PENDING, waiting(here))
    here.drain()
    here.sync(case("A", "2", name="乙某"))
    decide(here, CANCELLED, waiting(here))
    here.sync(case("A", "3", name="丙某"))
    with here.store.reading() as connection:
        found = gate.versions(connection, waiting(here))
    names = [(one.route, one.published and one.published["applyer_name"], one.body["applyer_name"]) for one in found]
    assert names == [("city-accept", "甲某", "丙某"), ("city-extend", "甲某", "丙某")], "the refused version was never published"


def test_a_body_made_anew_must_be_approved_again_and_the_same_one_need_not(here: Site) -> None:
    here.sync(case("A"))
    decide(here, PENDING, waiting(here))
    here.drain()
    here.side.verdicts.append(Verdict("accept", "A", None, Judgement.REJECTED, "核验"))
    feedback.poll(here.exchange, "city")
    replay.retry(here.exchange, Scope(system="city"), remap=False, actor="x", reason="y")
    here.drain()
    assert (stands(here), len(here.side.taken)) == ([DELIVERED], 3)
    here.side.verdicts.append(Verdict("accept", "A", None, Judgement.REJECTED, "再核验", told="second"))
    feedback.poll(here.exchange, "city")
    replay.retry(here.exchange, Scope(system="city"), remap=True, actor="x", reason="y")
    here.drain()
    assert (stands(here), waiting(here), len(here.side.taken)) == ([HELD], here.one("A").id - 1, 3)


def test_a_deletion_waits_for_approval_as_well(here: Site) -> None:
    here.reconfigure({"config/routes/city.yaml": ROUTES.replace(f"gate: {OFFICE},", f"gate: {OFFICE}, deletes: true,")})
    here.sync(case("A"))
    decide(here, PENDING, waiting(here))
    here.drain()
    here.sync(fakes.record("A", "2", operation=Operation.DELETE, BJBH="A", SQRMC="甲某"))
    here.drain()
    assert (stands(here), came(here)[2:]) == ([DELIVERED, HELD], [])


def test_gate_true_names_nobody_in_particular(here: Site) -> None:
    here.reconfigure({"config/routes/city.yaml": ROUTES.replace(f"gate: {OFFICE}", "gate: true")})
    here.sync(case("A"))
    assert here.deliveries()[0].approver == "审批人"


def test_the_shipped_words_of_a_gate_are_checked(here: Site) -> None:
    text = configs.ROUTES.replace("lane: BJBH}", 'lane: BJBH, gate: ""}')
    with pytest.raises(Exception, match="gate"):
        here.reconfigure({"config/routes/city.yaml": text})
    here.reconfigure({"config/routes/city.yaml": configs.ROUTES})
