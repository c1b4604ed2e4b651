"""Decides how a far side's times are read and written, and which of them a cursor may follow."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

#: China keeps one time, without daylight saving.
CHINA = timezone(timedelta(hours=8))
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: A row stamped further ahead than this never carries the cursor along: everything later would be taken for old.
AHEAD = timedelta(days=1)
#: How times are usually kept as text.
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


def moment(text: str | None, form: str) -> datetime:
    """Return the aware time a text means: `iso`, `ms`, `s` or a strftime format; without zone it is China's. Raises ValueError."""
    if not text:
        raise ValueError("no time")
    try:
        if form in ("ms", "s"):
            read = EPOCH + timedelta(milliseconds=float(text) * (1 if form == "ms" else 1000))
        else:
            read = datetime.fromisoformat(text) if form == "iso" else datetime.strptime(text, form)  # noqa: DTZ007
        local = read.astimezone(CHINA) if read.tzinfo else read.replace(tzinfo=CHINA)  # what cannot be written is no time either
        return local.astimezone(UTC)
    except OverflowError:  # year 1, which some programs write for no time, or a number in another unit
        raise ValueError("a time no calendar holds") from None


def written(time: datetime, form: str) -> str:
    """Return a time as the far side writes it."""
    if form in ("ms", "s"):
        milliseconds = (time - EPOCH) // timedelta(milliseconds=1)
        return str(milliseconds if form == "ms" else milliseconds // 1000)
    local = time.astimezone(CHINA)
    return local.replace(tzinfo=None).isoformat() if form == "iso" else local.strftime(form)


def text_form(text: str) -> tuple[datetime, str] | None:
    """Return a time that is kept as text, and the form it is written in; None when it is no time."""
    for form in _FORMS:
        try:
            return datetime.strptime(text.strip(), form), form  # noqa: DTZ007 - Beijing time without saying so
        except ValueError:
            continue
    return None


def time_in(text: str, form: str) -> datetime | None:
    """Return the aware time a text means, by this form or by a usual one; None for any other text.

    A number is a version, whatever date its digits would give, unless the form itself reads it.
    """
    for one in (form,) if text.isdigit() else (form, "iso", *_FORMS):
        try:
            return moment(text, one)
        except ValueError:
            continue
    return None


def carries(value: Any, limit: datetime | None = None) -> bool:
    """Tell whether the cursor may stand on this time: not on a text that is no time, not on a moment ahead of the limit.

    `limit`: an aware time; without it, a day ahead of this machine's clock, for far sides whose clock nobody knows.
    """
    latest = (limit or datetime.now(CHINA) + AHEAD).astimezone(CHINA)
    if isinstance(value, str):
        found = text_form(value)
        return found is not None and carries(found[0], latest)
    if isinstance(value, datetime):
        return value.replace(tzinfo=value.tzinfo or CHINA) <= latest
    if isinstance(value, date):
        return value <= latest.date()
    return True


def latest_sane(like: Any, limit: datetime) -> Any:
    """Return the limit, an aware time, in the type and form of another time; None when there is no such limit."""
    latest = limit.astimezone(CHINA)
    if isinstance(like, datetime):
        return latest if like.tzinfo else latest.replace(tzinfo=None)
    if isinstance(like, date):
        return latest.date()
    found = text_form(like) if isinstance(like, str) else None
    return latest.strftime(found[1]) if found else None
