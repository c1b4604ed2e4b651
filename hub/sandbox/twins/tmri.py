"""Decides how the traffic police's service reads and writes: Axis 1 rpc/encoded, an XML document inside, URL-encoded, declared GBK.

To the letter (service `TmriOutNewAccess`): the namespace, the names of the operations, names and order of their parameters. Of the
document inside, `root`, `QueryCondition`, `head`, `code`, `message`, `rownum` and `body` are published; the rest is convention.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import quote_plus, unquote
from xml.sax.saxutils import escape

from lxml import etree

from hub.sandbox.twins.xml import Unreadable, root_of
from hub.sandbox.web import Answer, Request

PATH = "/services/TmriOutNewAccess"
NAMESPACE = "http://endpoint.axis.framework.tmri.com"
QUERY, WRITE = "queryObjectOutNew", "writeObjectOutNew"
PARAMETERS = ("xtlb", "jkxlh", "jkid", "cjsqbh", "dwjgdm", "dwmc", "yhbz", "yhxm", "zdbs", "UTF8XmlDoc")
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
ENCODING = "http://schemas.xmlsoap.org/soap/encoding/"
XSD, XSI = "http://www.w3.org/2001/XMLSchema", "http://www.w3.org/2001/XMLSchema-instance"
#: What stands around the fields of each operation's document.
_WRAPPER = {QUERY: "QueryCondition", WRITE: "WriteCondition"}
#: Most characters of one encoded value: nine for each Hanzi of the longest field, and room.
_LONGEST = 10_000
_ESCAPED = re.compile(r"%[0-9A-Fa-f]{2}")
_DECLARATION = re.compile(r"^<\?xml[^>]*\?>")


class Broken(Exception):
    """A SOAP fault, in the words Axis has for it."""


class Refused(Exception):
    """The service answers a code that is not 1, with a message that quotes no value."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call: which operation, its parameters but the document, and the fields in the document."""

    operation: str
    parameters: Mapping[str, str]
    fields: Mapping[str, str]


def parse(request: Request) -> Call:
    """Read a request. Raises Broken for the envelope, Refused for the document."""
    operation = _operation(request)
    name = etree.QName(operation).localname
    if etree.QName(operation).namespace != NAMESPACE or name not in _WRAPPER:
        raise Broken(f"No such operation '{name}'")
    if not any(one.get(f"{{{SOAP}}}encodingStyle") == ENCODING for one in (operation, *operation.iterancestors())):
        raise Broken("org.xml.sax.SAXException: no encodingStyle")
    if tuple(str(part.tag) for part in operation) != PARAMETERS:
        raise Broken(f"Tried to invoke method {name} with arguments that do not match the signature")
    for part in operation:
        prefix, _, local = part.get(f"{{{XSI}}}type", "").rpartition(":")
        if (part.nsmap.get(prefix or None), local) != (XSD, "string") or len(part):
            raise Broken(f"org.xml.sax.SAXException: Bad types for {part.tag}")
    values = {str(part.tag): part.text or "" for part in operation}
    return Call(name, values, _fields(values.pop("UTF8XmlDoc"), _WRAPPER[name]))


def _operation(request: Request) -> etree._Element:
    root = _parsed(request.body)
    if root is None or root.tag != f"{{{SOAP}}}Envelope":
        raise Broken("org.xml.sax.SAXParseException: no SOAP 1.1 envelope")
    body = root.find(f"{{{SOAP}}}Body")
    if body is None or len(body) != 1:
        raise Broken("org.xml.sax.SAXParseException: one call is wanted in the body")
    return body[0]


def _fields(document: str, wrapper: str) -> dict[str, str]:
    """Return the fields of the document, their URL-encoding undone."""
    root = _parsed(_DECLARATION.sub("", document).encode())
    if root is None or root.tag != "root" or [child.tag for child in root] != [wrapper]:
        raise Refused(f"XML文档应为 root/{wrapper}")
    if any(len(child) or child.attrib for child in root[0]) or len({child.tag for child in root[0]}) != len(root[0]):
        raise Refused("XML文档只允许一层字段，且不得重复")
    return {str(child.tag): _decoded(str(child.tag), child.text or "") for child in root[0]}


def _decoded(name: str, value: str) -> str:
    if len(value) > _LONGEST:
        raise Refused(f"{name} 过长")
    if not value.isascii() or any(letter in value for letter in ' :/"'):
        raise Refused(f"{name} 未做URL编码")
    try:
        plain = unquote(value.replace("+", " "), encoding="utf-8", errors="strict")
    except UnicodeDecodeError:
        raise Refused(f"{name} 的URL编码不是UTF-8") from None
    if _ESCAPED.search(plain):
        raise Refused(f"{name} 重复做了URL编码")
    return plain


def _parsed(content: bytes) -> etree._Element | None:
    try:
        return root_of(content, encoding=None)
    except Unreadable:
        return None


def reply(operation: str, code: str, message: str, row: str = "", rows: Iterable[Mapping[str, str]] = ()) -> Answer:
    """Return an answer: the document whole URL-encoded, as a string that Axis calls `soapenc:string`; rows are elements `row`."""
    found = list(rows)
    head = f"<head><code>{code}</code><message>{escape(message)}</message><rownum>{len(found)}</rownum></head>"
    body = "".join(f'<{row} id="{number}">{_elements(one)}</{row}>' for number, one in enumerate(found))
    document = f'<?xml version="1.0" encoding="GBK"?><root>{head}<body>{body}</body></root>'
    text = f'<{operation}Return xsi:type="soapenc:string" xmlns:soapenc="{ENCODING}">{quote_plus(document)}</{operation}Return>'
    style = f'soapenv:encodingStyle="{ENCODING}" xmlns:ns1="{NAMESPACE}"'
    return _envelope(f"<ns1:{operation}Response {style}>{text}</ns1:{operation}Response>", 200)


def fault(words: str) -> Answer:
    """Return a fault as Axis 1 words it."""
    inside = f"<faultcode>soapenv:Server.userException</faultcode><faultstring>{escape(words)}</faultstring>"
    return _envelope(f"<soapenv:Fault>{inside}<detail/></soapenv:Fault>", 500)


def _elements(row: Mapping[str, str]) -> str:
    return "".join(f"<{name}>{escape(value)}</{name}>" for name, value in row.items())


def _envelope(body: str, status: int) -> Answer:
    names = f'xmlns:soapenv="{SOAP}" xmlns:xsd="{XSD}" xmlns:xsi="{XSI}"'
    text = f'<?xml version="1.0" encoding="utf-8"?><soapenv:Envelope {names}><soapenv:Body>{body}</soapenv:Body></soapenv:Envelope>'
    return Answer(status, text.encode(), "text/xml; charset=utf-8")
