"""Decides what a township's file looks like: CSV, workbook, XML or JSON Lines, as its own program writes it."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import openpyxl

from hub.sandbox.twins.town_cases import Filing
from hub.sandbox.twins.town_forms import Form

SHEET = "登记表"


def texts(form: Form, filing: Filing) -> dict[str, str]:
    """Return a case under the township's own titles, everything as text."""
    return {title: _text(form, filing[field]) for field, title in form.titles.items()}


def written(form: Form, filings: Sequence[Filing]) -> bytes:
    """Return a whole file of these cases."""
    return {"csv": _csv, "xlsx": workbook, "xml": _xml, "jsonl": _jsonl}[form.format](form, filings)


def _text(form: Form, value: Any) -> str:
    if isinstance(value, datetime):
        return value.strftime(form.moment)
    return "" if value is None else str(value)


def _csv(form: Form, filings: Sequence[Filing]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=form.delimiter)
    writer.writerow(form.titles.values())
    writer.writerows(texts(form, filing).values() for filing in filings)
    if form.last:
        writer.writerow([form.last, len(filings)])
    return out.getvalue().encode(form.encoding)


def workbook(form: Form, filings: Sequence[Filing]) -> bytes:
    """Return a workbook: perhaps a merged heading above the titles, times as dates of the sheet."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = SHEET
    if form.heading:
        sheet.append([form.heading])
        sheet.merge_cells(start_row=1, end_row=1, start_column=1, end_column=len(form.titles))
    sheet.append(list(form.titles.values()))
    for filing in filings:
        sheet.append([filing[field] if filing[field] != "" else None for field in form.titles])
    if form.last:
        sheet.append([form.last, len(filings)])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _xml(form: Form, filings: Sequence[Filing]) -> bytes:
    rows = "".join(_attributes(texts(form, filing)) if form.attributes else _elements(texts(form, filing)) for filing in filings)
    return f'<?xml version="1.0" encoding="{form.encoding}"?>\n<rows>{rows}</rows>\n'.encode(form.encoding)


def _attributes(row: dict[str, str]) -> str:
    return "<row " + " ".join(f"{name}={quoteattr(value)}" for name, value in row.items()) + "/>"


def _elements(row: dict[str, str]) -> str:
    return "<row>" + "".join(f"<{name}>{escape(value)}</{name}>" for name, value in row.items()) + "</row>"


def _jsonl(form: Form, filings: Sequence[Filing]) -> bytes:
    lines = (json.dumps(texts(form, filing), ensure_ascii=False) for filing in filings)
    return "".join(f"{line}\n" for line in lines).encode(form.encoding)


def first_line(form: Form) -> int:
    """Return the row or line of the first case in a file."""
    return 3 if form.heading else 2
