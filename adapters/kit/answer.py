"""Decides how an answer of the far side is read: its text, and the value at a path inside JSON or XML."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import orjson
from lxml import etree

from adapters.kit.charset import told, wider
from adapters.kit.xmlread import NoXml, safe_root
from hub.errors import Failure

_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]+)", re.IGNORECASE)
_HTML = re.compile(r"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html)\b", re.IGNORECASE | re.DOTALL)

_UNREAD = object()

Select = Callable[[str], "str | None"]


class Answer:
    """What came back: status, headers (lower-case names), the body as text, a fault code if the protocol has one, and `select`.

    `select(path)` gives the text at a path, None when there is none; by default JSON is read for `/data/id` or `data.id` and XML by
    XPath. Text and tree are only made when asked for. Pass `select` to read something else, e.g. XML inside a SOAP string.
    `trouble` says that a part of it could not be read: enough to refuse by, too little to say that all is well.
    """

    __slots__ = ("_select", "_text", "_tree", "charset", "content", "fault", "headers", "status", "trouble")

    def __init__(
        self,
        status: int,
        headers: Mapping[str, str] | None = None,
        content: bytes | str = b"",
        *,
        fault: str | None = None,
        charset: str | None = None,
        select: Select | None = None,
        trouble: Failure | None = None,
    ) -> None:
        self.status = status
        self.headers: Mapping[str, str] = {} if headers is None else headers
        self.content = content if isinstance(content, bytes) else content.encode()
        self.fault = fault
        self.charset = charset
        self.trouble = trouble
        self._text: str | None = content if isinstance(content, str) else None
        self._select = select
        self._tree: Any = _UNREAD

    def __repr__(self) -> str:
        return f"Answer(status={self.status}, {len(self.content)} bytes)"

    @property
    def text(self) -> str:
        """The body as text; bytes that are not in its charset become U+FFFD (this text is only judged, never delivered)."""
        if self._text is None:
            self._text = decode(self.content, self.charset or told(self.content, declared(self.headers.get("content-type", ""))))
        return self._text

    def select(self, path: str) -> str | None:
        """Return the text at `path`, None when it is not there or the body is not readable."""
        if self._select is None:
            self._select = selector(self)
        return self._select(path)

    @property
    def is_markup(self) -> bool:
        """Whether the body begins as XML or HTML does."""
        return self.content[:200].lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<"

    @property
    def is_html(self) -> bool:
        """Whether this is a page for people where data was due."""
        if not self.is_markup:
            return False
        return "text/html" in self.headers.get("content-type", "").lower() or _HTML.match(self.text[:2000]) is not None

    @property
    def readable(self) -> str:
        """The text as people read it: many far sides write Chinese in JSON as escapes (backslash, u, four digits)."""
        if "\\u" not in self.text:
            return self.text
        tree = json_tree(self)
        return self.text if tree is None else orjson.dumps(tree).decode()


def declared(content_type: str) -> str | None:
    """Return the charset a Content-Type declares."""
    found = _CHARSET.search(content_type)
    return found[1] if found else None


def decode(content: bytes, charset: str) -> str:
    """Return text; a charset nobody knows is UTF-8, bytes that are not in it become U+FFFD."""
    try:
        return content.decode(wider(charset), errors="replace").removeprefix("\ufeff")
    except (UnicodeError, LookupError):
        return content.decode("utf-8", errors="replace").removeprefix("\ufeff")


def selector(answer: Answer) -> Select:
    """Return how to read values out of this body: XPath when it is XML, pointers when it is JSON, nothing otherwise."""
    return xml_selector(answer) if answer.is_markup else json_selector(json_tree(answer))


def json_tree(answer: Answer) -> Any:
    """Return the body read as JSON (once), None when it is not JSON."""
    if answer._tree is _UNREAD:
        answer._tree = _json(answer)
    return answer._tree


def _json(answer: Answer) -> Any:
    try:
        return orjson.loads(answer.content)
    except orjson.JSONDecodeError:
        pass
    try:  # another charset, or a byte order mark
        return orjson.loads(answer.text)
    except orjson.JSONDecodeError:
        return None


def json_selector(tree: Any) -> Select:
    """Return a reader of one JSON tree by `/a/0/b` (RFC 6901) or `a.0.b`."""

    def select(path: str) -> str | None:
        return as_text(value_at(tree, steps(path)))

    return select


@lru_cache(maxsize=1024)
def steps(path: str) -> tuple[str, ...]:
    """Return the steps of `/a/b` or `a.b`; empty for the whole."""
    if path.startswith("/"):
        return tuple(step.replace("~1", "/").replace("~0", "~") for step in path[1:].split("/"))
    return tuple(path.split(".")) if path else ()


def value_at(tree: Any, path: tuple[str, ...]) -> Any:
    """Return the value that many steps down, None where a step is missing."""
    for step in path:
        if isinstance(tree, dict | Mapping):
            tree = tree.get(step)
        elif isinstance(tree, list) and step.isdigit() and int(step) < len(tree):
            tree = tree[int(step)]
        else:
            return None
    return tree


def as_text(value: Any) -> str | None:
    """Return a JSON value as rules compare it: 200 as "200", true as "true", lists and objects as JSON."""
    if value is None or isinstance(value, str):
        return value
    return orjson.dumps(value).decode()


def xml_tree(answer: Answer) -> etree._Element | None:
    """Parse an answer's text; None when it is not XML or brings a DTD."""
    try:
        return safe_root(answer.text)
    except NoXml:
        return None


def xml_selector(answer: Answer) -> Select:
    """Return a reader of one XML document by XPath; namespace prefixes are those the document declares."""
    root = xml_tree(answer)

    def select(path: str) -> str | None:
        return None if root is None else xpath_text(root, path)

    return select


def xpath_text(root: etree._Element, path: str) -> str | None:
    """Return the text of the first match of an XPath, None without one. A malformed XPath matches nothing."""
    names = {prefix: uri for prefix, uri in root.nsmap.items() if prefix}
    try:
        return first_text(root.xpath(path, namespaces=names))
    except etree.XPathError:
        return None


def first_text(found: Any) -> str | None:
    """Return the first match of an XPath, or a JSON value, as text; a count is a whole number, though XPath 1.0 knows none."""
    if isinstance(found, list):
        found = found[0] if found else None
    if isinstance(found, etree._Element):
        return "".join(found.itertext())
    if isinstance(found, float) and found.is_integer():
        return str(int(found))
    return str(found) if isinstance(found, str) else as_text(found)
