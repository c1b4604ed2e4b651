"""An rpc/encoded envelope says its encoding style and the type of every value; a literal one says neither."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from adapters.soap import encoded
from adapters.soap.envelope import Prepared
from adapters.soap.options import SoapOptions
from adapters.soap.session import Session

PEER = Path(__file__).parents[3] / "integration" / "soap_peer"
ROOT = Path(__file__).parents[4]
TMRI = "http://endpoint.axis.framework.tmri.com"
XSD, XSI = "http://www.w3.org/2001/XMLSchema", "http://www.w3.org/2001/XMLSchema-instance"
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
VALUES = {"text": "0621", "days": 3, "paid": True, "fee": 1.5, "case": {"number": "1", "days": 2, "closed": None}, "rows": ["甲"]}


def prepared(wsdl: Path, operation: str, values: dict[str, Any], header: tuple[Any, ...] = ()) -> Prepared:
    call = {"operation": operation, "parameters": dict.fromkeys(values, "x")}
    options = SoapOptions.model_validate({"wsdl": str(wsdl), "endpoints": {"e": call}})
    wsdl_ = Session(options).wsdl
    assert wsdl_ is not None
    return wsdl_.prepare(operation, values, list(header))


def operation_of(made: Prepared) -> etree._Element:
    """Read the envelope anew, as the far side does, and return the operation's element."""
    return etree.fromstring(made.content("utf-8")).find(f"{{{SOAP}}}Body")[0]


def type_of(element: etree._Element) -> tuple[str | None, str]:
    """Return namespace and name of what an element says its type is."""
    prefix, _, local = element.get(f"{{{XSI}}}type", "").rpartition(":")
    return (element.nsmap[prefix], local) if local else (None, "")


def test_every_value_says_its_type() -> None:
    call = operation_of(prepared(PEER / "types.wsdl", "types", VALUES))
    assert call.get(f"{{{SOAP}}}encodingStyle") == encoded.SECTION_5
    types = {child.tag: type_of(child) for child in call}
    assert types == {
        "text": (XSD, "string"),
        "days": (XSD, "int"),
        "paid": (XSD, "boolean"),
        "fee": (XSD, "double"),
        "case": ("urn:example:types", "Case"),
        "rows": (encoded.SECTION_5, "Array"),
    }
    assert [type_of(child) for child in call.find("case")] == [(XSD, "string"), (XSD, "int"), (None, "")]
    assert call.find("case/closed").get(f"{{{XSI}}}nil") == "true"
    assert [type_of(item) for item in call.find("rows")] == [(XSD, "string")]
    assert call.find("rows").get(f"{{{encoded.SECTION_5}}}arrayType") == "xsd:string[1]"


def test_the_police_service_is_called_as_its_description_says() -> None:
    names = ["xtlb", "jkxlh", "jkid", "cjsqbh", "dwjgdm", "dwmc", "yhbz", "yhxm", "zdbs", "UTF8XmlDoc"]
    backwards = {name: etree.CDATA("<root/>") if name == "UTF8XmlDoc" else "" for name in reversed(names)}
    made = prepared(ROOT / "config" / "wsdl" / "TmriOutNewAccess.wsdl", "writeObjectOutNew", backwards)
    call = operation_of(made)
    assert call.tag == f"{{{TMRI}}}writeObjectOutNew"
    assert [child.tag for child in call] == names, "in the order of the description, whatever that of the configuration"
    assert {type_of(child) for child in call} == {(XSD, "string")}
    assert b"<![CDATA[<root/>]]>" in made.content("gbk")
    assert made.headers["SOAPAction"] == '""'


def test_a_header_keeps_its_own_names() -> None:
    own = etree.fromstring(f'<h xmlns:x="{XSD}" xmlns:i="{XSI}" i:type="x:string">1</h>')
    made = prepared(PEER / "types.wsdl", "types", VALUES, (own,))
    header = etree.fromstring(made.content("utf-8")).find(f"{{{SOAP}}}Header")[0]
    assert type_of(header) == (XSD, "string")


@pytest.mark.parametrize(
    ("wsdl", "operation", "values"),
    [
        ("focus.wsdl", "setDataXmlToFocus", {"user": "u", "password": "p", "xmlStr": "<a/>"}),
        ("case.wsdl", "findCase", {"key": "1"}),
    ],
)
def test_literal_calls_say_nothing_of_types(wsdl: str, operation: str, values: dict[str, str]) -> None:
    content = prepared(PEER / wsdl, operation, values).content("utf-8")
    assert b"XMLSchema" not in content and b"encodingStyle" not in content


def test_an_operation_without_parameters_has_a_style_all_the_same() -> None:
    assert operation_of(prepared(PEER / "entrance.wsdl", "listCodes", {})).get(f"{{{SOAP}}}encodingStyle") == encoded.SECTION_5


def test_styles_are_those_of_one_binding_and_its_soap_version() -> None:
    document = (PEER / "types.wsdl").read_bytes()
    soap = "http://schemas.xmlsoap.org/wsdl/soap/"
    assert encoded.styles([document], soap, "TypesBinding") == {"types": encoded.SECTION_5}
    assert encoded.styles([document], soap, "Other") == {}
    assert encoded.styles([document], "http://schemas.xmlsoap.org/wsdl/soap12/", "TypesBinding") == {}
