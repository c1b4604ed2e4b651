"""Decides what a store looks like after years: objects in three versions each, all delivered, in rows of the usual size.

Written straight into the tables, the quickest way the database knows; a hub would have written the same rows.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from typing import Any

import orjson
from sqlalchemy import insert, text

from benchmarks import mapping, tables
from hub.model import State
from hub.store import Store, dialect, schema
from hub.store.acceptance import _DELIVERY, _RECORD

#: Versions of an object, deliveries of a window, records of a run, deliveries for each that met trouble first.
VERSIONS, WINDOW, RUN, TROUBLED = 3, 64, 1000, 50
#: Dead letters that nobody has looked after yet, whatever the history.
DEAD = 100
_PAGE = 24_000  # whole windows and whole runs
_YEAR_MS = 365 * 86_400_000


def fill(store: Store, deliveries: int, state: State = State.DELIVERED) -> None:
    """Write so many deliveries with all that belongs to them; the objects have the numbers of `tables.fill`."""
    began = int(time.time() * 1000) - _YEAR_MS
    for start in range(0, deliveries, _PAGE):
        _page(store, range(start, min(start + _PAGE, deliveries)), began, state)
    with store.writing() as connection:
        counted = {"record": deliveries, "delivery": deliveries, "window": deliveries // WINDOW + 1, "run": deliveries // RUN + 1}
        rows = [{"name": name, "next": number + 1} for name, number in counted.items()]
        connection.execute(insert(schema.sequence), rows)
    if store.engine.dialect.name == "postgresql":  # years would have seen to it
        with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))
            connection.execute(text("CHECKPOINT"))
    os.sync()  # else what is measured next waits for the disk to take all this


def _page(store: Store, numbers: range, began: int, state: State) -> None:
    taken = state is State.DELIVERED
    with store.writing() as connection:

        def put(table: Any, columns: Sequence[str], make: Callable[[int], tuple[Any, ...]], some: Sequence[int]) -> None:
            dialect.insert_rows(connection, table, columns, [make(number) for number in some])

        put(schema.record, _RECORD, lambda number: _record(number, began), numbers)
        put(schema.delivery, _DELIVERY, lambda number: _delivery(number, began, state), numbers)
        put(schema.body, ("delivery_id", "body"), _body, numbers)
        put(schema.run, _RUN, lambda number: _run(number, began), numbers[::RUN])
        if taken:
            put(schema.window, _WINDOW, lambda number: _window(number, began), numbers[::WINDOW])
            put(schema.attempt, _ATTEMPT, lambda number: _attempt(number, began), numbers[::TROUBLED])


_BODY = orjson.dumps({name: mapping.record(0).get(source) for name, (source, _, _) in mapping.COLUMNS.items()})
_DATA = orjson.dumps(mapping.record(0))


def _object(number: int) -> str:
    return f"{number // VERSIONS:010}"


def _record(number: int, began: int) -> tuple[Any, ...]:
    return (number + 1, "local", "case", _object(number), f"{number:064x}", False, number // RUN + 1, began + number, _DATA)


def _delivery(number: int, began: int, state: State) -> tuple[Any, ...]:
    lane, tried = tables.lane(number // VERSIONS), int(state is State.DELIVERED)
    dead = number < DEAD and state is State.DELIVERED
    why = ("deliver", "HUB-D-115", "the far side refuses it") if dead else (None, None, None)
    return (
        number + 1, number + 1, "bench", 0, "accept", "accept", "case", _object(number), lane, None, None,
        "U" if number % VERSIONS else "I", (State.DEAD if dead else state).value, began + number, tried, 0, began + number,
        began + number + 500, f"{began:020}{number // RUN:08}", None, "0" * 32, 0, False, *why, None,
    )  # fmt: skip


def _body(number: int) -> tuple[Any, ...]:
    return (number + 1, _BODY)


_WINDOW = ("id", "partition", "epoch", "opened_at", "closed_at")
_ATTEMPT = ("delivery_id", "number", "window_id", "opened_at", "closed_at", "outcome", "code", "said")
_RUN = (
    "id", "source", "trigger", "asked_by", "state", "asked_at", "started_at", "ended_at", "full", "read", "unchanged", "accepted",
    "rejected", "filtered", "deliveries", "unmappable",
)  # fmt: skip


def _window(number: int, began: int) -> tuple[Any, ...]:
    return (number // WINDOW + 1, "deliver:bench:0", 1, began + number, began + number + 500)


def _attempt(number: int, began: int) -> tuple[Any, ...]:
    at = began + number
    return (number + 1, 1, number // WINDOW + 1, at, at + 100, "retryable", "HUB-D-113", "HTTP 503, the far side is busy")


def _run(number: int, began: int) -> tuple[Any, ...]:
    at = began + number
    return (number // RUN + 1, "local", "schedule", "schedule", "done", at, at, at + 900, False, RUN, 0, RUN, 0, 0, RUN, 0)
