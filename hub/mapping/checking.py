"""Decides what a check is: a named rule over the fields of a finished body, its parameters checked when the mapping is loaded.

Every check has `check`, and may have `id` (the rule's number, such as T01), `severity` (block or warn) and `when` (a condition over
the body; without it the check always runs). A field that is missing or empty is nobody's fault here, unless the check says so.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import cached_property
from typing import Annotated, ClassVar, TypeVar

from hub.documents import suggest
from hub.mapping.conditions import Condition, ConditionSpec, condition
from hub.mapping.issues import Severity
from hub.mapping.paths import dig
from hub.mapping.spec import Strict
from hub.mapping.transforming import Unusable
from hub.model import Json

#: A parameter that names a field of the target.
FieldName = Annotated[str, "field"]
#: field, message, and None or a severity of its own.
Fault = tuple[str, str, Severity | None]
C = TypeVar("C", bound="type[Check]")

_KNOWN: dict[str, type[Check]] = {}


class Check(Strict):
    """What all checks share."""

    rule: ClassVar[str]
    check: str
    id: str = ""
    severity: Severity = Severity.BLOCK
    when: Condition | None = None

    @cached_property
    def holds(self) -> Callable[[Mapping[str, Json]], bool]:
        """Return the compiled condition."""
        return condition(self.when or ConditionSpec.model_validate({"all": []}))

    def run(self, body: dict[str, Json], now: datetime) -> Iterator[Fault]:
        """Yield what the check finds in a body made at `now` (aware), if its condition holds."""
        if self.when is None or self.holds(body):
            yield from self.faults(body, now)

    def faults(self, body: dict[str, Json], now: datetime) -> Iterator[Fault]:
        """Yield (field, message, severity) for every fault."""
        raise NotImplementedError

    def named(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        """Yield every target field the check names, with the parameter that names it."""
        for name, info in type(self).model_fields.items():
            value = getattr(self, name)
            if "field" in info.metadata and isinstance(value, str) and value:
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


def at(body: dict[str, Json], field: str) -> Json:
    """Return the value of a target field, also of a nested one (`proposer.name`)."""
    value = body.get(field)
    return dig(body, tuple(field.split("."))) if value is None and "." in field else value


#: For the examples of checks: a fixed moment, 09:00 in Zhangxian.
NOW = datetime(2016, 12, 13, 1, tzinfo=UTC)
