"""Decides how log lines look: one JSON object a line for machines, or a short line for people; always on stderr."""

from __future__ import annotations

import logging
import sys
import traceback
from datetime import UTC, datetime
from typing import Any

import orjson

from hub.errors import HubError

#: What every LogRecord has; all else on it came as `extra=` and is a field of the event.
_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "event", "taskName", "color_message"}


def clock(at: datetime) -> str:
    """Return an aware time as all lines show it: by the machine's zone, which is said."""
    return f"{at.astimezone():%H:%M:%S%z}"


def configure(level: str, form: str) -> None:
    """Send all logging to stderr from this level up; `form` is json or text. Calling again replaces what was set."""
    to_stderr = logging.StreamHandler(sys.stderr)
    to_stderr.setFormatter(JsonLines() if form == "json" else TextLines())
    logging.basicConfig(level=level.upper(), handlers=[to_stderr], force=True)
    for noisy in ("httpx", "httpcore", "zeep", "paramiko", "alembic", "asyncio", "procrastinate"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, logging.getLogger().level))


def fields(record: logging.LogRecord) -> dict[str, object]:
    """Return what the caller gave as `extra=`, without `event`."""
    return {name: value for name, value in vars(record).items() if name not in _OWN}


class _Discreet(logging.Formatter):
    """Shows where an exception comes from and of what kind it is; only our own errors' words are known to quote no record."""

    def formatException(self, ei: Any) -> str:
        shown = [_without_words(error) for error in _chain(ei[1])]
        return "\n\nduring or because of which:\n\n".join(shown)


def _chain(error: BaseException | None) -> list[BaseException]:
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.insert(0, error)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return found


def _without_words(error: BaseException) -> str:
    words = f": {error}" if isinstance(error, HubError) else ""
    return f"{''.join(traceback.format_tb(error.__traceback__))}{type(error).__qualname__}{words}"


class JsonLines(_Discreet):
    """ts (RFC 3339), level, event, msg, then the extra fields."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "ts": datetime.fromtimestamp(record.created).astimezone().isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": getattr(record, "event", record.name),
            "msg": record.getMessage(),
            **fields(record),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return orjson.dumps(line, default=str).decode()


class TextLines(_Discreet):
    """Time with its zone, level, message and the extra fields as name=value."""

    def format(self, record: logging.LogRecord) -> str:
        time = clock(datetime.fromtimestamp(record.created, UTC))
        extra = "".join(f" {name}={value}" for name, value in fields(record).items() if value is not None)
        line = f"{time} {record.levelname.lower():<7} {record.getMessage()}{extra}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line
