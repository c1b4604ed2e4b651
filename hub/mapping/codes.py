"""Decides what one of our codes is called over there: a CSV table, read strictly, in which nothing is ever guessed."""

from __future__ import annotations

import csv
import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from hub.model import Finding, Place

HEADER = ["local", "target", "label"]


@dataclass(frozen=True, slots=True)
class CodeTable:
    """Our code -> theirs, with a label for people. `lines` tells where each local code stands in the file."""

    name: str
    file: str
    targets: dict[str, str]
    labels: dict[str, str] = field(default_factory=dict, repr=False)
    lines: dict[str, int] = field(default_factory=dict, repr=False)

    @property
    def digest(self) -> str:
        """Return a digest of what the table says; labels are for people and do not count."""
        rows = "\n".join(f"{local}\t{target}" for local, target in sorted(self.targets.items()))
        return hashlib.sha256(rows.encode()).hexdigest()


def read(path: Path, name: str, file: str) -> tuple[CodeTable, list[Finding]]:
    """Read a table (UTF-8, header `local,target,label`) and everything wrong with it, each with its line."""
    table = CodeTable(name, file, {})
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            found = list(_rows(csv.reader(stream, strict=True), table))
    except UnicodeDecodeError:
        return table, [Finding("HUB-M-212", "the table is not UTF-8", Place(file), "save it as «CSV UTF-8» (it may be GBK now)")]
    except csv.Error as error:
        return table, [Finding("HUB-M-212", f"this is not CSV: {error}", Place(file))]
    except OSError as error:
        return table, [Finding("HUB-M-212", f"the table cannot be read: {error.strerror}", Place(file))]
    return table, found + _lost_zeros(table)


def _rows(reader: csv.Reader, table: CodeTable) -> list[Finding]:  # type: ignore[name-defined]
    header = [cell.strip() for cell in next(reader, [])]
    if header != HEADER:
        return [Finding("HUB-M-212", f"the header must be {','.join(HEADER)}", Place(table.file, 1))]
    found = []
    for row in reader:
        if any(cell.strip() for cell in row):
            found += _row(row, reader.line_num, table)
    return found


def _row(row: list[str], line: int, table: CodeTable) -> list[Finding]:
    if len(row) != len(HEADER):
        return [
            Finding(
                "HUB-M-212", f"{len(row)} cells where {len(HEADER)} are due", Place(table.file, line), "quote a cell with commas"
            )
        ]
    local, target, label = (cell.strip() for cell in row)
    if not local or not target:
        return [Finding("HUB-M-210", "the local or the target code is blank", Place(table.file, line), "delete the row or fill it")]
    if local in table.targets:
        first = table.lines[local]
        return [
            Finding("HUB-M-210", f"the local code {local!r} stands here twice (first in line {first})", Place(table.file, line))
        ]
    table.targets[local], table.labels[local], table.lines[local] = target, label, line
    return []


def _lost_zeros(table: CodeTable) -> list[Finding]:
    """Warn of columns that look as if a spreadsheet had cut leading zeros: digits only, two widths, no leading zero left."""
    found = []
    for column, values in (("local", list(table.targets)), ("target", list(table.targets.values()))):
        numbers = [one for one in values if one.isascii() and one.isdigit()]
        widths = {len(one) for one in numbers}
        short = [one for one in values if one in numbers and len(one) < max(widths)]
        if (
            len(numbers) == len(values) > 1
            and len(widths) == 2
            and not any(one.startswith("0") and len(one) > 1 for one in numbers)
        ):
            line = next(table.lines[local] for local, target in table.targets.items() if short[0] in (local, target))
            message = f"the {column} codes have mixed widths, as if leading zeros were lost (such as {short[0]})"
            found.append(
                Finding("HUB-M-211", message, Place(table.file, line), "keep the column as text in the spreadsheet", warning=True)
            )
    return found
