"""T1: records, deliveries and cursor become durable together, versions replace each other, and every row read is accounted for."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
import sqlalchemy as sa

from hub.engine import accept
from hub.engine.accept import accept_page
from hub.errors import Fenced, InDoubt, Rejected, Retryable, SourceFailed
from hub.model import Operation, Page, Receipt, State, Unreadable
from hub.ports import Outcome
from hub.store import acceptance, cursors, dialect, partitions, schema, views
from tests import configs, fakes
from tests.exchanges import Site, case, city, step

NO = Rejected("HUB-D-115", "refused")


def cursor(here: Site) -> str | None:
    with here.store.reading() as connection:
        return cursors.get(connection, "source:local")


def fail_after(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Let T1 do its part `name` and then break, as a full disk would."""
    owner = cursors if name == "put" else acceptance
    real = getattr(owner, name)

    def breaks(*arguments: Any, **named: Any) -> Any:
        real(*arguments, **named)
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(owner, name, breaks)


@pytest.mark.parametrize("part", ["_write_records", "_write_deliveries", "_park_orphans", "_count", "put"])
def test_a_failure_in_the_middle_of_a_page_leaves_nothing(here: Site, monkeypatch: pytest.MonkeyPatch, part: str) -> None:
    with monkeypatch.context() as patched:
        fail_after(patched, part)
        with pytest.raises(sqlite3.OperationalError):
            accept_page(here.exchange, here.holding("collect:local"), here.begin(), Page((case("A"), step("A-1", "A")), "2"), 1)
    assert [here.count(table) for table in (schema.record, schema.delivery, schema.body)] == [0, 0, 0]
    assert cursor(here) is None
    here.store.engine.dispose()  # and nothing of it survives in a connection either
    assert here.count(schema.record) == 0


