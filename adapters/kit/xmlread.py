"""Decides how XML of the far side becomes a tree or nested data: no DTD, no entities, nothing half taken."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from xml.sax.saxutils import unescape

from lxml import etree

from adapters.kit.charset import told, wider
from hub.model import Json

#: How XML of anybody else is parsed, at once or element by element.
CAREFULLY: Mapping[str, bool] = {
    "resolve_entities": False, "load_dtd": False, "no_network": True, "remove_comments": True, "remove_pis": True,
}  # fmt: skip
_QUOTES = {"&quot;": '"', "&apos;": "'"}
_SOLID = re.compile(r"[^ \t\r\n]")
#: What may stand before the root element besides a DTD.
_MISCELLANY = (("<?", "?>"), ("<!--", "-->"))


class NoXml(Exception):
    """A document that is not taken; the message says where it breaks, never what it holds."""


class HasDtd(NoXml):
    """A document with a DTD."""


def safe_root(text: str) -> etree._Element:
    """Parse a document whose characters are already decoded. Raises HasDtd, or NoXml with line and column.

    No DTD is ever read (XML 1.0, section 2.8): entities are the only way a small document can grow large.
    """
    text = text.lstrip("\ufeff \t\r\n")  # senders put line breaks before the declaration
    if _has_doctype(text):
        raise HasDtd("brings a DTD, which is never read")
    parser = etree.XMLParser(encoding="utf-8", huge_tree=False, **CAREFULLY)
    try:
        return etree.fromstring(text.encode("utf-8"), parser)
    except etree.XMLSyntaxError as error:  # its words quote the document
        line, column = error.position
        raise NoXml(f"is no readable XML at line {line}, column {column}") from None
    except UnicodeEncodeError:
        raise NoXml("is no readable XML: it holds half a character") from None


def _has_doctype(text: str) -> bool:
    """Say whether a DTD follows the prolog; a document that merely mentions one inside has none."""
    at = 0
    while True:
        solid = _SOLID.search(text, at)
        at = solid.start() if solid else len(text)
        opening, closing = next((pair for pair in _MISCELLANY if text.startswith(pair[0], at)), ("", ""))
        end = text.find(closing, at + len(opening)) if closing else -1  # `<!-->` begins a comment and ends none
        if end < 0:
            return text.startswith("<!DOCTYPE", at)
        at = end + len(closing)


def forget(element: etree._Element) -> None:
    """Let go of an element that was read, and of what stands before it: a long document never is in memory as a whole."""
    element.clear()
    parent = element.getparent()
    while parent is not None and element.getprevious() is not None:
        del parent[0]


def document_text(content: bytes, encodings: Sequence[str] = (), header: str | None = None) -> str:
    """Return the text of a whole document; raises NoXml when its bytes are in none of the character sets it may have.

    encodings: tried in order, whatever the document says of itself. Without any, the document says it, or else the `header` it came
    with (see `charset.told`).
    """
    for name in encodings or (told(content, header),):
        try:
            return content.decode("utf-8-sig" if name.lower() in ("utf-8", "utf8") else wider(name))
        except UnicodeDecodeError as error:
            fault = NoXml(f"is not {name} at byte {error.start}")
        except (UnicodeError, LookupError):
            fault = NoXml("declares a character set nobody knows")
    raise fault


def unescaped(text: str) -> str:
    """Return text that was escaped once more than XML needs as it was before."""
    return unescape(text, _QUOTES)


def nested(element: etree._Element, lists: frozenset[str] = frozenset()) -> Json:
    """Return an element as data: elements become an object, repeated ones a list, one without elements its text.

    Names go without namespace; an attribute is `@name`, the text beside attributes `#text`. What `lists` names is a list even when
    it comes once. Raises NoXml where something would be lost: text between elements, two attributes of one local name.
    """
    found: dict[str, Any] = {f"@{etree.QName(name).localname}": value for name, value in element.attrib.items()}
    if len(found) < len(element.attrib):
        raise NoXml(f"holds two attributes of {etree.QName(element).localname} that differ in their namespace alone")
    if len(element) == 0:
        return {**found, "#text": element.text} if found and element.text else found or element.text or ""
    _no_mixture(element)
    several: dict[str, list[Json]] = {}
    for child in element:
        several.setdefault(etree.QName(child).localname, []).append(nested(child, lists))
    return found | {name: values if len(values) > 1 or name in lists else values[0] for name, values in several.items()}


def _no_mixture(element: etree._Element) -> None:
    if any(text and not text.isspace() for text in (element.text, *(child.tail for child in element))):
        raise NoXml(f"holds text between the elements of {etree.QName(element).localname}")
