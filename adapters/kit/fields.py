"""Decides how durations and texts are written in an adapter's options."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")


def seconds(value: Any) -> Any:
    """Return seconds for `30s 2m 10m 1h 24h 7d 500ms`; a plain number already is seconds."""
    if not isinstance(value, str):
        return value
    found = _DURATION.fullmatch(value.strip())
    if found is None:
        raise ValueError("a duration is written as a number and a unit: 500ms 30s 2m 1h 7d")
    return float(found[1]) * _UNITS[found[2]]


def plain_text(value: Any) -> Any:
    """Return YAML scalars as the text an answer would show: 200 as "200", true as "true"."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


#: A positive duration in seconds, written with its unit.
Seconds = Annotated[float, BeforeValidator(seconds, json_schema_input_type=float | str), Field(gt=0)]
#: A text that YAML may have read as a number or a truth value.
Plain = Annotated[str, BeforeValidator(plain_text)]
