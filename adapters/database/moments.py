"""Decides what a time column's value means, whatever type it has: how much is earlier, and when it is over."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from adapters.database.reading import LOCAL
from adapters.kit.moments import text_form


def earlier(value: Any, overlap: int | timedelta) -> Any:
    """Return where to resume: that much before `value`, in the same type. A time that cannot be understood stays as it is."""
    if isinstance(value, int | Decimal):
        return value - overlap if isinstance(overlap, int) else value
    span = overlap if isinstance(overlap, timedelta) else timedelta(seconds=overlap)
    if isinstance(value, datetime):
        return value - span
    if isinstance(value, date):
        return (datetime(value.year, value.month, value.day) - span).date()  # noqa: DTZ001
    found = text_form(value) if isinstance(value, str) else None
    return value if found is None else (found[0] - span).strftime(found[1])


def over(value: Any, overlap: int | timedelta, now: datetime) -> bool:
    """Tell whether a moment is so long ago that no transaction can still bring a row of that time. Versions always are.

    `now`: the database's own time, aware.
    """
    span = overlap if isinstance(overlap, timedelta) else timedelta(seconds=overlap)
    if isinstance(value, str):
        found = text_form(value)
        return found is not None and over(found[0], span, now)
    if isinstance(value, datetime):
        return value.replace(tzinfo=value.tzinfo or LOCAL) + span < now
    if isinstance(value, date):
        return value + span < now.astimezone(LOCAL).date()
    return value is not None
