"""Decides how much of a record a preview shows: fields marked as personal are masked on both sides, unless asked otherwise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from hub.documents import dotted
from hub.mapping import Contract, mask
from hub.model import Json

Way: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """One single value: its path, the field's Chinese title, and the value as it may be shown."""

    path: str
    title: str
    value: Json


class Showing:
    """Shows one record's data and body. A value that is personal on one side is masked on the other too."""

    def __init__(self, sides: list[tuple[Json, Contract | None]], *, unmask: bool) -> None:
        self._unmask = unmask
        self._personal = dict(_personal(sides))

    def lines(self, data: Json, contract: Contract | None) -> list[Line]:
        """Return every single value of `data`, in its order."""
        return [Line(dotted(path), _title(contract, path), self._value(value, path, contract)) for path, value in _leaves(data)]

    def whole(self, data: Json, contract: Contract | None, path: Way = ()) -> Json:
        """Return `data` with what is personal masked."""
        if isinstance(data, Mapping):
            return {key: self.whole(inner, contract, (*path, key)) for key, inner in data.items()}
        if isinstance(data, list | tuple):
            return [self.whole(inner, contract, (*path, index)) for index, inner in enumerate(data)]
        return self._value(data, path, contract)

    def _value(self, value: Json, path: Way, contract: Contract | None) -> Json:
        if self._unmask or value is None or value == "":
            return value
        kind = _kind(contract, path) or self._personal.get(str(value))
        return mask(value, kind) if kind else value


def _personal(sides: list[tuple[Json, Contract | None]]) -> Iterator[tuple[str, str]]:
    for data, contract in sides:
        for path, value in _leaves(data):
            if value not in (None, "") and (kind := _kind(contract, path)):
                yield str(value), kind


def _kind(contract: Contract | None, path: Way) -> str | None:
    return contract.label(path).personal if contract else None


def _title(contract: Contract | None, path: Way) -> str:
    return contract.label(path).title if contract else ""


def _leaves(data: Json, path: Way = ()) -> Iterator[tuple[Way, Json]]:
    if isinstance(data, Mapping):
        for key, inner in data.items():
            yield from _leaves(inner, (*path, key))
    elif isinstance(data, list | tuple):
        for index, inner in enumerate(data):
            yield from _leaves(inner, (*path, index))
    else:
        yield path, data
