"""Decides how the supervision side's SOAP service describes itself: two document/literal operations, their answers nested twice."""

from __future__ import annotations

NAMESPACE = "http://esuper.server.example/"
HANDSHAKE = ("platCode", "platPwd")
ENTRANCE = (
    "destCode", "destID", "orgCode", "orgID", "sourceID", "sourceCode", "loginKey", "msgName", "security", "timeStamp",
    "transactionID", "version", "businessID", "processData", "processID",
)  # fmt: skip


def wsdl(address: str) -> str:
    """Return the description of the service reached at `address`."""
    return _WSDL.format(
        namespace=NAMESPACE, address=address, handshake=_parameters(HANDSHAKE), entrance=_parameters(ENTRANCE), answers=_answers()
    )


def _parameters(names: tuple[str, ...]) -> str:
    return "\n".join(f'            <xsd:element name="{name}" type="xsd:string"/>' for name in names)


def _answers() -> str:
    return "\n".join(_ANSWER.format(operation=operation) for operation in ("serverHander", "serverEntrance"))


_ANSWER = """      <xsd:element name="{operation}Response">
        <xsd:complexType><xsd:sequence><xsd:element name="return" type="tns:result"/></xsd:sequence></xsd:complexType>
      </xsd:element>"""
_WSDL = """<?xml version="1.0" encoding="UTF-8"?>
<wsdl:definitions xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/" xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/"
    xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:tns="{namespace}" name="EsuperServer" targetNamespace="{namespace}">
  <wsdl:types>
    <xsd:schema targetNamespace="{namespace}" elementFormDefault="unqualified">
      <xsd:complexType name="result"><xsd:sequence><xsd:element name="return" type="xsd:string"/></xsd:sequence></xsd:complexType>
      <xsd:element name="serverHander">
        <xsd:complexType>
          <xsd:sequence>
{handshake}
          </xsd:sequence>
        </xsd:complexType>
      </xsd:element>
      <xsd:element name="serverEntrance">
        <xsd:complexType>
          <xsd:sequence>
{entrance}
          </xsd:sequence>
        </xsd:complexType>
      </xsd:element>
{answers}
    </xsd:schema>
  </wsdl:types>
  <wsdl:message name="serverHanderRequest"><wsdl:part name="parameters" element="tns:serverHander"/></wsdl:message>
  <wsdl:message name="serverHanderAnswer"><wsdl:part name="parameters" element="tns:serverHanderResponse"/></wsdl:message>
  <wsdl:message name="serverEntranceRequest"><wsdl:part name="parameters" element="tns:serverEntrance"/></wsdl:message>
  <wsdl:message name="serverEntranceAnswer"><wsdl:part name="parameters" element="tns:serverEntranceResponse"/></wsdl:message>
  <wsdl:portType name="EsuperServer">
    <wsdl:operation name="serverHander">
      <wsdl:input message="tns:serverHanderRequest"/><wsdl:output message="tns:serverHanderAnswer"/>
    </wsdl:operation>
    <wsdl:operation name="serverEntrance">
      <wsdl:input message="tns:serverEntranceRequest"/><wsdl:output message="tns:serverEntranceAnswer"/>
    </wsdl:operation>
  </wsdl:portType>
  <wsdl:binding name="EsuperServerBinding" type="tns:EsuperServer">
    <soap:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>
    <wsdl:operation name="serverHander">
      <soap:operation soapAction=""/>
      <wsdl:input><soap:body use="literal"/></wsdl:input><wsdl:output><soap:body use="literal"/></wsdl:output>
    </wsdl:operation>
    <wsdl:operation name="serverEntrance">
      <soap:operation soapAction=""/>
      <wsdl:input><soap:body use="literal"/></wsdl:input><wsdl:output><soap:body use="literal"/></wsdl:output>
    </wsdl:operation>
  </wsdl:binding>
  <wsdl:service name="EsuperServer">
    <wsdl:port name="EsuperServerPort" binding="tns:EsuperServerBinding"><soap:address location="{address}"/></wsdl:port>
  </wsdl:service>
</wsdl:definitions>
"""
