"""The social-security service judges credentials, fields, bytes and repetition, in GBK."""

from __future__ import annotations

from typing import Any
from xml.sax.saxutils import quoteattr

import pytest
from lxml import etree

from hub.sandbox.faults import FaultKind
from hub.sandbox.twins.social import DUPLICATE, INTAKE, MOLSS, PATH, QUERY, SOAP, VERDICTS, SocialTwin
from hub.sandbox.web import Answer, Request
from tests.unit.sandbox import bodies

CASE = next(case for case in bodies.some_cases() if case.main["SSZX"] == "SB").main
FIELDS = {
    "bjbh": CASE["BJBH"], "sxbm": CASE["SXBM"], "sxmc": CASE["SXMC"], "aac003": CASE["SQRMC"], "aae135": CASE["SQRZJHM"],
    "aac002": CASE["SQRZJHM"], "aae005": CASE["LXRSJ"], "aae006": CASE["TXDZ"], "slsj": CASE["SLSJ"], "bz": "",
}  # fmt: skip


@pytest.fixture
def twin() -> SocialTwin:
    return SocialTwin()


def envelope(
    business: dict[str, str], *, function: str = INTAKE, user: str = "zhangxian", password: str = "sandbox-social-secret"
) -> str:
    system = {"usr": user, "pwd": password, "funid": function}

    def paras(fields: dict[str, str]) -> str:
        return "".join(f"<para {name}={quoteattr(value)}/>" for name, value in fields.items())

    header = f'<soap:Header><in:system xmlns:in="{MOLSS}">{paras(system)}</in:system></soap:Header>'
    body = f'<soap:Body><in:business xmlns:in="{MOLSS}">{paras(business)}</in:business></soap:Body>'
    return f'<soap:Envelope xmlns:soap="{SOAP}">{header}{body}</soap:Envelope>'


def post(body: bytes, content_type: str = "text/xml; charset=GBK") -> Request:
    return Request("POST", PATH, "", {"content-type": content_type}, body)


def said(answer: Answer) -> dict[str, str]:
    """Read an answer as the dialect's readers do: all attributes of all result elements, or the fault's message."""
    root = etree.fromstring(answer.body)
    assert root.getroottree().docinfo.encoding == "GBK"
    results: dict[str, str] = {}
    for element in root.iter("result", "row"):
        results |= {str(name): str(value) for name, value in element.attrib.items()}
    error = root.find(".//faultstring/error")
    return results if error is None else results | {"fault": str(error.get("msg"))}


def send(twin: SocialTwin, fields: dict[str, str], fault: FaultKind | None = None, **credentials: Any) -> dict[str, str]:
    text = '<?xml version="1.0" encoding="GBK"?>' + envelope(fields, **credentials)
    return said(twin.answer(post(text.encode("gb18030")), fault))


def test_a_case_is_taken_and_held(twin: SocialTwin) -> None:
    assert send(twin, FIELDS) == {"result": "SB0000000001"}
    [held] = twin.held()
    assert (held.endpoint, held.row, held.content) == (INTAKE, FIELDS["bjbh"], FIELDS)


def test_the_same_again_is_told_apart_and_keeps_its_receipt(twin: SocialTwin) -> None:
    send(twin, FIELDS)
    assert send(twin, FIELDS) == {"result": "SB0000000001", "information": DUPLICATE}
    assert send(twin, FIELDS | {"bz": "更正"}) == {"result": "SB0000000001"}
    stats = twin.stats()
    assert (stats["taken"], stats["duplicates"], stats["updated"], stats["held"]) == (1, 1, 1, 1)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"aac003": ""}, "aac003"),
        ({"aac003": "名" * 33}, "aac003"),
        ({"aac003": "张𬎆"}, "aac003"),
        ({"aae135": FIELDS["aae135"][:-1] + ("1" if FIELDS["aae135"][-1] != "1" else "2"), "aac002": ""}, "aae135"),
        ({"aae135": "1" * 33}, "aae135"),
        ({"aac002": "123"}, "aac002"),
        ({"aae006": "址" * 65}, "aae006"),
        ({"slsj": "2025-13-01 00:00:00"}, "slsj"),
        ({"slsj": "2999-01-01 00:00:00"}, "slsj"),
        ({"xyz": "1"}, "xyz"),
    ],
)
def test_a_business_refusal_names_the_field(twin: SocialTwin, changes: dict[str, str], named: str) -> None:
    answer = send(twin, FIELDS | changes)
    assert set(answer) == {"information"} and answer["information"].split()[-1] and named in answer["information"]
    assert not twin.held() and twin.stats()["refused"] == {"information": 1}


