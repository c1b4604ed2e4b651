"""Decides which characters a target cannot hold are written in an agreed other way, and that everybody is told of each.

The default is to refuse (rule `encoding`). A contract with `x-replace: <code table>` replaces what stands in the table: never in a
field with a fixed form (enum, const, pattern, format), a number of a person (x-personal: id, mobile, account), a field with
`x-replace: false`, or one the contract does not describe. What is not in the table is refused as before.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from hub.documents import Document, dotted, suggest
from hub.mapping.codes import CodeTable
from hub.mapping.contract import Contract
from hub.mapping.encodings import ENCODINGS, Encoding, described
from hub.mapping.issues import Issue, Severity, issue
from hub.mapping.masking import Personal
from hub.mapping.schema import Field
from hub.model import Finding, Json, Place

Way = tuple[str | int, ...]
_FIXED = frozenset({"enum", "const", "pattern", "format"})
_NUMBERS = frozenset({Personal.ID, Personal.MOBILE, Personal.ACCOUNT})
_POINT = re.compile(r"U\+([0-9A-Fa-f]{4,6})")
_DEEPEST = 12  # as deep as contracts describe


@dataclass(frozen=True, slots=True)
class Replacement:
    """What one contract replaces: field -> its encoding, and for each encoding the characters it lacks -> what is written."""

    table: str
    fields: Mapping[tuple[str, ...], Encoding] = field(repr=False)
    substitutes: Mapping[str, Mapping[str, str]] = field(repr=False)

    def covers(self, name: str) -> bool:
        """Say whether texts of that top field may be changed, or of anything inside it."""
        return any(keys[0] == name for keys in self.fields)

    def apply(self, contract: Contract, body: dict[str, Json]) -> tuple[dict[str, Json], list[Issue]]:
        """Return the body with what was agreed written instead, and a warning for every field and character. The given stays."""
        if contract.fits(body):
            return body, []
        issues: list[Issue] = []
        return self._written(body, (), contract, issues), issues

    def _written(self, value: Json, path: Way, contract: Contract, issues: list[Issue]) -> Json:
        if isinstance(value, str):
            return self._text(value, path, contract, issues)
        if len(path) < _DEEPEST and isinstance(value, dict):
            return {key: self._written(one, (*path, str(key)), contract, issues) for key, one in value.items()}
        if len(path) < _DEEPEST and isinstance(value, list):
            return [self._written(one, (*path, index), contract, issues) for index, one in enumerate(value)]
        return value

    def _text(self, text: str, path: Way, contract: Contract, issues: list[Issue]) -> str:
        encoding = self.fields.get(tuple("*" if isinstance(part, int) else part for part in path))
        if encoding is None or encoding.fits(text):
            return text
        known = self.substitutes[encoding.name]
        found = {char: written for char, written in known.items() if char in text}
        for char, written in found.items():
            message = f"{described(text.index(char) + 1, char)} is written as {written} ({self.table})"
            made = issue(dotted(path), "replaced", message, text, contract.label(path))
            issues.append(replace(made, severity=Severity.WARN))
        return text.translate({ord(char): written for char, written in found.items()})


def build(contract: Contract, tables: Mapping[str, CodeTable]) -> Replacement | None:
    """Return what a contract without findings replaces; None where everything unwritable is refused."""
    table = tables.get(contract.schema.get("x-replace", ""))
    if table is None:
        return None
    fields = dict(_open(contract))
    encodings = {one.name: one for one in fields.values()}
    pairs = [(character(local), target) for local, target in table.targets.items()]
    lacking = {name: {char: target for char, target in pairs if not one.fits(char)} for name, one in encodings.items()}
    return Replacement(table.name, fields, lacking)


def _open(contract: Contract) -> Iterator[tuple[tuple[str, ...], Encoding]]:
    """Yield the fields whose texts may be changed, each with its encoding."""
    for keys, one in contract.fields.items():
        closed = any(contract.fields[keys[:length]].schema.get("x-replace") is False for length in range(1, len(keys) + 1))
        if not closed and not _FIXED & one.schema.keys() and contract.label(keys).personal not in _NUMBERS:
            yield keys, _encoding(contract, one)


def _encoding(contract: Contract, one: Field) -> Encoding:
    return ENCODINGS[one.schema["x-encoding"]] if "x-encoding" in one.schema else contract.encoding


def character(local: str) -> str:
    """Return the character a row of the table is about, written as it is or as its code point.

    >>> character("䶮"), character("U+4DAE")
    ('䶮', '䶮')
    """
    found = _POINT.fullmatch(local)
    return chr(int(found[1], 16)) if found and int(found[1], 16) <= 0x10FFFF else local


# --- what is wrong with it ---


def findings(document: Document, contract: Contract, tables: Mapping[str, CodeTable]) -> Iterator[Finding]:
    """Yield what is wrong with a contract's `x-replace`: no such table, or rows that could not do what they say."""
    name = contract.schema.get("x-replace")
    if name is None:
        return
    if name not in tables:
        message = f"there is no code table mappings/codes/{name}.csv"
        yield Finding("HUB-M-206", message, document.place(("x-replace",)), suggest(str(name), tables))
        return
    encodings = list(dict.fromkeys(encoding for _, encoding in _open(contract)))
    yield from _rows(contract, tables[name], encodings)


def _rows(contract: Contract, table: CodeTable, encodings: list[Encoding]) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for local, target in table.targets.items():
        char, place = character(local), Place(table.file, table.lines[local])
        if len(char) != 1:
            yield Finding("HUB-M-220", f"{local!r} is not one character", place, "write the character, or its code point as U+4DAE")
        elif char in seen:
            yield Finding("HUB-M-210", f"{local} and {seen[char]} are the same character", place)
        seen[char] = local
        lacking = [one for one in encodings if len(char) == 1 and not one.fits(char) and not one.fits(target)]
        for one in lacking:
            wrong = ", ".join(described(*found) for found in one.misfits(target))
            yield Finding("HUB-M-220", f"{contract.name} cannot be sent the substitute either: {one.name} lacks {wrong}", place)
