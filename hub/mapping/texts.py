"""Decides what the transforms of plain text do: writing, trimming, cutting, filling, replacing."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from typing import Literal

from hub.mapping.transforming import Unfit, transform
from hub.model import Json

_HALF = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}
# What XML 1.0 forbids, the C1 controls, and the byte order mark.
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufeff\ufffe\uffff]")


@transform("text", inline="{v}")
def text(value: Json) -> str:
    """Write a value as text: numbers without needless zeros, true and false as words.

    >>> text(621125), text(3.0), text(2.5), text(True)
    ('621125', '3', '2.5', 'true')
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, (int, float, Decimal)):
        try:
            return str(value)
        except ValueError:  # an int of thousands of digits
            raise Unfit("is no number anybody exchanges") from None
    if isinstance(value, datetime):
        return value.isoformat(" ")
    raise Unfit("is a list or an object where one value is needed")


@transform("trim", inline="{v}.strip()")
def trim(value: Json) -> str:
    """Remove white space, also the full-width space, at both ends.

    >>> trim("  张三\\u3000")
    '张三'
    """
    return text(value).strip()


@transform("upper", inline="{v}.upper()")
def upper(value: Json) -> str:
    """Write letters in upper case: the X at the end of an identity number.

    >>> upper("62112519900101001x")
    '62112519900101001X'
    """
    return text(value).upper()


@transform("lower", inline="{v}.lower()")
def lower(value: Json) -> str:
    """Write letters in lower case.

    >>> lower("ABC")
    'abc'
    """
    return text(value).lower()


@transform("cut")
def cut(value: Json, length: int) -> str:
    """Keep the first so many characters. Only where the target agreed to lose the rest: nothing is ever cut unasked.

    >>> cut("漳县武阳镇", 2)
    '漳县'
    """
    return text(value)[:length]


@transform("cut-bytes")
def cut_bytes(value: Json, length: int, encoding: Literal["gbk", "gb18030", "utf-8"] = "gbk") -> str:
    """Keep as many whole characters as fit into so many bytes of the target's encoding.

    >>> cut_bytes("漳县1号", 5)
    '漳县1'
    """
    return text(value)[:length].encode(encoding, "replace")[:length].decode(encoding, "ignore")


@transform("part")
def part(value: Json, start: int, length: int) -> str:
    """Take `length` characters from position `start`, counted from 1; a text that is too short is refused.

    >>> part("11621125013891234X", 3, 6)
    '621125'
    """
    taken = text(value)[start - 1 : start - 1 + length]
    if len(taken) != length:
        raise Unfit(f"has no {length} characters from position {start}")
    return taken


@transform("pad")
def pad(value: Json, width: int, fill: str = "0", side: Literal["left", "right"] = "left") -> str:
    """Fill up to `width` characters; a longer text stays as it is.

    >>> pad("12", 4), pad("621125", 12, "0", "right")
    ('0012', '621125000000')
    """
    written = text(value)
    return written.rjust(width, fill) if side == "left" else written.ljust(width, fill)


@transform("replace")
def replace(value: Json, table: dict[str, str]) -> str:
    """Replace literal texts, in the order given.

    >>> replace("武阳镇（县城）", {"（": "(", "）": ")"})
    '武阳镇(县城)'
    """
    written = text(value)
    for old, new in table.items():
        written = written.replace(old, new)
    return written


@transform("halfwidth")
def halfwidth(value: Json) -> str:
    """Write full-width letters, digits and signs as ordinary ones.

    >>> halfwidth("６２１１２５Ａ　１")
    '621125A 1'
    """
    return text(value).translate(_HALF)


@transform("strip-controls")
def strip_controls(value: Json) -> str:
    """Remove characters no XML may hold; tabs and line breaks stay.

    >>> strip_controls("a\\x00b\\x0bc\\n")
    'abc\\n'
    """
    return _CONTROLS.sub("", text(value))


@transform("split")
def split(value: Json, by: str = ",") -> list[str]:
    """Cut a text at a separator into a list, without empty parts and outer spaces.

    >>> split("身份证, 申请表,", ",")
    ['身份证', '申请表']
    """
    return [trimmed for one in text(value).split(by) if (trimmed := one.strip())]
