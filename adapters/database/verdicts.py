"""Decides what the far side's tables say about rows it took: an error table, a status column, or documents it hands down."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, ClassVar

import sqlalchemy as sa

from adapters.database.confirming import ConfirmingReader
from adapters.database.connection import Connections
from adapters.database.feeds import Feeding, Reader, TimedReader
from adapters.database.keyset import RawRow
from adapters.database.options import DatabaseOptions
from adapters.database.reading import Unfit
from adapters.database.spreading import Spoken, spread
from adapters.database.tables import Shape, Tables
from adapters.database.targets import flagged
from adapters.database.walking import dump, load
from adapters.kit.answer import Answer
from adapters.kit.answers import compiled
from adapters.kit.words import said
from hub.errors import SourceFailed
from hub.model import Judgement, Record, Unreadable, Verdict, VerdictPage

_SILENT = "names no row, or no rule of `verdicts` understands it"
_NEITHER = "holds neither a value of `confirmed` nor one of `rejected`, by the database's own comparison"
#: What the answer to that question is called beside a row's columns.
_JUDGEMENT = "hub_judgement"


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


def _word(means: Judgement) -> sa.ColumnElement[str]:
    """Return a judgement written into a statement: as a parameter it would have no type where a database wants one."""
    return sa.literal_column(f"'{means.value}'")


class Judge(Feeding):
    """Reads one rule's rows, and says what they mean. A confirmed row that means nothing is a fault: it never comes back."""

    noun: ClassVar[str] = "feedback of"

    def __init__(self, spoken: Spoken, connections: Connections, tables: Tables, max_field: int) -> None:
        rule = spoken.rule
        self._rule, self._own, self._table = rule, spoken.own, spoken.table[0]
        super().__init__(spoken.endpoint, rule.feed(spoken.table), connections, tables, max_field, rule.columns())
        self._rules = [(verdict.means, compiled(verdict)) for verdict in rule.verdicts or ()]

    def asked(self, shape: Shape) -> tuple[sa.Label[Any], ...]:
        """Let the database that chose a row by its status also say by which list: its own comparison is not Python's.

        It knows blanks behind CHAR(n), letters that a collation takes for alike, and truth values and decimals that are numbers.
        """
        status = self._rule.status
        if status is None:
            return ()
        lists = ((Judgement.REJECTED, status.rejected), (Judgement.CONFIRMED, status.confirmed))
        found = [(flagged(shape, status.column, values), _word(means)) for means, values in lists if values]
        return (sa.case(*found).label(_JUDGEMENT),)

    def judged(self, rows: Sequence[RawRow], unread: dict[int, Unfit]) -> tuple[dict[int, Record], dict[int, Unreadable]]:
        """Turn raw rows into records; what can never become a verdict is a fault, and so is no verdict in a confirmed row."""
        records, faults = super().judged(rows, unread)
        unclear = {at: why for at, record in records.items() if (why := self._unclear(record))}
        told = {at: Unreadable(self.kind, records[at].key, "HUB-S-318", why) for at, why in unclear.items()}
        return {at: record for at, record in records.items() if at not in told}, {**faults, **told}

    def _unclear(self, record: Record) -> str:
        status = self._rule.status
        if status is not None and record.data[_JUDGEMENT] is None:
            return f"{status.column} {_NEITHER}"
        return _SILENT if self._rule.confirm is not None and self._verdict(record) is None else ""

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
            return Judgement(record.data[_JUDGEMENT]) if record.data[_JUDGEMENT] else None
        answer = Answer(200, select=lambda place: self._text(record, place))
        return next((means for means, holds in self._rules if holds(answer)), None)

    def _text(self, record: Record, place: str) -> str | None:
        return self.text(record.data, place)
