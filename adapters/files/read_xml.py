"""Decides how an XML file becomes rows: no DTD, no network, one row in memory, and never half of a broken file."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import IO

from lxml import etree

from adapters.files.encoding import check_encoding, check_mark, codec
from adapters.files.options import Layout
from adapters.files.rows import DAMAGED, BadFile, Row, Spoilt, misfit
from adapters.kit.xmlread import CAREFULLY, forget

_CHUNK = 1 << 16
#: Bytes in which the root element must begin; only comments and instructions may stand before it.
_PROLOG_LIMIT = 1 << 16
_PROLOG = re.compile(rb"\s*(?:<\?.*?\?>|<!--.*?-->)\s*", re.DOTALL)
_ROOT = re.compile(rb"\s*<[^!?]")
_DECLARED = re.compile(rb"""^\s*<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
_FAMILIES = {"gb2312": "gb18030", "gbk": "gb18030", "gb18030": "gb18030", "utf-8": "utf-8", "utf8": "utf-8"}


class _Utf8:
    """The file as UTF-8, whatever it was; undecodable bytes become U+FFFD and the first is remembered."""

    def __init__(self, file: IO[bytes], encoding: str) -> None:
        self._file = file
        self._decoder = codecs.getincrementaldecoder(codec(encoding))("replace")
        file.seek(0)
        file.seek(check_mark(file.read(4), encoding))

    def read(self, size: int = -1) -> bytes:
        """Return some more bytes, empty at the end."""
        while raw := self._file.read(size if size > 0 else _CHUNK):
            if text := self._decoder.decode(raw):
                return text.encode("utf-8", "replace")
        return self._decoder.decode(b"", final=True).encode("utf-8", "replace")


def read_xml(file: IO[bytes], layout: Layout) -> Iterator[Row | Spoilt]:
    """Yield the row elements of an XML file.

    The whole file is parsed once before the first row: of a file that is cut off, nothing is taken. Raises BadFile for that, for
    a DTD (entities could make a small file fill the memory), for a declaration that contradicts the configuration, and for a
    document that has something in it, and no row.
    """
    _check_prolog(file, layout)
    check_encoding(file, layout.encoding)
    if not sum(1 for _ in _elements(file, layout)):
        _must_be_empty(file, layout)
    for number, element in enumerate(_elements(file, layout), 1):
        yield _row(layout, element, f"row {number}")


def _check_prolog(file: IO[bytes], layout: Layout) -> None:
    file.seek(0)
    start = file.read(_PROLOG_LIMIT)
    start = start[check_mark(start, layout.encoding) :]
    if (declared := _DECLARED.match(start)) and _FAMILIES.get(declared[1].decode().lower()) != codec(layout.encoding):
        raise BadFile("HUB-S-220", f"declares the encoding {declared[1].decode()}, but {layout.encoding} is configured")
    at = 0
    while skipped := _PROLOG.match(start, at):
        at = skipped.end()
    if start[at:].lstrip()[:9].upper() == b"<!DOCTYPE":
        raise BadFile("HUB-S-223", "has a DTD; documents with a DTD are refused")
    if not _ROOT.match(start, at):  # a comment that is not over may hide a DTD behind it
        raise BadFile("HUB-S-222", f"no root element in its first {len(start)} bytes")


def _elements(file: IO[bytes], layout: Layout) -> Iterator[etree._Element]:
    """Yield each row element, and forget it and what stands outside of rows."""
    row: etree._Element | None = None
    for event, element in _parsed(file, layout):
        if event == "start":
            row = element if row is None and _local(element.tag) == layout.xml.row else row
            continue
        if element is row:
            yield element
            row = None
        if row is None:
            forget(element)


def _must_be_empty(file: IO[bytes], layout: Layout) -> None:
    """Refuse a document without rows that is not empty: its rows have another name, or it is a page of something else."""
    inside = (element for event, element in _parsed(file, layout) if event == "end")
    first = next(inside)
    if next(inside, None) is not None or (first.text or "").strip():
        raise BadFile("HUB-S-222", f"has no element {layout.xml.row}, and is not empty")


def _parsed(file: IO[bytes], layout: Layout) -> Iterator[tuple[str, etree._Element]]:
    try:
        # huge_tree lifts libxml2's limit of 10 MB for one text; the size of the file is limited before.
        utf8 = _Utf8(file, layout.encoding)
        yield from etree.iterparse(utf8, events=("start", "end"), encoding="utf-8", huge_tree=True, **CAREFULLY)
    except etree.XMLSyntaxError as error:
        line, column = error.position
        raise BadFile("HUB-S-222", f"line {line}, column {column}: not well-formed") from None


def _row(layout: Layout, element: etree._Element, place: str) -> Row | Spoilt:
    values: dict[str, str] = {}
    if any(text and not text.isspace() for text in (element.text, *(child.tail for child in element))):
        return Spoilt(place, "HUB-S-241", "has text of its own, which belongs to no field")
    for title, text, nested in _fields(layout, element):
        column = layout.columns.get(title) if layout.columns is not None else None
        if layout.columns is not None and column is None:
            if layout.extra == "refuse":
                return Spoilt(place, "HUB-S-241", f"unexpected field {title[:30]!r}; list it or set extra: ignore")
            continue
        name = column.field if column is not None else title
        if nested or name in values:
            return Spoilt(place, "HUB-S-241", f"the field {title[:30]!r} {'has elements inside' if nested else 'stands twice'}")
        if DAMAGED in text:
            return Spoilt(place, "HUB-S-240", f"{title[:30]} holds bytes that are not in the declared encoding")
        if column is not None and (why := misfit(column, text)):
            return Spoilt(place, "HUB-S-248", f"the field {title}: {why}")
        values[name] = text
    return Row(place, values)


def _fields(layout: Layout, element: etree._Element) -> Iterator[tuple[str, str, bool]]:
    """Yield (name without namespace, text, whether elements are nested in it)."""
    if layout.xml.style == "attributes":
        for name, text in element.attrib.items():
            yield _local(name), text, False
        return
    for child in element.iterchildren("*"):
        yield _local(child.tag), child.text or "", len(child) > 0


def _local(tag: object) -> str:
    return str(tag).rpartition("}")[2]
