"""Decides how the hub's own reason of a delivery, a try, a pause or a run is said in Chinese: by `answers.csv` and `troubles.csv`.

A reason is English in the store and for machines. What a far side said stands behind it, or in its place, and stays as it was
said; hence the sentences of `troubles.csv`, which somebody else might say too, are looked for only where nobody else was heard.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from hub.catalogue.phrases import phrase

_COLON = re.compile(": |$")


def answer(text: str, lang: str) -> str:
    """Return in that language a reason that may hold a far side's words: the shortest beginning that is ours, and the rest.

    >>> answer("HTTP 503: the far side is down or busy: no worker is free", "zh"), answer("age: not a number", "zh")
    ('HTTP 503：对方停机或忙：no worker is free', 'age: not a number')
    """
    ends = (colon.start() for colon in _COLON.finditer(text))
    return text if lang == "en" else _said(text, ends, "answers.csv")


def trouble(text: str, lang: str) -> str:
    """Return in that language a reason that is the hub's alone, but for the code or name a database or a system gives an error.

    >>> trouble("feed case (table BJ): a lock, a deadlock or a time-out got in the way (mysql 1205)", "zh")
    'feed case（表 BJ）：遇到锁、死锁或超时（mysql 1205）'
    """
    ends = [colon.start() for colon in _COLON.finditer(text)]
    return text if lang == "en" else _said(text, reversed(ends), "troubles.csv", "answers.csv")


def refusal(text: str, lang: str) -> str:
    """Return in that language why a command cannot go on, or the hint behind it; empty when `errors.csv` has it not.

    >>> refusal("there is no system 'citi'", "zh"), refusal("did you mean city?", "zh"), refusal("as it was said", "zh")
    ("没有系统 'citi'", '是不是 city？', '')
    """
    return text if lang == "en" else phrase("errors.csv", text)


def _said(text: str, ends: Iterable[int], *files: str) -> str:
    for end in ends:
        if said := next(filter(None, (phrase(file, text[:end]) for file in files)), ""):
            behind = text[end:].removeprefix(": ")
            return f"{said}：{behind}" if behind else said
    return text
