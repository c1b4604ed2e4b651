"""Decides what a row of a file is, and which rows and which whole files cannot be read."""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from adapters.files.names import shown
from adapters.files.options import Column, Layout
from hub.model import Json, Record, Unreadable

#: Bytes of one line and characters of one field: a 10 MB field must pass, a line that never ends must not fill the memory.
FIELD_LIMIT = 16 << 20
#: The character a decoder puts where bytes make no sense.
DAMAGED = "\ufffd"
#: Why a row of titles is no record.
REPEATED = "is the header again"


class BadFile(Exception):
    """The whole file, or all that is left of it, cannot be read. Says where and why, never what is in it."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(f"{code} {reason}")
        self.code = code
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Row:
    """One row: where it stands ("row 17"), and field → value."""

    place: str
    values: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Spoilt:
    """One row that cannot be read: where it stands and why."""

    place: str
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Header:
    """Which cell of a row is which field: (index, title, column), and how many cells a row has."""

    cells: tuple[tuple[int, str, Column], ...]
    width: int

    def repeated(self, cells: Sequence[Any]) -> bool:
        """Say whether a row is the titles again, as where files are joined or printed by pages."""
        return all(index < len(cells) and _title(cells[index]) == title for index, title, _ in self.cells)


def header(layout: Layout, titles: Sequence[Any], place: str) -> Header:
    """Match a file's titles with the configured columns.

    Raises BadFile HUB-S-221 naming the first column that is missing, doubled, unexpected or shifted: with a wrong header every
    row would be wrong.
    """
    expected = layout.columns or {}
    found = [_title(title) for title in titles]
    while found and not found[-1]:
        found.pop()
    _no_doubles(found, place)
    if missing := [title for title in expected if title not in found]:
        raise BadFile("HUB-S-221", f"{place}: the column {missing[0]} is missing{_instead(missing[0], found, expected)}")
    strange = [(index, title) for index, title in enumerate(found, 1) if title not in expected]
    if strange and layout.extra == "refuse":
        index, title = strange[0]
        raise BadFile("HUB-S-221", f"{place}, column {index}: unexpected title {title[:30]!r}; list it or set extra: ignore")
    return Header(tuple((index, title, expected[title]) for index, title in enumerate(found) if title in expected), len(found))


def _title(cell: Any) -> str:
    return "" if cell is None else str(cell).strip().removeprefix("\ufeff")


def is_footer(layout: Layout, cells: Sequence[Any]) -> bool:
    """Say whether a row is the configured last one that is no record, by its first cell that is not empty."""
    first = next((text for cell in cells if cell is not None and (text := str(cell).strip())), "")
    return layout.footer is not None and re.match(layout.footer, first) is not None


def by_position(layout: Layout) -> Header:
    """Return the header of files that have none: the columns in the order of the configuration."""
    cells = tuple((index, title, column) for index, (title, column) in enumerate((layout.columns or {}).items()))
    return Header(cells, len(cells))


def _no_doubles(found: Sequence[str], place: str) -> None:
    for index, title in enumerate(found):
        if title and title in found[:index]:
            raise BadFile("HUB-S-221", f"{place}, column {index + 1}: the title {title[:30]!r} stands twice")


def _instead(missing: str, found: Sequence[str], expected: Mapping[str, Column]) -> str:
    """Return what stands in its place, or what is close to it."""
    if close := difflib.get_close_matches(missing, [title for title in found if title not in expected], n=1):
        return f"; did the sender rename it to {close[0]!r}?"
    known = sum(title in expected for title in found)
    return "; is the header in another row?" if not known else f"; {known} of {len(expected)} columns are there"


def misfit(column: Column, value: Json) -> str:
    """Return why a value is not what its column holds, empty when it is. Never quotes it."""
    if column.matches is not None and isinstance(value, dict | list):
        return f"a list or an object, not of the form {column.matches}"
    text = _part(value)
    if column.matches is None or not text or re.fullmatch(column.matches, text):
        return ""
    return f"not of the form {column.matches}"


def record(layout: Layout, kind: str, row: Row, name: str) -> Record | Spoilt:
    """Return the record in a row of the file of that name, or why there is none: an empty key, or a value no store can hold."""
    values = {**layout.constants, **row.values}
    parts = [_part(values.get(field)) for field in layout.key]
    if not all(parts):
        return Spoilt(row.place, "HUB-S-242", f"the key field {layout.key[parts.index('')]} is empty")
    content = digest(values)
    if content is None:
        return Spoilt(row.place, "HUB-S-247", "a number of more than 64 bits, a NUL, or half a character")
    revision = content if layout.revision is None else _part(values.get(layout.revision))
    if not revision:
        return Spoilt(row.place, "HUB-S-242", f"the revision field {layout.revision} is empty")
    stood = {layout.place: f"{shown(name)}, {row.place}"} if layout.place else {}
    return Record(kind, "|".join(parts), revision, {**values, **stood})


def _part(value: Json) -> str:
    if isinstance(value, dict | list) or value is None:
        return ""
    return str(value).strip()


def digest(values: Mapping[str, Json]) -> str | None:
    """Return what changes when the data changes: 32 hex digits of SHA-256 over sorted JSON. None if it cannot be stored as JSON."""
    try:
        text = orjson.dumps(values, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # whole numbers of more than 64 bits, halves of surrogate pairs
        return None
    if b"\\u0000" in text and _has_nul(values):
        return None
    return hashlib.sha256(text).hexdigest()[:32]


def _has_nul(value: Json) -> bool:
    """Say whether a text in it holds U+0000, which PostgreSQL's text and jsonb refuse."""
    if isinstance(value, Mapping):
        return any(_has_nul(name) or _has_nul(inner) for name, inner in value.items())
    if isinstance(value, list):
        return any(map(_has_nul, value))
    return isinstance(value, str) and "\0" in value


def unreadable(kind: str, name: str, spoilt: Spoilt) -> Unreadable:
    """Return a spoilt row as the hub counts it."""
    return Unreadable(kind, f"{shown(name)}#{spoilt.place}", spoilt.code, f"{shown(name)}, {spoilt.place}: {spoilt.reason}")


def unreadable_file(kind: str, name: str, code: str, reason: str) -> Unreadable:
    """Return a whole file that cannot be read, or not to its end, as the hub counts it."""
    return Unreadable(kind, shown(name), code, f"{shown(name)}: {reason}")
