"""Which operation a message goes with: an update never before its insert, and what was refused later goes again as an update."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from hub.engine import feedback, replay
from hub.errors import Rejected, Retryable
from hub.model import Judgement, Operation, State, Verdict
from hub.store import attempts, schema
from hub.store.scopes import Scope
from tests import configs, fakes
from tests.exchanges import Site, case, city, site

NO = Rejected("HUB-D-115", "refused")
BUSY = Retryable("HUB-D-113", "busy")


@pytest.fixture
def here(store_url: str, tmp_path: Path) -> Iterator[Site]:
    """A hub whose bodies say the operation and the batch themselves, as JSON and XML do."""
    fakes.forget()
    contract = configs.CONTRACT_ACCEPT + "  operation: {type: string, title: 操作}\n      batch: {type: string, title: 批次}\n"
    mapping = configs.ACCEPT + "  operation: $operation\n      batch: $batch\n"
    routes = configs.ROUTES.replace("to: city/accept, lane: BJBH}", "to: city/accept, lane: BJBH, row: project_no}")
    assert "row: project_no" in routes
    files = {
        "config/systems/city.yaml": city("LateMemoryAdapter"),
        "config/routes/city.yaml": routes,
        "mappings/contracts/city/accept.yaml": contract,
        "mappings/city/accept.yaml": mapping,
    }
    with site(tmp_path, store_url, files) as made:
        yield made


def operations(here: Site) -> list[tuple[str, str]]:
    """Return what the far side took: the message's operation, and the body's own word."""
    return [(message.operation.value, str(message.body["operation"])) for message in here.side.taken]


def refuse(here: Site, key: str, told: str | None = None, batch: str | None = None) -> None:
    """Let the far side say now that it does not want what it took; the same words may come again at every poll."""
    here.side.verdicts.append(Verdict("accept", key, batch, Judgement.REJECTED, "数据有误", told))
    feedback.poll(here.exchange, "city")


def retry(here: Site, *, remap: bool = False) -> int:
    return replay.retry(here.exchange, Scope(system="city"), remap=remap, actor="tester", reason="mended").retried


def test_an_update_whose_insert_died_is_an_insert(here: Site) -> None:
    here.side.will("A", BUSY, NO)
    here.sync(case("A"))
    here.drain()
    here.sync(case("A", "2", name="乙某"))  # the first version is still on its way: an update
    assert [one.operation for one in here.deliveries()] == ["I", "U"]
    here.later(minutes=5)
    here.drain()
    here.drain()
    assert here.states() == {"A": State.DELIVERED}
    assert operations(here) == [("I", "I")], "the far side never had a first version"


def test_an_update_behind_its_insert_stays_one(here: Site) -> None:
    here.side.will("A", BUSY)
    here.sync(case("A"))
    here.drain()
    here.sync(case("A", "2", name="乙某"), case("A", "3", name="丙某"))
    here.later(minutes=5)
    here.drain()
    here.drain()
    assert operations(here) == [("I", "I"), ("U", "U"), ("U", "U")]


def test_what_stays_pending_keeps_its_words_when_it_becomes_an_insert(here: Site) -> None:
    here.side.will("A", BUSY, NO)
    here.sync(case("A"))
    here.drain()
    here.sync(case("A", "2", name="乙某"))
    (_, second) = here.deliveries()
    here.later(minutes=5)
    here.drain()
    here.drain()
    (message,) = here.side.taken
    assert message.body == {"project_no": "A", "applyer_name": "乙某", "operation": "I", "batch": second.batch}
    assert message.batch == second.batch


def test_an_update_keeps_its_words_when_its_mapping_has_changed_since(here: Site) -> None:
    here.side.will("A", NO)
    here.sync(case("A"), case("A", "2", name="乙某"))
    made_by = here.column("mapping", "A")
    mapping = (here.directory / "mappings/city/accept.yaml").read_text("utf-8")
    here.reconfigure({"mappings/city/accept.yaml": mapping.replace("{path: SQRMC, do: [trim]}", "{const: 别人}")})
    here.drain()
    here.drain()
    assert [(one.operation, one.body["applyer_name"]) for one in here.side.taken] == [(Operation.INSERT, "乙某")]
    assert here.column("mapping", "A") == made_by, "what is sent and what is said to have made it belong together"


def test_an_update_that_becomes_an_insert_is_found_by_the_row_it_names_then(here: Site) -> None:
    mapping = (here.directory / "mappings/city/accept.yaml").read_text("utf-8")
    here.reconfigure({"mappings/city/accept.yaml": mapping.replace("project_no: BJBH", "project_no: {join: [BJBH, $operation]}")})
    here.side.will("A", NO)
    here.sync(case("A"), case("A", "2", name="乙某"))
    here.drain()
    here.drain()
    refuse(here, "AI")
    assert (here.one("A").row, here.states()) == ("AI", {"A": State.REJECTED})


@pytest.mark.parametrize("remap", [False, True], ids=["as it was", "with the present mapping"])
def test_what_was_refused_later_goes_again_as_an_update_in_a_batch_of_its_own(here: Site, remap: bool) -> None:
    here.sync(case("A"))
    here.drain()
    refuse(here, "A")
    assert here.states() == {"A": State.REJECTED}
    assert retry(here, remap=remap) == 1
    here.drain()
    first, second = here.side.taken
    assert operations(here) == [("I", "I"), ("U", "U")]
    assert second.batch == second.body["batch"] == f"{first.batch}R1"
    assert second.idempotency_key != first.idempotency_key, "a far side that drops repetitions must not drop this"
    assert {**second.body, "operation": "", "batch": ""} == {**first.body, "operation": "", "batch": ""}


@pytest.mark.parametrize("remap", [False, True], ids=["as it was", "with the present mapping"])
def test_what_goes_again_says_when_it_was_made_ready_again(here: Site, remap: bool) -> None:
    """A far side that reads by synchronisation time passes over a row that claims to be as old as the refused one."""
    here.sync(case("A"))
    here.drain()
    refuse(here, "A")
    here.later(days=2)
    at = here.now
    retry(here, remap=remap)
    here.later(minutes=5)
    here.drain()
    first, second = here.side.taken
    assert (first.created, second.created) == (at - timedelta(days=2), at)


def test_a_verdict_that_is_read_again_is_not_about_what_was_sent_since(here: Site) -> None:
    """Error tables are read with an overlap: yesterday's complaint comes again after the row was mended."""
    here.sync(case("A"))
    here.drain()
    refuse(here, "A", told="E1")
    retry(here)
    here.drain()
    refuse(here, "A", told="E1")
    assert here.states() == {"A": State.DELIVERED}
    refuse(here, "A", told="E2")
    assert here.states() == {"A": State.REJECTED}


