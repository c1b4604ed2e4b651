"""Decides what a message becomes in its endpoint's table: which columns, converted how, with which sync columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import sqlalchemy as sa

from adapters.database import statements
from adapters.database.documents import DocumentWriter
from adapters.database.failures import Missing
from adapters.database.fields import NOW, Value, compiled_value
from adapters.database.options import Endpoint
from adapters.database.reading import Unfit
from adapters.database.statements import Columns, Writing, bound
from adapters.database.tables import Column, Shape
from adapters.database.writing import Converter, converter, holds_bytes, moment
from hub.errors import Failure, Misconfigured, Rejected
from hub.model import Message, Operation

_NO_KEY = "HUB-D-314"
_SET_UP = frozenset({"HUB-D-313", "HUB-D-303"})


class Refused(Exception):
    """A message cannot become a row; `failure` says why."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(str(failure))
        self.failure = failure


@dataclass(frozen=True, slots=True)
class Slot:
    """One column of the statement: which, how its values are converted, and where a message has its value.

    `place`: the value's place in the body; -1 when `value` tells it.
    """

    column: Column
    converter: Converter
    value: Callable[[Message], Any]
    place: int = -1
    key: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """How messages of one endpoint with the same fields, in the same order, are written."""

    target: str
    slots: tuple[Slot, ...]
    writing: Writing

    def columns(self, messages: Sequence[Message]) -> Columns:
        """Convert messages to parameters, column by column. Raises Unfit or a Failure without saying which message is guilty."""
        bodies = list(zip(*(message.body.values() for message in messages), strict=True))
        columns: dict[str, Sequence[Any]] = {}
        for slot in self.slots:
            given = bodies[slot.place] if slot.place >= 0 else [slot.value(message) for message in messages]
            values = columns[slot.column.name] = slot.converter.many(given)
            if slot.key and None in values:
                raise Unfit(_NO_KEY, "no key")
            if slot.key:
                columns[bound(slot.column.name)] = values
        return columns

    def fault(self, message: Message) -> Failure | None:
        """Return why this message cannot be converted, None when it can."""
        for slot in self.slots:
            try:
                value = slot.value(message)
                converted = None if value is None else slot.converter.one(value)
            except Failure as failure:
                return failure
            except Unfit as unfit:
                return _refusal(unfit.code, f"{self.target}.{slot.column.shown}: {unfit.reason}")
            if slot.key and converted is None:
                return _refusal(_NO_KEY, f"{self.target}.{slot.column.shown} is the key and has no value")
        return None


def _refusal(code: str, message: str) -> Failure:
    return Misconfigured(code, message) if code in _SET_UP else Rejected(code, message)


