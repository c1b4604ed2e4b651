"""Runs that have not ended are found among all a source ever had; on SQLite and on PostgreSQL alike."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from hub.store import Store, open_store, runs
from hub.store.runs import RunState, Trigger

NOW = datetime(2016, 12, 1, tzinfo=UTC)


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    opened = open_store(store_url)
    try:
        yield opened
    finally:
        opened.close()


def ended(store: Store, count: int) -> None:
    with store.writing() as connection:
        for _ in range(count):
            runs.end(connection, runs.ask(connection, "local", Trigger.SCHEDULE, "schedule", NOW), RunState.DONE, NOW)


def test_what_is_not_ended_is_found_without_looking_at_what_is(store: Store) -> None:
    """Each source is looked at each second, and a year of runs every five minutes is 105,000 of them."""
    ended(store, 50)
    asked: list[tuple[str, object]] = []

    def note(_: object, __: object, statement: str, parameters: object, *___: object) -> None:
        asked.append((statement, parameters))

    sa.event.listen(store.engine, "before_cursor_execute", note)
    with store.writing() as connection:
        runs.unfinished(connection, "local")
        runs.begin_next(connection, "local", NOW)
        runs.ask(connection, "local", Trigger.CLI, "wang", NOW)
        runs.interrupt_running(connection, "local", NOW)
        runs.waited_for(connection)
    sa.event.remove(store.engine, "before_cursor_execute", note)
    plans = [plan(store, *one) for one in asked if "ended_at IS NULL" in one[0]]
    assert len(plans) == 5
    assert [one for one in plans if "ix_run_open" not in one] == []


def plan(store: Store, statement: str, parameters: object) -> str:
    explain = "EXPLAIN QUERY PLAN" if store.engine.dialect.name == "sqlite" else "EXPLAIN"
    with store.reading() as connection:
        return "\n".join(str(row[-1]) for row in connection.exec_driver_sql(f"{explain} {statement}", parameters))  # type: ignore[arg-type]


def test_only_reads_of_that_source_that_have_not_ended_are_unfinished(store: Store) -> None:
    ended(store, 3)
    with store.writing() as connection:
        mine = runs.ask(connection, "local", Trigger.CLI, "wang", NOW)
        runs.ask(connection, "other", Trigger.CLI, "wang", NOW)
        runs.begin_push(connection, "local", NOW)
        found = runs.unfinished(connection, "local")
    assert [(run.id, run.state) for run in found] == [(mine, RunState.ASKED)]
