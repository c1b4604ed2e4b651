"""Decides what the transforms of numbers, times, ids and words do; those of plain text are in `texts`. None ever guesses.

Every function takes a value that is not empty, and its parameters; it returns JSON or raises Unfit.
"""

from __future__ import annotations

import hashlib
import uuid
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Literal

import orjson
from cryptography.hazmat.primitives import hashes
from stdnum.cn import ric

from hub.mapping import masking
from hub.mapping.texts import text
from hub.mapping.times import moment, usual
from hub.mapping.transforming import Unfit, transform
from hub.model import Json

#: Longer than any number people exchange; keeps int() of a hostile text cheap.
_LONGEST_NUMBER = 40
#: Root of all row ids made by `guid`; changing it would change every id already sent.
_NAMESPACE = uuid.UUID("8f6a0d0e-6211-5125-8000-000000621125")
_USUAL = "%Y-%m-%d %H:%M:%S"
_YES = frozenset({"1", "y", "yes", "true", "t", "是", "有"})
_NO = frozenset({"0", "n", "no", "false", "f", "否", "无"})


@transform("int")
def whole(value: Json) -> int:
    """Make a whole number; a fraction is refused, not cut.

    >>> whole(" 12 "), whole("7.0")
    (12, 7)
    """
    number = _number(value)
    if number != number.to_integral_value():
        raise Unfit("has a fraction where a whole number is needed")
    return int(number)


@transform("decimal")
def decimal(value: Json, places: int) -> str:
    """Write an amount with so many places, rounded half up, as text, so that nothing is lost to binary fractions.

    >>> decimal("12.345", 2), decimal(3, 2)
    ('12.35', '3.00')
    """
    return str(_number(value).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP))


@transform("number")
def number(value: Json) -> int | float:
    """Make a JSON number, for targets that want one.

    >>> number("12.5"), number("12")
    (12.5, 12)
    """
    made = _number(value)
    return int(made) if made == made.to_integral_value() else float(made)


def _number(value: Json) -> Decimal:
    written = text(value).strip()
    if isinstance(value, bool) or len(written) > _LONGEST_NUMBER:
        raise Unfit("is not a number")
    try:
        made = Decimal(written.replace(",", ""))
    except InvalidOperation:
        raise Unfit("is not a number") from None
    if not made.is_finite() or abs(made.adjusted()) > _LONGEST_NUMBER:
        raise Unfit("is not a number")
    return made


@transform("yes-no")
def yes_no(value: Json, yes: str | int | bool = "1", no: str | int | bool = "0") -> str | int | bool:
    """Read 1/0, Y/N, yes/no, true/false, 是/否, 有/无 and write the target's two values; 01/02 needs a code table.

    >>> yes_no("是"), yes_no("N", "Y", "N")
    ('1', 'N')
    """
    word = text(value)[:8].strip().lower()
    if word in _YES:
        return yes
    if word in _NO:
        return no
    raise Unfit("is neither yes nor no")


@transform("datetime")
def date_time(value: Json, form: str = _USUAL) -> str:
    """Write a moment in Asia/Shanghai time, in a strftime form, whatever local form it came in.

    >>> date_time("2016/12/13 9:00"), date_time("2016-12-13T01:00:00Z", "%Y%m%d%H%M%S"), date_time("13-DEC-16", "%Y-%m-%d")
    ('2016-12-13 09:00:00', '20161213090000', '2016-12-13')
    """
    found = moment(value)
    if form == _USUAL and found is not None and type(value) is str and usual(value) and value[10] == " " and value[0] != "0":
        return value  # nothing to do for by far the most values
    if found is None or found.year < 1000:
        raise Unfit("is no time in a known form")
    return found.strftime(form)


@transform("date")
def date(value: Json, form: str = "%Y-%m-%d") -> str:
    """Write the day of a moment.

    >>> date("20161213090000")
    '2016-12-13'
    """
    return date_time(value, form)


@transform("compact-datetime")
def compact_datetime(value: Json) -> str:
    """Write a moment as YYYYMMDDhhmmss, the date-time form of GB/T 39046.

    >>> compact_datetime("2016-12-13 09:00:00")
    '20161213090000'
    """
    return date_time(value, "%Y%m%d%H%M%S")


@transform("guid")
def guid(value: Json, space: str = "", length: Literal[32, 36] = 36) -> str:
    """Make a row id out of a text: the same text always gives the same id (a version 5 UUID). `space` keeps tables apart.

    >>> guid("BJ20161213001", "up_pro_accept") == guid("BJ20161213001", "up_pro_accept") != guid("BJ20161213001")
    True
    >>> len(guid("BJ20161213001", length=32))
    32
    """
    made = uuid.uuid5(_NAMESPACE, f"{space}\n{text(value)}")
    return made.hex if length == 32 else str(made)


@transform("digest")
def digest(value: Json, method: Literal["md5", "sha256", "sm3"] = "sha256", encoding: str = "utf-8") -> str:
    """Write a digest in lower-case hex, of the text's bytes in `encoding` (GB/T 32905 for sm3).

    >>> digest("漳县", "md5", "gbk")
    '517cc8f60c8c9af11ce86a598a57673c'
    """
    try:
        data = text(value).encode(encoding)
    except UnicodeEncodeError:
        raise Unfit(f"cannot be written in {encoding}") from None
    if method == "sm3":
        made = hashes.Hash(hashes.SM3())
        made.update(data)
        return made.finalize().hex()
    return hashlib.new(method, data, usedforsecurity=False).hexdigest()


@transform("id15to18")
def id15to18(value: Json) -> str:
    """Bring an old 15-digit identity number to 18 (GB 11643: century 19 and a check digit); all else stays, in upper case.

    >>> id15to18("110105491231002"), id15to18("11010519491231002x")
    ('11010519491231002X', '11010519491231002X')
    """
    written = text(value).strip().upper()
    if len(written) != 15 or not (written.isascii() and written.isdigit()):
        return written
    longer = f"{written[:6]}19{written[6:]}"
    return longer + str(ric.calc_check_digit(longer + "0"))


@transform("mask")
def mask(value: Json, kind: Literal["name", "id", "mobile", "address", "account"]) -> str:
    """Mask personal data for a target that must not have it: name, id, mobile, address or account.

    >>> mask("王小明", "name")
    '王**'
    """
    return masking.mask(value, kind)


@transform("json")
def as_json(value: Json) -> str:
    """Write a list or an object as JSON text, for targets that keep it in one column.

    >>> as_json({"b": 1, "a": ["中"]})
    '{"b":1,"a":["中"]}'
    """
    try:
        return orjson.dumps(value).decode()
    except (TypeError, ValueError):
        raise Unfit("cannot be written as JSON") from None
