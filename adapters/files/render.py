"""Decides how messages become the bytes of one file; the same messages give the same bytes at every attempt."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import zipfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

from lxml import etree

from adapters.files.names import is_xml_name
from adapters.files.options import Endpoint
from hub.errors import Misconfigured, Rejected
from hub.model import Json, Message

#: Characters in one cell of a workbook (Excel specifications and limits).
CELL_LIMIT = 32_767
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_NEWLINES = {"lf": "\n", "crlf": "\r\n"}
_LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the earliest time a ZIP archive can hold

Row = Mapping[str, Json]


def row(endpoint: Endpoint, message: Message) -> Row:
    """Return a message as title → value, in the order of the columns.

    Raises Rejected for a value the format or the charset cannot hold: HUB-D-130 names the field and the code point, HUB-D-131 a
    control character, HUB-D-410 a text too long for a cell, HUB-D-411 a nested value. Raises Misconfigured HUB-D-412 for a field
    without a column: leaving it out silently would lose it.
    """
    columns = endpoint.columns or {name: name for name in message.body}
    if strange := sorted(set(message.body) - set(columns) - endpoint.ignore):
        raise Misconfigured("HUB-D-412", f"endpoint {message.endpoint} has no column for the field {strange[0]}")
    found = {title: message.body.get(name) for name, title in columns.items() if endpoint.columns or name not in endpoint.ignore}
    for title, value in found.items():
        if endpoint.format == "xml" and not is_xml_name(title):
            raise Misconfigured("HUB-D-412", f"endpoint {message.endpoint}: {title[:30]!r} is no name of an XML element")
        _fits(endpoint, title, value)
    return found


def _fits(endpoint: Endpoint, title: str, value: Json) -> None:
    if isinstance(value, dict | list) and endpoint.format != "jsonl":
        raise Rejected("HUB-D-411", f"{title}: a {endpoint.format} file holds no nested value")
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else ""
    if endpoint.format != "jsonl" and (found := _CONTROL.search(text)):
        raise Rejected("HUB-D-131", f"{title}: control character U+{ord(found[0]):04X} at position {found.start() + 1}")
    if endpoint.format == "xlsx":
        if len(text) > CELL_LIMIT:
            raise Rejected("HUB-D-410", f"{title}: {len(text)} characters; a cell of a workbook holds {CELL_LIMIT}")
        return
    try:
        text.encode(endpoint.encoding)
    except UnicodeEncodeError as error:
        point = f"U+{ord(text[error.start]):04X}"
        raise Rejected("HUB-D-130", f"{title}: {point} at position {error.start + 1} is not in {endpoint.encoding}") from None


def content(endpoint: Endpoint, rows: Sequence[Row], created: datetime) -> bytes:
    """Return the bytes of a file with these rows."""
    if endpoint.format == "xlsx":
        return _workbook(endpoint, rows, created)
    text = {"csv": _csv, "jsonl": _jsonl, "xml": _xml}[endpoint.format](endpoint, rows)
    return text.encode(endpoint.encoding)


def _csv(endpoint: Endpoint, rows: Sequence[Row]) -> str:
    out = io.StringIO()
    quoting: Literal[0, 1] = csv.QUOTE_ALL if endpoint.quote == "all" else csv.QUOTE_MINIMAL
    writer = csv.writer(out, delimiter=endpoint.delimiter, quoting=quoting, lineterminator=_NEWLINES[endpoint.newline])
    if endpoint.header:
        writer.writerow((endpoint.columns or {}).values())
    writer.writerows([_plain(value) for value in found.values()] for found in rows)
    return out.getvalue()


def _jsonl(endpoint: Endpoint, rows: Sequence[Row]) -> str:
    newline = _NEWLINES[endpoint.newline]
    return "".join(json.dumps(found, ensure_ascii=False, separators=(",", ":")) + newline for found in rows)


def _xml(endpoint: Endpoint, rows: Sequence[Row]) -> str:
    shape = endpoint.xml
    root = etree.Element(shape.root)
    for found in rows:
        element = etree.SubElement(root, shape.row)
        for title, value in found.items():
            if value is None:
                continue
            if shape.style == "attributes":
                element.set(title, _plain(value))
            else:
                etree.SubElement(element, title).text = _plain(value)
    charset = endpoint.encoding.removesuffix("-sig").upper()
    return f'<?xml version="1.0" encoding="{charset}"?>\n{etree.tostring(root, encoding="unicode")}\n'


def _plain(value: Json) -> str:
    """Return a value as text: nothing for None, true and false as in JSON."""
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value)


def _workbook(endpoint: Endpoint, rows: Sequence[Row], created: datetime) -> bytes:
    # Imported on first use: openpyxl is the slowest import of this package.
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell

    def cell(value: Json) -> Any:
        if not isinstance(value, str):
            return value
        made = WriteOnlyCell(sheet, value)
        made.data_type = "s"  # else «=1+1» becomes a formula and «#N/A» an error
        return made

    book = Workbook(write_only=True)
    sheet = book.create_sheet(endpoint.sheet)
    if endpoint.header:
        sheet.append([cell(title) for title in (endpoint.columns or {}).values()])
    for found in rows:
        sheet.append([cell(value) for value in found.values()])
    out = io.BytesIO()
    book.save(out)
    return _timeless(out, created)


def _timeless(archive: io.BytesIO, created: datetime) -> bytes:
    """Return the workbook without the time of day it was written at: equal messages, equal bytes (invariant 4)."""
    stamp = created.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ").encode()
    out = io.BytesIO()
    with zipfile.ZipFile(archive) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for member in old.infolist():
            body = old.read(member)
            if member.filename == "docProps/core.xml":
                body = re.sub(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", stamp, body)
            new.writestr(zipfile.ZipInfo(member.filename, _LONG_AGO), body, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def manifest(endpoint: Endpoint, name: str, body: bytes, messages: Sequence[Message]) -> bytes:
    """Return the manifest of a data file: JSON with file, format, encoding, count, bytes, digest, keys, ids."""
    algorithm = endpoint.manifest.digest if endpoint.manifest else "sha256"
    told = {
        "file": name,
        "format": endpoint.format,
        "encoding": None if endpoint.format == "xlsx" else endpoint.encoding,
        "count": len(messages),
        "bytes": len(body),
        "digest": {"algorithm": algorithm, "value": hashlib.new(algorithm, body).hexdigest()},
        "keys": [message.key for message in messages],
        "ids": [message.idempotency_key for message in messages],
    }
    return json.dumps(told, ensure_ascii=False, indent=1).encode()
