"""Decides what of a file with findings can still be checked: the rest of it, so that one wrong key hides no other finding."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from hub.settings.schema import RoutesFile, SystemFile

F = TypeVar("F", bound=BaseModel)
#: Without one of these nothing more can be told about a system.
_NEEDED = frozenset({"adapter", "options"})


def salvage(entry: type[F], data: object, error: ValidationError, stem: str) -> F | None:
    """Return a file's entry without what `error` complains of, or None where nothing is left to be checked.

    Only for further checks: a configuration with findings is never used. `stem` names a system whose file does not.
    """
    if not isinstance(data, dict):
        return None
    if entry is SystemFile:
        rest = _system(data, error, stem)
    elif entry is RoutesFile:
        rest = _routes(data, error)
    else:
        return None
    try:
        return entry.model_validate(rest) if rest is not None else None
    except ValidationError:
        return None


def _system(data: Mapping[str, Any], error: ValidationError, stem: str) -> dict[str, Any] | None:
    wrong = {str(one["loc"][0]) for one in error.errors(include_input=False) if one["loc"]}
    if wrong & _NEEDED:
        return None
    rest = {key: value for key, value in data.items() if key not in wrong}
    return {"version": 1, "title": stem, "system": stem, **rest}


def _routes(data: Mapping[str, Any], error: ValidationError) -> dict[str, Any] | None:
    """Leave out unknown keys only: a route that lacks something else fits no check, and each keeps its number."""
    rest: Any = deepcopy(data)
    for one in error.errors(include_input=False):
        if one["type"] == "missing" and one["loc"] == ("version",):
            rest["version"] = 1
        elif one["type"] != "extra_forbidden" or not _without(rest, one["loc"]):
            return None
    return dict(rest)


def _without(rest: Any, way: tuple[int | str, ...]) -> bool:
    try:
        for part in way[:-1]:
            rest = rest[part]
        del rest[way[-1]]
    except (KeyError, IndexError, TypeError):  # the way leads through a choice of forms, which is no key
        return False
    return True
