"""Decides what a record says of the moment its case was promised for (承诺办结时间)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from hub.mapping.times import ZONE, moment
from hub.settings import paths


def reader(path: str) -> Callable[[Mapping[str, Any]], datetime | None]:
    """Return a function that reads the promised moment at `path`; a date alone lasts to its end, what is no time is no promise.

    >>> reader("CNBJSJ")({"CNBJSJ": "2016-12-15 09:20:00"}).isoformat()
    '2016-12-15T09:20:00+08:00'
    >>> reader("CNBJSJ")({"CNBJSJ": "2016-12-15"}).isoformat(), reader("CNBJSJ")({"CNBJSJ": "soon"})
    ('2016-12-16T00:00:00+08:00', None)
    """
    text = paths.reader(path)

    def promised(data: Mapping[str, Any]) -> datetime | None:
        said = text(data)
        found = moment(said) if said else None
        if said is None or found is None or not 1970 < found.year < 9999:
            return None
        return (found if _has_time(said) else found + timedelta(days=1)).replace(tzinfo=ZONE)

    return promised


def nothing(data: Mapping[str, Any]) -> datetime | None:
    """Promise nothing."""
    return None


def _has_time(said: str) -> bool:
    """Whether a moment says more than its day."""
    return ":" in said or "时" in said or len(said) > len("2016年12月13日")
