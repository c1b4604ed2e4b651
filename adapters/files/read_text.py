"""Decides how lines of bytes become rows: CSV and JSON Lines, with every undecodable byte located and no row swallowed."""

from __future__ import annotations

import csv
import json
import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

from adapters.files.encoding import check_encoding, check_mark, codec
from adapters.files.options import Layout
from adapters.files.rows import DAMAGED, FIELD_LIMIT, REPEATED, BadFile, Header, Row, Spoilt, by_position, header, is_footer, misfit

# One setting for the whole process; nobody else here reads CSV with fields of that size.
csv.field_size_limit(FIELD_LIMIT)


@dataclass(frozen=True, slots=True)
class Line:
    """One physical line, with its number from 1, and the offset of its first undecodable byte in the file."""

    number: int
    text: str
    bad: int | None


def lines(file: IO[bytes], encoding: str) -> Iterator[Line]:
    """Yield the lines. No byte of a Chinese character in GB18030 equals a line end, so cutting before decoding is safe.

    The whole file is looked at once before the first line: of one that is broken anywhere, nothing is taken. Raises BadFile.
    """
    offset = check_mark(file.read(4), encoding)
    check_encoding(file, encoding)
    _check_lengths(file)
    file.seek(offset)
    number, name = 0, codec(encoding)
    while raw := file.readline(FIELD_LIMIT + 1):
        number += 1
        try:
            yield Line(number, raw.decode(name), None)
        except UnicodeDecodeError as error:
            yield Line(number, raw.decode(name, "replace"), offset + error.start)
        offset += len(raw)


def _check_lengths(file: IO[bytes]) -> None:
    file.seek(0)
    number = 0
    while raw := file.readline(FIELD_LIMIT + 1):
        number += 1
        if len(raw) > FIELD_LIMIT:
            raise BadFile("HUB-S-246", f"line {number} is longer than {FIELD_LIMIT} bytes")


class _Feeder:
    """Hands lines to the CSV reader, remembers those of the present row, and takes back those it should not have eaten."""

    def __init__(self, source: Iterator[Line]) -> None:
        self._source = source
        self._again: deque[Line] = deque()
        self.row: list[Line] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._source)
        self.row.append(line)
        return line.text

    def give_back(self) -> None:
        """Return all lines of this row but the first: one stray quote must not cost the rows behind it."""
        self._again.extendleft(reversed(self.row[1:]))
        del self.row[1:]


def read_csv(file: IO[bytes], layout: Layout) -> Iterator[Row | Spoilt]:
    """Yield the rows of a CSV file (RFC 4180). Raises BadFile before the first row when the header is wrong."""
    feeder = _Feeder(lines(file, layout.encoding))
    shape = _read_header(feeder, layout) if layout.header else by_position(layout)
    ended = False
    for cells in _cells(feeder, layout, shape.width):
        if cells is not None and not any(map(str.strip, cells)):
            continue  # spreadsheets write delimiters for rows that are empty
        place = f"line {feeder.row[0].number}"
        if ended:
            yield Spoilt(place, "HUB-S-249", "stands behind the footer")
        elif cells and shape.repeated(cells):
            yield Spoilt(place, "HUB-S-241", REPEATED)
        elif cells and is_footer(layout, cells):
            ended = True
        else:
            yield _csv_row(shape, cells, feeder.row, place)


def _cells(feeder: _Feeder, layout: Layout, width: int) -> Iterator[list[str] | None]:
    """Yield the cells of each row, None where the quotes do not match; the lines it took are in `feeder.row`."""
    parser = _parser(feeder, layout)
    while True:
        feeder.row.clear()
        try:
            cells = _trimmed(next(parser), width)
        except StopIteration:
            return
        except csv.Error:
            cells = None
        if len(feeder.row) > 1 and (cells is None or len(cells) != width):
            feeder.give_back()
            cells = None
        if cells is None:
            parser = _parser(feeder, layout)
        yield cells


def _trimmed(cells: list[str], width: int) -> list[str]:
    """Drop empty cells behind the last title, as spreadsheets write them."""
    while len(cells) > width and not cells[-1]:
        cells.pop()
    return cells


