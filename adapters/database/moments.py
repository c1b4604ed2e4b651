"""Decides what a time column's value means, whatever type it has: how much is earlier, what is too far ahead."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from adapters.database.reading import LOCAL

#: A row stamped further ahead than this never carries the cursor along: everything later would be taken for old.
AHEAD = timedelta(days=1)
_FORMS = (
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d %H:%M:%S.%f",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%d",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d",
    "%Y%m%d%H%M%S",
    "%Y%m%d",
)


def text_form(text: str) -> tuple[datetime, str] | None:
    """Return a time that is kept as text, and the form it is written in; None when it is no time."""
    for form in _FORMS:
        try:
            return datetime.strptime(text.strip(), form), form  # noqa: DTZ007 - Beijing time without saying so
        except ValueError:
            continue
    return None


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


def carries(value: Any) -> bool:
    """Tell whether the cursor may stand on this time: not on a text that is no time, not on a moment far ahead."""
    if isinstance(value, str):
        found = text_form(value)
        return found is not None and carries(found[0])
    if isinstance(value, datetime):
        return value <= datetime.now(value.tzinfo or LOCAL).replace(tzinfo=value.tzinfo) + AHEAD
    if isinstance(value, date):
        return value <= (datetime.now(LOCAL) + AHEAD).date()
    return True


def latest_sane(like: Any) -> Any:
    """Return the latest time a row may sanely have, in the type and form of another time; None when there is no such limit."""
    now = datetime.now(LOCAL) + AHEAD
    if isinstance(like, datetime):
        return now if like.tzinfo else now.replace(tzinfo=None)
    if isinstance(like, date):
        return now.date()
    found = text_form(like) if isinstance(like, str) else None
    return now.strftime(found[1]) if found else None


def over(value: Any, overlap: int | timedelta) -> bool:
    """Tell whether a moment is so long ago that no transaction can still bring a row of that time. Versions always are."""
    span = overlap if isinstance(overlap, timedelta) else timedelta(seconds=overlap)
    if isinstance(value, str):
        found = text_form(value)
        return found is not None and over(found[0], span)
    if isinstance(value, datetime):
        return value.replace(tzinfo=value.tzinfo or LOCAL) + span < datetime.now(LOCAL)
    if isinstance(value, date):
        return value + span < datetime.now(LOCAL).date()
    return value is not None
