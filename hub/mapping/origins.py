"""Decides which target fields hold a person's data because their source does, whatever the target's contract says of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from hub.mapping.contract import Contract
from hub.mapping.issues import Issue
from hub.mapping.masking import mask
from hub.mapping.spec import FieldSpec, walk

Keys = tuple[str, ...]
_POSITION = re.compile(r"\[\d+\]")


def personal(fields: dict[str, FieldSpec], source: Contract | None) -> dict[Keys, str]:
    """Return the target fields that are fetched from a personal field of the source, each with the kind of its data.

    Inside `each` a path starts at the item: there, every field of the source that ends like it counts. Better one value too many
    is masked.
    """
    found: dict[Keys, str] = {}
    for _, target, spec in walk(fields) if source else ():
        for path in _paths(spec):
            if kind := _kind(path, source):  # type: ignore[arg-type]
                found.setdefault(target, kind)
    return found


def hidden(one: Issue, kinds: Mapping[Keys, str]) -> Issue:
    """Return an issue with its value masked where its field, or what that is inside of, is fetched from personal data."""
    keys = tuple(_POSITION.sub(".*", one.path).split("."))
    kind = next((kinds[keys[:length]] for length in range(len(keys), 0, -1) if keys[:length] in kinds), None)
    return replace(one, value=mask(one.value, kind)) if kind and one.value else one


def _paths(spec: FieldSpec) -> Iterator[Keys]:
    if spec.path and spec.path != "." and not spec.path.startswith("$"):
        yield tuple(spec.path.strip("/").split("."))
    if spec.each:
        yield tuple(spec.each.strip("/").split("."))
        yield (*spec.each.strip("/").split("."), "*")


def _kind(path: Keys, source: Contract) -> str | None:
    ending = (source.label(keys).personal for keys in source.fields if keys[-len(path) :] == path)
    return source.label(path).personal or next((kind for kind in ending if kind), None)
