"""Decides which reader a format of files has."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import IO

from adapters.files.options import Format, Layout
from adapters.files.read_text import read_csv, read_jsonl
from adapters.files.read_xml import read_xml
from adapters.files.rows import Row, Spoilt

#: Yields rows, each readable or not; raises BadFile when the file, or the rest of it, is not what the layout says.
Reader = Callable[[IO[bytes], Layout], Iterator[Row | Spoilt]]


def reader(form: Format) -> Reader:
    """Return what reads a format."""
    if form == "xlsx":
        from adapters.files.read_xlsx import read_xlsx  # imported on first use: openpyxl is slow to import

        return read_xlsx
    readers: dict[str, Reader] = {"csv": read_csv, "jsonl": read_jsonl, "xml": read_xml}
    return readers[form]
