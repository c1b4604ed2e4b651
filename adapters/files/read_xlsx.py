"""Decides how a workbook becomes rows: streamed, each cell that would mislead (merged, retyped, uncomputed) refused."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import date, datetime, time
from itertools import islice
from typing import IO, Any

from openpyxl import load_workbook
from openpyxl.utils import get_column_letter

from adapters.files.options import Column, Layout
from adapters.files.rows import REPEATED, BadFile, Header, Row, Spoilt, by_position, header, is_footer, misfit
from adapters.files.sheet import ROWS, Sheet, check_part, look
from hub.model import Json

#: Members of an archive: more is no workbook but an attack or an accident.
_MEMBERS = 10_000
_OLD = b"\xd0\xcf\x11\xe0"
#: A spreadsheet keeps fifteen digits: from here on the last ones may be gone.
_DIGITS = 10**15


class Misleading(Exception):
    """A cell whose value is not what people see or mean."""


def read_xlsx(file: IO[bytes], layout: Layout) -> Iterator[Row | Spoilt]:
    """Yield the rows of one sheet.

    The whole sheet is looked at once before the first row: of a workbook that is broken anywhere, nothing is taken. Raises BadFile
    for that, and when the archive, the sheet or the header is wrong.
    """
    _check_archive(file, layout)
    with closing(_open(file, computed=True)) as book:
        sheet = _sheet(book, layout)
        with zipfile.ZipFile(file) as archive:
            found = look(archive, sheet._worksheet_path, sheet.title)
        if (ref := found.merge(layout.header)) and layout.header:
            raise BadFile("HUB-S-221", f"sheet {sheet.title}: merged cells {ref} in the header row {layout.header}")
        if sum(1 for _ in islice(_iterate(sheet, layout), ROWS + 1)) > ROWS:
            raise BadFile("HUB-S-224", f"sheet {sheet.title} has more than {ROWS} rows")
        rows = _with_formulas(file, layout, sheet) if found.formulas else ((cells, None) for cells in _iterate(sheet, layout))
        yield from _rows(layout, sheet.title, found, rows)


def _check_archive(file: IO[bytes], layout: Layout) -> None:
    file.seek(0)
    if file.read(4) == _OLD:
        raise BadFile("HUB-S-222", "is an old .xls or a workbook with a password; save it as plain .xlsx")
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            _check_size(members, layout)
            for member in members:
                with archive.open(member) as part:
                    check_part(member.filename, part)
    except (zipfile.BadZipFile, NotImplementedError, EOFError, OSError) as error:
        raise BadFile("HUB-S-222", f"is no workbook: {type(error).__name__}") from None


def _check_size(members: Sequence[zipfile.ZipInfo], layout: Layout) -> None:
    """Refuse what would fill the memory. zipfile never unpacks more of a member than it declares."""
    if any(member.flag_bits & 1 for member in members):
        raise BadFile("HUB-S-222", "is locked with a password")
    size = sum(member.file_size for member in members)
    if size > layout.unpacked or len(members) > _MEMBERS:
        raise BadFile("HUB-S-224", f"unpacks to {size} bytes in {len(members)} parts; {layout.unpacked} bytes are allowed")


def _open(file: IO[bytes], *, computed: bool) -> Any:
    try:
        return load_workbook(file, read_only=True, data_only=computed, keep_links=False)
    except Exception as error:  # openpyxl has no exception of its own: whatever it trips over, the workbook is broken
        raise BadFile("HUB-S-222", f"is no workbook: {type(error).__name__}") from None


def _sheet(book: Any, layout: Layout) -> Any:
    names = [sheet.title for sheet in book.worksheets]
    if layout.sheet is not None and layout.sheet not in names:
        raise BadFile("HUB-S-227", f"there is no sheet {layout.sheet}; there are: {', '.join(names)[:200]}")
    if not names:
        raise BadFile("HUB-S-227", "there is no sheet")
    sheet = book[layout.sheet or names[0]]
    sheet.reset_dimensions()  # the declared size is often wrong, and rows behind it would be lost
    return sheet


def _iterate(sheet: Any, layout: Layout) -> Iterator[Sequence[Any]]:
    try:
        yield from sheet.iter_rows(min_row=max(layout.header, 1))
    except BadFile:
        raise
    except Exception as error:  # as in _open
        raise BadFile("HUB-S-222", f"sheet {sheet.title} is broken: {type(error).__name__}") from None


def _with_formulas(file: IO[bytes], layout: Layout, sheet: Any) -> Iterator[tuple[Sequence[Any], Sequence[Any] | None]]:
    """Yield computed rows beside the formulas they come from."""
    with closing(_open(file, computed=False)) as book:
        other = book[sheet.title]
        other.reset_dimensions()
        yield from zip(_iterate(sheet, layout), _iterate(other, layout), strict=True)


def _rows(
    layout: Layout, title: str, seen: Sheet, rows: Iterator[tuple[Sequence[Any], Sequence[Any] | None]]
) -> Iterator[Row | Spoilt]:
    shape = _shape(layout, title, rows) if layout.header else by_position(layout)
    ended = False
    for number, (cells, formulas) in enumerate(rows, layout.header + 1):
        place = f"sheet {title}, row {number}"
        if not any(cell.value is not None for cell in (*cells, *(formulas or ()))):
            continue
        if ended:
            yield Spoilt(place, "HUB-S-249", "stands behind the footer")
        elif shape.repeated([cell.value for cell in cells]):
            yield Spoilt(place, "HUB-S-241", REPEATED)
        elif is_footer(layout, [cell.value for cell in cells]):
            ended = True
        else:
            yield _row(shape, place, seen.merge(number), cells, formulas)


def _shape(layout: Layout, title: str, rows: Iterator[tuple[Sequence[Any], Sequence[Any] | None]]) -> Header:
    first, _ = next(rows, ((), None))
    return header(layout, [cell.value for cell in first], f"sheet {title}, row {layout.header}")


def _row(shape: Header, place: str, merged: str, cells: Sequence[Any], formulas: Sequence[Any] | None) -> Row | Spoilt:
    if merged:
        return Spoilt(place, "HUB-S-243", f"merged cells {merged}: only one of these rows holds the value")
    for index in range(shape.width, len(cells)):
        if cells[index].value is not None:
            return Spoilt(place, "HUB-S-241", f"column {get_column_letter(index + 1)} has a value but no title")
    values: dict[str, Json] = {}
    for index, title, column in shape.cells:
        try:
            _computed(index, cells, formulas)
            values[column.field] = value(cells[index], column) if index < len(cells) else None
            if why := misfit(column, values[column.field]):
                return Spoilt(place, "HUB-S-248", f"column {get_column_letter(index + 1)} {title}: {why}")
        except Misleading as reason:
            return Spoilt(place, "HUB-S-243", f"column {get_column_letter(index + 1)} {title}: {reason}")
    return Row(place, values)


def _computed(index: int, cells: Sequence[Any], formulas: Sequence[Any] | None) -> None:
    empty = index >= len(cells) or cells[index].value is None
    if empty and formulas is not None and index < len(formulas) and formulas[index].data_type == "f":
        raise Misleading("a formula whose value was never computed; open the file in a spreadsheet and save it")


def value(cell: Any, column: Column) -> Json:
    """Return a cell as JSON: dates as "YYYY-MM-DD HH:MM:SS", whole numbers without point. Raises Misleading."""
    found = cell.value
    if isinstance(found, str) and found.startswith("\ufeff"):
        raise Misleading("begins with a stray byte order mark")
    if found is None or (isinstance(found, str) and cell.data_type != "e"):
        return found
    if cell.data_type == "e":
        raise Misleading(f"the error value {str(found)[:10]}")
    if isinstance(found, date | time):
        return _moment(found, column)
    if isinstance(found, bool | int | float):
        return _number(found, column)
    raise Misleading(f"a {type(found).__name__}, which is no date and no number")


def _moment(found: date | time, column: Column) -> str:
    if column.type in ("text", "number"):
        raise Misleading(f"a date, where {column.type} is declared")
    if isinstance(found, datetime):
        return found.strftime("%Y-%m-%d %H:%M:%S")
    return found.strftime("%H:%M:%S" if isinstance(found, time) else "%Y-%m-%d 00:00:00")


def _number(found: bool | int | float, column: Column) -> Json:
    if column.type == "text":
        raise Misleading("a number, where text is declared: leading zeros may be lost; format the column as text")
    if column.type == "date":
        raise Misleading("a date as a bare number; format the column as a date")
    if not math.isfinite(found):
        raise Misleading("a number that is too large")
    if column.type == "any" and abs(found) >= _DIGITS:
        raise Misleading("a number of more than 15 digits, the last of which a spreadsheet loses; format the column as text")
    whole = isinstance(found, float) and found.is_integer() and abs(found) < 1 << 53
    return int(found) if whole else found
