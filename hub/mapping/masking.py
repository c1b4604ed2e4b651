"""Decides how much of a personal value may be shown: never enough to identify anybody."""

from __future__ import annotations

from enum import StrEnum

from hub.model import Json


class Personal(StrEnum):
    """What kind of personal data a field holds: the values of `x-personal`."""

    NAME = "name"
    ID = "id"
    MOBILE = "mobile"
    ADDRESS = "address"
    ACCOUNT = "account"


def mask(value: Json, kind: str | None) -> str:
    """Return a short form of `value` that may stand in logs and on screens.

    `kind` is one of `Personal`, or None when unknown. A name keeps its first character, an identity number its first 6 and last 4,
    a mobile number 3 and 4, everything else its first character.

    >>> mask("王小明", "name"), mask("62112519900101001X", "id"), mask("13800000000", "mobile"), mask("漳县武阳镇", "address")
    ('王**', '621125********001X', '138****0000', '漳***')
    >>> mask(None, None), mask(["a"], None), mask(True, None)
    ('', '[…]', 'true')
    """
    if value is None or isinstance(value, bool):
        return "" if value is None else str(value).lower()
    if isinstance(value, (dict, list, tuple)):
        return "{…}" if isinstance(value, dict) else "[…]"
    return _masked(value if isinstance(value, str) else _written(value), kind)


def _written(value: Json) -> str:
    try:
        return str(value)
    except ValueError:  # an int of thousands of digits
        return "…"


def _masked(text: str, kind: str | None) -> str:
    length = len(text)
    if not length:
        return ""
    if text[0].isprintable() is False:  # a control character or half a surrogate has no place in a log
        return "�***"
    if kind == Personal.NAME:
        return f"{text[0]}**"
    if kind == Personal.ID and 15 <= length <= 20:
        return f"{text[:6]}{'*' * (length - 10)}{text[-4:]}"
    if kind == Personal.MOBILE and length == 11:
        return f"{text[:3]}****{text[-4:]}"
    return f"{text[0]}***"
