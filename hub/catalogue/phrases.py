"""Decides how a fixed English phrase is said in Chinese: row by row from a CSV file of this package, with holes for what varies."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import resources

_HOLE = re.compile(r"\\\{([naxopkrtw])\\\}")
#: n: a number, a: a column's letters, x: anything, o: choices, p: characters with their positions, k: a kind of values.
_HOLES = {"n": r"(\d+)", "a": r"([A-Z]{1,3})", "x": r"(.+?)", "o": r"(.+?)", "p": r"(U\+.+?)", "k": r"(text|number|time|bytes)"}
#: r: an answer and t: a trouble that are said in Chinese themselves, w: a place, which may be.
_INNER = {"r": "answers.csv", "t": "troubles.csv", "w": "places.csv"}
_KINDS = {"text": "文本", "number": "数字", "time": "时间", "bytes": "二进制"}
_CHARACTER = re.compile(r"(U\+[0-9A-F]+)[^,]*? at character (\d+)")
_FILLED: dict[str, Callable[[str], str]] = {
    "o": lambda text: text.replace(" or ", " 或 "),
    "k": _KINDS.__getitem__,
    "p": lambda text: _CHARACTER.sub(r"第 \2 个字 \1", text).replace(", ", "、"),
}


@dataclass(frozen=True, slots=True)
class Phrase:
    """One row: the English with its holes as a pattern, what each hole takes, the Chinese."""

    pattern: re.Pattern[str]
    holes: tuple[str, ...]
    chinese: str


def phrase(file: str, english: str) -> str:
    """Return what the first row of `file` that fits the whole text says in Chinese, empty when none fits.

    >>> phrase("issues.csv", "has 2 characters, 18 or 20 are due")
    '有 2 个字符，应为 18 或 20 个'
    >>> phrase("issues.csv", "what nobody says")
    ''
    """
    for one in _phrases(file):
        if found := one.pattern.fullmatch(english):
            filled = [_filled(hole, text) for hole, text in zip(one.holes, found.groups(), strict=True)]
            if all(filled):
                return one.chinese.format(*filled)
    return ""


def _filled(hole: str, text: str) -> str:
    """Return what stands in a hole, in Chinese where it is words of ours; empty when it must be and is not."""
    if hole in _INNER:
        return phrase(_INNER[hole], text) or (text if hole == "w" else "")
    return _FILLED[hole](text) if hole in _FILLED else text


@cache
def _phrases(file: str) -> tuple[Phrase, ...]:
    text = (resources.files("hub.catalogue") / file).read_text("utf-8")
    return tuple(_row(row["en"], row["zh"]) for row in csv.DictReader(text.splitlines()))


def _row(english: str, chinese: str) -> Phrase:
    escaped = re.escape(english)
    pattern = re.compile(_HOLE.sub(lambda found: _HOLES.get(found[1], r"(.+?)"), escaped), re.DOTALL)
    return Phrase(pattern, tuple(_HOLE.findall(escaped)), chinese)