def _parser(feeder: _Feeder, layout: Layout) -> Iterator[list[str]]:
    return csv.reader(feeder, delimiter=layout.delimiter, strict=True)


def _read_header(feeder: _Feeder, layout: Layout) -> Header:
    for _ in range(layout.header - 1):
        next(feeder, None)
    feeder.row.clear()
    try:
        titles = next(_parser(feeder, layout), [])
    except csv.Error as error:
        raise BadFile("HUB-S-221", f"line {layout.header}: the header cannot be read: {error}") from None
    _all_decoded(feeder.row, layout)
    return header(layout, titles, f"line {layout.header}")


def _all_decoded(read: list[Line], layout: Layout) -> None:
    for line in read:
        if line.bad is not None:
            raise BadFile(
                "HUB-S-220", f"byte {line.bad}, in the header, is not in {layout.encoding}; is the file in another encoding?"
            )


def _csv_row(shape: Header, cells: list[str] | None, read: list[Line], place: str) -> Row | Spoilt:
    for line in read:
        if line.bad is not None:
            return Spoilt(place, "HUB-S-240", f"byte {line.bad} of the file is not in the declared encoding")
    if cells is None:
        return Spoilt(place, "HUB-S-245", "the quotes do not match")
    if len(cells) != shape.width:
        return Spoilt(place, "HUB-S-241", f"{len(cells)} cells where the header has {shape.width}")
    return _text_row(shape, cells, place)


def _text_row(shape: Header, cells: list[str], place: str) -> Row | Spoilt:
    for index, title, column in shape.cells:
        if "\0" in cells[index]:
            return Spoilt(place, "HUB-S-244", f"column {index + 1} {title} holds a NUL byte")
        if cells[index].startswith("\ufeff"):
            return Spoilt(place, "HUB-S-244", f"column {index + 1} {title} begins with a stray byte order mark")
        if DAMAGED in cells[index]:
            return Spoilt(place, "HUB-S-240", f"column {index + 1} {title} holds U+FFFD: a character was lost before it was sent")
        if why := misfit(column, cells[index]):
            return Spoilt(place, "HUB-S-248", f"column {index + 1} {title}: {why}")
    return Row(place, {column.field: cells[index] for index, _, column in shape.cells})


def read_jsonl(file: IO[bytes], layout: Layout) -> Iterator[Row | Spoilt]:
    """Yield the objects of a JSON Lines file, one a line; empty lines are nothing."""
    for line in lines(file, layout.encoding):
        if line.text.strip():
            yield _json_row(line, layout)


def _json_row(line: Line, layout: Layout) -> Row | Spoilt:
    place = f"line {line.number}"
    if line.bad is not None:
        return Spoilt(place, "HUB-S-240", f"byte {line.bad} of the file is not in the declared encoding")
    try:
        told = json.loads(line.text, parse_constant=no_constant, parse_float=finite)
    except (ValueError, RecursionError):
        return Spoilt(place, "HUB-S-245", "the line is no JSON")
    if not isinstance(told, dict):
        return Spoilt(place, "HUB-S-245", "the line is no JSON object")
    return named(layout, told, place)


def named(layout: Layout, told: dict[str, Any], place: str) -> Row | Spoilt:
    """Return the row under the names of the records; an absent optional field stays absent."""
    if layout.columns is None:
        return Row(place, told)
    if layout.extra == "refuse" and (strange := [title for title in told if title not in layout.columns]):
        return Spoilt(place, "HUB-S-241", f"unexpected field {strange[0][:30]!r}; list it or set extra: ignore")
    for title, column in layout.columns.items():
        if why := misfit(column, told.get(title)):
            return Spoilt(place, "HUB-S-248", f"the field {title}: {why}")
    return Row(place, {column.field: told[title] for title, column in layout.columns.items() if title in told})


def finite(text: str) -> float:
    """Return a JSON number; raises ValueError for one no float can hold."""
    found = float(text)
    if math.isinf(found):
        raise ValueError("too large")
    return found


def no_constant(name: str) -> None:
    """Refuse what Python's reader takes and JSON has not: NaN and the infinities."""
    raise ValueError(f"{name} is no JSON")
