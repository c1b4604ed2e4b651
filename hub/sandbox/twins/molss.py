"""Decides how the molss dialect reads and writes: SOAP 1.1 in GBK, `<para name="value"/>` in, `<result …/>` and rows out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from xml.sax.saxutils import quoteattr

from lxml import etree

from hub.sandbox.twins.wsdl import WSDL
from hub.sandbox.twins.xml import Unreadable, root_of
from hub.sandbox.web import Answer, Request

PATH = "/services/business"
MOLSS, YLZ = "http://www.molss.gov.cn/", "http://www.ylzinfo.com/"
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
_XML = "text/xml; charset=GBK"
_DECLARED = re.compile(rb"""<\?xml[^>]*encoding\s*=\s*["']([A-Za-z0-9_-]+)["']""")
_CHARSET = re.compile(r"charset\s*=\s*\"?([A-Za-z0-9_-]+)")
#: Its values were written by people who meant GB 18030.
_CHINESE = frozenset({"gbk", "gb2312", "gb18030", "cp936"})


class Broken(Exception):
    """A SOAP fault: credentials, function number or envelope are wrong."""


@dataclass(frozen=True, slots=True)
class Call:
    """What a request says: the header's `in:system`, and the fields of `in:business`."""

    system: Mapping[str, str]
    business: Mapping[str, str]


def parse(request: Request) -> Call:
    """Read a request. Raises Broken."""
    try:
        root = root_of(_unicode(request))
    except Unreadable as error:
        raise Broken(str(error)) from None
    except (UnicodeError, LookupError):
        raise Broken("报文无法解析") from None
    if root.tag != f"{{{SOAP}}}Envelope":
        raise Broken("不是 SOAP 1.1 报文")
    header, body = root.find(f"{{{SOAP}}}Header/{{{MOLSS}}}system"), root.find(f"{{{SOAP}}}Body/{{{MOLSS}}}business")
    if header is None or body is None:
        raise Broken("缺少 in:system 或 in:business")
    return Call(_paras(header), _paras(body))


def _unicode(request: Request) -> bytes:
    """Return the body as UTF-8: the declaration inside says its charset, else the Content-Type does."""
    declared = _DECLARED.match(request.body.lstrip()[:200])
    outer = _CHARSET.search(request.headers.get("content-type", ""))
    name = (declared[1].decode() if declared else outer[1] if outer else "utf-8").lower()
    return request.body.decode("gb18030" if name in _CHINESE else name).encode()


def _paras(element: etree._Element) -> dict[str, str]:
    found: dict[str, str] = {}
    for child in element:
        if not isinstance(child.tag, str) or etree.QName(child).localname != "para":
            raise Broken("只允许 para 元素")
        found |= {str(name): str(value) for name, value in child.attrib.items()}
    return found


def result(**attributes: str) -> str:
    """Return one `<result …/>`."""
    return f"<result{_written(attributes)}/>"


def resultset(name: str, rows: Iterable[Mapping[str, str]]) -> str:
    """Return a `<resultset>` whose rows are attributes, not elements."""
    return f'<resultset name="{name}">' + "".join(f"<row{_written(row)}/>" for row in rows) + "</resultset>"


def _written(attributes: Mapping[str, str]) -> str:
    return "".join(f" {name}={quoteattr(value)}" for name, value in attributes.items())


def business(inner: str, namespace: str = MOLSS) -> Answer:
    """Return an answer; its outer element comes in either of the dialect's namespaces, what is inside in none."""
    return _envelope(f'<out:business xmlns:out="{namespace}">{inner}</out:business>', 200)


def fault(message: str) -> Answer:
    """Return a SOAP fault with its words where this dialect has them."""
    error = f"<faultstring><error msg={quoteattr(message)}/></faultstring>"
    return _envelope(f"<soap:Fault><faultcode>soap:Server</faultcode>{error}</soap:Fault>", 500)


def _envelope(body: str, status: int) -> Answer:
    text = f'<soap:Envelope xmlns:soap="{SOAP}"><soap:Body>{body}</soap:Body></soap:Envelope>'
    return Answer(status, f'<?xml version="1.0" encoding="GBK"?>{text}'.encode("gbk", "xmlcharrefreplace"), _XML)


def description(request: Request) -> Answer:
    """Return the WSDL, with the address it was asked at."""
    address = f"http://{request.headers.get('host', '127.0.0.1')}{PATH}"
    return Answer(200, WSDL.replace("ADDRESS", address).encode(), "text/xml; charset=utf-8")
