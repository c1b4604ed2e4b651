"""What people and late verdicts do to deliveries: replay, decide, cancel, confirm, reject; and who may work on a store at all."""

from __future__ import annotations

import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from hub.engine import feedback, maintain, replay
from hub.errors import Deferred, InDoubt, LeaseHeld, Rejected, Retryable, StoreUnfit
from hub.model import Judgement, Receipt, State, Taken, Unreadable, Verdict
from hub.store import actions, attempts, groups, known, open_store, outbox, replaying, schema, scopes, views, waiting
from hub.store.scopes import Scope
from tests import configs
from tests.exchanges import Site, case, city, step

ANONYMOUS = "version: 1\ncases: [{case: 匿名, given: {BJBH: A1}, expect: {project_no: A1}}]\n"
NO = Rejected("HUB-D-115", "refused", said="编号 621125001 不存在")


def with_feedback(here: Site) -> None:
    routes = (here.directory / "config/routes/city.yaml").read_text("utf-8").replace("lane: BJBH}", "lane: BJBH, row: project_no}")
    late = city("LateMemoryAdapter", lines="feedback: {every: 5m}")
    here.reconfigure({"config/routes/city.yaml": routes, "config/systems/city.yaml": late})


def verdict(here: Site, key: str, judgement: Judgement, *, batch: str | None = None) -> None:
    here.side.verdicts.append(Verdict("accept", key, batch, judgement, "核验"))


def retry(here: Site, scope: Scope, *, remap: bool = False) -> replay.Replayed:
    return replay.retry(here.exchange, scope, remap=remap, actor="wang", reason="they mended it")


def journal(here: Site) -> list[tuple[str, str, int]]:
    table = schema.journal
    with here.store.reading() as connection:
        return [(row.actor, row.action, row.count) for row in connection.execute(sa.select(table).order_by(table.c.id))]


# --- scopes ---


@pytest.mark.parametrize("part", ["code", "reason", "stage", "lane"])
def test_an_empty_part_of_a_scope_fits_nothing(here: Site, part: str) -> None:
    here.side.will("A", NO)
    here.sync(case("A"))
    here.drain()
    with here.store.reading() as connection:
        assert scopes.count(connection, Scope("city")) == 1
        assert scopes.count(connection, Scope("city", **{part: ""})) == 0


# --- verdicts ---


def test_verdicts_move_what_they_mean_by_row_and_batch(here: Site) -> None:
    with_feedback(here)
    here.sync(case("A"), case("B"))
    here.sync(case("A", "2"))
    here.drain()
    first, _, second = here.deliveries()
    verdict(here, "A", Judgement.REJECTED, batch=first.batch)
    verdict(here, "A", Judgement.CONFIRMED, batch=second.batch)
    verdict(here, "nobody", Judgement.REJECTED)
    feedback.poll(here.exchange, "city")
    assert [one.state for one in here.deliveries()] == [State.SUPERSEDED, State.DELIVERED, State.CONFIRMED], (
        "the first was replaced"
    )
    assert here.deliveries()[0].code == "HUB-E-121"


def test_a_poll_that_fails_is_counted_and_remembered_until_one_goes_well(here: Site) -> None:
    with_feedback(here)
    here.side.down = Retryable("HUB-D-101", "cannot connect")
    feedback.poll(here.exchange, "city")
    feedback.poll(here.exchange, "city")
    with here.store.reading() as connection:
        told = feedback.last_failure(connection, "city")
    assert told is not None
    assert (told.code, told.message, told.at) == ("HUB-D-101", "cannot connect", here.now)
    here.side.down = None
    feedback.poll(here.exchange, "city")
    with here.store.reading() as connection:
        assert feedback.last_failure(connection, "city") is None
    counted = here.exchange.metrics.registry.get_sample_value
    polls = [counted("hub_feedback_polls_total", {"system": "city", "result": result}) for result in ("ok", "failed")]
    assert polls == [1, 2]


