"""Decides how pydantic's complaints about a document are told: with the line, and with «did you mean»."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from hub.documents.reader import Document, Way, suggest
from hub.model import Finding, Json


def findings(
    error: ValidationError, document: Document, prefix: Sequence[str | int] = (), *, model: type[BaseModel] | None = None
) -> list[Finding]:
    """Turn pydantic's errors into findings with lines.

    `prefix` is the path, inside the document, of the data that was validated. `model`, the class that was validated, gives
    «did you mean» for unknown keys. The data need not be the document's own, only of its shape (texts may have been filled in).
    """
    return list(
        dict.fromkeys(_finding(one, document, tuple(prefix), model) for one in error.errors(include_input=False, include_url=False))
    )


def _finding(error: Any, document: Document, prefix: Way, model: type[BaseModel] | None) -> Finding:
    kind, loc = error["type"], error["loc"]
    place = document.place((*prefix, *_real(document, prefix, loc, missing=kind == "missing")))
    if kind == "extra_forbidden":
        return Finding("HUB-C-106", f"unknown key {str(loc[-1])!r}", place, suggest(str(loc[-1]), _names(model, loc[:-1])))
    if kind == "missing":
        return Finding("HUB-C-107", f"the key {str(loc[-1])!r} is missing", place)
    return Finding("HUB-C-108", error["msg"].removeprefix("Value error, "), place)


def _real(document: Document, prefix: Way, loc: Way, *, missing: bool) -> Iterator[str | int]:
    """Leave out what pydantic adds to a location: the names of union members, `[key]`."""
    at: Json = document.data
    for part in prefix:
        at = _inside(at, part)
    for index, part in enumerate(loc):
        deeper = _inside(at, part)
        if deeper is not None or _holds(at, part):
            at = deeper
            yield part
        elif missing and index == len(loc) - 1:
            yield part


def _inside(at: Json, part: str | int) -> Json:
    return at[part] if _holds(at, part) else None


def _holds(at: Json, part: str | int) -> bool:
    if isinstance(at, dict):
        return part in at
    return isinstance(at, list) and isinstance(part, int) and -1 < part < len(at)


def _names(model: type[BaseModel] | None, loc: Way) -> list[str]:
    """Return the field names allowed at `loc`, following the model's annotations."""
    kinds: list[Any] = [] if model is None else [model]
    for part in loc:
        kinds = [inner for kind in kinds for inner in _members(kind, part)] or [kind for kind in kinds if _is_model(kind)]
    return [field.alias or name for kind in _flat(kinds) if _is_model(kind) for name, field in kind.model_fields.items()]


def _members(kind: Any, part: str | int) -> list[Any]:
    found: list[Any] = []
    for one in _flat([kind]):
        if _is_model(one):
            matching = [f.annotation for name, f in one.model_fields.items() if part in {name, f.alias}]
            found += matching or ([one] if part == one.__name__ else [])
        else:
            found += [argument for argument in get_args(one) if argument is not str and argument is not int]
    return found


def _flat(kinds: Iterable[Any]) -> Iterator[Any]:
    """Yield the members of unions and what `Annotated` wraps."""
    for kind in kinds:
        members = get_args(kind)
        if hasattr(kind, "__metadata__"):
            yield from _flat([members[0]])
        elif members and getattr(kind, "__origin__", None) not in {list, dict, tuple}:
            yield from _flat(members)
        else:
            yield kind


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)
