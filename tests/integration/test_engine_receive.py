"""What a push is answered: the same whenever it is sent again, as many as its run counts, and no run stays open behind it."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from adapters.push.contents import Contents
from adapters.push.options import Feed
from hub.engine import receive
from hub.engine.receive import Account
from hub.errors import Fenced
from hub.model import Page, Push, Pushed, Record, Unreadable
from hub.store import acceptance, actions, partitions, pushes, runs, schema
from hub.store.runs import Run, RunState
from hub.store.scopes import Scope
from tests.exchanges import Site, case


def push(here: Site, *rows: Record | Unreadable, number: str = "n-1") -> Account:
    records = tuple(row for row in rows if isinstance(row, Record))
    faults = tuple(row for row in rows if isinstance(row, Unreadable))
    return receive.keep(here.exchange, here.holding("push:local"), "case", Pushed(number, Page(records, None, faults)))


def fault(place: str) -> Unreadable:
    return Unreadable("case", place, "HUB-S-242", "the key is empty")


def told(account: Account) -> list[tuple[str, str, str | None]]:
    return [(one.key, one.result, one.code) for one in account.items]


def adds_up(account: Account) -> bool:
    """Tell whether what the far side is told of its records is what the run counts."""
    results = [one.result for one in account.items]
    counted = {"accepted": account.run.accepted, "unchanged": account.run.unchanged, "rejected": account.run.rejected}
    return all(results.count(name) == number for name, number in counted.items())  # type: ignore[arg-type]


def newest(here: Site) -> Run:
    with here.store.reading() as connection:
        return runs.latest(connection, limit=1)[0]


def test_a_number_used_for_other_rows_that_are_no_records_is_refused(here: Site) -> None:
    push(here, case("A"), fault("item 2"))
    with pytest.raises(pushes.NumberReused):
        push(here, case("A"), fault("item 3"))
    assert told(push(here, case("A"), fault("item 3"), number="n-2")) == [
        ("A", "unchanged", None),
        ("item 3", "rejected", "HUB-S-242"),
    ]


def test_a_push_that_tells_the_time_in_its_body_is_answered_the_same_later(here: Site) -> None:
    contents = Contents("case", Feed.model_validate({"key": ["BJBH"], "columns": {"k": "BJBH"}, "items": "/rows"}))

    def at(time: int) -> Account:
        body = orjson.dumps({"time": time, "rows": [{"k": "A"}, {"k": ""}]})
        page = contents.page(Push("POST", "/", "", {}, body, datetime.now(UTC)), "n-1")
        return receive.keep(here.exchange, here.holding("push:local"), "case", Pushed("n-1", page))

    first, again = at(1), at(2)
    assert adds_up(first)
    assert [one.result for one in first.items] == ["accepted", "rejected"]
    assert (again.items, again.run, again.repeated) == (first.items, first.run, True)


def test_a_repeat_is_answered_the_same_after_what_failed_was_given_up(here: Site) -> None:
    rows = (case("A", name="名字过长的某某某"), fault("item 2"))
    first = push(here, *rows)
    assert told(first) == [("A", "accepted", "HUB-M-103"), ("item 2", "rejected", "HUB-S-242")]
    with here.store.writing() as connection:
        actions.cancel(connection, Scope(everything=True), actor="王某", reason="不再报", now=here.now)
    again = push(here, *rows)
    assert told(again) == told(first)
    assert not any("不再报" in (one.reason or "") for one in again.items)


def test_a_record_that_stands_twice_in_a_push_is_told_so(here: Site) -> None:
    first = push(here, case("A"), case("A"), case("B"), case("A", "2"), case("A"))
    assert [one.result for one in first.items] == ["accepted", "unchanged", "accepted", "accepted", "accepted"]
    assert adds_up(first)
    second = push(here, case("A"), case("A", "2", name="名字过长的某某某"), case("A"), number="n-2")
    assert told(second) == [("A", "unchanged", None), ("A", "accepted", "HUB-M-103"), ("A", "accepted", None)]
    assert adds_up(second)


def test_a_key_no_store_can_hold_is_told_as_well(here: Site) -> None:
    account = push(here, case("A"), case("\ud800"))
    assert [one.result for one in account.items] == ["accepted", "rejected"]
    assert told(push(here, case("A"), case("\ud800"))) == told(account)


def fail(monkeypatch: pytest.MonkeyPatch, place: Any, name: str) -> None:
    """Let that part of the store break, as a full disk would."""

    def breaks(*_: Any, **__: Any) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(place, name, breaks)


def test_a_push_the_store_does_not_take_ends_its_run_and_can_come_again(here: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        fail(patched, acceptance, "_count")
        with pytest.raises(sqlite3.OperationalError):
            push(here, case("A"))
    ended = newest(here)
    assert (ended.state, ended.ended_at, ended.reason) == (RunState.INTERRUPTED, here.now, "it could not be kept")
    assert here.count(schema.record) == 0
    assert told(push(here, case("A"))) == [("A", "accepted", None)]


def test_a_run_the_store_could_not_even_end_is_ended_by_the_next_push(here: Site) -> None:
    here.holding("push:local")
    with here.store.writing() as connection:
        left = runs.begin_push(connection, "local", here.now)
    push(here, case("A"))
    with here.store.reading() as connection:
        ended = runs.get(connection, left.id)
    assert ended is not None
    assert ended.state is RunState.INTERRUPTED


def test_a_former_owner_begins_no_run(here: Site) -> None:
    here.holding("push:local")
    with here.store.writing() as connection:
        partitions.take(connection, "push:local", "another", here.now)
    with pytest.raises(Fenced):
        push(here, case("A"))
    assert here.count(schema.run) == 0