def test_a_verdict_about_the_batch_before_is_not_about_this_one(here: Site) -> None:
    here.sync(case("A"))
    here.drain()
    batch = here.one("A").batch
    refuse(here, "A", batch=batch)
    retry(here)
    here.drain()
    refuse(here, "A", batch=batch)
    assert here.states() == {"A": State.DELIVERED}
    refuse(here, "A", batch=f"{batch}R1")
    assert here.states() == {"A": State.REJECTED}


def test_a_verdict_about_what_was_renewed_meanwhile_is_history(here: Site) -> None:
    here.sync(case("A"))
    here.drain()
    batch = here.one("A").batch
    here.sync(case("A", "2", name="乙某"))
    here.drain()
    refuse(here, "A", batch=batch)
    assert [one.state for one in here.deliveries()] == [State.SUPERSEDED, State.DELIVERED]
    with here.store.reading() as connection:
        told = [one.outcome for one in attempts.read(connection, [here.deliveries()[0].id])]
    assert "refused-later" in told, "it is told all the same"


def test_the_story_keeps_every_refusal(here: Site) -> None:
    here.sync(case("A"))
    here.drain()
    for told in ("E1", "E2"):
        refuse(here, "A", told=told)
        here.later(minutes=1)
        retry(here)
        here.drain()
        here.later(minutes=1)
    with here.store.reading() as connection:
        told_ = [(one.outcome, one.said) for one in attempts.read(connection, [here.one("A").id])]
    assert [one for one in told_ if one[0] == "refused-later"] == [("refused-later", "数据有误")] * 2
    assert here.states() == {"A": State.DELIVERED} and here.one("A").operation == "U"


def test_a_newer_version_of_what_was_refused_later_and_failed_since_is_an_update(here: Site) -> None:
    here.sync(case("A"))
    here.drain()
    refuse(here, "A")
    here.side.will("A", NO)
    retry(here)
    here.drain()
    assert here.states() == {"A": State.DEAD}
    here.sync(case("A", "2", name="乙某"))
    here.drain()
    assert operations(here) == [("I", "I"), ("U", "U")]