class Target:
    """One endpoint and its table as it is. Plans are made once for every set of fields."""

    def __init__(self, name: str, endpoint: Endpoint, shape: Shape, dialect: str, clock: Callable[[], datetime]) -> None:
        self.name, self.endpoint, self.shape, self._dialect, self._clock = name, endpoint, shape, dialect, clock
        self.key = [shape.column(column).name for column in endpoint.key]
        self._documents = {shape.column(name).name: self._document(name) for name in endpoint.documents}
        self._added = self._sync() | self._initial()
        self._plans: dict[tuple[bool, tuple[str, ...]], Plan] = {}

    def _sync(self) -> dict[str, Callable[[Message], Any]]:
        sync = self.endpoint.sync
        found: dict[str, Callable[[Message], Any]] = {}
        if sync.operation:
            found[self.shape.column(sync.operation).name] = lambda message: message.operation.value
        if sync.batch:
            found[self.shape.column(sync.batch).name] = lambda message: message.batch
        if sync.time:
            text = self.shape.column(sync.time).textual
            found[self.shape.column(sync.time).name] = _stamp_text if text else lambda message: message.created
        if sync.source:
            found[self.shape.column(sync.source.column).name] = _constant(sync.source.value)
        return found

    def _initial(self) -> dict[str, Callable[[Message], Any]]:
        columns = {self.shape.column(name): value for name, value in self.endpoint.initial.items()}
        return {column.name: self._now(column) if value == NOW else compiled_value(value) for column, value in columns.items()}

    def _now(self, column: Column) -> Callable[[Message], Any]:
        """Return what writes the present moment: a reader that looks for changed rows must find this one, however late it came."""
        return (lambda message: str(self._clock())) if column.textual else (lambda message: self._clock())

    def _document(self, name: str) -> Callable[[Message], Any]:
        writer = DocumentWriter(self.endpoint.documents[name])
        return writer.encoded if holds_bytes(self.shape.column(name).kind) else writer.text

    def plan(self, message: Message) -> Plan:
        """Return how this message is written. Raises Refused for a field the table does not have, or a missing key."""
        removing = message.operation is Operation.DELETE and self._removes()
        fields = tuple(message.body)
        found = self._plans.get((removing, fields))
        if found is None:
            found = self._plans[(removing, fields)] = self._planned(removing, fields)
        return found

    def _removes(self) -> bool:
        if self.endpoint.delete == "remove":
            return True
        if self.endpoint.sync.operation is None:
            why = "a deletion cannot be told: declare `sync.operation` or `delete: remove`"
            raise Refused(Misconfigured("HUB-D-315", f"{self.name}: {why}"))
        return False

    def _planned(self, removing: bool, fields: tuple[str, ...]) -> Plan:
        slots = self._slots(fields)
        absent = [name for name in self.key if name not in {slot.column.name for slot in slots}]
        if absent:
            raise Refused(Rejected(_NO_KEY, f"{self.name}: the body has no {', '.join(absent)}, which is the key"))
        if removing:
            keys = tuple(slot for slot in slots if slot.key)
            return Plan(self.name, keys, statements.remove(self.shape, self.key))
        names = [slot.column.name for slot in slots]
        if self.endpoint.mode == "insert":
            return Plan(self.name, slots, statements.insert(self.shape, names))
        return Plan(self.name, slots, statements.upsert(self.shape, names, self.key, self._dialect))

    def _slots(self, fields: tuple[str, ...]) -> tuple[Slot, ...]:
        given = {self._named(field): field for field in fields if not self._inside(field)}
        wanted = [self.shape.column(name).name for name in self.endpoint.columns] if self.endpoint.columns else list(given)
        beyond = [field for name, field in given.items() if name not in wanted and name not in self._added]
        if beyond:
            raise Refused(Misconfigured("HUB-D-303", f"{self.name}: `columns` and `documents` do not name {', '.join(beyond)}"))
        body = [self._body_slot(name, fields, given.get(name)) for name in wanted if name not in self._added]
        documents = [self._document_slot(name, value) for name, value in self._documents.items()]
        return (*body, *documents, *(self._slot(name, value) for name, value in self._added.items()))

    def _inside(self, field: str) -> bool:
        """Tell whether a field of the body goes into a document alone."""
        listed = {name.lower() for name in self.endpoint.columns or ()}
        return field.lower() not in listed and self.endpoint.told(field)

    def _document_slot(self, name: str, value: Callable[[Message], Any]) -> Slot:
        column = self.shape.column(name)
        if holds_bytes(column.kind):
            return Slot(column, Converter(lambda content: content), value)
        return Slot(column, converter(column.kind, self._dialect), value)

    def _named(self, field: str) -> str:
        try:
            return self.shape.column(field).name
        except Missing as error:
            raise Refused(Misconfigured("HUB-D-303", str(error))) from error

    def _body_slot(self, name: str, fields: tuple[str, ...], field: str | None) -> Slot:
        if field is None:  # declared, and not in this body: emptied
            return self._slot(name, _constant(None))
        return replace(self._slot(name, lambda message: message.body[field]), place=fields.index(field))

    def _slot(self, name: str, value: Callable[[Message], Any]) -> Slot:
        column = self.shape.column(name)
        as_base64 = name in {self.shape.column(listed).name for listed in self.endpoint.base64}
        kind = converter(column.kind, self._dialect, text_bytes=self.endpoint.text_bytes, as_base64=as_base64)
        return Slot(column, kind, value, key=name in self.key)

    # --- looking a message up ---

    def question(self, message: Message) -> sa.Select[Any]:
        """Return the SELECT of the columns that prove that the row holds this message's version."""
        plan = self.plan(message)
        row = plan.columns([message])
        proof = [slot.column.name for slot in self._proof(plan)]
        where = [self.shape.clause.c[name] == row[name][0] for name in self.key]
        return sa.select(*(self.shape.clause.c[name] for name in proof)).where(*where)

    def proven(self, message: Message, found: Sequence[Any]) -> bool:
        """Tell whether a row found by `question` is this message's version."""
        plan = self.plan(message)
        row = plan.columns([message])
        return all(_alike(row[slot.column.name][0], value) for slot, value in zip(self._proof(plan), found, strict=True))

    def _proof(self, plan: Plan) -> list[Slot]:
        sync = self.endpoint.sync
        if sync.batch:
            names = {self.shape.column(name).name for name in (sync.batch, sync.operation) if name}
            return [slot for slot in plan.slots if slot.column.name in names or slot.key]
        moving = {self.shape.column(name).name for name in (*self.endpoint.initial, *([sync.time] if sync.time else []))}
        return [slot for slot in plan.slots if slot.column.name not in moving or slot.key]


def _alike(written: Any, found: Any) -> bool:
    """Compare what was written with what the driver gives back.

    A column may turn a text into a number, or the reverse; CHAR(n) comes back padded with blanks (PostgreSQL, Oracle).
    """
    if written == found or str(written).rstrip(" ") == str(found).rstrip(" "):
        return True
    try:
        return written is not None and found is not None and Decimal(str(written)) == Decimal(str(found))
    except InvalidOperation:
        return False


def _constant(value: Any) -> Callable[[Message], Any]:
    return lambda _message: value


def _stamp_text(message: Message) -> str:
    return str(moment(message.created))[:19]


def flagged(shape: Shape, column: str, values: Sequence[Value]) -> sa.ColumnElement[bool]:
    """Return the condition that a column holds one of these values; None stands for no value.

    Raises Missing for a column that is not there, or that can never hold such a value.
    """
    element = shape.element(column)
    convert = converter(shape.column(column).kind, "").one
    try:
        known = [convert(value) for value in values if value is not None]
    except Unfit as unfit:
        raise Missing(f"{shape.title} can hold no such value in {column}: {unfit.reason}") from unfit
    found = [element.in_(known)] if known else []
    return sa.or_(*found, *([element.is_(None)] if None in values else []))
