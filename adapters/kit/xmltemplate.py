"""Decides how a declared XML template and a message become elements; lxml writes them, nothing is ever pasted together."""

from __future__ import annotations

import base64
import gzip
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from lxml import etree

from adapters.kit.charset import checked, encode
from adapters.kit.templates import MISSING, Scope
from adapters.kit.values import Value, compiled, extended
from adapters.kit.xmlnode import Document, Nested, Node
from hub.errors import Misconfigured, Rejected
from hub.model import Json

#: Namespaces everybody may use without declaring them.
STANDARD = {
    "soap": "http://schemas.xmlsoap.org/soap/envelope/",
    "xsi": "http://www.w3.org/2001/XMLSchema-instance",
    "xsd": "http://www.w3.org/2001/XMLSchema",
}


@dataclass(frozen=True, slots=True)
class Writer:
    """How a value becomes text: checked against the charset, URL-encoded as UTF-8 if the far side wants that.

    `also`: what else must hold its characters, when the document travels inside another one.
    """

    charset: str
    url: bool = False
    also: tuple[str, ...] = ()

    def __call__(self, value: Json, field: str) -> str:
        """Return the text. Raises Rejected HUB-D-130 or 131, Misconfigured HUB-D-204 for an object or a list."""
        text = scalar(value, field)
        if self.url:
            return quote(checked(text, field, "utf-8"), safe="")
        for charset in (self.charset, *self.also):
            checked(text, field, charset)
        return text

    def inside(self, charset: str) -> Writer:
        """Return how values are written in a document of that charset which stands as text inside this one."""
        return replace(self, charset=charset, also=(self.charset, *self.also))


def scalar(value: Json, field: str) -> str:
    """Return a value as XML Schema writes it: true, 1.5, text; nothing for None."""
    if value is None or value is MISSING:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping | list | tuple):
        raise Misconfigured("HUB-D-204", f"{field} is an object or a list where the template wants one value")
    return str(value)


@dataclass(frozen=True, slots=True)
class _Branch:
    """A compiled node. `label` is how its value is called in an error."""

    tag: str
    namespaces: Mapping[str | None, str]
    label: str
    cdata: bool
    optional: bool
    order: tuple[str, ...]
    text: Value | None
    attributes: tuple[tuple[str, str, Value], ...]
    spread: Value | None
    fields: Value | None
    rows: Value | None
    each: Value | None
    children: tuple[_Branch, ...]
    document: NestedTemplate | None


class Template:
    """One compiled element and everything below it. Safe to use from several threads."""

    def __init__(self, node: Node, namespaces: Mapping[str, str], roots: frozenset[str]) -> None:
        """Compile. Raises ValueError on an unknown placeholder, an undeclared prefix or a name XML does not allow."""
        self._root = _compile(node, {**STANDARD, **namespaces}, roots)
        if self._root.each or self._root.rows:
            raise ValueError(f"{node.element}: each: and rows: make several elements, the outermost must be one")

    def build(self, scope: Scope, write: Writer) -> etree._Element:
        """Return a new element. Raises Rejected or Misconfigured, naming the field."""
        return _one(self._root, scope, write)


class DocumentTemplate:
    """One compiled document: its elements and its declaration. Safe to use from several threads."""

    def __init__(self, document: Document, namespaces: Mapping[str, str], roots: frozenset[str], *, url: bool = False) -> None:
        """Compile. Raises ValueError like Template. `url`: values are URL-encoded."""
        self._templates = [Template(node, namespaces, roots) for node in document.nodes]
        self._encoding = document.encoding
        self._write = Writer(document.encoding, url=url)
        self._declaration = f'<?xml version="1.0" encoding="{document.declared}"?>' if document.declared else ""

    def text(self, scope: Scope, write: Writer | None = None) -> str:
        """Return the document as text, declaration included. Raises Rejected HUB-D-130 to 132, Misconfigured HUB-D-204."""
        elements = (template.build(scope, write or self._write) for template in self._templates)
        return self._declaration + "".join(str(etree.tostring(element, encoding="unicode")) for element in elements)

    def encoded(self, scope: Scope) -> bytes:
        """Return the document in its encoding. Raises what `text` raises."""
        return encode(self.text(scope), self._encoding)


class NestedTemplate(DocumentTemplate):
    """One compiled document that is the text of an element. Safe to use from several threads."""

    def __init__(self, nested: Nested, namespaces: Mapping[str, str], roots: frozenset[str]) -> None:
        """Compile. Raises ValueError like Template."""
        super().__init__(nested, namespaces, roots)
        self._pack = nested.pack

    def within(self, scope: Scope, write: Writer) -> str:
        """Return what stands in the element; `write` is how the outer document is written. Raises what `text` raises."""
        if not self._pack:
            return self.text(scope, write.inside(self._encoding))
        content = self.encoded(scope)
        if "gzip" in self._pack:
            content = gzip.compress(content, mtime=0)  # equal messages, equal bytes
        return base64.b64encode(content).decode("ascii")


def qualified(name: str, namespaces: Mapping[str, str], *, attribute: bool = False) -> str:
    """Return `{uri}name` of prefix:name; an element without prefix takes the default namespace, an attribute never does."""
    prefix, colon, local = name.rpartition(":")
    if colon and prefix not in namespaces:
        raise ValueError(f"{name}: the prefix {prefix!r} is not in namespaces:")
    uri = namespaces[prefix] if colon else "" if attribute else namespaces.get("", "")
    try:
        return str(etree.QName(uri or None, local).text)
    except ValueError:
        raise ValueError(f"{name!r} is no XML name") from None


