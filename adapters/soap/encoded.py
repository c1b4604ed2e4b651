"""Decides what an rpc/encoded envelope says besides its values: the encoding style, and the type of every value.

SOAP 1.1, sections 5.1 and 7.1. Servers of that age (Axis 1) read a value by its `xsi:type`, and some refuse one without it. zeep
writes neither, and forgets which operations a WSDL declares `use="encoded"`: so the WSDL is asked here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lxml import etree

#: The encoding of SOAP 1.1, section 5, for a WSDL that names none.
SECTION_5 = "http://schemas.xmlsoap.org/soap/encoding/"
_XSD = "http://www.w3.org/2001/XMLSchema"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_TYPE, _NIL, _ARRAY_TYPE = f"{{{_XSI}}}type", f"{{{_XSI}}}nil", f"{{{SECTION_5}}}arrayType"


def styles(documents: Iterable[bytes], namespace: str, binding: str) -> dict[str, str]:
    """Return operation -> encoding style for what a binding declares encoded, in any of the documents a WSDL consists of.

    `namespace` is that of the SOAP binding extension (WSDL 1.1, section 3), `binding` the local name.
    """
    return {operation: style for document in documents for operation, style in _declared(document, namespace, binding)}


def _declared(document: bytes, namespace: str, binding: str) -> Iterator[tuple[str, str]]:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, recover=True)
    root = etree.fromstring(document, parser)
    for body in root.iter(f"{{{namespace}}}body"):
        above = [(etree.QName(one).localname, one.get("name", "")) for one in body.iterancestors()][:3]
        inside = [kind for kind, _ in above] == ["input", "operation", "binding"] and above[2][1] == binding
        if inside and body.get("use") == "encoded":
            yield above[1][1], body.get("encodingStyle") or SECTION_5


@dataclass(frozen=True, slots=True)
class _Typed:
    """One element and the name of its type; of an array (SOAP 1.1, section 5.4.2) also that of its items."""

    element: etree._Element
    name: etree.QName
    items: etree.QName | None = None

    @property
    def names(self) -> tuple[etree.QName, ...]:
        return (self.name,) if self.items is None else (self.name, self.items)


def write_types(envelope: etree._Element, message: Any, style: str) -> None:
    """Write encoding style and types into the envelope's operation; `message` is zeep's type of that element."""
    uri = etree.QName(envelope).namespace
    bare = envelope.find(f"{{{uri}}}Body")[0]
    types = list(_types(bare, message))
    prefixes = _prefixes(name.namespace for one in types for name in one.names)
    # A namespace can only be declared on a new element; moving what is inside drops declarations that it makes superfluous.
    named = {**bare.nsmap, **{prefix: uri for uri, prefix in prefixes.items()}}
    operation = etree.Element(bare.tag, {f"{{{uri}}}encodingStyle": style}, nsmap=named)
    operation.extend(list(bare))
    bare.getparent().replace(bare, operation)
    for one in types:
        one.element.set(_TYPE, _written(one.name, prefixes))
        if one.items is not None:
            one.element.set(_ARRAY_TYPE, f"{_written(one.items, prefixes)}[{len(one.element)}]")


def _prefixes(namespaces: Iterable[str | None]) -> dict[str, str]:
    found = {_XSD: "xsd", _XSI: "xsi", SECTION_5: "soapenc"}
    for uri in namespaces:
        if uri is not None:
            found.setdefault(uri, f"t{len(found)}")
    return found


def _written(name: etree.QName, prefixes: Mapping[str, str]) -> str:
    return f"{prefixes[name.namespace]}:{name.localname}" if name.namespace else str(name.localname)


def _types(element: etree._Element, kind: Any) -> Iterator[_Typed]:
    """Yield everything inside the element that has a type with a name: the name it says already, else the WSDL's."""
    parts = dict(_parts(kind))
    for child in element.iterchildren(tag=etree.Element):
        part = parts.get(etree.QName(child).localname)
        said, known, items = child.get(_TYPE), getattr(part, "qname", None), _items(part)
        if said is not None:
            prefix, _, local = said.rpartition(":")
            yield _Typed(child, etree.QName(child.nsmap.get(prefix or None), local))
        elif items is not None:
            yield _Typed(child, etree.QName(SECTION_5, "Array"), items)
        elif known is not None and not child.get(_NIL):
            yield _Typed(child, etree.QName(known))
        yield from _types(child, part)


def _parts(kind: Any) -> Iterator[tuple[str, Any]]:
    """Yield name and type of the elements of one of zeep's types; wildcards have no name."""
    for _, element in getattr(kind, "elements", ()):
        name, inside = getattr(element, "name", None), getattr(element, "type", None)
        if name and inside is not None:
            yield name, inside


def _items(kind: Any) -> etree.QName | None:
    """Return the type of an array's items; None for what is no array (WSDL 1.1, section 2.2)."""
    of_items = (attribute.array_type for _, attribute in getattr(kind, "attributes", ()) if getattr(attribute, "array_type", None))
    return next((etree.QName(one.qname) for one in of_items if one.qname), None)
