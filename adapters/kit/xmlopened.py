"""Decides how documents that stand as text inside a document are read: their tree takes the place of their text."""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Callable, Sequence
from typing import Any

from lxml import etree

from adapters.kit.xmlnode import Opened
from adapters.kit.xmlread import NoXml, document_text, safe_root, unescaped

#: The documents of one answer may unfold to no more than this many bytes; as a tree they take some thirty times as many.
LARGEST = 8 << 20
_GZIP = b"\x1f\x8b"

Find = Callable[[etree._Element, str], Any]


def opened(root: etree._Element, places: Sequence[Opened], find: Find) -> None:
    """Read, in order, what stands at the places and hang it below its element; an element without text stays as it is.

    `find` gives what a path leads to. Raises NoXml for a document that cannot be read; it names the element, never the text.
    """
    unfolding = Unfolding(LARGEST)
    for place in places:
        found = find(root, place.at)
        for element in found if isinstance(found, list) else ():
            if isinstance(element, etree._Element) and len(element) == 0 and (element.text or "").strip():
                _open(element, place, unfolding)


def _open(element: etree._Element, place: Opened, unfolding: Unfolding) -> None:
    try:
        tree = safe_root(_text(element.text or "", place, unfolding))
    except NoXml as problem:
        raise type(problem)(f"the document in {etree.QName(element).localname} {problem}") from None
    element.text = None
    element.append(tree)


def _text(text: str, place: Opened, unfolding: Unfolding) -> str:
    content = b""
    for step in place.decode:
        if step == "unescape":
            text = unescaped(text)
        elif step == "base64":
            content = _from_base64(text)
        elif content.startswith(_GZIP):
            content = unfolding.inflated(content)
    if "base64" not in place.decode:
        return text
    return document_text(content, (place.charset,) if place.charset else ())


def _from_base64(text: str) -> bytes:
    """Undo base64 as MIME writes it: in lines."""
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise NoXml("is no base64") from None


class Unfolding:
    """Unfolds what is compressed in one answer, to no more than so many bytes in all."""

    def __init__(self, most: int) -> None:
        self._left = most

    def inflated(self, content: bytes) -> bytes:
        """Return the content of a gzip stream. Raises NoXml."""
        inflate = zlib.decompressobj(wbits=31)
        try:
            plain = inflate.decompress(content, self._left + 1)
        except zlib.error:
            raise NoXml("is no readable gzip") from None
        self._left -= len(plain)
        if self._left < 0:
            raise NoXml("is too large unfolded")
        if not inflate.eof:
            raise NoXml("is cut short")
        return plain