def test_a_verdict_nobody_can_read_is_told_like_a_failure(here: Site) -> None:
    with_feedback(here)
    here.sync(case("A"))
    here.drain()
    here.side.unreadable.append(Unreadable("accept", "R7", "HUB-S-316", "column content is no readable XML at line 1, column 3"))
    verdict(here, "A", Judgement.CONFIRMED)
    feedback.poll(here.exchange, "city")
    with here.store.reading() as connection:
        told = feedback.last_failure(connection, "city")
    assert told is not None
    assert (told.code, told.message.partition(":")[0]) == ("HUB-S-316", "1 rows are no verdict; R7")
    assert here.states() == {"A": State.CONFIRMED}
    counted = here.exchange.metrics.registry.get_sample_value
    assert counted("hub_feedback_polls_total", {"system": "city", "result": "unreadable"}) == 1
    feedback.poll(here.exchange, "city")
    with here.store.reading() as connection:
        assert feedback.last_failure(connection, "city") is None


def test_a_parent_refused_late_parks_its_waiting_children(here: Site) -> None:
    with_feedback(here)
    here.sync(case("A"))
    here.drain()
    here.sync(step("A-1", "A"))
    verdict(here, "A", Judgement.REJECTED)
    feedback.poll(here.exchange, "city")
    assert here.states() == {"A": State.REJECTED, "A-1": State.PARKED}


def test_a_verdict_about_what_is_still_being_sent_is_read_again(here: Site) -> None:
    with_feedback(here)
    here.sync(case("A"))
    holding = here.holding("deliver:city:0")
    with here.store.writing() as connection:
        window = outbox.open_window(connection, holding, system="city", partition=0, limit=9, heads_only=False, now=here.now)
    assert window is not None
    here.side.taken.append(window.opened[0].message)
    verdict(here, "A", Judgement.CONFIRMED)
    feedback.poll(here.exchange, "city")
    assert here.states() == {"A": State.PENDING}
    from hub.engine import dispatch

    dispatch.recover(here.desk(anew=True))
    feedback.poll(here.exchange, "city")
    assert here.states() == {"A": State.CONFIRMED}


def test_doubt_outlives_a_try_that_said_nothing_about_it(here: Site) -> None:
    """A verdict on what may have arrived must wait for it, also after a later try that did not get through."""
    with_feedback(here)
    here.reconfigure({"config/systems/city.yaml": city("LateMemoryAdapter", lines="feedback: {every: 5m}", findable=False)})
    here.side.will("A", InDoubt("HUB-D-104", "no answer"), taken=True)
    here.side.will("A", Deferred("HUB-D-112", "too many", until=None), Retryable("HUB-D-113", "busy"))
    here.sync(case("A"))
    for _ in range(3):
        here.drain()
        here.later(seconds=40)
    verdict(here, "A", Judgement.REJECTED)
    feedback.poll(here.exchange, "city")
    here.later(minutes=5)
    here.drain()
    feedback.poll(here.exchange, "city")
    assert here.states() == {"A": State.REJECTED}


def test_a_promise_that_was_not_kept_is_held_and_a_late_verdict_still_counts(here: Site) -> None:
    with_feedback(here)
    here.side.will("A", Receipt(Taken.QUEUED, deadline=here.now + timedelta(hours=1)))
    here.sync(case("A"))
    here.drain()
    assert here.states() == {"A": State.ACCEPTED}
    here.later(hours=2)
    maintain.maintain(here.exchange)
    assert (here.one("A").state, here.one("A").code) == (State.HELD, "HUB-E-120")
    verdict(here, "A", Judgement.CONFIRMED)
    feedback.poll(here.exchange, "city")
    assert here.states() == {"A": State.CONFIRMED}


# --- people ---


def test_an_empty_scope_means_none(here: Site) -> None:
    here.side.will("A", NO)
    here.sync(case("A"))
    here.drain()
    with here.store.writing() as connection:
        assert scopes.count(connection, Scope()) == 0
        assert replaying.replay_as_they_are(connection, Scope(), actor="x", reason="", now=here.now) == 0
        assert actions.cancel(connection, Scope(), actor="x", reason="", now=here.now) == 0
        assert actions.decide_held(connection, Scope(), State.PENDING, actor="x", reason="", now=here.now) == 0
    assert (here.states(), journal(here)) == ({"A": State.DEAD}, [])


def test_replay_as_it_is_sends_the_same_bytes_under_the_same_key(here: Site) -> None:
    here.side.will("A", NO)
    here.sync(case("A"), case("X", name="名字太长的某某某某"))
    here.drain()
    assert retry(here, Scope(system="city")) == replay.Replayed(1, 1)
    here.drain()
    first, again = here.side.arrived
    assert (again.body, again.idempotency_key, again.attempt) == (first.body, first.idempotency_key, 2)
    assert journal(here) == [("wang", "retry", 1)]


