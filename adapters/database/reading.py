"""Decides how a row becomes a record's data: JSON's own types stay, the rest becomes text, what cannot is a fault of its row."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson

from adapters.kit.charset import wider

#: Exchange tables hold Beijing time without saying so (national front-end tables: `yyyy-MM-dd HH:mm:ss`).
LOCAL = timezone(timedelta(hours=8), "Asia/Shanghai")
_NATIVE = frozenset({str, int, float, bool, type(None)})


class Unfit(Exception):
    """A value that cannot be converted. `reason` never holds the value."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason

    @property
    def told(self) -> tuple[str, str]:
        """Return code and reason."""
        return self.code, self.reason


@dataclass(frozen=True, slots=True)
class Reading:
    """How one feed's values are read."""

    text_bytes: str | None = None
    base64: frozenset[str] = frozenset()
    bits: frozenset[str] = frozenset()  # MySQL's BIT columns, which its drivers tell as bytes
    padded: frozenset[str] = frozenset()  # columns of fixed width, which some databases fill with blanks
    max_field: int = 16 * 2**20
    documents: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)  # columns that hold a document: how it is read


@dataclass(slots=True)
class Rows:
    """A page's rows as data, in order; `broken` tells by position why a row is no record."""

    data: list[dict[str, Any]]
    broken: dict[int, Unfit] = field(default_factory=dict)


def read(names: Sequence[str], rows: Sequence[Sequence[Any]], how: Reading) -> Rows:
    """Convert a page of raw rows. Works by column, so that a column of plain texts costs next to nothing."""
    if not rows:
        return Rows([])
    broken: dict[int, Unfit] = {}
    columns = [_column(name, values, how, broken) for name, values in zip(names, zip(*rows, strict=True), strict=True)]
    return Rows([dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)], broken)


def _column(name: str, values: tuple[Any, ...], how: Reading, broken: dict[int, Unfit]) -> Sequence[Any]:
    if name in how.padded:
        values = tuple(map(unpadded, values))
    if name in how.documents:
        return _converted(values, how.documents[name], broken)
    kinds = set(map(type, values))
    if kinds <= _NATIVE:
        if str in kinds and _longest(kinds, values) > how.max_field:
            _too_long(name, values, how, broken)
        return values
    return _converted(values, lambda value: _plain(name, value, how), broken)


def unpadded(value: Any) -> Any:
    """Return a value of a column of fixed width without the blanks that fill it."""
    return value.rstrip(" ") if isinstance(value, str) else value


def _longest(kinds: set[type], values: tuple[Any, ...]) -> int:
    """Return the length of a column's longest text, without a step of Python for each value where all are texts."""
    texts = values if kinds == {str} else tuple(value for value in values if type(value) is str)
    return max(map(len, texts))


def _too_long(name: str, values: Iterable[Any], how: Reading, broken: dict[int, Unfit]) -> None:
    for index, value in enumerate(values):
        if isinstance(value, str) and len(value) > how.max_field:
            broken.setdefault(index, _large(name))


def _converted(values: Iterable[Any], one: Callable[[Any], Any], broken: dict[int, Unfit]) -> list[Any]:
    found: list[Any] = []
    for index, value in enumerate(values):
        try:
            found.append(one(value))
        except Unfit as unfit:
            broken.setdefault(index, unfit)
            found.append(None)
    return found


def _plain(name: str, value: Any, how: Reading) -> Any:
    if isinstance(value, bytes | bytearray | memoryview):
        return _text(name, bytes(value), how)
    if isinstance(value, str) and len(value) > how.max_field:
        raise _large(name)
    return native(value)


def native(value: Any) -> Any:
    """Return a value as JSON has it.

    Date and time become `YYYY-MM-DD HH:MM:SS` in Beijing time, numbers with decimals and identifiers become text, lists and objects
    (JSON columns) stay. Raises Unfit HUB-S-314 for a type nobody has thought of.
    """
    convert = _PLAIN.get(type(value))
    if convert is None:
        raise Unfit("HUB-S-314", f"a value of type {type(value).__name__} has no form in JSON")
    return convert(value)


def _moment(value: datetime) -> str:
    local = value.astimezone(LOCAL) if value.tzinfo else value
    return local.isoformat(" ", "seconds")[:19]


def _duration(value: timedelta) -> str:
    minutes, seconds = divmod(int(value.total_seconds()), 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{seconds:02d}"


def _same(value: Any) -> Any:
    return value


_PLAIN: Mapping[type, Callable[[Any], Any]] = {
    str: _same,
    int: _same,
    float: _same,
    bool: _same,
    type(None): _same,
    list: _same,
    dict: _same,
    datetime: _moment,
    date: date.isoformat,
    time: lambda value: value.isoformat("seconds")[:8],
    timedelta: _duration,  # how PyMySQL tells TIME
    Decimal: str,
    UUID: str,
}


def _text(name: str, value: bytes, how: Reading) -> str | int:
    if len(value) > how.max_field:
        raise _large(name)
    if name in how.bits:
        return int.from_bytes(value, "big")
    if name in how.base64:
        return base64.b64encode(value).decode("ascii")
    if how.text_bytes is None:
        raise Unfit("HUB-S-310", f"column {name} holds bytes; declare `text_bytes` (their encoding) or list it under `base64`")
    try:
        return value.decode(wider(how.text_bytes))
    except UnicodeDecodeError as error:
        raise Unfit("HUB-S-311", f"column {name} is not {how.text_bytes} at byte {error.start}") from None


def _large(name: str) -> Unfit:
    return Unfit("HUB-S-312", f"column {name} holds more than `max_field`")


def digest(data: Any) -> str:
    """Return 32 hexadecimal characters that change when the data changes."""
    try:
        text = orjson.dumps(data)
    except TypeError:  # an integer beyond 64 bits, out of a JSON column
        text = repr(data).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(text, digest_size=16).hexdigest()
