"""Decides how the reason of a refused file or row, or of a run, is said in Chinese: phrase by phrase, from `reasons.csv`.

A reason is English, kept in the store and told to machines: places and phrases between commas, colons and semicolons. What no
phrase stands for (a file's name, a title, somebody's own words) stays as it is.
"""

from __future__ import annotations

import re

from hub.catalogue.phrases import phrase

_FILE = "reasons.csv"
_BETWEEN = re.compile(r"(: |; |, )")
_MARKS = {": ": "：", "; ": "；", ", ": "，"}


def reason(text: str, lang: str) -> str:
    """Return a reason in that language.

    >>> reason("a.xlsx, sheet 办件, row 9: column J 日期: a date as a bare number; format the column as a date", "zh")
    'a.xlsx，工作表 办件，第 9 行：J 列 日期：日期成了一个数字；请把这一列的格式设为日期'
    >>> reason("SQRZJHM: certificate", "zh"), reason("line 3: the line is no JSON", "en")
    ('SQRZJHM: certificate', 'line 3: the line is no JSON')
    """
    if lang == "en" or text.isspace():
        return text
    pieces = _BETWEEN.split(text)
    said = [phrase(_FILE, piece) for piece in pieces[::2]]
    if not any(said):
        return text
    words = [new or old for new, old in zip(said, pieces[::2], strict=True)]
    marks = [_MARKS[mark] for mark in pieces[1::2]]
    return words[0] + "".join(mark + word for mark, word in zip(marks, words[1:], strict=True))
