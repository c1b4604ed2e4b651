"""Decides how values become XML text: escaped, and only characters XML 1.0 allows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from adapters.kit.answer import as_text
from adapters.kit.charset import forbidden
from hub.errors import Rejected

_NAME = re.compile(r"[^\W\d][\w.\-]*")


def element_text(value: Any, field: str = "") -> str:
    """Return a scalar as element text; raises Rejected HUB-D-131 on a character XML 1.0 §2.2 forbids, naming the field."""
    text = as_text(value) or ""
    found = forbidden(text)
    if found:
        place = f" in {field}" if field else ""
        raise Rejected("HUB-D-131", f"character U+{ord(found):04X}{place} is not allowed in XML")
    return escape(text)


def elements(tree: Any, field: str = "") -> str:
    """Return a JSON tree as elements: objects nest, lists repeat their element, `@name` becomes an attribute of its parent.

    Raises Rejected HUB-D-131 for characters, HUB-D-132 for names XML does not allow.
    """
    if not isinstance(tree, Mapping):
        return element_text(tree, field)
    return "".join(_named(name, value, f"{field}.{name}" if field else name) for name, value in tree.items() if name[:1] != "@")


def _named(name: str, value: Any, field: str) -> str:
    if isinstance(value, list | tuple):
        return "".join(_named(name, item, field) for item in value)
    if _NAME.fullmatch(name) is None:
        raise Rejected("HUB-D-132", f"field {field} is no XML name")
    return f"<{name}{_attributes(value, field)}>{elements(value, field)}</{name}>"


def _attributes(value: Any, field: str) -> str:
    if not isinstance(value, Mapping):
        return ""
    named = [(name[1:], item) for name, item in value.items() if name[:1] == "@"]
    for name, item in named:
        element_text(item, f"{field}.@{name}")
    return "".join(f" {name}={quoteattr(as_text(item) or '')}" for name, item in named)
