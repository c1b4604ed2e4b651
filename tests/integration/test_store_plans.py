"""What asks for other versions of a record goes by the record, whatever the history: never through all deliveries of a system."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import Connection

from hub.model import FAILED, State
from hub.store import known, listing, objects, outbox, ready, renewal, replaying, schema, scopes, verdicts, views, waiting
from hub.store.scopes import Scope
from hub.store.verdicts import Match
from tests import fakes
from tests.exchanges import Site, site

#: Enough for a planner to see the difference.
HISTORY = 5_000
#: The tables other versions are found through, and the only indexes that may be used for it.
OTHERS = ("newer", "earlier", "their_version", "this_version")
BY = ("ix_delivery_record_id", "ix_record_source_kind_key_id", "pk_record", "INTEGER PRIMARY KEY")


#: Where a delivery is found by nothing but its number, and where by all of these.
BY_NUMBER = ("(rowid>?", "(rowid=?", "Index Cond: (id > ", "Index Cond: ((id > ", "Index Cond: (id = ANY")
BY_STATE = ("(system=? AND partition=? AND state=?)", "'::smallint) AND (state = ")


@pytest.fixture
def here(store_url: str, tmp_path: Path) -> Iterator[Site]:
    fakes.forget()
    with site(tmp_path, store_url) as made:
        _fill(made)
        yield made


def _fill(here: Site) -> None:
    """Write two versions of each record, delivered but for some that died."""
    row = {"kind": "case", "system": "city", "partition": 0, "route": "city-accept", "endpoint": "accept", "operation": "I",
           "due_at": 1, "attempts": 1, "spent": 0, "created_at": 1, "changed_at": 1, "batch": "B", "mapping": "m",
           "generation": 0, "doubtful": False}  # fmt: skip
    record = {"source": "local", "kind": "case", "revision": "1", "deleted": False, "run_id": 1, "seen_at": 1, "data": b"{}"}
    numbers = [(n, f"K{n % (HISTORY // 2)}") for n in range(1, HISTORY + 1)]
    dead = [{"record_id": n, "lane": f"L{n}", "state": "dead" if n < 100 else "delivered"} for n, _ in numbers]
    rows = [{**row, "id": n, "key": key, **more} for (n, key), more in zip(numbers, dead, strict=True)]
    with here.store.writing() as connection:
        connection.execute(sa.insert(schema.record), [{**record, "id": n, "key": key} for n, key in numbers])
        connection.execute(sa.insert(schema.delivery), rows)


def _verdict(connection: Connection) -> None:
    match = Match("accept", "K7", None, State.REJECTED, None, "")
    connection.execute(verdicts._meant("city", match)).all()


ASKED: dict[str, Callable[[Connection, Site], object]] = {
    "retire": lambda connection, here: replaying.retire(connection, Scope(everything=True), here.now),
    "replayable": lambda connection, _: replaying.replayable(connection, Scope(everything=True), after=0, limit=100),
    "give way": lambda connection, _: renewal.give_way(connection, 1),
    "reopen": lambda connection, _: renewal.reopen(connection, [HISTORY], 1),
    "verdict": lambda connection, _: _verdict(connection),
    "second inserts": lambda connection, _: replaying._second_inserts(connection, [1, 2, 3], lambda *_: None),
}


@pytest.mark.parametrize("analysed", [False, True])
@pytest.mark.parametrize("name", ASKED)
def test_other_versions_are_found_by_their_record(here: Site, name: str, analysed: bool) -> None:
    if analysed:
        _analyse(here)
    lines = [line for asked in _asked(here, ASKED[name]) for line in _plan(here, *asked)]
    told = [line for line in lines if any(f" {table} " in f"{line} " for table in OTHERS) and ("Scan" in line or line[:1] == "S")]
    assert len(told) >= 3
    assert [line for line in told if not any(index in line for index in BY)] == []


@pytest.mark.parametrize("analysed", [False, True])
@pytest.mark.parametrize("name", ["retire", "replayable", "give way", "reopen"])
def test_no_join_is_made_of_looking_for_a_newer_version(here: Site, name: str, analysed: bool) -> None:
    """It may be one with all versions of all records, however few are asked for."""
    if analysed:
        _analyse(here)
    lines = [line for asked in _asked(here, ASKED[name]) for line in _plan(here, *asked)]
    assert lines and [line for line in lines if "Anti Join" in line or "Semi Join" in line] == []


NUMBERS = range(1, 100)
NAMED: dict[str, Callable[[Connection, Site], object]] = {
    "retire": lambda connection, here: replaying.retire(connection, Scope(ids=tuple(NUMBERS)), here.now),
    "second inserts": lambda connection, _: replaying._second_inserts(connection, NUMBERS, lambda *_: None),
    "count": lambda connection, _: scopes.count(connection, Scope(ids=tuple(NUMBERS))),
}


@pytest.mark.parametrize("analysed", [False, True])
@pytest.mark.parametrize("name", NAMED)
def test_what_is_named_by_number_is_found_by_number(here: Site, name: str, analysed: bool) -> None:
    """PostgreSQL goes through the whole index of what is open for each of the numbers, and believes that it does once."""
    if analysed:
        _analyse(here)
    (asked,) = _asked(here, NAMED[name], "delivery.id")
    lines = _plan(here, *asked)
    assert any("pk_delivery" in line or "INTEGER PRIMARY KEY" in line for line in lines)
    assert not any("ix_delivery_open" in line for line in lines), lines


@pytest.mark.parametrize("analysed", [False, True])
@pytest.mark.parametrize("ask", [known.dormant, known.refused_at_source])
def test_what_lies_of_a_page_is_found_by_its_records(
    here: Site, ask: Callable[[Connection, Collection[int]], object], analysed: bool
) -> None:
    """Neither in all that is open nor, where its source is a target too, in all that was ever owed to that."""
    if analysed:
        _analyse(here)
    (asked,) = _asked(here, lambda connection, _: ask(connection, NUMBERS), "record_id")
    lines = _plan(here, *asked)
    assert any("ix_delivery_record_id" in line for line in lines), lines


@pytest.mark.parametrize("system", [None, "city"])
@pytest.mark.parametrize("analysed", [False, True])
def test_what_is_open_is_listed_without_the_history(here: Site, analysed: bool, system: str | None) -> None:
    if analysed:
        _analyse(here)
    asked = _asked(here, lambda connection, _: views.deliveries(connection, system=system, states=FAILED), "FROM delivery")
    assert any("ix_delivery_open" in line for each in asked for line in _plan(here, *each))


@pytest.mark.parametrize("analysed", [False, True])
def test_a_look_goes_by_indexes_whatever_the_history_and_however_much_is_pending(here: Site, analysed: bool) -> None:
    with here.store.writing() as connection:
        more = [{**row, "id": row["id"] + HISTORY, "lane": f"M{row['id']}", "state": "pending", "partition": row["id"] % 3}
                for row in connection.execute(sa.select(schema.delivery)).mappings()]  # fmt: skip
        connection.execute(sa.insert(schema.delivery), more)
    if analysed:
        _analyse(here)
    asked = _asked(here, lambda connection, _: ready.fallen_due(connection, here.now), "beside")
    asked += _asked(here, lambda connection, _: ready.sendable(connection, ["city"], here.now), "beside")
    assert len(asked) == 2
    for each in asked:
        lines = _plan(here, *each)
        scans = [line for line in lines if ("Scan" in line and " delivery" in line) or line.startswith(("SCAN", "SEARCH"))]
        assert [line for line in scans if not any(known in line for known in (*LOOKED, "SCAN part"))] == []
        # down to the very row: the next partition of a system is never looked for among all its rows
        assert any("system=? AND partition>?" in line or "AND (partition > part" in line for line in lines), lines


@pytest.mark.parametrize("analysed", [False, True])
@pytest.mark.parametrize("wanted", [{"code": "HUB-D-115"}, {"states": [State.CANCELLED]}, {"system": "city"}])
def test_what_no_index_leads_to_is_looked_for_between_two_numbers(here: Site, analysed: bool, wanted: dict[str, Any]) -> None:
    if analysed:
        _analyse(here)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(listing, "REACH", 100)
        asked = _asked(here, lambda connection, _: listing.page(connection, ["city"], **wanted), "delivery.record_id")
    lines = [line for each in asked for line in _plan(here, *each)]
    assert any(
        "(rowid>? AND rowid<?)" in line or ("(id > " in line and "Index Cond" in line) or "(rowid>?)" in line for line in lines
    )


@pytest.mark.parametrize("analysed", [False, True])
@pytest.mark.parametrize("state", [State.DEAD, State.PENDING])
@pytest.mark.parametrize("wanted", [{}, {"code": "HUB-D-115"}, {"system": "city"}])
def test_a_page_of_a_long_backlog_reads_no_more_of_it_than_belongs_on_it(
    here: Site, monkeypatch: pytest.MonkeyPatch, analysed: bool, wanted: dict[str, Any], state: State
) -> None:
    monkeypatch.setattr(listing, "REACH", 100)
    if analysed:
        _analyse(here)
    with here.store.writing() as connection:  # since the statistics were made
        connection.execute(sa.update(schema.delivery).where(schema.delivery.c.state != "dead").values(state="pending"))

    def ask(connection: Connection, _: Site) -> object:
        return listing.page(connection, ["city"], states=[state], **wanted)

    whole, numbers = _asked(here, ask, "delivery.record_id"), _asked(here, ask, "AND delivery.state = ")
    assert [one for one in whole if not any(by in line for by in BY_NUMBER for line in _plan(here, *one))] == []
    assert [one for one in numbers if not any(by in line for by in BY_STATE for line in _plan(here, *one))] == []
    assert (len(whole), len(numbers)) == ((1, 0) if state is State.PENDING and "code" not in wanted else (2, 1))


@pytest.mark.parametrize("analysed", [False, True])
def test_one_case_is_listed_by_its_lane(here: Site, analysed: bool) -> None:
    if analysed:
        _analyse(here)
    asked = _asked(here, lambda connection, _: listing.page(connection, ["city"], lane="L7"), "delivery.record_id")
    assert any("ix_delivery_system_lane_id" in line for each in asked for line in _plan(here, *each))


@pytest.mark.parametrize("analysed", [False, True])
def test_objects_are_counted_on_from_where_they_were_counted_last(here: Site, analysed: bool) -> None:
    if analysed:
        _analyse(here)
    asked = _asked(here, lambda connection, _: objects.count_on(connection, 50), "earlier")
    lines = [line for each in asked for line in _plan(here, *each)]
    assert any("rowid>? AND rowid<?" in line or ("(id > " in line and "Index Cond" in line) for line in lines), lines
    assert any("ix_record_source_kind_key_id" in line for line in lines), lines


@pytest.mark.parametrize("name", ["next due", "window", "look"])
def test_a_queue_that_filled_since_the_statistics_were_made_is_not_read_to_send_a_window(here: Site, name: str) -> None:
    with here.store.writing() as connection:
        connection.execute(sa.update(schema.delivery).where(schema.delivery.c.id % 50 == 0).values(state="pending"))
        connection.execute(sa.insert(schema.body), [{"delivery_id": number, "body": b"{}"} for number in range(1, HISTORY + 1)])
    _analyse(here)
    queries: dict[str, Callable[[Connection, Site], object]] = {
        "next due": lambda connection, _: outbox.next_due(connection, system="city", partition=0),
        "window": lambda connection, _: outbox.sendable(connection, system="city", partition=0, heads_only=True, now=here.now),
        "look": lambda connection, _: ready.sendable(connection, ["city"], here.now),
    }
    with here.store.writing() as connection:
        connection.execute(sa.update(schema.delivery).values(state="pending"))
    asked = _asked(here, queries[name], "due_at")
    lines = [line for each in asked for line in _plan(here, *each)]
    assert any("ix_delivery_open" in line for line in lines)
    assert not [line for line in lines if "Bitmap" in line or "due_at, delivery" in line], lines


@pytest.mark.parametrize("name", ["behind", "free", "ahead"])
def test_what_stands_behind_a_held_one_is_looked_up_in_its_lane_while_the_statistics_lag(here: Site, name: str) -> None:
    ours = schema.delivery
    with here.store.writing() as connection:  # long lanes: what is open was less than one of them when it was counted
        connection.execute(
            sa.update(ours).values(lane=sa.literal("L").concat(sa.cast(ours.c.id % 50, sa.String)), state="delivered")
        )
    _analyse(here)
    with here.store.writing() as connection:
        connection.execute(sa.update(ours).where(ours.c.id % 2 == 0).values(state="held"))
        connection.execute(sa.update(ours).where(ours.c.id % 2 == 1).values(state="pending"))
    queries: dict[str, Callable[[Connection, Site], object]] = {
        "behind": lambda connection, _: waiting.behind(connection),
        "free": lambda connection, _: waiting.free(connection, "city"),
        "ahead": lambda connection, _: waiting.ahead(connection, range(1, HISTORY, 2)),
    }
    (asked,) = _asked(here, queries[name], "held")
    assert any("ix_delivery_system_lane_id" in line for line in _plan(here, *asked)), _plan(here, *asked)


#: What a look may go by: what is open, a row by its number, and a lane.
LOOKED = ("ix_delivery_open", "pk_delivery", "INTEGER PRIMARY KEY", "ix_delivery_system_lane_id")


def _analyse(here: Site) -> None:
    with here.store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")


def _asked(here: Site, ask: Callable[[Connection, Site], object], about: str = "this_version") -> list[tuple[str, object]]:
    """Return the statements that look for other versions, or that hold these words, with their values."""
    found: list[tuple[str, object]] = []

    def note(_: object, __: object, statement: str, parameters: object, *___: object) -> None:
        if about in statement.replace("\n", ""):
            found.append((statement, parameters))

    sa.event.listen(here.store.engine, "before_cursor_execute", note)
    try:
        with here.store.writing() as connection:
            ask(connection, here)
            connection.rollback()
    finally:
        sa.event.remove(here.store.engine, "before_cursor_execute", note)
    return found


def _plan(here: Site, statement: str, parameters: object) -> list[str]:
    sqlite = here.store.engine.dialect.name == "sqlite"
    with here.store.reading() as connection:
        found = connection.exec_driver_sql(f"EXPLAIN {'QUERY PLAN ' if sqlite else ''}{statement}", parameters)  # type: ignore[arg-type]
        return [str(row[-1]) for row in found]
