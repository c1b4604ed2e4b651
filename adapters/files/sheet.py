"""Decides which XML inside a workbook is read at all, and what a sheet's XML tells that openpyxl's streaming does not."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO

from lxml import etree
from openpyxl.utils import range_boundaries
from openpyxl.utils.cell import column_index_from_string

from adapters.files.rows import BadFile
from adapters.kit.xmlread import CAREFULLY, forget

#: Rows of a sheet, merged ranges: more is no table but an attack or an accident.
ROWS, _MERGES = 1_048_576, 1_000
_NUMBER = re.compile(r"[1-9]\d*")
_REFERENCE = re.compile(r"([A-Z]{1,3})[1-9]\d*")
#: Other encodings are allowed by nobody's spreadsheet, and hide from whoever looks at bytes.
_ENCODINGS = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})


@dataclass(slots=True)
class Sheet:
    """What a look at a sheet's XML tells: merged rows, and whether there are formulas."""

    merged: list[tuple[int, int, str]] = field(default_factory=list)  # first row, last row, range
    formulas: bool = False

    def merge(self, row: int) -> str:
        """Return the merged range a row is part of, else nothing."""
        return next((ref for first, last, ref in self.merged if first <= row <= last), "")


def check_part(name: str, part: IO[bytes]) -> None:
    """Refuse a part of a workbook that is XML with a DTD, or in an encoding no spreadsheet writes. Raises BadFile HUB-S-223, -222.

    Whatever a part is called, openpyxl reads it when another part says so; what is no XML is left to it.
    """
    wide = b"\0" in part.read(4)
    part.seek(0)
    try:
        first = next(_elements(part, ("start",)), None)
    except etree.XMLSyntaxError:
        return
    if first is None:
        return
    told = first[1].getroottree().docinfo
    if told.internalDTD is not None or told.doctype:
        raise BadFile("HUB-S-223", f"{name} has a DTD; documents with a DTD are refused")
    if wide or (told.encoding or "utf-8").lower() not in _ENCODINGS:
        raise BadFile("HUB-S-222", f"{name} is XML in another encoding than UTF-8, which spreadsheets write")


def look(archive: zipfile.ZipFile, path: str, title: str) -> Sheet:
    """Look at a whole sheet once. Raises BadFile when it is broken, or its rows or cells do not come in order.

    Of two rows or cells with one number openpyxl gives one, and of what comes late, nothing.
    """
    found, before = Sheet(), 0
    try:
        with archive.open(path) as part:
            for _, element in _elements(part, ("end",), ("{*}row", "{*}f", "{*}mergeCell")):
                kind = etree.QName(element).localname
                if kind == "f":
                    found.formulas = True
                elif kind == "mergeCell":
                    _merged(found, str(element.get("ref")), title)
                else:
                    before = _in_order(element, before, title)
                    forget(element)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise BadFile("HUB-S-222", f"sheet {title} is broken: {type(error).__name__}") from None
    return found


def _elements(part: IO[bytes], events: tuple[str, ...], tag: tuple[str, ...] | None = None) -> Iterator[tuple[str, etree._Element]]:
    yield from etree.iterparse(part, events=events, tag=tag, huge_tree=True, **CAREFULLY)


def _merged(found: Sheet, ref: str, title: str) -> None:
    _, first, _, last = range_boundaries(ref)
    found.merged.append((int(first or 1), int(last or ROWS), ref))
    if len(found.merged) > _MERGES:
        raise BadFile("HUB-S-228", f"sheet {title}: more than {_MERGES} merged ranges")


def _in_order(row: etree._Element, before: int, title: str) -> int:
    """Return the row's number."""
    told = row.get("r")
    if told is not None and not _NUMBER.fullmatch(told):
        raise BadFile("HUB-S-222", f"sheet {title}: a row behind row {before} has no proper number")
    number = before + 1 if told is None else int(told)
    if number <= before:
        raise BadFile("HUB-S-222", f"sheet {title}: row {number} stands behind row {before}; one of them would be lost")
    column = 0
    for cell in row:
        told = cell.get("r")
        found = _REFERENCE.fullmatch(told) if told is not None else None
        if told is not None and found is None:
            raise BadFile("HUB-S-222", f"sheet {title}, row {number}: a cell has no proper reference")
        place = column_index_from_string(found[1]) if found else column + 1
        if place <= column:
            raise BadFile("HUB-S-222", f"sheet {title}, row {number}: its cells are not in order; one would be lost")
        column = place
    return number
