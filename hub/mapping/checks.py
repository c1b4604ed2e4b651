"""Decides what each named check of a mapping demands of a finished body, across its fields.

Every check has `check`, and may have `id` (the rule's number, such as T01), `severity` (block or warn) and `when` (a condition over
the body; without it the check always runs). A field that is missing or empty is nobody's fault here, unless the check says so.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, ClassVar, TypeVar, cast

from pydantic import Field, PrivateAttr

from hub.documents import suggest
from hub.mapping.certificates import faults_of_id, faults_of_organisation, faults_of_uscc
from hub.mapping.conditions import Condition, condition, present, word
from hub.mapping.issues import Severity
from hub.mapping.paths import dig
from hub.mapping.spec import Strict
from hub.mapping.times import local, moment
from hub.mapping.transforming import Unusable
from hub.model import Json

#: A parameter that names a field of the target.
FieldName = Annotated[str, "field"]
#: field, message, and None or a severity of its own.
Fault = tuple[str, str, Severity | None]
C = TypeVar("C", bound="type[Check]")

_KNOWN: dict[str, type[Check]] = {}


@dataclass(frozen=True, slots=True)
class Now:
    """The moment a body was made, for checks against the present: naive Asia/Shanghai time."""

    local: datetime


class Check(Strict):
    """What all checks share."""

    rule: ClassVar[str]
    check: str
    id: str = ""
    severity: Severity = Severity.BLOCK
    when: Condition | None = None
    _runs: Callable[[Json], bool] | None = PrivateAttr(None)

    def model_post_init(self, _: object) -> None:
        """Compile the condition once."""
        self._runs = condition(self.when) if self.when is not None else None

    def run(self, body: dict[str, Json], now: Now) -> Iterator[Fault]:
        """Yield what the check finds, if its condition holds."""
        if self._runs is None or self._runs(body):
            yield from self.faults(body, now)

    def faults(self, body: dict[str, Json], now: Now) -> Iterator[Fault]:
        """Yield (field, message, severity) for every fault."""
        raise NotImplementedError

    def named(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        """Yield every target field the check names, with the parameter that names it."""
        for name, info in type(self).model_fields.items():
            value = getattr(self, name)
            if "field" in info.metadata and isinstance(value, str):
                yield (info.alias or name,), value
            elif isinstance(value, list) and info.annotation == list[FieldName]:
                yield from (((info.alias or name, index), one) for index, one in enumerate(value))


def check(name: str) -> Callable[[C], C]:
    """Register a class under the name mappings use; the name is also the rule of its issues."""

    def register(kind: C) -> C:
        kind.rule = name
        _KNOWN[name] = kind
        return kind

    return register


def all_checks() -> dict[str, type[Check]]:
    """Return every check by name, sorted: what `checks:` may use."""
    return dict(sorted(_KNOWN.items()))


def summary(kind: type[Check]) -> str:
    """Return the first sentence of a check's documentation."""
    return (inspect.getdoc(kind) or "").partition("\n")[0]


def known(name: Json) -> type[Check]:
    """Return the check of that name. Raises Unusable."""
    if name not in _KNOWN:
        raise Unusable(f"there is no check named {name!r}", suggest(str(name), _KNOWN), "HUB-M-205")
    return _KNOWN[name]


def _at(body: dict[str, Json], field: str) -> Json:
    value = body.get(field)
    return dig(body, tuple(field.split("."))) if value is None and "." in field else value


@check("order")
class Order(Check):
    """Times must not run backwards: each is at or after the one before it; empty ones are skipped.

    >>> body = {"apply_date": "2016-12-13 09:00:00", "accept_date": "2016-12-12 09:00:00"}
    >>> [fault[0] for fault in Order(check="order", fields=["apply_date", "accept_date"]).run(body, NOW)]
    ['accept_date']
    """

    fields: list[FieldName] = Field(min_length=2)

    def faults(self, body: dict[str, Json], now: Now) -> Iterator[Fault]:
        before, name_before = None, ""
        for name in self.fields:
            found = moment(_at(body, name))
            if found is None:
                continue
            if before is not None and found < before:
                yield name, f"is before {name_before}", None
            before, name_before = found, name


@check("not-future")
class NotFuture(Check):
    """Times must not lie in the future of the moment the body is made, apart from some minutes of clock difference.

    >>> [fault[0] for fault in NotFuture(check="not-future", fields=["accept_date"]).run({"accept_date": "2999-01-01"}, NOW)]
    ['accept_date']
    """

    fields: list[FieldName] = Field(min_length=1)
    minutes: int = 10

    def faults(self, body: dict[str, Json], now: Now) -> Iterator[Fault]:
        for name in self.fields:
            found = moment(_at(body, name))
            if found is not None and (found - now.local).total_seconds() > self.minutes * 60:
                yield name, "lies in the future", None


@check("certificate")
class Certificate(Check):
    """A certificate number must fit its type: 身份证 by GB 11643, 统一社会信用代码 by GB 32100, 组织机构代码 by GB 11714.

    `types` says which type codes are which: id, uscc, organisation (default: id 111, uscc 001, as in GA/T 2000.156 and the
    provincial platforms); `lengths` gives the allowed lengths of other types. A 15-digit identity number is only warned of.

    >>> body = {"type": "111", "number": "11010519491231002X"}
    >>> list(Certificate(check="certificate", type="type", number="number").run(body, NOW))
    []
    >>> body["number"] = "110105194912310021"
    >>> [fault[1] for fault in Certificate(check="certificate", type="type", number="number").run(body, NOW)]
    ['is no identity number: its check digit is wrong']
    """

    type: FieldName
    number: FieldName
    types: dict[str, list[str]] = {"id": ["111"], "uscc": ["001"]}
    lengths: dict[str, list[int]] = {}

    def faults(self, body: dict[str, Json], now: Now) -> Iterator[Fault]:
        kind, number = word(_at(body, self.type)), word(_at(body, self.number))
        if not kind or not number:
            return
        for name, judge in _CERTIFICATES.items():
            if kind in self.types.get(name, ()):
                yield from ((self.number, message, severity) for message, severity in judge(number))
        lengths = self.lengths.get(kind)
        if lengths and len(number) not in lengths:
            yield self.number, f"has {len(number)} characters, type {kind} needs {' or '.join(map(str, lengths))}", None


