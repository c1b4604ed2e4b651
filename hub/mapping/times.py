"""Decides how a moment is read out of what local systems write: one parser for transforms and checks."""

from __future__ import annotations

import re
from datetime import date, datetime
from zoneinfo import ZoneInfo

from hub.model import Json

ZONE = ZoneInfo("Asia/Shanghai")
#: Longer than any form of a moment.
LONGEST = 40

_NUMERIC = re.compile(
    r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?"
    r"(?:[ T]+(\d{1,2})[:时](\d{1,2})(?:[:分](\d{1,2})(?:\.\d+)?秒?)?分?)?"
    r"\s*(Z|[+-]\d{2}:?\d{2})?"
)
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})(?:(\d{2})(\d{2})(\d{2})?)?")
# Oracle's default DATE text (DD-MON-RR), with English or Chinese month names, and its TIMESTAMP text.
_ORACLE = re.compile(
    r"(\d{1,2})-([A-Za-z]{3}|\d{1,2}月)\s?-(\d{4}|\d{2})"
    r"(?:\s+(\d{1,2})[.:](\d{2})(?:[.:](\d{2}))?(?:\.\d+)?\s*(AM|PM|上午|下午)?)?",
    re.IGNORECASE,
)
_MONTHS = {
    name: number
    for number, name in enumerate(("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"), 1)
}


def moment(value: Json) -> datetime | None:
    """Return a naive Asia/Shanghai time for any accepted form, or None when it is none.

    Accepted: ISO 8601 with or without a zone, `2016/12/13 9:00`, `2016年12月13日`, `20161213090000`, `20161213`, Oracle's
    `13-DEC-16` and `13-12月-16 09.00.00.000000 上午`, and datetime objects. Without a zone the time is local.

    >>> moment("13-DEC-16"), moment("2016-12-13T01:00:00Z")
    (datetime.datetime(2016, 12, 13, 0, 0), datetime.datetime(2016, 12, 13, 9, 0))
    >>> moment("2016-13-01") is None
    True
    """
    if isinstance(value, str):
        return _from_text(value)
    if isinstance(value, datetime):
        return _local(value)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)  # noqa: DTZ001 - local by definition
    if isinstance(value, int) and not isinstance(value, bool) and 10_000_000 <= value < 10**14:
        return _from_text(str(value))
    return None


def local(value: datetime) -> datetime:
    """Return the naive local time of an aware one; a naive one is local already."""
    return value if value.tzinfo is None else value.astimezone(ZONE).replace(tzinfo=None)


def _local(value: datetime) -> datetime | None:
    """Return the naive local time; None where that lies before the year 1 or after 9999."""
    try:
        return local(value)
    except OverflowError:
        return None


def usual(text: str) -> bool:
    """Say whether a text has the shape of `2016-12-13 09:00:00`, by far the most common; that does not make it a moment."""
    return len(text) == 19 and text[4] == "-" == text[7] and text[10] in " T" and text[13] == ":" == text[16]


def _from_text(text: str) -> datetime | None:
    if len(text) > LONGEST:
        return None
    try:
        if usual(text):
            return datetime.fromisoformat(text)
        return _from_forms(text.strip())
    except ValueError:
        return None


def _from_forms(text: str) -> datetime | None:
    if found := _NUMERIC.fullmatch(text):
        return _numeric(found)
    if found := _COMPACT.fullmatch(text):
        return _built(*found.groups())
    if found := _ORACLE.fullmatch(text):
        return _oracle(found)
    return None


def _numeric(found: re.Match[str]) -> datetime | None:
    *parts, zone = found.groups()
    naive = _built(*parts)
    if zone is None:
        return naive
    return _local(datetime.fromisoformat(f"{naive.isoformat()}{zone}"))


def _oracle(found: re.Match[str]) -> datetime | None:
    day, name, year, hour, minute, second, half = found.groups()
    month = int(name[:-1]) if name.endswith("月") else _MONTHS.get(name.upper())
    if month is None:
        return None
    if len(year) == 2:  # RR: 00-49 is this century, 50-99 the last
        year = f"{'20' if year < '50' else '19'}{year}"
    hours = int(hour or 0) % 12 + 12 * (half.upper() in {"PM", "下午"}) if half else int(hour or 0)
    return _built(year, month, day, hours, minute, second)


def _built(*parts: str | int | None) -> datetime:
    return datetime(*(int(part or 0) for part in parts))  # type: ignore[arg-type]  # noqa: DTZ001 - local by definition
