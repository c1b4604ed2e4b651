"""Decides which files and rows of a township nobody can read, and how the hub must name them."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import openpyxl

from hub.sandbox.flaws import Flaw, FlawKind
from hub.sandbox.twins.town_cases import Filing
from hub.sandbox.twins.town_files import SHEET, first_line, texts, written
from hub.sandbox.twins.town_forms import Form

#: 2025-11-03 as a workbook counts days when somebody has taken the date's format away.
_SERIAL_DAY = 45964


@dataclass(frozen=True, slots=True)
class Mischief:
    """One file with something unreadable. `broken`: what the hub must name."""

    name: str
    content: bytes
    broken: tuple[str, ...]

    def flaws(self, form: Form) -> list[Flaw]:
        """Return what is wrong, by the names under which the hub must account for it."""
        return [Flaw(FlawKind.UNREADABLE, "T_BJ", key, key, "", frozenset({form.system})) for key in self.broken]


def mischief(form: Form, filings: Sequence[Filing]) -> list[Mischief]:
    """Return the township's unreadable files; no case of `filings` can be taken from any of them but the first."""
    return [_whole(form, filings), _rows(form, filings)]


def _whole(form: Form, filings: Sequence[Filing]) -> Mischief:
    """Return a file that is to be refused as a whole."""
    content = written(form, filings)
    how: dict[str, Callable[[], bytes]] = {
        "csv": lambda: _another_encoding(form, content) or b"\r\n".join((f"{form.name}办件".encode(form.encoding), content)),
        "xlsx": lambda: _shifted(content),
        "xml": lambda: content[: len(content) * 2 // 3],
        "jsonl": lambda: content.decode().encode("utf-16"),
    }
    name = f"办件-坏.{form.format}"
    return Mischief(name, how[form.format](), (name,))


def _another_encoding(form: Form, content: bytes) -> bytes:
    """Return GBK's file in UTF-8: it could be read as GBK, as other letters. Empty where the form has another encoding."""
    return content.decode("gbk").encode() if form.system == "town-xinsi" else b""


def _shifted(content: bytes) -> bytes:
    """Return a workbook in which somebody has put a row above the titles."""
    book = openpyxl.load_workbook(io.BytesIO(content))
    assert book.active is not None
    book.active.insert_rows(1)
    book.active["A1"] = "填报单位"
    return _saved(book)


def _rows(form: Form, filings: Sequence[Filing]) -> Mischief:
    """Return a file whose first case is sound and whose second cannot be read."""
    name = f"办件-半坏.{form.format}"
    content = written(form, filings[:2])
    if form.format == "xlsx":
        row = first_line(form) + 1
        return Mischief(name, _serial_date(form, content, row), (f"{name}#sheet {SHEET}, row {row}",))
    second = texts(form, filings[1])
    if form.format == "csv":
        cell = f"{form.delimiter}{second[form.titles['name']]}{form.delimiter}".encode(form.encoding.removesuffix("-sig"))
        return Mischief(name, content.replace(cell, form.delimiter.encode(), 1), (f"{name}#line 3",))
    number = second[form.titles["number"]].encode()
    if form.format == "jsonl":
        return Mischief(name, content.replace(b'"' + number + b'"', number, 1), (f"{name}#line 2",))
    return Mischief(name, content.replace(number, b"", 1), (f"{name}#row 2",))


def _serial_date(form: Form, content: bytes, row: int) -> bytes:
    """Return a workbook in which a date of that row is a bare number."""
    book = openpyxl.load_workbook(io.BytesIO(content))
    assert book.active is not None
    cell = book.active.cell(row, list(form.titles).index("applied") + 1)
    cell.value, cell.number_format = _SERIAL_DAY, "General"
    return _saved(book)


def _saved(book: openpyxl.Workbook) -> bytes:
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
