"""Decides what the far side's tables say about rows it took: an error table, a status column, or documents it hands down."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar

from adapters.database.confirming import ConfirmingReader
from adapters.database.connection import Connections
from adapters.database.feeds import Feeding, Reader, TimedReader
from adapters.database.keyset import RawRow
from adapters.database.options import DatabaseOptions
from adapters.database.reading import Unfit
from adapters.database.spreading import Spoken, spread
from adapters.database.tables import Tables
from adapters.database.walking import dump, load
from adapters.kit.answer import Answer
from adapters.kit.answers import compiled
from adapters.kit.words import said
from hub.errors import SourceFailed
from hub.model import Judgement, Record, Unreadable, Verdict, VerdictPage

_SILENT = "names no row, or no rule of `verdicts` understands it"


def verdict_pages(options: DatabaseOptions, connections: Connections, tables: Tables, cursor: str | None) -> Iterator[VerdictPage]:
    """Yield the verdicts of every rule, in declared order. Raises SourceFailed; the tables are then looked at anew next time."""
    try:
        yield from _pages(options, connections, tables, cursor)
    except SourceFailed:
        tables.forget()
        raise


def _pages(options: DatabaseOptions, connections: Connections, tables: Tables, cursor: str | None) -> Iterator[VerdictPage]:
    positions = load(cursor)
    for name, spoken in _named(spread(options)).items():
        judge = Judge(spoken, connections, tables, options.max_field)
        confirm = spoken.rule.confirm
        reader: Reader = ConfirmingReader(judge, confirm) if confirm else TimedReader(judge)
        for found in reader.pages(positions.get(name)):
            if found.place is not None:
                positions[name] = found.place
            yield VerdictPage(judge.verdicts(found.records), dump(positions), found.faults)


def _named(spoken: Iterable[Spoken]) -> dict[str, Spoken]:
    """Name every rule for the cursor: endpoint/table, numbered when there are several."""
    found: dict[str, Spoken] = {}
    for one in spoken:
        name = f"{one.endpoint}/{'' if one.own else one.table[0]}"
        alike = sum(1 for known in found if known.split("#")[0] == name)
        found[f"{name}#{alike + 1}" if alike else name] = one
    return found


class Judge(Feeding):
    """Reads one rule's rows, and says what they mean. A confirmed row that means nothing is a fault: it never comes back."""

    noun: ClassVar[str] = "feedback of"

    def __init__(self, spoken: Spoken, connections: Connections, tables: Tables, max_field: int) -> None:
        rule = spoken.rule
        super().__init__(spoken.endpoint, rule.feed(spoken.table), connections, tables, max_field, rule.columns())
        self._rule, self._own, self._table = rule, spoken.own, spoken.table[0]
        self._rules = [(verdict.means, compiled(verdict)) for verdict in rule.verdicts or ()]

    def records(
        self, rows: Sequence[RawRow], unread: dict[int, Unfit] | None = None
    ) -> tuple[tuple[Record, ...], tuple[Unreadable, ...]]:
        """Turn raw rows into records; when rows are confirmed, what is no verdict becomes a fault, too."""
        records, faults = super().records(rows, unread)
        if self._rule.confirm is None:
            return records, faults
        silent = [record for record in records if self._verdict(record) is None]
        told = tuple(Unreadable(self.kind, record.key, "HUB-S-318", _SILENT) for record in silent)
        return tuple(record for record in records if record not in silent), (*faults, *told)

    def verdicts(self, records: Sequence[Record]) -> tuple[Verdict, ...]:
        """Return what these rows say, in their order; a row that says nothing (yet) is left out."""
        found = (self._verdict(record) for record in records)
        return tuple(verdict for verdict in found if verdict is not None)

    def _verdict(self, record: Record) -> Verdict | None:
        rule = self._rule
        row, judgement = self._text(record, rule.row), self._judgement(record)
        if not row or judgement is None:
            return None
        words = " ".join(filter(None, (self._text(record, place) for place in rule.said or ())))
        batch = (self._text(record, rule.batch) or None) if rule.batch else None
        return Verdict(self.kind, row, batch, judgement, said(words), self._told(record))

    def _told(self, record: Record) -> str | None:
        """Return a row of an error table by table and key, a row's own status with time and batch: written anew, it counts anew."""
        if not self._own:
            return f"{self._table} {record.key}"[:255]
        if self._rule.time is None:
            return None
        batch = self._text(record, self._rule.batch) if self._rule.batch else ""  # what goes again keeps its time, never its batch
        return f"{self._text(record, self._rule.time)} {batch} {record.key}"[:255]

    def _judgement(self, record: Record) -> Judgement | None:
        if self._rule.judgement is not None:
            return Judgement(self._rule.judgement)
        if self._rule.status is not None:
            refused = str(self._text(record, self._rule.status.column)) in map(str, self._rule.status.rejected)
            return Judgement.REJECTED if refused else Judgement.CONFIRMED
        answer = Answer(200, select=lambda place: self._text(record, place))
        return next((means for means, holds in self._rules if holds(answer)), None)

    def _text(self, record: Record, place: str) -> str | None:
        return self.text(record.data, place)
