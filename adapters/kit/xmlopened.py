"""Decides how documents that stand as text inside a document are read: their tree takes the place of their text."""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Callable, Sequence
from typing import Any
from xml.sax.saxutils import unescape

from lxml import etree

from adapters.kit.xmlnode import Opened
from adapters.kit.xmlread import NoXml, document_text, safe_root

#: A small document may unfold to no more than this many bytes.
LARGEST = 64 << 20
_QUOTES = {"&quot;": '"', "&apos;": "'"}
_GZIP = b"\x1f\x8b"

Find = Callable[[etree._Element, str], Any]


def opened(root: etree._Element, places: Sequence[Opened], find: Find) -> None:
    """Read, in order, what stands at the places and hang it below its element; an element without text stays as it is.

    `find` gives what a path leads to. Raises NoXml for a document that cannot be read; it names the element, never the text.
    """
    for place in places:
        found = find(root, place.at)
        for element in found if isinstance(found, list) else ():
            if isinstance(element, etree._Element) and len(element) == 0 and (element.text or "").strip():
                _open(element, place)


def _open(element: etree._Element, place: Opened) -> None:
    try:
        tree = safe_root(_text(element.text or "", place))
    except NoXml as problem:
        raise type(problem)(f"the document in {etree.QName(element).localname} {problem}") from None
    element.text = None
    element.append(tree)


def _text(text: str, place: Opened) -> str:
    content = b""
    for step in place.decode:
        if step == "unescape":
            text = unescape(text, _QUOTES)
        elif step == "base64":
            content = _from_base64(text)
        elif content.startswith(_GZIP):
            content = _inflated(content)
    if "base64" not in place.decode:
        return text
    return document_text(content, (place.charset,) if place.charset else ())


def _from_base64(text: str) -> bytes:
    """Undo base64 as MIME writes it: in lines."""
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise NoXml("is no base64") from None


def _inflated(content: bytes) -> bytes:
    inflate = zlib.decompressobj(wbits=31)
    try:
        plain = inflate.decompress(content, LARGEST)
    except zlib.error:
        raise NoXml("is no readable gzip") from None
    if not inflate.eof:
        raise NoXml("is cut short" if len(plain) < LARGEST else "is too large unfolded")
    return plain
