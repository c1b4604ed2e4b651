"""Decides what a path such as `CL.CLMC` reads out of a record's data when a key is wanted: text, or nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from hub.model import Json


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


def inside(path: str, schema: Json) -> bool:
    """Tell whether a JSON Schema with `properties` knows a path; where it says nothing about a level, everything is known."""
    for part in path.split("."):
        properties = schema.get("properties") if isinstance(schema, Mapping) else None
        if not isinstance(properties, Mapping):
            return True
        if part not in properties:
            return False
        schema = properties[part]
    return True


def of_condition(spec: Json) -> Iterator[str]:
    """Yield the paths a condition (`when:`) reads.

    >>> list(of_condition({"any": [{"path": "a", "equals": 1}, {"not": {"path": "b.c", "present": True}}]}))
    ['a', 'b.c']
    """
    if isinstance(spec, list):
        for item in spec:
            yield from of_condition(item)
    elif isinstance(spec, Mapping):
        if isinstance(path := spec.get("path"), str):
            yield path
        for word in ("all", "any", "not"):
            yield from of_condition(spec.get(word))
