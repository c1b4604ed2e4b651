"""Decides what XML a twin reads at all: no entity is resolved, nothing is fetched, and a DTD is refused."""

from __future__ import annotations

from lxml import etree


class Unreadable(Exception):
    """No XML, or XML with a DTD. Quotes no value."""


def root_of(content: bytes, encoding: str | None = "utf-8") -> etree._Element:
    """Return the root of a document in `encoding`, None for the one it declares itself. Raises Unreadable."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, encoding=encoding)
    try:
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError):
        raise Unreadable("报文无法解析") from None
    if root.getroottree().docinfo.doctype:
        raise Unreadable("报文不得包含 DTD")
    return root
