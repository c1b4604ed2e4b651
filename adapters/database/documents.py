"""Decides how a column holds an XML document: made from a body when it is written, taken apart into data when it is read."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any

from lxml import etree
from pydantic import AfterValidator

from adapters.database.fields import Names, known_encoding
from adapters.database.reading import Unfit
from adapters.kit.moments import CHINA
from adapters.kit.templates import MESSAGE, Scope
from adapters.kit.values import scope_of
from adapters.kit.xmlnode import Document
from adapters.kit.xmlread import NoXml, document_text, nested, safe_root
from adapters.kit.xmltemplate import DocumentTemplate
from hub.model import Json, Message
from hub.ports import Options

_ROOTS = frozenset(MESSAGE) | {"stamp", "item"}
_BODY = re.compile(r"\$(?:(?:json|xml)\()?body((?:\.[\w\-@]+)*)")
_AUTO = "auto"


class WrittenDocument(Document):
    """An XML document a column gets: bytes in `encoding` where it holds bytes, the text where it holds text.

    time_format: of `$stamp`, when the body was frozen, in China's time.
    """

    time_format: str = "%Y-%m-%d %H:%M:%S"


def _charsets(names: tuple[str, ...]) -> tuple[str, ...]:
    if _AUTO in names and len(names) > 1:
        raise ValueError("`auto` stands alone: the document says its encoding, or these are tried in order")
    return tuple(name if name == _AUTO else str(known_encoding(name)) for name in names)


class ReadDocument(Options):
    """An XML document a column holds; it becomes nested data.

    encoding: `auto` for what the document says of itself, one name, or several that are tried in order · root: what its outermost
    element must be called · lists: elements that are lists even when there is one.
    """

    encoding: Annotated[Names, AfterValidator(_charsets)] = (_AUTO,)
    root: str | None = None
    lists: frozenset[str] = frozenset()


class DocumentWriter:
    """One compiled document of an endpoint. Safe to use from several threads."""

    def __init__(self, document: WrittenDocument) -> None:
        """Compile. Raises ValueError on an unknown placeholder, an undeclared prefix or a name XML does not allow."""
        self._template = DocumentTemplate(document, {}, _ROOTS)
        self._time_format = document.time_format

    def text(self, message: Message) -> str:
        """Return the document of a message. Raises Rejected HUB-D-130 to 132, Misconfigured HUB-D-204."""
        return self._template.text(self._scope(message))

    def encoded(self, message: Message) -> bytes:
        """Return its bytes. Raises what `text` raises."""
        return self._template.encoded(self._scope(message))

    def _scope(self, message: Message) -> Scope:
        return scope_of(message, stamp=message.created.astimezone(CHINA).strftime(self._time_format))


def body_fields(document: Document) -> frozenset[str] | None:
    """Return the fields of a body that a document uses; None when it uses the whole."""
    paths = [path for node in document.nodes for path in _BODY.findall(str(node.model_dump()))]
    return None if "" in paths else frozenset(path.split(".")[1] for path in paths)


def document_reader(column: str, document: ReadDocument, max_field: int) -> Callable[[Any], Json]:
    """Return what takes a column's value apart: bytes or text to nested data, None to None.

    It raises Unfit: HUB-S-312 too large, HUB-S-311 not in its encoding, HUB-S-316 no readable XML, HUB-S-317 another root.
    """

    def read(value: Any) -> Json:
        if value is None:
            return None
        if not isinstance(value, str | bytes | bytearray | memoryview):
            raise Unfit("HUB-S-316", f"column {column} holds neither text nor bytes")
        if len(value) > max_field:
            raise Unfit("HUB-S-312", f"column {column} holds more than `max_field`")
        try:
            root = safe_root(value if isinstance(value, str) else _text(column, bytes(value), document))
            _expect(column, root, document)
            return nested(root, document.lists)
        except NoXml as fault:
            raise Unfit("HUB-S-316", f"column {column} {fault}") from None

    return read


def _text(column: str, content: bytes, document: ReadDocument) -> str:
    try:
        return document_text(content, () if document.encoding == (_AUTO,) else document.encoding)
    except NoXml as fault:
        raise Unfit("HUB-S-311", f"column {column} {fault}") from None


def _expect(column: str, root: etree._Element, document: ReadDocument) -> None:
    name = etree.QName(root).localname
    if document.root not in (None, name):
        raise Unfit("HUB-S-317", f"column {column} holds a document that is no {document.root}")
