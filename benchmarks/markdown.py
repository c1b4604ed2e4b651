"""Decides how results are printed: as tables of Markdown that can be pasted into a page as they are."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Sequence
from datetime import date


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table; the first column is text, the others are figures."""
    lines = [list(head), ["---"] + ["---:"] * (len(head) - 1), *([str(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def about() -> str:
    """Return the machine and the day, for the line above a table."""
    return f"{os.cpu_count()} cores, Python {platform.python_version()}, {date.today():%Y-%m-%d}"


def rate(each: float) -> str:
    """Return a number of records a second."""
    return f"{each:,.0f}/s"


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that so large a share of the values does not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(share * len(ordered)) - 1))]
