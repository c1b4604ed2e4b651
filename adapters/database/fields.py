"""Decides how addresses, durations, names, column values and encodings are written in the options of a `database` system."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import sqlalchemy as sa
from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationInfo

from adapters.kit.templates import MESSAGE, MISSING
from adapters.kit.values import compiled, scope_of
from hub.model import Message

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def _duration(value: object) -> object:
    if isinstance(value, str) and (found := re.fullmatch(r"(\d+)([smhd])", value.strip())):
        return timedelta(**{_UNITS[found[2]]: int(found[1])})
    if isinstance(value, timedelta):
        return value
    raise ValueError("a duration such as 30s, 5m, 1h or 7d is expected")


def _overlap(value: object) -> object:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else _duration(value)


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _beside_configuration(url: SecretStr, info: ValidationInfo) -> SecretStr:
    """Read the URL, and look for a relative SQLite file beside the configuration."""
    try:
        parsed = sa.make_url(url.get_secret_value())
    except (sa.exc.ArgumentError, ValueError):  # its words may quote a part of a password that holds an @ or a colon
        raise ValueError("not a database URL: dialect+driver://user:password@host:port/database is expected") from None
    base = (info.context or {}).get("base")
    if parsed.get_backend_name() != "sqlite" or not base or parsed.database in (None, "", ":memory:"):
        return url
    return SecretStr(parsed.set(database=str(Path(base) / str(parsed.database))).render_as_string(hide_password=False))


#: A database URL.
Address = Annotated[SecretStr, AfterValidator(_beside_configuration)]
#: `30s 2m 1h 7d`.
Duration = Annotated[timedelta, BeforeValidator(_duration, json_schema_input_type=str)]
#: A duration, or a plain number: seconds for a time column, versions for an integer column.
Overlap = Annotated[int | timedelta, BeforeValidator(_overlap, json_schema_input_type=int | str)]
#: One name or several.
Names = Annotated[tuple[str, ...], BeforeValidator(_listed, json_schema_input_type=str | list[str]), Field(min_length=1)]
#: A value as it stands in a status column.
Value: TypeAlias = str | int | None
#: Stands for the time of writing, by the database's clock.
NOW = "$now"


def known_encoding(encoding: str | None) -> str | None:
    """Return the encoding if Python knows it; raises ValueError otherwise."""
    if encoding is None:
        return None
    try:
        "".encode(encoding)
    except LookupError:
        raise ValueError(f"{encoding!r} is no known encoding; use gbk, gb18030 or utf-8") from None
    return encoding


def compiled_value(value: Value) -> Callable[[Message], Any]:
    """Return what gives a column's value for a message: the value itself, or what its placeholders stand for.

    Raises ValueError on an unknown placeholder. `$now` alone is nobody's placeholder here: the database's clock tells it.
    """
    if not isinstance(value, str) or value == NOW or "$" not in value:
        return lambda _message: value
    render = compiled(value, frozenset(MESSAGE))
    return lambda message: None if (found := render(scope_of(message))) is MISSING else found
