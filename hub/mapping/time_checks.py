"""Decides what the checks of times demand of a finished body: their order, none ahead of now, working days between two of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from pydantic import Field, model_validator

from hub.mapping.checking import NOW, Check, Fault, FieldName, at, check  # noqa: F401 - NOW is for the examples
from hub.mapping.conditions import word
from hub.mapping.times import local, moment
from hub.mapping.workdays import between, told
from hub.model import Json


@check("order")
class Order(Check):
    """Times must not run backwards: none is before one that is named earlier. Equal is fine, empty ones are skipped.

    A day without a time of day is compared by the day alone.

    >>> body = {"apply_date": "2016-12-13 09:00:00", "accept_date": "2016-12-12 09:00:00"}
    >>> [fault[0] for fault in Order(check="order", fields=["apply_date", "accept_date"]).run(body, NOW)]
    ['accept_date']
    """

    fields: list[FieldName] = Field(min_length=2)

    def faults(self, body: dict[str, Json], now: datetime) -> Iterator[Fault]:
        seen: list[tuple[str, datetime, bool]] = []
        for name in self.fields:
            value = at(body, name)
            found = moment(value)
            if found is None:
                continue
            whole_day = _is_day(value)
            for other, before, before_is_day in reversed(seen):
                if found < before and not ((whole_day or before_is_day) and found.date() == before.date()):
                    yield name, f"is before {other}", None
                    break
            seen.append((name, found, whole_day))


def _is_day(value: Json) -> bool:
    """Say whether a moment was written without a time of day: every form with one is longer than 11 characters."""
    return isinstance(value, str) and len(value.strip()) <= 11


@check("not-future")
class NotFuture(Check):
    """Times must not lie in the future of the moment the body is made, apart from some minutes of clock difference.

    >>> [fault[0] for fault in NotFuture(check="not-future", fields=["accept_date"]).run({"accept_date": "2999-01-01"}, NOW)]
    ['accept_date']
    """

    fields: list[FieldName] = Field(min_length=1)
    minutes: int = 10

    def faults(self, body: dict[str, Json], now: datetime) -> Iterator[Fault]:
        for name in self.fields:
            found = moment(at(body, name))
            if found is not None and (found - local(now)).total_seconds() > self.minutes * 60:
                yield name, "lies in the future", None


@check("workdays")
class Workdays(Check):
    """So many working days must lie between two times: as many as the field `days` says, at least `least`, at most `most`.

    The day of `start` is not counted. Holidays and make-up days are those the State Council published; without a list for a year,
    Monday to Friday.

    >>> body = {"accept": "2025-09-30 09:00:00", "promise": "2025-10-10 09:00:00", "days": 2}
    >>> list(Workdays(check="workdays", start="accept", end="promise", days="days").run(body, NOW))
    []
    >>> [fault[1] for fault in Workdays(check="workdays", start="accept", end="promise", most=1).run(body, NOW)]
    ['is 2 working days after accept, at most 1 are allowed']
    """

    start: FieldName
    end: FieldName
    days: FieldName = ""
    least: int | None = None
    most: int | None = None

    @model_validator(mode="after")
    def _compares(self) -> Workdays:
        if not self.days and self.least is None and self.most is None:
            raise ValueError("workdays needs days, least or most")
        return self

    def faults(self, body: dict[str, Json], now: datetime) -> Iterator[Fault]:
        first, last = moment(at(body, self.start)), moment(at(body, self.end))
        if first is None or last is None:
            return
        count, due = between(first.date(), last.date()), word(at(body, self.days)) if self.days else None
        found = f"is {count} working days after {self.start}"
        if due and due.isdecimal() and count != told(due):
            yield self.end, f"{found}, {self.days} says {due}", None
        if self.least is not None and count < self.least:
            yield self.end, f"{found}, at least {self.least} are due", None
        if self.most is not None and count > self.most:
            yield self.end, f"{found}, at most {self.most} are allowed", None
