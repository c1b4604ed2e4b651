"""Decides what the far side's tables say about rows it took: rows of an error table, or a status column of the table itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from adapters.database.connection import Connections
from adapters.database.feeds import telling
from adapters.database.keyset import Keyset, RawRow
from adapters.database.options import DatabaseOptions, FeedbackRule, Value
from adapters.database.reading import native
from adapters.database.tables import Shape, Tables
from adapters.database.targets import flagged
from adapters.database.walking import Bookmark, Walked, dump, load, walk
from adapters.kit.words import said
from hub.model import Judgement, Verdict, VerdictPage


def verdict_pages(options: DatabaseOptions, connections: Connections, cursor: str | None) -> Iterator[VerdictPage]:
    """Yield the verdicts of every rule, in declared order. Raises SourceFailed."""
    positions = load(cursor)
    tables = Tables(connections, options.schema_)
    for name, rule in _named(options.feedback).items():
        judge = Judge(rule, _table(options, rule), connections, tables)
        for verdicts, place in judge.pages(positions.get(name)):
            if place is not None:
                positions[name] = place
            yield VerdictPage(verdicts, dump(positions))


def _named(rules: tuple[FeedbackRule, ...]) -> dict[str, FeedbackRule]:
    """Name every rule for the cursor: endpoint/table, numbered when there are several."""
    found: dict[str, FeedbackRule] = {}
    for rule in rules:
        name = f"{rule.endpoint}/{rule.table or ''}"
        alike = sum(1 for known in found if known.split("#")[0] == name)
        found[f"{name}#{alike + 1}" if alike else name] = rule
    return found


def _table(options: DatabaseOptions, rule: FeedbackRule) -> tuple[str, ...]:
    return (rule.table,) if rule.table else options.endpoints[rule.endpoint].table


class Judge:
    """Reads one rule's verdicts."""

    def __init__(self, rule: FeedbackRule, table: tuple[str, ...], connections: Connections, tables: Tables) -> None:
        self._rule = rule
        self._connections = connections
        self._where = f"feedback of {rule.endpoint}"
        with telling(self._where):
            self._shape = tables.shape(*table)
            self._keyset = Keyset(self._shape, rule.time, rule.key, rule.page, tuple(_conditions(self._shape, rule)))
            self._row = self._place(rule.row)
            self._batch = self._place(rule.batch) if rule.batch else -1
            self._said = [self._place(name) for name in rule.said or ()]
            self._status = self._place(rule.status.column) if rule.status else -1

    def _place(self, name: str) -> int:
        return self._shape.columns.index(self._shape.column(name))

    def pages(self, start: Bookmark | None) -> Iterator[tuple[tuple[Verdict, ...], Bookmark | None]]:
        """Yield verdicts, oldest first."""
        for walked in walk(self._keyset, start, self._rule.overlap, self._fetch):
            yield self._verdicts(walked), walked.place

    def _fetch(self, page: sa.Select[Any]) -> tuple[Any, dict[int, Any]]:
        with telling(self._where):
            return self._connections.rows(page)[1], {}

    def _verdicts(self, walked: Walked) -> tuple[Verdict, ...]:
        return tuple(self._verdict(row) for row in walked.rows if row[self._row] is not None)

    def _verdict(self, row: RawRow) -> Verdict:
        words = " ".join(str(native(row[place])) for place in self._said if row[place] is not None)
        batch = row[self._batch] if self._batch >= 0 else None
        return Verdict(
            self._rule.endpoint,
            str(native(row[self._row])),
            None if batch is None else str(batch),
            self._judgement(row),
            said(words),
        )

    def _judgement(self, row: RawRow) -> Judgement:
        if self._rule.status is None:
            return Judgement(str(self._rule.judgement))
        refused = str(row[self._status]) in map(str, self._rule.status.rejected)
        return Judgement.REJECTED if refused else Judgement.CONFIRMED


def _conditions(shape: Shape, rule: FeedbackRule) -> Iterator[sa.ColumnElement[bool]]:
    for name, value in rule.match.items():
        values: tuple[Value, ...] = value if isinstance(value, tuple) else (value,)
        yield flagged(shape, name, values)
    if rule.status:
        yield flagged(shape, rule.status.column, (*rule.status.confirmed, *rule.status.rejected))
