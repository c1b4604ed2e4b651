"""Decides how the social-security twin describes itself: one document/literal operation with a header element."""

from __future__ import annotations

#: `ADDRESS` is replaced by where the service is reached.
WSDL = """<?xml version="1.0" encoding="UTF-8"?>
<wsdl:definitions xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/" xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/"
    xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:in="http://www.molss.gov.cn/"
    name="BusinessService" targetNamespace="http://www.molss.gov.cn/">
  <wsdl:types>
    <xsd:schema targetNamespace="http://www.molss.gov.cn/" elementFormDefault="unqualified">
      <xsd:complexType name="paras">
        <xsd:sequence>
          <xsd:element name="para" type="in:attributes" minOccurs="0" maxOccurs="unbounded"/>
          <xsd:element name="resultset" type="in:resultset" minOccurs="0" maxOccurs="unbounded"/>
          <xsd:element name="result" type="in:attributes" minOccurs="0" maxOccurs="unbounded"/>
        </xsd:sequence>
      </xsd:complexType>
      <xsd:complexType name="attributes"><xsd:anyAttribute processContents="skip"/></xsd:complexType>
      <xsd:complexType name="resultset">
        <xsd:sequence><xsd:element name="row" type="in:attributes" minOccurs="0" maxOccurs="unbounded"/></xsd:sequence>
        <xsd:attribute name="name" type="xsd:string"/>
      </xsd:complexType>
      <xsd:element name="system" type="in:paras"/>
      <xsd:element name="business" type="in:paras"/>
    </xsd:schema>
  </wsdl:types>
  <wsdl:message name="systemHeader"><wsdl:part name="system" element="in:system"/></wsdl:message>
  <wsdl:message name="businessRequest"><wsdl:part name="business" element="in:business"/></wsdl:message>
  <wsdl:message name="businessResponse"><wsdl:part name="business" element="in:business"/></wsdl:message>
  <wsdl:portType name="Business">
    <wsdl:operation name="business">
      <wsdl:input message="in:businessRequest"/><wsdl:output message="in:businessResponse"/>
    </wsdl:operation>
  </wsdl:portType>
  <wsdl:binding name="BusinessBinding" type="in:Business">
    <soap:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>
    <wsdl:operation name="business">
      <soap:operation soapAction=""/>
      <wsdl:input>
        <soap:header message="in:systemHeader" part="system" use="literal"/><soap:body use="literal" parts="business"/>
      </wsdl:input>
      <wsdl:output><soap:body use="literal"/></wsdl:output>
    </wsdl:operation>
  </wsdl:binding>
  <wsdl:service name="BusinessService">
    <wsdl:port name="BusinessPort" binding="in:BusinessBinding"><soap:address location="ADDRESS"/></wsdl:port>
  </wsdl:service>
</wsdl:definitions>
"""