def test_what_moves_to_another_lane_is_still_over_there(here: Site) -> None:
    """The source corrects the number of the case a row belongs to: the row is there all the same."""
    here.sync(case("A", lane="1"))
    here.drain()
    here.sync(case("A", "2", lane="2"))
    here.drain()
    assert operations(here) == [("I", "I"), ("U", "U")]


# --- deletions ---


def gone(key: str, revision: str) -> fakes.Record:
    return fakes.record(key, revision, operation=Operation.DELETE, BJBH=key, SQRMC="甲某")


@pytest.fixture
def telling(here: Site) -> Site:
    """The same, and the route tells of deletions."""
    routes = (here.directory / "config/routes/city.yaml").read_text("utf-8")
    here.reconfigure({"config/routes/city.yaml": routes.replace("row: project_no}", "row: project_no, deletes: true}")})
    return here


def test_a_deletion_that_no_route_declares_is_noted_and_goes_nowhere(here: Site) -> None:
    here.sync(case("A"))
    run = here.sync(gone("A", "2"))
    here.drain()
    assert (run.accepted, run.filtered, run.deliveries) == (1, 1, 0)
    assert operations(here) == [("I", "I")]


def test_a_declared_deletion_deletes_what_is_there_and_nothing_else(telling: Site) -> None:
    telling.side.will("B", NO)
    telling.sync(case("A"), case("B"))
    telling.drain()
    run = telling.sync(gone("A", "2"), gone("B", "2"), gone("C", "1"))
    telling.drain()
    assert (run.accepted, run.filtered) == (3, 2)
    assert [(message.key, message.operation.value) for message in telling.side.taken] == [("A", "I"), ("A", "D")]
    assert operations(telling)[-1] == ("D", "D"), "the body says so too"


def test_what_comes_back_after_its_deletion_is_an_insert(telling: Site) -> None:
    telling.sync(case("A"))
    telling.drain()
    telling.sync(gone("A", "2"), case("A", "3"), gone("A", "4"), case("A", "5"))
    telling.drain()
    telling.sync(gone("A", "6"))
    telling.sync(case("A", "7"))
    telling.drain()
    assert [said for said, _ in operations(telling)] == ["I", "D", "I", "D", "I", "D", "I"]


def test_what_never_arrived_is_not_deleted_in_the_same_page_either(telling: Site) -> None:
    telling.sync(
        case("A", name="名字过长的某某某"), gone("A", "2"), case("B"), case("B", "2", name="名字过长的某某某"), gone("B", "3")
    )
    telling.drain()
    assert [(message.key, message.operation.value) for message in telling.side.arrived] == [("B", "I"), ("B", "D")]


def test_what_comes_after_a_deletion_nobody_is_told_of_is_an_update_in_the_same_page_too(here: Site) -> None:
    here.sync(case("A"))
    here.sync(gone("A", "2"), case("A", "3"))
    here.drain()
    assert operations(here) == [("I", "I"), ("U", "U")]


@pytest.mark.parametrize("remap", [False, True], ids=["as it was", "with the present mapping"])
def test_a_deletion_that_was_refused_later_goes_again_as_a_deletion(telling: Site, remap: bool) -> None:
    telling.sync(case("A"))
    telling.drain()
    telling.sync(gone("A", "2"))
    telling.drain()
    refuse(telling, "A", batch=telling.side.taken[-1].batch)
    assert telling.states() == {"A": State.REJECTED}
    assert retry(telling, remap=remap) == 1
    telling.drain()
    assert operations(telling) == [("I", "I"), ("D", "D"), ("D", "D")]


def test_what_still_cannot_be_mapped_has_the_issues_of_the_new_attempt(here: Site) -> None:
    here.sync(case("A", name="名字过长的某某某"), case("B"), case("C", name="名字也过长的某某"))
    here.drain()
    with here.store.writing() as connection:  # as an older mapping left it
        old = {"code": "HUB-M-101", "reason": "legal: required", "issues": b"[]"}
        connection.execute(schema.delivery.update().where(schema.delivery.c.state == State.DEAD.value).values(**old))
    done = replay.retry(here.exchange, Scope(system="city"), remap=True, actor="tester", reason="mended")
    dead = here.one("A")
    assert (done.retried, done.still_unmappable) == (0, 2)
    assert done.first is not None and (done.first.id, done.first.reason) == (dead.id, "applyer_name: length")
    assert (dead.state, dead.code, dead.reason) == (State.DEAD, "HUB-M-103", "applyer_name: length")
    assert [issue["rule"] for issue in dead.issues] == ["length"]
    assert here.one("C").reason == dead.reason
    assert here.one("B").state is State.DELIVERED
