"""Decides what of the far side's words may be kept: shortened, on one line, certificate and mobile numbers masked."""

from __future__ import annotations

import re
from typing import Any

from adapters.kit.answer import Answer, json_tree, xml_tree
from hub.errors import SAID_LIMIT

# 15 to 18 places: certificate numbers (GB 11643) and codes (GB 32100); 11 digits from 1: mobile numbers.
_CERTIFICATE = re.compile(r"(?<!\d)(\d{6})\d{5,8}(\d{3}[\dXx])(?!\d)")
_MOBILE = re.compile(r"(?<!\d)(1\d{2})\d{4}(\d{4})(?!\d)")
_BLANKS = re.compile(r"\s+")
_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
#: Where far sides put their words; the rest of a body may echo the record, so it is never kept.
_MESSAGES = (
    "msg",
    "message",
    "error_description",
    "errmsg",
    "error",
    "detail",
    "desc",
    "text",
    "info",
    "title",
    "reason",
    "result",
)
_PLAIN_LIMIT = 120


def said(text: str | None) -> str:
    """Return the far side's words fit for a log: one line, at most SAID_LIMIT characters, numbers of persons masked.

    Runs of 15 to 18 places keep 6 + 4, mobile numbers 3 + 4.
    """
    if not text:
        return ""
    flat = _BLANKS.sub(" ", text[: SAID_LIMIT * 4]).strip()
    flat = _CERTIFICATE.sub(r"\1********\2", flat)
    return _MOBILE.sub(r"\1****\2", flat)[:SAID_LIMIT]


def heard(answer: Answer) -> str:
    """Return what an answer says when no rule tells where its words stand.

    Of an HTML page its title, of JSON the usual message fields or else only the names in it, of XML only the names, of plain text
    the beginning: a far side's answer may echo the record, and that must not be kept.
    """
    if answer.is_html:
        title = _TITLE.search(answer.text[:4000])
        return said(title[1] if title else "HTML page")
    tree = json_tree(answer)
    if isinstance(tree, dict | list):
        return said(_message(tree) or f"JSON with {_names(tree)}")
    root = xml_tree(answer)
    if root is not None:
        return said(f"XML with {root.tag}: {', '.join(str(child.tag) for child in root[:8])}")
    return said(answer.text[:_PLAIN_LIMIT])


def _message(tree: Any) -> str:
    """Return the words in the usual places of an object, or of the head or error object inside it."""
    if not isinstance(tree, dict):
        return ""
    found = [value for name in _MESSAGES if isinstance(value := tree.get(name), str) and value]
    inner = [_message(tree[name]) for name in ("error", "head", "status", "custom") if isinstance(tree.get(name), dict)]
    return next(iter([*found, *filter(None, inner)]), "")


def _names(tree: Any) -> str:
    if isinstance(tree, list):
        return f"a list of {len(tree)}"
    return ", ".join(
        f"{name} {{{', '.join(list(value)[:6])}}}" if isinstance(value, dict) else name for name, value in list(tree.items())[:12]
    )