def test_replay_remapped_is_another_message(here: Site) -> None:
    here.side.will("A", NO)
    here.sync(case("A"))
    here.drain()
    mapping = configs.ACCEPT.replace("path: SQRMC, do: [trim]", 'const: "匿名"')
    here.reconfigure({"mappings/city/accept.yaml": mapping, "mappings/city/accept.cases.yaml": ANONYMOUS})
    assert retry(here, Scope(code="HUB-D-115"), remap=True).retried == 1
    here.drain()
    first, again = here.side.arrived
    assert again.body["applyer_name"] == "匿名"
    assert again.idempotency_key != first.idempotency_key
    assert journal(here) == [("wang", "retry:remap", 1)]


@pytest.mark.parametrize("remap", [False, True])
def test_a_version_overtaken_by_a_newer_one_is_not_sent_over_it(here: Site, remap: bool) -> None:
    here.side.will("A", NO)
    here.sync(case("A"), case("A", "2"))
    for _ in range(2):
        here.drain()
    assert [one.state for one in here.deliveries()] == [State.DEAD, State.DELIVERED]
    assert retry(here, Scope(system="city"), remap=remap) == replay.Replayed(0, 0)
    here.drain()
    assert len(here.side.arrived) == 2


def test_a_body_made_anew_passes_the_gate_of_its_route(here: Site) -> None:
    routes = (here.directory / "config/routes/city.yaml").read_text("utf-8")
    here.reconfigure({"config/routes/city.yaml": routes.replace("lane: BJBH}", "lane: BJBH, gate: true}")})
    here.sync(case("A", name="名字太长的某某某某"))
    mapping = configs.ACCEPT.replace("path: SQRMC, do: [trim]", 'const: "匿名"')
    here.reconfigure({"mappings/city/accept.yaml": mapping, "mappings/city/accept.cases.yaml": ANONYMOUS})
    assert retry(here, Scope(system="city"), remap=True) == replay.Replayed(1, 0)
    here.drain()
    assert (here.states(), here.one("A").approver, here.sent()) == ({"A": State.HELD}, "审批人", [])


def test_a_held_one_is_decided_by_a_person(here: Site) -> None:
    here.reconfigure({"config/systems/city.yaml": city(idempotent=False, findable=False)})
    for key in "ABC":
        here.side.will(key, InDoubt("HUB-D-104", "no answer"))
    here.sync(case("A"), step("A-1", "A"), case("B"), case("C"), step("C-1", "C"))
    here.drain()
    numbers = {one.key: one.id for one in here.deliveries()}
    with here.store.writing() as connection:
        for key, state in (("A", State.DELIVERED), ("B", State.PENDING), ("C", State.CANCELLED)):
            actions.decide_held(connection, Scope(ids=(numbers[key],)), state, actor="wang", reason="asked", now=here.now)
    here.drain()
    assert here.states() == {
        "A": State.DELIVERED, "A-1": State.DELIVERED, "B": State.DELIVERED, "C": State.CANCELLED, "C-1": State.PARKED,
    }  # fmt: skip
    assert [entry[1] for entry in journal(here)] == ["held:delivered", "held:pending", "held:cancelled"]


def test_views_group_the_dead_tell_a_life_and_every_attempt(here: Site) -> None:
    here.side.will("A", NO)
    here.side.will("B", Rejected("HUB-D-115", "refused", said="编号 621125002 不存在"))
    here.side.will("C", InDoubt("HUB-D-104", "no answer"), taken=False)
    here.sync(case("A"), case("B"), case("C"), step("C-1", "C"))
    for _ in range(3):
        here.drain()
        here.later(minutes=1)
    with here.store.reading() as connection:
        (group,) = groups.unfolded(connection)
        backlog = views.backlog(connection)["city"]
        life = views.life(connection, ["city"], "C")
        tried = attempts.read(connection, [one.id for one in life])
    assert (group.count, group.code, group.reason) == (2, "HUB-D-115", "refused: 编号 # 不存在")
    assert {state: one.count for state, one in backlog.items()} == {State.DEAD: 2}
    assert [one.key for one in life] == ["C", "C-1"]
    assert [one.outcome for one in tried if one.delivery == life[0].id][-1] == "taken"
    apart = views.with_sending({State.PENDING: views.Backlog(5, here.now)}, 2)
    assert {state: one.count for state, one in apart.items()} == {State.PENDING: 3, State.SENDING: 2}


