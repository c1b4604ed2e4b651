"""Decides whether the fields of a form fit: none unknown, none missing, none longer in GBK than the far side's columns."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Field:
    """One field: most bytes in GBK, whether it must be there, and its pattern."""

    title: str
    length: int
    mandatory: bool = False
    pattern: str = ""


def unfit(fields: Mapping[str, str], known: Mapping[str, Field]) -> str:
    """Return the first thing that is wrong, in words that quote no value; "" when nothing is."""
    for name in fields:
        if name not in known:
            return f"未定义的字段 {name[:30]}"
    return next((f"{name} {words}" for name, field in known.items() if (words := _wrong(field, fields.get(name, "")))), "")


def _wrong(field: Field, value: str) -> str:
    if not value:
        return f"{field.title}不能为空" if field.mandatory else ""
    try:
        size = len(value.encode("gbk"))
    except UnicodeEncodeError:
        return f"{field.title}含有无法识别的字符"
    if size > field.length:
        return f"{field.title}超过{field.length}个字节"
    return f"{field.title}格式错误" if field.pattern and not re.fullmatch(field.pattern, value) else ""