@pytest.mark.parametrize("name", ["马·依布拉", "张喆", "王堃", "朱镕", "李珺"])
def test_names_of_gbk_can_be_said(twin: SocialTwin, name: str) -> None:
    assert "result" in send(twin, FIELDS | {"aac003": name})
    assert twin.held()[0].content["aac003"] == name


@pytest.mark.parametrize(
    ("credentials", "message"),
    [({"user": "x"}, "用户名或口令错误"), ({"password": "x"}, "用户名或口令错误"), ({"function": "F00"}, "功能编号不存在")],
)
def test_wrong_credentials_and_functions_are_faults(twin: SocialTwin, credentials: dict[str, str], message: str) -> None:
    assert send(twin, FIELDS, **credentials) == {"fault": message}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<a",
        b"<html><body/></html>",
        f'<soap:Envelope xmlns:soap="{SOAP}"><soap:Body/></soap:Envelope>'.encode(),
        b'<?xml version="1.0" encoding="utf-8"?>\xff',
        b'<?xml version="1.0" encoding="klingon"?><a/>',
    ],
)
def test_what_is_no_envelope_is_a_fault(twin: SocialTwin, body: bytes) -> None:
    answer = twin.answer(post(body, "text/xml"), None)
    assert answer.status == 500 and "fault" in said(answer)


def test_a_document_type_is_refused(twin: SocialTwin) -> None:
    bomb = '<!DOCTYPE a [<!ENTITY x "xxxxxxxxxx"><!ENTITY y "&x;&x;&x;&x;">]>' + envelope(FIELDS | {"bz": "b"})
    answer = twin.answer(post(bomb.encode("gbk")), None)
    assert said(answer) == {"fault": "报文不得包含 DTD"}


@pytest.mark.parametrize(
    ("declaration", "codec", "content_type"),
    [
        ('<?xml version="1.0" encoding="GBK"?>', "gbk", "text/xml"),
        ('<?xml version="1.0" encoding="gb2312"?>', "gbk", "text/xml"),
        ("<?xml version='1.0' encoding='UTF-8'?>", "utf-8", "text/xml; charset=GBK"),
        ("", "gbk", "text/xml; charset=gbk"),
        ("", "utf-8", 'text/xml; charset="utf-8"'),
        ("", "utf-8", "text/xml"),
    ],
)
def test_the_declared_charset_rules(twin: SocialTwin, declaration: str, codec: str, content_type: str) -> None:
    fields = FIELDS | {"aac003": "王堃"}
    answer = twin.answer(post((declaration + envelope(fields)).encode(codec), content_type), None)
    assert "result" in said(answer) and twin.held()[0].content["aac003"] == "王堃"


def test_a_look_up_agrees_on_every_field_given(twin: SocialTwin) -> None:
    assert send(twin, {"bjbh": FIELDS["bjbh"]}, function=QUERY) == {"row_count": "0"}
    send(twin, FIELDS)
    assert send(twin, {"bjbh": FIELDS["bjbh"]}, function=QUERY)["jsbh"] == "SB0000000001"
    assert send(twin, FIELDS, function=QUERY)["row_count"] == "1"
    assert send(twin, FIELDS | {"bz": "更正"}, function=QUERY) == {"row_count": "0"}


def test_a_late_rejection_is_told_when_asked(twin: SocialTwin) -> None:
    assert "result" in send(twin, FIELDS, FaultKind.LATE_REJECTION)
    assert send(twin, {}, function=VERDICTS)["bjbh"] == FIELDS["bjbh"]
    assert send(twin, {"since": "1"}, function=VERDICTS) == {"row_count": "0"}


def test_unearned_refusals(twin: SocialTwin) -> None:
    request = post(b"")
    assert "繁忙" in said(twin.refusal(FaultKind.BUSY, request))["information"]
    assert "information" in said(twin.refusal(FaultKind.REFUSAL, request))
    assert "fault" in said(twin.refusal(FaultKind.SOAP_FAULT, request))


def test_the_description_names_the_address_it_was_asked_at(twin: SocialTwin) -> None:
    answer = twin.answer(Request("GET", PATH, "wsdl", {"host": "127.0.0.1:8632"}, b""), None)
    assert b'location="http://127.0.0.1:8632/services/business"' in answer.body
    assert twin.answer(Request("GET", "/", "", {}, b""), None).status == 404