_CERTIFICATES: dict[str, Callable[[str], Iterator[tuple[str, Severity | None]]]] = {
    "id": faults_of_id,
    "uscc": faults_of_uscc,
    "organisation": faults_of_organisation,
}


@check("uscc")
class Uscc(Check):
    """A field must hold a 统一社会信用代码 with the right check character (GB 32100).

    >>> list(Uscc(check="uscc", field="org_code").run({"org_code": "11620000013897179N"}, NOW))
    []
    """

    field: FieldName

    def faults(self, body: dict[str, Json], now: Now) -> Iterator[Fault]:
        if number := word(_at(body, self.field)):
            yield from ((self.field, message, severity) for message, severity in faults_of_uscc(number))


@check("equal")
class Equal(Check):
    """Two fields must say the same.

    >>> [fault[0] for fault in Equal(check="equal", fields=["a", "b"]).run({"a": "1", "b": "2"}, NOW)]
    ['b']
    """

    fields: list[FieldName] = Field(min_length=2)

    def faults(self, body: dict[str, Json], now: Now) -> Iterator[Fault]:
        first = _at(body, self.fields[0])
        for name in self.fields[1:]:
            value = _at(body, name)
            if present(first) and present(value) and value != first:
                yield name, f"differs from {self.fields[0]}", None


@check("length-of")
class LengthOf(Check):
    """A field must have one of these lengths in characters: 18 for an OrgCode, 31 for a task_code.

    >>> [fault[1] for fault in LengthOf(check="length-of", field="org_code", lengths=[18]).run({"org_code": "62"}, NOW)]
    ['has 2 characters, 18 are due']
    """

    field: FieldName
    lengths: list[int] = Field(min_length=1)

    def faults(self, body: dict[str, Json], now: Now) -> Iterator[Fault]:
        value = word(_at(body, self.field))
        if value and len(value) not in self.lengths:
            yield self.field, f"has {len(value)} characters, {' or '.join(map(str, self.lengths))} are due", None


@check("needs")
class Needs(Check):
    """A field must be there (when the condition holds): a refusal needs its reason.

    >>> rule = Needs(check="needs", when={"path": "result_type", "in": ["2"]}, field="result_explain")
    >>> [fault[0] for fault in rule.run({"result_type": "2"}, NOW)]
    ['result_explain']
    """

    field: FieldName

    def faults(self, body: dict[str, Json], now: Now) -> Iterator[Fault]:
        if not present(_at(body, self.field)):
            yield self.field, "is needed here and missing", None


@check("one-of")
class OneOf(Check):
    """At least one of these fields must be there; the first is named when none is.

    >>> [fault[1] for fault in OneOf(check="one-of", fields=["mobile", "tel"]).run({}, NOW)]
    ['one of mobile, tel is needed']
    """

    fields: list[FieldName] = Field(min_length=2)

    def faults(self, body: dict[str, Json], now: Now) -> Iterator[Fault]:
        if not any(present(_at(body, name)) for name in self.fields):
            yield self.fields[0], f"one of {', '.join(self.fields)} is needed", None


@check("pair-matrix")
class PairMatrix(Check):
    """Two codes must form an allowed pair, such as node type and node result; a first code without a row allows nothing.

    >>> rule = PairMatrix(check="pair-matrix", fields=["NODETYPE", "NODERESULT"], pairs={"1": ["4", "5"], "3": ["0", "1"]})
    >>> [fault[0] for fault in rule.run({"NODETYPE": "3", "NODERESULT": "4"}, NOW)]
    ['NODERESULT']
    """

    fields: list[FieldName] = Field(min_length=2, max_length=2)
    pairs: dict[str, list[str | int]] = Field(min_length=1)

    def faults(self, body: dict[str, Json], now: Now) -> Iterator[Fault]:
        first, second = (word(_at(body, name)) for name in self.fields)
        if first and second and second not in {word(one) for one in self.pairs.get(first, ())}:
            yield self.fields[1], f"does not go with this {self.fields[0]}", None


@check("contains")
class Contains(Check):
    """A field must contain the text of other fields: a task_code its department's code and its catalogue code.

    >>> rule = Contains(check="contains", field="task_code", parts=["catalog_code"])
    >>> [fault[1] for fault in rule.run({"task_code": "11621125", "catalog_code": "000123"}, NOW)]
    ['does not contain catalog_code']
    """

    field: FieldName
    parts: list[FieldName] = Field(min_length=1)

    def faults(self, body: dict[str, Json], now: Now) -> Iterator[Fault]:
        whole = word(_at(body, self.field))
        for name in self.parts:
            part = word(_at(body, name))
            if whole and part and part not in whole:
                yield self.field, f"does not contain {name}", None


def now_of(time: datetime) -> Now:
    """Return the local moment of an aware time."""
    return Now(local(time))


#: For doctests: a fixed moment.
NOW = Now(cast("datetime", moment("2016-12-13 09:00:00")))
