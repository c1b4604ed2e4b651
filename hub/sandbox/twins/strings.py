"""Decides how a service with one operation on strings reads its envelopes, answers, and describes itself (SOAP 1.1)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from xml.sax.saxutils import escape

from lxml import etree

from hub.sandbox.twins.xml import Unreadable, root_of
from hub.sandbox.web import Answer, Request

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")


class Broken(Exception):
    """The envelope is none, or calls what is not there: a SOAP fault. Quotes no value."""


def parse(text: str) -> etree._Element:
    """Return the root of a document; a declaration in front says nothing, its characters are decoded already.

    Raises Broken for what is no XML or brings a DTD.
    """
    try:
        return root_of(_DECLARATION.sub("", text).encode())
    except Unreadable as error:
        raise Broken(str(error)) from None


@dataclass(frozen=True, slots=True)
class Service:
    """One string operation at an address: document/literal wrapped as CXF does it, parameters without a namespace."""

    path: str
    namespace: str
    operation: str
    names: tuple[str, ...]

    def called(self, request: Request) -> list[str]:
        """Return the arguments of a call. Raises Broken for any other envelope."""
        if "charset=utf-8" not in request.headers.get("content-type", "").lower().replace('"', ""):
            raise Broken("仅接受 UTF-8 报文")
        try:
            root = parse(request.body.decode("utf-8"))
        except UnicodeDecodeError:
            raise Broken("报文不是 UTF-8") from None
        body = root.find(f"{{{SOAP}}}Body") if root.tag == f"{{{SOAP}}}Envelope" else None
        if body is None or len(body) != 1 or body[0].tag != f"{{{self.namespace}}}{self.operation}":
            raise Broken(f"没有这个操作，只有 {self.operation}")
        if [child.tag for child in body[0]] != list(self.names):
            raise Broken(f"参数应依次为 {', '.join(self.names)}")
        return [child.text or "" for child in body[0]]

    def answered(self, text: str) -> Answer:
        """Return the result string of the operation."""
        name = f"{self.operation}Response"
        return _envelope(f'<ns2:{name} xmlns:ns2="{self.namespace}"><return>{escape(text)}</return></ns2:{name}>', 200)

    def described(self, request: Request) -> Answer:
        """Return the WSDL, with the address it was asked for at."""
        address = f"http://{request.headers.get('host', '127.0.0.1')}{self.path}"
        parameters = "".join(f'<xs:element minOccurs="0" name="{name}" type="xs:string"/>' for name in self.names)
        parts = {"NAMESPACE": self.namespace, "OPERATION": self.operation, "PARAMETERS": parameters, "ADDRESS": address}
        text = _WSDL
        for mark, value in parts.items():
            text = text.replace(mark, value)
        return Answer(200, text.encode(), "text/xml;charset=UTF-8")


def fault(words: str) -> Answer:
    """Return a fault of the server."""
    return _envelope(f"<soap:Fault><faultcode>soap:Server</faultcode><faultstring>{escape(words)}</faultstring></soap:Fault>", 500)


def _envelope(body: str, status: int) -> Answer:
    text = f'<?xml version="1.0" encoding="UTF-8"?><soap:Envelope xmlns:soap="{SOAP}"><soap:Body>{body}</soap:Body></soap:Envelope>'
    return Answer(status, text.encode(), "text/xml;charset=UTF-8")


def leaves(element: etree._Element, namespace: str = "") -> dict[str, str]:
    """Return the texts of an element's children by name.

    Raises Broken where a child repeats, is no leaf or belongs to another namespace.
    """
    found: dict[str, str] = {}
    for child in element:
        name = etree.QName(child).localname if isinstance(child.tag, str) else ""
        if not name or name in found or len(child) or (etree.QName(child).namespace or "") != namespace:
            raise Broken(f"{etree.QName(element).localname} 的内容格式错误")
        found[name] = child.text or ""
    return found


_WSDL = """<?xml version="1.0" encoding="UTF-8"?>
<wsdl:definitions xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/" xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/"
    xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:tns="NAMESPACE" name="Service" targetNamespace="NAMESPACE">
  <wsdl:types>
    <xs:schema targetNamespace="NAMESPACE" elementFormDefault="unqualified">
      <xs:element name="OPERATION" type="tns:OPERATION"/>
      <xs:element name="OPERATIONResponse" type="tns:OPERATIONResponse"/>
      <xs:complexType name="OPERATION"><xs:sequence>PARAMETERS</xs:sequence></xs:complexType>
      <xs:complexType name="OPERATIONResponse">
        <xs:sequence><xs:element minOccurs="0" name="return" type="xs:string"/></xs:sequence>
      </xs:complexType>
    </xs:schema>
  </wsdl:types>
  <wsdl:message name="OPERATION"><wsdl:part name="parameters" element="tns:OPERATION"/></wsdl:message>
  <wsdl:message name="OPERATIONResponse"><wsdl:part name="parameters" element="tns:OPERATIONResponse"/></wsdl:message>
  <wsdl:portType name="Port">
    <wsdl:operation name="OPERATION">
      <wsdl:input message="tns:OPERATION"/><wsdl:output message="tns:OPERATIONResponse"/>
    </wsdl:operation>
  </wsdl:portType>
  <wsdl:binding name="Binding" type="tns:Port">
    <soap:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>
    <wsdl:operation name="OPERATION">
      <soap:operation soapAction="" style="document"/>
      <wsdl:input><soap:body use="literal"/></wsdl:input><wsdl:output><soap:body use="literal"/></wsdl:output>
    </wsdl:operation>
  </wsdl:binding>
  <wsdl:service name="Service">
    <wsdl:port name="ServicePort" binding="tns:Binding"><soap:address location="ADDRESS"/></wsdl:port>
  </wsdl:service>
</wsdl:definitions>
"""
