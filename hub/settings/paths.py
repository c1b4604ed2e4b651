"""Decides what a path such as `CL.CLMC` reads out of a record's data when a key is wanted: text, or nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from hub.model import Json

if TYPE_CHECKING:
    from hub.mapping import Contract
    from hub.mapping.conditions import ConditionSpec


def reader(path: str) -> Callable[[Mapping[str, Any]], str | None]:
    """Return a function that reads the key at `path`: numbers become text; missing, empty and composite values are None.

    >>> reader("case.number")({"case": {"number": 7}})
    '7'
    """
    first, *rest = path.split(".")
    if not rest:
        return lambda data: _text(data.get(first))

    def deep(data: Mapping[str, Any]) -> str | None:
        value: Json = data.get(first)
        for part in rest:
            value = value.get(part) if isinstance(value, Mapping) else None
        return _text(value)

    return deep


def _text(value: Json) -> str | None:
    if isinstance(value, str):
        return value or None
    if value is None or isinstance(value, Mapping | list | tuple):
        return None
    return str(value)


def known(path: str, contract: Contract) -> bool:
    """Tell whether a source schema has this path; where it says nothing about what is inside a field, everything may be there."""
    keys = tuple(path.removeprefix("/").split("."))
    for length in range(1, len(keys) + 1):
        around = keys[: length - 1]
        if not any(len(field) >= length and field[: length - 1] == around for field in contract.fields):
            return True
        if keys[:length] not in contract.fields:
            return False
    return True


def of_condition(test: ConditionSpec | None) -> Iterator[str]:
    """Yield the paths a condition (`when:`) reads, facts of the envelope left out."""
    if test is None:
        return
    if test.path is not None and not test.path.startswith("$"):
        yield test.path
    for inner in (*(test.every or ()), *(test.some or ()), test.negated):
        yield from of_condition(inner)