# --- the store itself ---


def test_a_newer_schema_is_refused_and_an_old_one_opened_again(store_url: str) -> None:
    open_store(store_url).close()
    store = open_store(store_url)
    with store.writing() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    store.close()
    with pytest.raises(StoreUnfit) as refused:
        open_store(store_url)
    assert refused.value.code == "HUB-T-103"


def test_a_store_that_does_not_answer_says_so(tmp_path: Path) -> None:
    with pytest.raises(StoreUnfit) as refused:
        open_store("postgresql+psycopg://hub:canary-secret@127.0.0.1:9/none")
    assert refused.value.code == "HUB-T-102"
    assert "canary-secret" not in str(refused.value)
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnfit) as misplaced:
        open_store(f"sqlite:///{tmp_path}/file/hub.db")
    assert misplaced.value.code == "HUB-T-102"
    (tmp_path / "text.db").write_text("this is no database at all, only a few words " * 50)
    with pytest.raises(StoreUnfit) as unfit:
        open_store(f"sqlite:///{tmp_path}/text.db")
    assert unfit.value.code == "HUB-T-107"


HOLD = """
import sys, time
from hub.store import open_store
store = open_store(sys.argv[1])
with store.lease():
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_killed_process_lets_go_of_its_lease(store_url: str) -> None:
    store = open_store(store_url)
    other = subprocess.Popen([sys.executable, "-c", HOLD, store_url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(LeaseHeld), store.lease():
            raise AssertionError("two hubs at work on one store")
        other.send_signal(signal.SIGKILL)
        other.wait(10)
    from tests.integration.test_engine_local import eventually

    eventually(lambda: _free(store))
    store.close()


def _free(store: object) -> bool:
    try:
        with store.lease():  # type: ignore[attr-defined]
            return True
    except LeaseHeld:
        return False


def test_the_hot_queries_never_scan_the_history(here: Site) -> None:
    """20,000 delivered rows; what the hub asks all the time goes by an index."""
    row = {"kind": "case", "system": "city", "partition": 0, "route": "city-accept", "endpoint": "accept", "operation": "I",
           "due_at": 1, "attempts": 1, "spent": 0, "created_at": 1, "changed_at": 1, "batch": "B", "mapping": "m",
           "generation": 0, "doubtful": False}  # fmt: skip
    rows = [
        {**row, "id": n, "record_id": n, "key": f"K{n}", "lane": f"K{n}", "state": "delivered" if n > 50 else "pending"}
        for n in range(1, 20_001)
    ]
    with here.store.writing() as connection:
        connection.execute(sa.insert(schema.delivery), rows)
    with here.store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")
    asked: list[tuple[str, object]] = []

    def note(_: object, __: object, statement: str, parameters: object, *___: object) -> None:
        if statement.startswith("SELECT"):
            asked.append((statement, parameters))

    sa.event.listen(here.store.engine, "before_cursor_execute", note)
    try:
        with here.store.reading() as connection:
            for heads_only in (False, True):
                outbox.restless(connection, system="city", partitions=1, heads_only=heads_only, now=here.now)
            outbox.next_due(connection, system="city", partition=0)
            outbox.partitions(connection, "city")
            views.backlog(connection)
            views.life(connection, ["city"], "K77")
            known.taken_routes(connection, [1, 2, 3])
            waiting.apart(connection, views.backlog(connection))
            scopes.count(connection, Scope(system="city"))
    finally:
        sa.event.remove(here.store.engine, "before_cursor_execute", note)
    plans = [_plan(here, *one) for one in asked]
    assert len(plans) >= 8
    for plan in plans:
        assert not any(_scans(line) for line in plan), plan


def _plan(here: Site, statement: str, parameters: object) -> list[str]:
    sqlite = here.store.engine.dialect.name == "sqlite"
    with here.store.reading() as connection:
        found = connection.exec_driver_sql(f"EXPLAIN {'QUERY PLAN ' if sqlite else ''}{statement}", parameters)  # type: ignore[arg-type]
        return [str(row[-1]) for row in found]


def _scans(line: str) -> bool:
    whole = " USING " not in line or "ix_delivery_system_lane_id" in line  # an index over the whole history is no help
    scanned = line.split()[1] if line.startswith("SCAN ") and whole else ""
    return scanned in {"delivery", "earlier", "parent", "ahead"} or "Seq Scan on delivery" in line
