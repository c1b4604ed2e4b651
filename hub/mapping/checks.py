"""Decides what each named check of a mapping demands of a finished body, across its fields; times have a module of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Literal

from pydantic import Field

from hub.mapping.certificates import faults_of_id, faults_of_organisation, faults_of_uscc
from hub.mapping.checking import NOW, Check, Fault, FieldName, at, check  # noqa: F401 - NOW is for the examples
from hub.mapping.conditions import present, word
from hub.mapping.issues import Severity
from hub.model import Json


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

    def faults(self, body: dict[str, Json], now: datetime) -> Iterator[Fault]:
        kind, number = word(at(body, self.type)), word(at(body, self.number))
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

    def faults(self, body: dict[str, Json], now: datetime) -> Iterator[Fault]:
        if number := word(at(body, self.field)):
            yield from ((self.field, message, severity) for message, severity in faults_of_uscc(number))


@check("equal")
class Equal(Check):
    """Two fields must say the same.

    >>> [fault[0] for fault in Equal(check="equal", fields=["a", "b"]).run({"a": "1", "b": "2"}, NOW)]
    ['b']
    """

    fields: list[FieldName] = Field(min_length=2)

    def faults(self, body: dict[str, Json], now: datetime) -> Iterator[Fault]:
        first = at(body, self.fields[0])
        for name in self.fields[1:]:
            value = at(body, name)
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

    def faults(self, body: dict[str, Json], now: datetime) -> Iterator[Fault]:
        value = word(at(body, self.field))
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

    def faults(self, body: dict[str, Json], now: datetime) -> Iterator[Fault]:
        if not present(at(body, self.field)):
            yield self.field, "is needed here and missing", None


@check("one-of")
class OneOf(Check):
    """At least one of these fields must be there; the first is named when none is.

    >>> [fault[1] for fault in OneOf(check="one-of", fields=["mobile", "tel"]).run({}, NOW)]
    ['one of mobile, tel is needed']
    """

    fields: list[FieldName] = Field(min_length=2)

    def faults(self, body: dict[str, Json], now: datetime) -> Iterator[Fault]:
        if not any(present(at(body, name)) for name in self.fields):
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

    def faults(self, body: dict[str, Json], now: datetime) -> Iterator[Fault]:
        first, second = (word(at(body, name)) for name in self.fields)
        if first and second and second not in {word(one) for one in self.pairs.get(first, ())}:
            yield self.fields[1], f"does not go with this {self.fields[0]}", None


@check("contains")
class Contains(Check):
    """A field must contain the text of other fields: a task_code its department's code and its catalogue code.

    `place` says where: anywhere, or one part behind the other at the `start`, at the `end`, or as the `whole`. Without one of its
    parts a place cannot be told, and nothing is checked.

    >>> rule = Contains(check="contains", field="task_code", parts=["catalog_code"])
    >>> [fault[1] for fault in rule.run({"task_code": "11621125", "catalog_code": "000123"}, NOW)]
    ['does not contain catalog_code']
    >>> rule = Contains(check="contains", field="task_code", parts=["dept_code", "use_level"], place="start")
    >>> [fault[1] for fault in rule.run({"task_code": "11621125", "dept_code": "1162", "use_level": "4"}, NOW)]
    ['does not begin with dept_code, use_level']
    """

    field: FieldName
    parts: list[FieldName] = Field(min_length=1)
    place: Literal["anywhere", "start", "end", "whole"] = "anywhere"

    def faults(self, body: dict[str, Json], now: datetime) -> Iterator[Fault]:
        whole, parts = word(at(body, self.field)), [word(at(body, name)) for name in self.parts]
        if not whole:
            return
        if self.place == "anywhere":
            for name, part in zip(self.parts, parts, strict=True):
                if part and part not in whole:
                    yield self.field, f"does not contain {name}", None
        elif all(parts) and not _PLACES[self.place](whole, "".join(part or "" for part in parts)):
            yield self.field, f"{_SAID[self.place]} {', '.join(self.parts)}", None


_PLACES: dict[str, Callable[[str, str], bool]] = {"start": str.startswith, "end": str.endswith, "whole": str.__eq__}
_SAID = {"start": "does not begin with", "end": "does not end with", "whole": "is not, one behind the other,"}


@check("absent")
class Absent(Check):
    """A field must be empty (when the condition holds): a refusal names no certificate.

    >>> rule = Absent(check="absent", when={"path": "result_type", "in": ["2"]}, field="result_cetr_name")
    >>> [fault[0] for fault in rule.run({"result_type": "2", "result_cetr_name": "营业执照"}, NOW)]
    ['result_cetr_name']
    """

    field: FieldName

    def faults(self, body: dict[str, Json], now: datetime) -> Iterator[Fault]:
        if present(at(body, self.field)):
            yield self.field, "must be empty here", None


#: Values typed to get past a form, as integrators met them (Fujian, Shandong).
FILLERS = ("888888", "18900000000", "2070-01-01", "2099-12-31", "无意见", "无")


@check("filler")
class Filler(Check):
    """A field should not hold a value typed to get past a form; of a time only the day is looked at. Warns unless told to block.

    >>> [fault[0] for fault in Filler(check="filler", fields=["zip_code", "address"]).run({"zip_code": "888888"}, NOW)]
    ['zip_code']
    """

    severity: Severity = Severity.WARN
    fields: list[FieldName] = Field(min_length=1)
    values: list[str] = list(FILLERS)

    def faults(self, body: dict[str, Json], now: datetime) -> Iterator[Fault]:
        for name in self.fields:
            value = (word(at(body, name)) or "").strip()
            if value and (value in self.values or value.partition(" ")[0] in self.values):
                yield name, "looks like a filler", None