def _compile(node: Node, known: Mapping[str, str], roots: frozenset[str]) -> _Branch:
    names = {**known, **node.namespaces}
    table = node.attributes if isinstance(node.attributes, dict) else {}
    spread = node.attributes if isinstance(node.attributes, str) else None
    used = {(prefix or None): uri for prefix, uri in names.items() if prefix in _prefixes(node)}
    return _Branch(
        tag=qualified(node.element, names),
        namespaces=used,
        label=node.text if node.text and node.text.startswith("$") else node.element,
        cdata=node.cdata,
        optional=node.optional,
        order=node.order,
        text=None if node.text is None else compiled(node.text, roots),
        attributes=tuple(
            (qualified(name, names, attribute=True), name if not value.startswith("$") else value, compiled(value, roots))
            for name, value in table.items()
        ),
        spread=_value(spread, roots),
        fields=_value(node.fields, roots),
        rows=_value(node.rows, roots),
        each=_value(node.each, roots),
        children=tuple(_compile(child, names, roots) for child in node.children),
        document=None if node.document is None else NestedTemplate(node.document, _prefixed(names), roots),
    )


def _prefixed(names: Mapping[str, str]) -> dict[str, str]:
    """Return the namespaces without the default one: a document inside another begins with none."""
    return {prefix: uri for prefix, uri in names.items() if prefix}


def _value(spec: str | None, roots: frozenset[str]) -> Value | None:
    return None if spec is None else compiled(spec, roots)


def _prefixes(node: Node) -> set[str]:
    names = [node.element, *(node.attributes if isinstance(node.attributes, dict) else ())]
    own = {*(name.rpartition(":")[0] for name in names), *node.namespaces}
    return own if node.fields is None else {*own, ""}


def _grow(branch: _Branch, parent: etree._Element, scope: Scope, write: Writer) -> None:
    """Append what the branch says: nothing, one element or several."""
    if branch.each is None:
        scopes: list[Scope] = [scope]
    else:
        scopes = [extended(scope, item=item) for item in _items(branch.each(scope))]
    for inside in scopes:
        if branch.rows is not None:
            _append_rows(branch, parent, inside, write)
        elif not (branch.optional and _empty(branch, inside)):
            parent.append(_one(branch, inside, write))


def _items(value: Json) -> list[Json]:
    if value is None or value is MISSING or value == "":
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def _empty(branch: _Branch, scope: Scope) -> bool:
    values = [value(scope) for value in (branch.text, branch.fields, branch.spread) if value is not None]
    return all(value is MISSING or value is None or value == "" or value == {} for value in values)


def _append_rows(branch: _Branch, parent: etree._Element, scope: Scope, write: Writer) -> None:
    for name, value in _ordered(branch.rows, branch, scope):
        row = etree.SubElement(parent, branch.tag, nsmap=dict(branch.namespaces))
        _attribute(row, name, write(value, name))


def _one(branch: _Branch, scope: Scope, write: Writer) -> etree._Element:
    element = etree.Element(branch.tag, nsmap=dict(branch.namespaces))
    for tag, label, value in branch.attributes:
        element.set(tag, write(value(scope), label))
    for name, value in _ordered(branch.spread, branch, scope):
        _attribute(element, name, write(value, name))
    if branch.text is not None:
        _set_text(element, branch, branch.text(scope), write)
    if branch.document is not None:
        text = branch.document.within(scope, write)
        element.text = etree.CDATA(text) if branch.cdata else text
    for name, value in _ordered(branch.fields, branch, scope):
        _nest(element, name, value, write)
    for child in branch.children:
        _grow(child, element, scope, write)
    return element


def _set_text(element: etree._Element, branch: _Branch, value: Any, write: Writer) -> None:
    if isinstance(value, etree.CDATA):  # an inner document: checked when it was made
        element.text = value
    else:  # libxml2 splits `]]>` over two sections when it writes them
        text = write(value, branch.label)
        element.text = etree.CDATA(text) if branch.cdata else text


def _ordered(source: Value | None, branch: _Branch, scope: Scope) -> Iterator[tuple[str, Json]]:
    value = MISSING if source is None else source(scope)
    if value is None or value is MISSING:
        return
    if not isinstance(value, Mapping):
        raise Misconfigured("HUB-D-204", f"{branch.label} is no object where the template wants its fields")
    yield from ((name, value[name]) for name in branch.order if name in value)
    yield from ((name, item) for name, item in value.items() if name not in branch.order)


def _nest(parent: etree._Element, name: str, value: Json, write: Writer) -> None:
    """Append the field as an element of its parent's namespace when that is the default one, else of none."""
    if isinstance(value, list | tuple):
        for item in value:
            _nest(parent, name, item, write)
        return
    element = etree.SubElement(parent, _named(name, parent.nsmap.get(None)))
    if isinstance(value, Mapping):
        for inside, item in value.items():
            _nest(element, inside, item, write)
    else:
        element.text = write(value, name)


def _attribute(element: etree._Element, name: str, text: str) -> None:
    element.set(_named(name, None), text)


def _named(name: str, uri: str | None) -> str:
    try:
        return str(etree.QName(uri, name).text)
    except ValueError:
        raise Rejected("HUB-D-132", f"field {name} is no XML name") from None
