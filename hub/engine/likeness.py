"""Decides what messages with one cause have in common: a far side's words without numbers, times and quoted values.

Names of fields, tables and constraints and error codes stay, for they tell causes apart; what is quoted and may be somebody's name
does not. A name that stands in no marks cannot be told from any other word, and stays.
"""

from __future__ import annotations

import re

#: Too short to tell records apart: a far side that says nothing but this has answered with a return code, and that is the cause.
_RETURN_CODE = re.compile(r"\s*[A-Za-z0-9_-]{1,8}\s*")
#: Pairs of quotation and title marks in which far sides put values and names.
_MARKS = "''\"\"``“”‘’《》〈〉【】「」『』＂＂＇＇"
_QUOTED = "|".join(
    f"{re.escape(first)}[^{re.escape(first + last)}\n]*{re.escape(last)}"
    for first, last in zip(_MARKS[::2], _MARKS[1::2], strict=True)
)
_PIECES = re.compile(
    rf"""
    (?P<code>\b(?:ORA|PLS|TNS|DPY|DM|SQL|ERR|ERROR|HTTP)[-_ ]?\d{{3,5}}\b
        |\bSQLSTATE\W{{0,3}}[0-9A-Z]{{5}}\b
        |["']?(?:错误码|错误代码|错误号|返回码|返回代码|状态码
          |(?<![A-Za-z])(?i:err(?:or)?[_ ]?(?:code|no)|(?:fault|ret(?:urn)?)?[_ ]?code))
         ["']?\s{{0,3}}(?:[:：=]|为|是)?\s{{0,3}}["']?-?[0-9A-Za-z]{{1,8}}\b["']?)
    |(?P<row>(?<==)\([^()\n]*\)|(?<=contains[ ])\([^\n]*\))
    |(?P<quoted>{_QUOTED})
    |(?P<day>\d{{2,4}}\s*年\s*\d{{1,2}}\s*月(?:\s*\d{{1,2}}\s*日)?(?:\s*\d{{1,2}}\s*[时点](?:\s*\d{{1,2}}\s*分)?(?:\s*\d{{1,2}}\s*秒)?)?)
    |(?P<word>[A-Za-z_\d][A-Za-z_\d$*-]*(?:[:./@\\][A-Za-z_\d$*-]+)*)
    """,
    re.VERBOSE,
)
#: Of longer messages the rest is left out: what is told of the cause fits in far less.
_LOOKED_AT = 2000
#: Several values in a row are as good as one.
_LIST = re.compile(r"#(?:\s*[,，、]\s*#)+")
#: `C04`, `AAC003`, `T_BJ2`: what fields and tables are called, not what tells records apart.
_NAMED = re.compile(r"[A-Za-z_][A-Za-z_$]*\d{1,3}[A-Za-z_$]*|[A-Za-z]-?\d{1,2}(?:-\d)?")
_DIGIT = re.compile(r"\d")
#: A name out of a database's or a schema's dictionary.
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*(?:\.[A-Za-z_][A-Za-z0-9_$]*)*")
#: Words before quoted things that are parts of a form, and words behind them that no value can be said of.
_THING_BEFORE = re.compile(
    r"(?i:column|field|table|relation|constraint|index|key|sequence|element|attribute|property|parameter|type|missing|required|\.)"
    r"\s*\(?\s*[:：]?\s*$|(?:字段|数据项|列|表|栏目|元素|节点|属性|参数|约束|索引|缺少|缺失|请填写|未填写)\s*[:：]?\s*$"
)
_THING_BEHIND = re.compile(
    r"\s{0,3}\)?\s{0,3}(?:不能为空|不可为空|不得为空|不允许为空|为空|必填|为必填|是必填|未填|缺失|字段"
    r"|\.|(?i:is required|is missing|is null|cannot be null|may not be null|must not be|violates|column|field))"
)
_THING_LIMIT = 40
#: What stands in quotation marks and is a message itself: the value of a key that says so, or something with marks of its own.
_MESSAGE_BEFORE = re.compile(r"""(?i:msg|message|error|reason|desc|detail|info|faultstring|text)["']?\s*[:=]\s*$""")


def alike(said: str) -> str:
    """Return a far side's words without what tells records apart: equal for what has one cause.

    A far side that says nothing but a short number has answered with a return code, and that is the cause.
    """
    if _RETURN_CODE.fullmatch(said):
        return said
    return _LIST.sub("#", _PIECES.sub(_common, said[:_LOOKED_AT]))


def _common(found: re.Match[str]) -> str:
    text = found[0]
    if found["code"]:
        return text
    if found["quoted"]:
        return f"{text[0]}{_inside(found)}{text[-1]}"
    return "(#)" if found["row"] else "#" if found["day"] else _word(text)


def _inside(found: re.Match[str]) -> str:
    """Return what is quoted as far as it may be told: the name of a thing as it is, a message without its values, a value not."""
    inner, before = found[0][1:-1], found.string[max(0, found.start() - 20) : found.start()]
    if _is_thing(inner, before, found.string[found.end() :]):
        return inner
    return _PIECES.sub(_common, inner) if _MESSAGE_BEFORE.search(before) or set(inner) & set(_MARKS) else "#"


def _word(text: str) -> str:
    """Return a word without its numbers; a dotted name keeps the parts that have none."""
    if not _DIGIT.search(text):
        return text
    if text[0].isdigit():
        return "#"
    return re.sub(r"[^:./@\\]+", lambda part: part[0] if _plain(part[0]) else "#", text)


def _plain(part: str) -> bool:
    return not _DIGIT.search(part) or _NAMED.fullmatch(part) is not None


def _is_thing(inner: str, before: str, behind: str) -> bool:
    """Tell whether what is quoted is a part of a form or a table, and not a value: the words around it or its own form say so."""
    if len(inner) > _THING_LIMIT or re.search(r"\d{4}", inner):
        return False
    if _IDENTIFIER.fullmatch(inner) and ("_" in inner or "." in inner or inner.isupper() or re.match(r"\s*:", behind)):
        return True
    return bool(_THING_BEFORE.search(before) or _THING_BEHIND.match(behind))
