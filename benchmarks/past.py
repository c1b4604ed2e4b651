"""Decides what a store looks like after years: objects in three versions each, all delivered, in rows of the usual size.

Written straight into the tables, the quickest way the database knows; a hub would have written the same rows.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import Table, insert, text

from benchmarks import mapping, tables
from hub.model import State
from hub.store import Store, dialect, objects, schema
from hub.store.acceptance import partition_of

#: Versions of an object, deliveries of a window, records of a run, deliveries for each that met trouble first.
VERSIONS, WINDOW, RUN, TROUBLED = 3, 64, 1000, 50
#: Dead letters that nobody has looked after yet, whatever the history.
DEAD = 100
_PAGE = 24_000  # whole windows and whole runs
_YEAR_MS = 365 * 86_400_000


def fill(store: Store, deliveries: int, state: State = State.DELIVERED, *, versions: int = VERSIONS, partitions: int = 1) -> None:
    """Write so many deliveries with all that belongs to them; the objects have the numbers of `tables.fill`."""
    rows = _Rows(int(time.time() * 1000) - _YEAR_MS, state, versions, partitions)
    for start in range(0, deliveries, _PAGE):
        rows.write(store, range(start, min(start + _PAGE, deliveries)))
    with store.writing() as connection:
        counted = {"record": deliveries, "delivery": deliveries, "window": deliveries // WINDOW + 1, "run": deliveries // RUN + 1}
        connection.execute(insert(schema.sequence), [{"name": name, "next": number + 1} for name, number in counted.items()])
        objects.keep(connection, objects.Account(deliveries, {("local", "case"): -(-deliveries // versions)}), datetime.now(UTC))
    if store.engine.dialect.name == "postgresql":  # years would have seen to it
        with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))
            connection.execute(text("CHECKPOINT"))
    os.sync()  # else what is measured next waits for the disk to take all this


_BODY = orjson.dumps({name: mapping.record(0).get(source) for name, (source, _, _) in mapping.COLUMNS.items()})
_DATA = orjson.dumps(mapping.record(0))
_RECORD = ("id", "source", "kind", "key", "revision", "deleted", "run_id", "seen_at", "data")
_DELIVERY = (
    "id", "record_id", "system", "partition", "route", "endpoint", "kind", "key", "lane", "operation", "state", "due_at",
    "attempts", "spent", "created_at", "changed_at", "batch", "mapping", "generation", "doubtful", "stage", "code", "reason",
)  # fmt: skip
_WINDOW = ("id", "partition", "epoch", "opened_at", "closed_at")
_ATTEMPT = ("delivery_id", "number", "window_id", "opened_at", "closed_at", "outcome", "code", "said")
_RUN = (
    "id", "source", "trigger", "asked_by", "state", "asked_at", "started_at", "ended_at", "full", "read", "unchanged", "accepted",
    "rejected", "filtered", "deliveries", "unmappable",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Rows:
    """Makes the rows that belong to the delivery of a number; `began`: the moment of the first, in ms."""

    began: int
    state: State
    versions: int
    partitions: int

    def write(self, store: Store, numbers: range) -> None:
        """Write the deliveries of these numbers, and what begins with them."""
        with store.writing() as connection:

            def put(table: Table, columns: Sequence[str], make: Callable[[int], tuple[Any, ...]], some: Sequence[int]) -> None:
                dialect.insert_rows(connection, table, columns, [make(number) for number in some])

            put(schema.record, _RECORD, self._record, numbers)
            put(schema.delivery, _DELIVERY, self._delivery, numbers)
            put(schema.body, ("delivery_id", "body"), lambda number: (number + 1, _BODY), numbers)
            put(schema.run, _RUN, self._run, numbers[::RUN])
            if self.state is State.DELIVERED:
                put(schema.window, _WINDOW, self._window, numbers[::WINDOW])
                put(schema.attempt, _ATTEMPT, self._attempt, numbers[::TROUBLED])

    def _record(self, number: int) -> tuple[Any, ...]:
        key, revision, at = f"{number // self.versions:010}", f"{number:064x}", self.began + number
        return (number + 1, "local", "case", key, revision, False, number // RUN + 1, at, _DATA)

    def _delivery(self, number: int) -> tuple[Any, ...]:
        lane, taken = tables.lane(number // self.versions), self.state is State.DELIVERED
        state, *why = (
            ("dead", "deliver", "HUB-D-115", "refused") if taken and number < DEAD else (self.state.value, None, None, None)
        )
        at, key, operation = self.began + number, f"{number // self.versions:010}", "U" if number % self.versions else "I"
        return (
            number + 1, number + 1, "bench", partition_of(lane, self.partitions), "accept", "accept", "case", key, lane, operation,
            state, at, int(taken), 0, at, at + 500, f"{self.began:020}{number // RUN:08}", "0" * 32, 0, False, *why,
        )  # fmt: skip

    def _window(self, number: int) -> tuple[Any, ...]:
        at = self.began + number
        return (number // WINDOW + 1, "deliver:bench:0", 1, at, at + 500)

    def _attempt(self, number: int) -> tuple[Any, ...]:
        at = self.began + number
        return (number + 1, 1, number // WINDOW + 1, at, at + 100, "retryable", "HUB-D-113", "HTTP 503, the far side is busy")

    def _run(self, number: int) -> tuple[Any, ...]:
        at = self.began + number
        return (number // RUN + 1, "local", "schedule", "schedule", "done", at, at, at + 900, False, RUN, 0, RUN, 0, 0, RUN, 0)
