"""Late verdicts: a refusal stays until a newer version comes, settles a doubt, and is told in words a store can hold."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from hub.engine import feedback, maintain, replay
from hub.errors import InDoubt, Rejected
from hub.model import Judgement, Operation, Receipt, State, Taken, Unreadable, Verdict
from hub.store import actions, groups, schema
from hub.store.scopes import Scope
from tests import fakes
from tests.exchanges import Site, case, city, site, step

OFFICE = "县审改办"
GATED = f"""
    version: 1
    routes:
      - {{route: city-accept, title: 受理, from: local, kind: case, mapping: city/accept, to: city/accept, lane: BJBH,
         row: project_no, deletes: true, gate: {OFFICE}}}
      - {{route: city-process, title: 过程, from: local, kind: step, mapping: city/process, to: city/process, lane: BJBH,
         parent: {{route: city-accept, key: BJBH}}}}
    """
OPEN = GATED.replace(f", gate: {OFFICE}", "")
UNMAPPABLE = "名字过长的某某某"
NO = Rejected("HUB-D-115", "refused")
DOUBT = InDoubt("HUB-D-104", "no answer")
PENDING, PARKED, DELIVERED, CONFIRMED = State.PENDING, State.PARKED, State.DELIVERED, State.CONFIRMED
HELD, DEAD, REJECTED, CANCELLED, SUPERSEDED = State.HELD, State.DEAD, State.REJECTED, State.CANCELLED, State.SUPERSEDED


def routes(text: str, **options: object) -> dict[str, str | None]:
    far = city("LateMemoryAdapter", lines="feedback: {every: 5m}", **options)
    return {"config/routes/city.yaml": text, "config/systems/city.yaml": far}


@pytest.fixture
def url(store_url: str) -> str:
    fakes.forget()
    return store_url


@pytest.fixture
def here(url: str, tmp_path: Path) -> Iterator[Site]:
    with site(tmp_path, url, routes(OPEN)) as made:
        yield made


@pytest.fixture
def gated(url: str, tmp_path: Path) -> Iterator[Site]:
    with site(tmp_path, url, routes(GATED)) as made:
        yield made


@pytest.fixture
def unsure(url: str, tmp_path: Path) -> Iterator[Site]:
    """A far side that can neither be asked nor be sent the same twice."""
    with site(tmp_path, url, routes(OPEN, idempotent=False, findable=False)) as made:
        yield made


def judge(here: Site, key: str, batch: str | None, judgement: Judgement = Judgement.REJECTED, said: str = "数据有误") -> None:
    here.side.verdicts.append(Verdict("accept", key, batch, judgement, said))
    feedback.poll(here.exchange, "city")


def decide(here: Site, state: State) -> None:
    """Decide all that is held."""
    with here.store.writing() as connection:
        actions.decide_held(connection, Scope(system="city"), state, actor="王某", reason="已核对", now=here.now)


def give_up(here: Site, number: int) -> None:
    with here.store.writing() as connection:
        actions.cancel(connection, Scope(ids=(number,)), actor="王某", reason="不再报", now=here.now)


def retry(here: Site, *, remap: bool = False) -> int:
    return replay.retry(here.exchange, Scope(system="city"), remap=remap, actor="王某", reason="已更正").retried


def stands(here: Site, kind: str = "case") -> list[State]:
    return [one.state for one in here.deliveries() if one.kind == kind]


def published(here: Site, key: str = "A") -> str:
    """Accept, approve where that is needed, and send the first version; return its batch."""
    here.sync(case(key))
    decide(here, PENDING)
    here.drain()
    assert here.states()[key] is DELIVERED
    return here.one(key).batch


# --- a refusal that comes after a newer version was accepted ---


def test_a_version_refused_at_the_gate_does_not_hide_the_refusal_of_the_one_before(gated: Site) -> None:
    batch = published(gated)
    gated.sync(case("A", "2", name="乙某"))
    decide(gated, CANCELLED)
    judge(gated, "A", batch)
    assert stands(gated) == [REJECTED, CANCELLED]


def test_a_refusal_stays_while_a_newer_version_waits_and_ends_with_its_approval(gated: Site) -> None:
    batch = published(gated)
    gated.sync(case("A", "2", name="乙某"))
    judge(gated, "A", batch)
    assert stands(gated) == [REJECTED, HELD]
    decide(gated, PENDING)
    assert stands(gated) == [SUPERSEDED, PENDING]


def test_a_refused_version_stays_mendable_when_the_newer_one_is_refused_at_the_gate(gated: Site) -> None:
    batch = published(gated)
    judge(gated, "A", batch)
    gated.sync(case("A", "2", name="乙某"))
    assert stands(gated) == [REJECTED, HELD]
    decide(gated, CANCELLED)
    assert (stands(gated), retry(gated)) == ([REJECTED, CANCELLED], 1)
    gated.drain()
    assert [one.operation.value for one in gated.side.taken] == ["I", "U"]


@pytest.mark.parametrize("earlier", [False, True], ids=["refused after it was given up", "refused before"])
def test_a_version_that_is_given_up_leaves_the_refusal_of_the_one_before(here: Site, earlier: bool) -> None:
    batch = published(here)
    here.sync(case("A", "2", name=UNMAPPABLE))
    if earlier:
        judge(here, "A", batch)
        assert stands(here) == [REJECTED, DEAD]
    give_up(here, here.one("A").id)
    if not earlier:
        judge(here, "A", batch)
    assert stands(here) == [REJECTED, CANCELLED]


def test_a_refusal_that_a_newer_version_took_over_comes_back_when_that_one_is_given_up(here: Site) -> None:
    batch = published(here)
    here.side.will("A", NO)
    here.sync(case("A", "2", name="乙某"))
    judge(here, "A", batch)
    assert stands(here) == [SUPERSEDED, PENDING]
    here.drain()
    assert stands(here) == [SUPERSEDED, DEAD], "what is to be mended is the newer one"
    give_up(here, here.one("A").id)
    assert stands(here) == [REJECTED, CANCELLED]


def test_what_arrived_and_was_given_up_after_its_own_refusal_brings_no_older_one_back(here: Site) -> None:
    first = published(here)
    here.sync(case("A", "2", name="乙某"))
    here.drain()
    judge(here, "A", first)
    judge(here, "A", here.one("A").batch)
    assert stands(here) == [SUPERSEDED, REJECTED]
    give_up(here, here.one("A").id)
    assert stands(here) == [SUPERSEDED, CANCELLED], "the older content is over there no more"


def test_a_newer_version_that_cannot_be_mapped_does_not_end_a_refusal_until_it_is_mended(here: Site) -> None:
    judge(here, "A", published(here))
    here.sync(case("A", "2", name=UNMAPPABLE))
    assert stands(here) == [REJECTED, DEAD]
    here.sync(case("A", "3", name="丙某"))
    assert stands(here) == [SUPERSEDED, SUPERSEDED, PENDING]


def test_a_refused_parent_whose_newer_version_is_refused_too_parks_its_children_until_it_is_mended(gated: Site) -> None:
    batch = published(gated)
    gated.sync(case("A", "2", name="乙某"))
    judge(gated, "A", batch)
    gated.sync(step("A-1", "A"))
    decide(gated, CANCELLED)
    assert (stands(gated), stands(gated, "step")) == ([REJECTED, CANCELLED], [PARKED])
    retry(gated)
    gated.drain()
    gated.drain()
    assert (stands(gated), stands(gated, "step")) == ([DELIVERED, CANCELLED], [DELIVERED])


def test_children_follow_the_newer_version_of_a_refused_parent_once_it_is_approved(gated: Site) -> None:
    batch = published(gated)
    gated.sync(step("A-1", "A"), case("A", "2", name="乙某"))
    judge(gated, "A", batch)
    assert (stands(gated), stands(gated, "step")) == ([REJECTED, HELD], [PARKED])
    decide(gated, PENDING)
    gated.drain()
    gated.drain()
    assert (stands(gated), stands(gated, "step")) == ([SUPERSEDED, DELIVERED], [DELIVERED])


def test_what_comes_back_after_a_deletion_that_was_refused_later_is_an_update(here: Site) -> None:
    published(here)
    here.sync(fakes.record("A", "2", operation=Operation.DELETE, BJBH="A", SQRMC="甲某"))
    here.drain()
    judge(here, "A", here.one("A").batch)
    here.sync(case("A", "3", name="丙某"))
    here.drain()
    assert [one.operation.value for one in here.side.taken] == ["I", "D", "U"], "the row is still there"
    assert stands(here) == [DELIVERED, SUPERSEDED, DELIVERED]


# --- what is held in doubt ---


@pytest.mark.parametrize(("judgement", "state"), [(Judgement.REJECTED, REJECTED), (Judgement.CONFIRMED, CONFIRMED)])
def test_a_verdict_proves_that_what_is_held_in_doubt_arrived(unsure: Site, judgement: Judgement, state: State) -> None:
    unsure.side.will("A", DOUBT, taken=True)
    unsure.sync(case("A"), step("A-1", "A"))
    unsure.drain()
    assert stands(unsure) == [HELD]
    judge(unsure, "A", unsure.one("A").batch, judgement)
    assert stands(unsure) == [state]
    if state is REJECTED:
        retry(unsure)
    unsure.drain()
    assert (unsure.taken()[-1], unsure.one("A").operation) == ("A-1", "U" if state is REJECTED else "I")


def test_agreement_that_names_no_batch_may_mean_the_version_before_the_one_in_doubt(unsure: Site) -> None:
    published(unsure)
    unsure.side.will("A", DOUBT)
    unsure.sync(case("A", "2", name="乙某"))
    unsure.drain()
    judge(unsure, "A", None, Judgement.CONFIRMED)
    assert stands(unsure) == [CONFIRMED, HELD], "that it arrived is not proved"
    judge(unsure, "A", None, Judgement.REJECTED)
    assert stands(unsure) == [SUPERSEDED, REJECTED], "sent again as an update it is right either way"


# --- the far side's words ---


@pytest.mark.parametrize("broken", ["姓名\x00不符", "姓名\ud83d不符"], ids=["NUL", "half a character"])
def test_words_that_a_store_cannot_hold_do_not_stop_the_feedback(here: Site, broken: str) -> None:
    batch = published(here)
    published(here, "B")
    here.side.verdicts.append(Verdict("accept", broken, broken, Judgement.REJECTED, broken, broken))
    here.side.verdicts.append(Verdict("accept", "A", batch, Judgement.REJECTED, broken, broken * 100))
    here.side.unreadable.append(Unreadable("accept", broken, "HUB-S-242", broken))
    feedback.poll(here.exchange, "city")
    assert here.states() == {"A": REJECTED, "B": DELIVERED}
    assert here.one("A").reason in ("姓名不符", "姓名?不符")
    with here.store.reading() as connection:
        assert feedback.last_failure(connection, "city") is not None


def test_refusals_of_one_cause_are_one_group_and_each_keeps_its_words(here: Site) -> None:
    for key in ("A", "B"):
        judge(here, key, published(here, key), said=f"行 201600000{key}1 申请人不符")
    with here.store.reading() as connection:
        (group,) = groups.unfolded(connection)
        said = list(connection.execute(sa.select(schema.verdict.c.said).order_by(schema.verdict.c.id)).scalars())
    assert (group.count, group.reason) == (2, "行 # 申请人不符")
    assert said == ["行 201600000A1 申请人不符", "行 201600000B1 申请人不符"]


def test_what_is_released_does_not_follow_its_newer_version(here: Site) -> None:
    """Queued once, and no verdict came in time; its newer version was taken meanwhile."""
    here.side.will("A", Receipt(Taken.QUEUED))
    here.sync(case("A"))
    here.drain()
    here.sync(case("A", "2"))
    here.drain()
    here.later(days=4)
    maintain.maintain(here.exchange)
    assert [one.state for one in here.deliveries()] == [HELD, DELIVERED]
    with here.store.writing() as connection:
        decided = actions.decide_held(connection, Scope(lane="A"), PENDING, actor="test", reason="send it", now=here.now)
    here.drain()
    assert (decided, here.sent()) == (0, ["A", "A"])
    assert [one.state for one in here.deliveries()] == [SUPERSEDED, DELIVERED]
