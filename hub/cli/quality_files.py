"""Decides how the tables of the quality report become files for the weekly meeting: CSV that Excel reads rightly, or Excel."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hub.cli.lang import say
from hub.errors import HubError

if TYPE_CHECKING:
    from hub.cli.quality_tables import Cell, Table

#: What a spreadsheet would take for the beginning of a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_file(path: Path, tables: Sequence[Table]) -> None:
    """Write the most detailed of the tables, since CSV holds one. Raises HubError HUB-X-106."""
    table = max(tables, key=lambda one: len(one.columns))
    try:
        with path.open("w", encoding="utf-8-sig", newline="") as stream:  # without the mark Excel takes it for GBK
            writer = csv.writer(stream)
            writer.writerow(say(zh, en) for zh, en in table.columns)
            writer.writerows([_plain(cell) for cell in row] for row in table.rows)
    except OSError as error:
        raise HubError("HUB-X-106", f"{path} cannot be written: {error.strerror}") from error


def _plain(cell: Cell) -> Cell:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell


def xlsx_file(path: Path, tables: Sequence[Table]) -> None:
    """Write every table as a sheet. Raises HubError HUB-X-106."""
    try:
        with path.open("wb") as stream:  # before there is a workbook: one that is never saved leaves its sheets open
            _workbook(tables).save(stream)
    except OSError as error:
        raise HubError("HUB-X-106", f"{path} cannot be written: {error.strerror}") from error


def _workbook(tables: Sequence[Table]) -> Any:
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    for number, table in enumerate(tables, 1):
        sheet = book.create_sheet(f"{number} {table.title.partition('（')[0].replace('：', ' ')}"[:31])
        sheet.append([say(zh, en) for zh, en in table.columns])
        for row in table.rows:
            sheet.append([_cell(sheet, value) for value in row])
    return book


def _cell(sheet: Any, value: Cell) -> Any:
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    cell = WriteOnlyCell(sheet, value=ILLEGAL_CHARACTERS_RE.sub("\ufffd", value) if isinstance(value, str) else value)
    if isinstance(value, str):
        cell.data_type = "s"  # never a formula, whatever it begins with
    if isinstance(value, float):
        cell.number_format = "0.0%"
    return cell
