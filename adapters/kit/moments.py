"""Decides how a far side's times are read and written: ISO 8601, counted since 1970, or by a strftime format in China's time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

#: China keeps one time, without daylight saving.
CHINA = timezone(timedelta(hours=8))
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def moment(text: str | None, form: str) -> datetime:
    """Return the aware time a text means: `iso`, `ms`, `s` or a strftime format; without zone it is China's. Raises ValueError."""
    if not text:
        raise ValueError("no time")
    if form in ("ms", "s"):
        return EPOCH + timedelta(milliseconds=float(text) * (1 if form == "ms" else 1000))
    read = datetime.fromisoformat(text) if form == "iso" else datetime.strptime(text, form)  # noqa: DTZ007
    return read.astimezone(UTC) if read.tzinfo else read.replace(tzinfo=CHINA).astimezone(UTC)


def written(time: datetime, form: str) -> str:
    """Return a time as the far side writes it."""
    if form in ("ms", "s"):
        milliseconds = (time - EPOCH) // timedelta(milliseconds=1)
        return str(milliseconds if form == "ms" else milliseconds // 1000)
    local = time.astimezone(CHINA)
    return local.replace(tzinfo=None).isoformat() if form == "iso" else local.strftime(form)
