"""Decides how a body's values become a column's values, and which are refused before the database is asked."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from adapters.database.reading import LOCAL, Unfit

_BAD = "HUB-D-307"
_DIGITS = re.compile(r"(\d{4})(\d\d)(\d\d)(?:(\d\d)(\d\d)(\d\d))?")
_BYTES = (sa.LargeBinary, sa.BINARY, sa.VARBINARY, mysql.TINYBLOB, mysql.MEDIUMBLOB, mysql.LONGBLOB)
_TRUE = frozenset({"1", "true", "t", "y", "yes", "是"})
_FALSE = frozenset({"0", "false", "f", "n", "no", "否"})


@dataclass(frozen=True, slots=True)
class Converter:
    """Converts one column's values. `length` is the most characters a text column holds, None when it has no limit."""

    one: Callable[[Any], Any]
    text: bool = False
    length: int | None = None

    def many(self, values: Sequence[Any]) -> Sequence[Any]:
        """Convert a whole column; raises Unfit without saying which row, so that the good case stays fast."""
        if self.text and set(map(type, values)) <= {str, type(None)}:
            if self.length is None or max(map(len, filter(None, values)), default=0) <= self.length:
                return values
            raise Unfit(_BAD, "too long")
        return [None if value is None else self.one(value) for value in values]


def converter(kind: sa.types.TypeEngine[Any], dialect: str, *, text_bytes: str | None = None, as_base64: bool = False) -> Converter:
    """Return the converter of a column type.

    Texts become dates, numbers and truth values where the column is one; bytes columns take text in the declared encoding, or
    base64. SQLite has no types for date and time: they stay texts in the form `YYYY-MM-DD HH:MM:SS`.
    """
    if holds_bytes(kind):
        return Converter(_from_base64 if as_base64 else _bytes(text_bytes))
    if isinstance(kind, sa.String):
        return Converter(_text(kind.length), text=True, length=kind.length)
    if isinstance(kind, mysql.TINYINT) and kind.display_width == 1:
        return Converter(_small)
    if isinstance(kind, sa.DateTime) and kind.timezone:
        return Converter(_aware)
    for family, one in _FAMILIES:
        if isinstance(kind, family):
            return Converter(_stored(one, dialect))
    return Converter(lambda value: value)


def holds_bytes(kind: sa.types.TypeEngine[Any]) -> bool:
    """Tell whether a column of this type holds bytes."""
    return isinstance(kind, _BYTES)


def _stored(one: Callable[[Any], Any], dialect: str) -> Callable[[Any], Any]:
    """SQLite's driver takes neither dates nor decimals; texts have the right affinity."""
    return (lambda value: _sqlite(one(value))) if dialect == "sqlite" else one


def _sqlite(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat(" ", "seconds")[:19]
    return str(value) if isinstance(value, date | time | Decimal) else value


def _text(length: int | None) -> Callable[[Any], str]:
    def one(value: Any) -> str:
        if isinstance(value, bool | list | dict):
            raise Unfit(_BAD, f"a text column cannot take a value of type {type(value).__name__}")
        text = str(value)
        if length is not None and len(text) > length:
            raise Unfit(_BAD, f"{len(text)} characters, the column holds {length}")
        return text

    return one


def moment(value: Any) -> datetime | None:
    """Return a date and time from `YYYY-MM-DD[ HH:MM:SS]`, ISO 8601 or `YYYYMMDD[HHMMSS]`; empty text is no value. Raises Unfit.

    With an offset it is moved to Beijing time, since exchange tables hold that without saying so.
    """
    if value == "":
        return None
    try:
        found = value if isinstance(value, datetime) else _moment(str(value).strip())
    except ValueError:
        raise Unfit(_BAD, "not a date and time (YYYY-MM-DD HH:MM:SS is expected)") from None
    return found.astimezone(LOCAL).replace(tzinfo=None) if found.tzinfo else found


def _moment(text: str) -> datetime:
    if found := _DIGITS.fullmatch(text):
        return datetime(*(int(part or 0) for part in found.groups()))  # type: ignore[arg-type]  # noqa: DTZ001 - Beijing time
    return datetime.fromisoformat(text)


def _aware(value: Any) -> datetime | None:
    found = moment(value)
    return found and found.replace(tzinfo=LOCAL)


def _day(value: Any) -> date | None:
    found = moment(value)
    return found and found.date()


def _clock(value: Any) -> time | None:
    try:
        return time.fromisoformat(value) if value != "" else None
    except (TypeError, ValueError):
        raise Unfit(_BAD, "not a time of day (HH:MM:SS is expected)") from None


def _integer(value: Any) -> int | None:
    found = _decimal(value)
    if found is not None and found != found.to_integral_value():
        raise Unfit(_BAD, "not a whole number")
    return found if found is None else int(found)


def _decimal(value: Any) -> Decimal | None:
    if value == "":
        return None
    try:
        found = Decimal(str(int(value) if isinstance(value, bool) else value).strip())
    except InvalidOperation:
        raise Unfit(_BAD, "not a number") from None
    if not found.is_finite():
        raise Unfit(_BAD, "not a number")
    return found


def _small(value: Any) -> int | bool | None:
    """MySQL keeps truth values in TINYINT(1): numbers stay, words are understood."""
    try:
        return _integer(value)
    except Unfit:
        return _truth(value)


def _float(value: Any) -> float | None:
    found = _decimal(value)
    return found if found is None else float(found)


def _truth(value: Any) -> bool | None:
    text = str(value).strip().lower()
    if text in _TRUE | _FALSE:
        return text in _TRUE
    if text == "":
        return None
    raise Unfit(_BAD, "neither true nor false")


def _bytes(encoding: str | None) -> Callable[[Any], bytes]:
    def one(value: Any) -> bytes:
        if encoding is None:
            raise Unfit("HUB-D-313", "holds bytes; declare `text_bytes` (their encoding) or list it under `base64`")
        try:
            return str(value).encode(encoding)
        except UnicodeEncodeError as error:
            character = f"U+{ord(str(value)[error.start]):04X}"
            raise Unfit("HUB-D-130", f"character {character} does not exist in {encoding}") from None

    return one


def _from_base64(value: Any) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except (TypeError, ValueError, binascii.Error):
        raise Unfit(_BAD, "not base64") from None


def _json(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


#: First match wins: a type may belong to several families.
_FAMILIES: list[tuple[Any, Callable[[Any], Any]]] = [
    (sa.JSON, _json),
    (sa.Boolean, _truth),
    (sa.Integer, _integer),
    (sa.Float, _float),
    (sa.Numeric, _decimal),
    (sa.DateTime, moment),
    (sa.Date, _day),
    (sa.Time, _clock),
]