def test_invariant_1_the_cursor_never_passes_a_record_not_in_the_outbox(here: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages break off at every step of the way; after each, what lies before the cursor is in the outbox."""
    here.reconfigure({"config/systems/local.yaml": _paged(2)})
    here.source.records.extend(case(f"A{number}") for number in range(7))
    for part in ("_write_records", "_write_deliveries", "_count", "put", "nothing"):
        with monkeypatch.context() as patched:
            if part != "nothing":
                fail_after(patched, part)
                patched.setattr(accept, "_measure", lambda *_: None)
            _read_some(here, pages=1)
        durable = {one.key for one in here.deliveries()}
        assert durable == {f"A{number}" for number in range(int(cursor(here) or 0))}
    assert int(cursor(here) or 0) == 2
    here.sync()
    assert len(here.deliveries()) == 7


def _paged(page: int) -> str:
    options = f"options: {{kinds: [case, step], page: {page}}}"
    return f"version: 1\nsystem: local\ntitle: 审批系统\nadapter: tests.fakes:MemoryAdapter\n{options}\n"


def _read_some(here: Site, pages: int) -> None:
    run = here.begin()
    reading = here.exchange.source("local").read(cursor(here))
    for number, page in zip(range(1, pages + 1), reading, strict=False):
        try:
            accept_page(here.exchange, here.holding("collect:local"), run, page, number)
        except sqlite3.OperationalError:
            return


def test_a_page_of_a_former_owner_is_refused(here: Site) -> None:
    stale, run = here.holding("collect:local"), here.begin()
    with here.store.writing() as connection:
        partitions.take(connection, "collect:local", "another", here.now)
    with pytest.raises(Fenced):
        accept_page(here.exchange, stale, run, Page((case("A"),), "1"), 1)
    assert here.count(schema.record) == 0
    assert cursor(here) is None


def test_an_unchanged_revision_is_skipped(here: Site) -> None:
    here.sync(case("A"), case("B"))
    run = here.sync(case("A"), case("B", "2"), full=True)
    assert (run.read, run.unchanged, run.accepted) == (4, 3, 1)
    assert [one.key for one in here.deliveries()] == ["A", "B", "B"]


def test_a_deletion_under_the_revision_it_deletes_is_taken_once(here: Site) -> None:
    here.reconfigure({"config/routes/city.yaml": configs.ROUTES.replace("lane: BJBH}", "lane: BJBH, deletes: true}", 1)})
    here.sync(case("A"))
    here.drain()
    deletion = fakes.record("A", "1", operation=Operation.DELETE, BJBH="A", SQRMC="甲某")
    assert here.sync(deletion, deletion).accepted == 1
    assert here.sync(case("A"), deletion).unchanged == 2
    here.drain()
    assert [message.operation for message in here.side.taken] == [Operation.INSERT, Operation.DELETE]


def test_a_new_record_is_an_insert_and_a_newer_version_an_update(here: Site) -> None:
    here.sync(case("A"))
    here.drain()
    here.sync(case("A", "2"))
    here.sync(case("B"), case("B", "2"))  # both in one page
    here.drain()
    operations = [(message.key, message.operation.value) for message in here.side.taken]
    assert operations == [("A", "I"), ("A", "U"), ("B", "I"), ("B", "U")]


def test_a_newer_version_ends_the_failed_one_and_is_an_insert_when_nothing_is_there(here: Site) -> None:
    here.side.will("A", NO)
    here.sync(case("A"))
    here.drain()
    here.sync(case("A", "2"))
    assert [(one.state, one.operation) for one in here.deliveries()] == [(State.SUPERSEDED, "I"), (State.PENDING, "I")]


def test_many_failed_versions_are_replaced_in_one_page(here: Site) -> None:
    here.sync(*(case(f"A{number}", name="名字太长的某某某某") for number in range(5)))
    assert set(here.states().values()) == {State.DEAD}
    here.sync(*(case(f"A{number}", "2") for number in range(5)))
    assert sorted(one.state for one in here.deliveries()) == [State.PENDING] * 5 + [State.SUPERSEDED] * 5


def test_a_version_refused_late_is_followed_by_an_update_ever_after(here: Site) -> None:
    here.sync(case("A"))
    here.drain()
    _reject_late(here, "A")
    here.sync(case("A", "2", name="名字太长的某某某某"))  # supersedes, but is unmappable itself
    here.sync(case("A", "3"))
    found = [(one.state, one.operation) for one in here.deliveries()]
    assert found == [(State.SUPERSEDED, "I"), (State.SUPERSEDED, "U"), (State.PENDING, "U")]


def _reject_late(here: Site, key: str) -> None:
    values = {"state": State.REJECTED.value, "stage": "feedback", "code": "HUB-E-121"}
    with here.store.writing() as connection:
        connection.execute(sa.update(schema.delivery).where(schema.delivery.c.key == key).values(values))


def test_a_record_that_broke_its_source_schema_is_forgiven_once_corrected(here: Site) -> None:
    here.sync(fakes.record("A", BJBH=17))  # a number where the schema wants text
    assert (here.one("A").stage, here.one("A").system) == ("source", "local")
    here.sync(case("A", "2"))
    assert [one.state for one in here.deliveries()] == [State.SUPERSEDED, State.PENDING]


def test_a_full_run_takes_what_a_source_schema_refused_before_it_was_mended(here: Site) -> None:
    here.sync(case("B"), fakes.record("A", BJBH=17))
    here.reconfigure(
        {"mappings/schemas/local/case.yaml": configs.CASE.replace("BJBH: {type: string", "BJBH: {type: [string, integer]")}
    )
    assert here.sync().read == 0, "an ordinary run reads on and does not go back"
    again = here.sync(full=True)
    assert (again.read, again.unchanged, again.accepted, again.rejected) == (2, 1, 1, 0)
    assert here.deliveries()[1].key == "A" and here.deliveries()[1].state is State.SUPERSEDED


def test_a_row_that_could_not_be_read_is_forgiven_once_it_can(here: Site) -> None:
    here.sync(Unreadable("case", "A", "HUB-S-201", "bad bytes"))
    here.sync(step("A", "A"), case("A", "2"))
    assert [one.state for one in here.deliveries() if one.kind == "case"] == [State.SUPERSEDED, State.PENDING]


def test_a_broken_row_is_not_forgiven_because_another_kind_has_its_number(here: Site) -> None:
    """Tables number their rows from 1, each for itself."""
    here.sync(step("1", "A"), Unreadable("case", "1", "HUB-S-201", "bad bytes"))
    here.sync(step("1", "A", "2"))
    assert [one.state for one in here.deliveries() if one.kind == "case"] == [State.DEAD]


def test_a_newer_version_ends_the_failed_one_in_whatever_lane_that_is(here: Site) -> None:
    here.side.will("A", NO)
    here.sync(case("A", lane="1"))
    here.drain()
    here.sync(case("A", "2", lane="2"))
    assert [(one.state, one.operation) for one in here.deliveries()] == [(State.SUPERSEDED, "I"), (State.PENDING, "I")]


def test_an_orphan_is_parked_and_released_when_its_parent_is_taken(here: Site) -> None:
    here.sync(step("A-1", "A"))
    assert here.states() == {"A-1": State.PARKED}
    here.sync(case("A"))
    here.drain()
    assert here.taken() == ["A", "A-1"]


@pytest.mark.parametrize("answer", [Receipt(), InDoubt("HUB-D-104", "no answer")], ids=["taken", "in-doubt"])
def test_an_orphan_does_not_follow_its_newer_version(here: Site, answer: Outcome) -> None:
    """The newer one goes with the parent in one window, the older one is released behind both."""
    here.reconfigure({"config/systems/city.yaml": city(findable=False)})
    here.side.will("A-1", answer, taken=True)
    here.sync(step("A-1", "A"))
    here.sync(case("A"), case("B"), step("A-1", "A", "2"))
    here.drain()
    here.later(minutes=1)
    here.drain()
    assert [one.state for one in here.deliveries()] == [State.SUPERSEDED, *[State.DELIVERED] * 3]
    assert here.taken() == ["A", "B", "A-1"]


def test_a_dead_parent_parks_its_children_and_its_repair_releases_them(here: Site) -> None:
    here.side.will("A", NO)
    here.sync(case("A"), step("A-1", "A"), step("A-2", "A"), case("B"))
    here.drain()
    assert here.states() == {"A": State.DEAD, "A-1": State.PARKED, "A-2": State.PARKED, "B": State.DELIVERED}
    here.sync(case("A", "2"))
    here.drain()
    assert here.taken() == ["B", "A", "A-1", "A-2"]


def test_a_child_of_an_unmappable_parent_waits(here: Site) -> None:
    here.sync(case("A", name="名字太长的某某某某"), step("A-1", "A"))
    assert here.states() == {"A": State.DEAD, "A-1": State.PARKED}


def test_a_failed_correction_of_a_parent_that_is_there_keeps_no_child_back(here: Site) -> None:
    here.sync(case("A"))
    here.drain()
    here.side.will("A", NO)
    here.sync(case("A", "2"), step("A-1", "A"))
    here.drain()
    assert here.taken() == ["A", "A-1"]


@pytest.mark.parametrize(
    "data",
    [
        {"BJBH": "half a pair \ud83d"},
        {"BJBH": "A", "N": 2**70},
        {"BJBH": "A", "N": {1, 2}},
        {"BJBH": "L" * 300},
        {"BJBH": "a\x00b"},
    ],
    ids=["surrogate", "big", "set", "long lane", "nul"],
)
def test_a_record_no_store_can_hold_stops_no_other(here: Site, data: dict[str, Any]) -> None:
    run = here.sync(case("A"), fakes.record("X", **data), case("B"))
    assert (run.read, run.accepted, run.rejected) == (3, 2, 1)
    here.drain()
    assert here.taken() == ["A", "B"]
    assert (here.one("X").state, here.one("X").stage) == (State.DEAD, "source")


@pytest.mark.parametrize("key", ["K" * 256, "K\x00", "K\ud83d"], ids=["long", "nul", "surrogate"])
def test_a_key_no_store_can_hold_stops_no_other(here: Site, key: str) -> None:
    for _ in range(2):
        run = here.sync(case("A"), fakes.record(key, BJBH="X"), full=True)
        assert run.adds_up
    assert run.unchanged == run.read  # known again the second time
    assert here.one("A").state is State.PENDING
    assert sum(one.state is State.DEAD for one in here.deliveries()) == 1


def test_invariant_6_every_run_adds_up(here: Site) -> None:
    """Good, unchanged, unreadable, broken, unmappable, filtered and deleted rows: each is in exactly one column."""
    here.sync(case("A"))
    run = here.sync(
        case("A"),
        case("B"),
        case("C", name="名字太长的某某某某"),
        step("D", "B"),
        step("E", "B", state="9"),
        fakes.record("F", BJBH=17),
        fakes.record("G", operation=Operation.DELETE, BJBH="G"),
        Unreadable("case", "H", "HUB-S-201", "bad bytes"),
        Unreadable("case", "H2", "HUB-S-201", "bad bytes"),
    )
    assert (run.read, run.unchanged, run.accepted, run.rejected) == (9, 1, 5, 3)
    assert (run.filtered, run.deliveries, run.unmappable) == (2, 3, 1)
    assert run.adds_up
    again = here.sync(full=True)
    assert (again.read, again.unchanged, again.rejected) == (10, 10, 0)
    with here.store.reading() as connection:
        totals = views.totals(connection)
    assert totals == {"city": {State.PENDING: 3, State.DEAD: 1}, "local": {State.DEAD: 3}}


def test_invariant_10_an_empty_or_short_source_deletes_nothing_over_there(here: Site) -> None:
    here.sync(case("A"), case("B"))
    here.drain()
    before = list(here.side.arrived)
    here.source.records.clear()
    assert here.sync(full=True).read == 0
    assert here.sync(case("A"), full=True).unchanged == 1
    here.sync(fakes.record("B", "gone", operation=Operation.DELETE, BJBH="B"))
    here.drain()
    assert here.side.arrived == before
    assert here.states() == {"A": State.DELIVERED, "B": State.DELIVERED}


def test_a_source_that_breaks_off_resumes_behind_its_last_durable_page(here: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    here.reconfigure({"config/systems/local.yaml": _paged(2)})
    asked: list[str | None] = []
    adapter = here.exchange.adapter("local")
    real = adapter.read  # type: ignore[attr-defined]

    def read(self: object, cursor: str | None) -> Iterator[Page]:
        asked.append(cursor)
        for number, page in enumerate(real(cursor)):
            if number == 1 and len(asked) == 1:
                raise SourceFailed("HUB-S-101", "the connection broke")
            yield page

    monkeypatch.setattr(type(adapter), "read", read)
    monkeypatch.setattr("tenacity.nap.time.sleep", lambda seconds: None)
    run = here.sync(*(case(f"A{number}") for number in range(5)))
    assert asked == [None, "2"]
    assert (run.read, run.accepted) == (5, 5)


def test_a_gate_holds_what_passes_it(here: Site) -> None:
    routes = (here.directory / "config/routes/city.yaml").read_text("utf-8")
    here.reconfigure({"config/routes/city.yaml": routes.replace("lane: BJBH}", "lane: BJBH, gate: true}")})
    here.sync(case("A"))
    here.drain()
    assert (here.states(), here.sent()) == ({"A": State.HELD}, [])


def test_later_versions_wait_for_the_fate_of_earlier_ones(here: Site) -> None:
    here.reconfigure({"config/systems/city.yaml": city(ordered_batch=False)})
    here.side.will("A", Retryable("HUB-D-113", "busy"), InDoubt("HUB-D-104", "no answer"))
    here.sync(case("A"), case("A", "2"))
    for _ in range(4):
        here.drain()
        here.later(minutes=5)
    bodies: Sequence[str] = [message.operation.value for message in here.side.taken]
    assert bodies == ["I", "U"]


def test_what_the_driver_says_while_many_rows_are_written_is_the_stores_trouble(here: Site) -> None:
    """A driver's own error would look like a bug of the adapter that was being read."""
    with pytest.raises(sa.exc.IntegrityError), here.store.writing() as connection:
        dialect.insert_rows(connection, schema.body, ("delivery_id", "body"), [(1, None)])
