"""Decides whether a certificate number can be true: identity numbers, 统一社会信用代码, 组织机构代码."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from functools import lru_cache

from stdnum import numdb
from stdnum.cn import ric, uscc
from stdnum.exceptions import InvalidChecksum, InvalidLength, ValidationError

from hub.mapping.issues import Severity

Judged = Iterator[tuple[str, Severity | None]]
_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_ORGANISATION = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def faults_of_id(number: str) -> Judged:
    """Yield what is wrong with an identity number (GB 11643: 18 characters; 15 digits before 1999, only warned of)."""
    old = len(number) == 15 and number.isascii() and number.isdigit()
    longer = f"{number[:6]}19{number[6:]}" if old else number
    if why := (_birth(longer) if old else _wrong_id(number)):
        yield f"is no identity number: {why}", None
        return
    if not _division(longer[:6]):
        yield "begins with a division code nobody knows", Severity.WARN
    if old:
        yield "is an identity number of the old 15 digits", Severity.WARN


def _wrong_id(number: str) -> str:
    if len(number) != 18:
        return "it has not 18 characters"
    if not (number[:17].isascii() and number[:17].isdigit()) or number[17] not in "0123456789X":
        return "it is not 17 digits and a digit or X"
    if number[17] != ric.calc_check_digit(number):
        return "its check digit is wrong"
    return _birth(number)


def _birth(number: str) -> str:
    try:
        date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return "its birth date is no date"
    return ""


@lru_cache(maxsize=4096)
def _division(code: str) -> bool:
    """Say whether a division ever had this code. Not whether it had it in the year of birth, as `ric.validate` asks: numbers are
    also given late, so a code younger than its bearer is common and true. Remembered, for the look-up is slow."""
    return any(found for _, found in numdb.get("cn/loc").info(code))


def faults_of_uscc(number: str) -> Judged:
    """Yield what is wrong with a 统一社会信用代码 (GB 32100)."""
    try:
        if uscc.validate(number) != number:
            yield "is no 统一社会信用代码: it holds spaces or small letters", None
    except InvalidLength:
        yield "is no 统一社会信用代码: it has not 18 characters", None
    except InvalidChecksum:
        yield "is no 统一社会信用代码: its check character is wrong", None
    except ValidationError:
        yield "is no 统一社会信用代码: it holds a character that is not allowed", None


def faults_of_organisation(number: str) -> Judged:
    """Yield what is wrong with a 组织机构代码 (GB 11714): 8 characters and a check character, a hyphen between them allowed."""
    plain = number[:8] + number[9:] if number[8:9] == "-" else number
    if len(plain) != 9 or any(char not in _ORGANISATION for char in plain):
        yield "is no 组织机构代码: it has not 9 letters and digits", None
        return
    rest = 11 - sum(weight * _ORGANISATION.index(char) for weight, char in zip(_WEIGHTS, plain, strict=False)) % 11
    if plain[8] != {10: "X", 11: "0"}.get(rest, str(rest)):
        yield "is no 组织机构代码: its check character is wrong", None
