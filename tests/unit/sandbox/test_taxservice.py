"""The tax service judges the envelope, the head, the taxML inside and the case in it, and says each in its place."""

from __future__ import annotations

import re
from html import escape
from typing import Any

import pytest
from lxml import etree

from hub.sandbox.faults import FaultKind
from hub.sandbox.twins.nationaltax import NationalTaxTwin
from hub.sandbox.twins.strings import SOAP
from hub.sandbox.twins.tax import TaxTwin
from hub.sandbox.twins.taxservice import CASE, DATA, ENTRANCE, OUTCOME, PATH, PROGRESS, SPEC, TYPES
from hub.sandbox.web import Answer, Request
from tests.unit.sandbox import bodies

MAIN = next(case for case in bodies.some_cases(400) if case.main["SSZX"] == "GS").main
FIELDS = {
    "bjbh": MAIN["BJBH"], "sxbm": MAIN["SXBM"], "sxmc": MAIN["SXMC"], "nsrsbh": MAIN["SQRZJHM"], "nsrmc": MAIN["SQRMC"],
    "zjzlDm": "102", "zjhm": MAIN["SQRZJHM"], "xm": MAIN["LXRXM"], "lxdh": MAIN["LXRSJ"], "slsj": MAIN["SLSJ"], "bz": "a]]>b",
}  # fmt: skip
HEAD = {
    "tran_id": CASE, "channel_id": "GSGS.ZWDT.ZXXZSP", "tran_seq": "0" * 32, "tran_date": "20161213", "tran_time": "090203045",
}  # fmt: skip
DECLARED = '<?xml version="1.0" encoding="UTF-8"?>'


@pytest.fixture
def twin() -> NationalTaxTwin:
    return NationalTaxTwin()


def service(fields: dict[str, str], head: dict[str, str], expand: dict[str, str], **tax: str) -> str:
    kind = tax.pop("type", TYPES.get(head["tran_id"], ""))
    named = {"xmlbh": "1", "bbh": "1", "xmlmc": "1", **tax}
    attributes = " ".join(f'{name}="{value}"' for name, value in named.items())
    content = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in fields.items())
    xsi = "http://www.w3.org/2001/XMLSchema-instance"
    inner = f'{DECLARED}<taxML xmlns="{DATA}" xmlns:xsi="{xsi}" xsi:type="{kind}" {attributes}>{content}</taxML>'
    plain = "".join(f"<{name}>{value}</{name}>" for name, value in head.items())
    more = "".join(f"<expand><name>{name}</name><value>{value}</value></expand>" for name, value in expand.items())
    return f'{DECLARED}<service xmlns="{SPEC}"><head>{plain}{more}</head><body>{escape(inner)}</body></service>'


def envelope(text: str, channel: str = "XML-NF", operation: str = "requestService") -> bytes:
    call = f'<n:{operation} xmlns:n="{ENTRANCE}"><arg0>{channel}</arg0><arg1>{escape(text)}</arg1></n:{operation}>'
    return f'<s:Envelope xmlns:s="{SOAP}"><s:Body>{call}</s:Body></s:Envelope>'.encode()


def post(body: bytes, content_type: str = "text/xml; charset=utf-8") -> Request:
    return Request("POST", PATH, "", {"content-type": content_type}, body)


def said(answer: Answer) -> dict[str, Any]:
    """Undo every layer of an answer: the head's fields, those of taxML, and rows as a list; or the fault's words."""
    root = etree.fromstring(answer.body)
    words = root.find(".//faultstring")
    if words is not None:
        return {"fault": words.text}
    outer = etree.fromstring((root.findtext(".//return") or "").removeprefix(DECLARED))
    found: dict[str, Any] = {etree.QName(leaf).localname: leaf.text or "" for leaf in outer[0].iter() if len(leaf) == 0}
    inside = outer.findtext(f"{{{SPEC}}}body") or ""
    if inside:
        tax = etree.fromstring(inside.removeprefix(DECLARED))
        rows = tax.xpath("*[contains(local-name(), 'Grid')]/*")
        found["rows"] = [{etree.QName(leaf).localname: leaf.text or "" for leaf in row} for row in rows]
        found |= {etree.QName(leaf).localname: leaf.text or "" for leaf in tax if len(leaf) == 0}
    return found


def send(twin: Any, fields: dict[str, str] | None = None, expand: dict[str, str] | None = None, **changed: str) -> dict[str, Any]:
    head = HEAD | {name: value for name, value in changed.items() if name in HEAD}
    tax = {name: value for name, value in changed.items() if name not in HEAD}
    identity = {"identityType": twin.identity, "sjry": twin.clerk, "sjjg": twin.organ}
    text = service(FIELDS if fields is None else fields, head, identity if expand is None else expand, **tax)
    return said(twin.answer(post(envelope(text)), None))


def test_a_case_is_taken_and_held(twin: NationalTaxTwin) -> None:
    answer = send(twin)
    assert (answer["rtn_code"], answer["Code"], answer["cljg"], answer["slxh"]) == ("0", "000", "1", "GS0000000001")
    assert {name: answer[name] for name in HEAD} == HEAD, "the head is repeated"
    [held] = twin.held()
    assert (held.endpoint, held.row, held.content) == (CASE, FIELDS["bjbh"], FIELDS)


def test_the_same_again_is_told_apart_by_its_number(twin: NationalTaxTwin) -> None:
    send(twin)
    assert send(twin)["cljg"] == "2" and send(twin)["slxh"] == "GS0000000001"
    assert send(twin, FIELDS | {"bz": "更正"})["clyj"] == "流水号已被其他报文使用", "one number, two messages"
    assert send(twin, FIELDS | {"bz": "更正"}, tran_seq="1" * 32)["cljg"] == "1"
    stats = twin.stats()
    assert (stats["taken"], stats["duplicates"], stats["updated"], stats["held"]) == (1, 2, 1, 1)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"nsrmc": ""}, "nsrmc"),
        ({"nsrmc": "名" * 101}, "nsrmc"),
        ({"nsrsbh": FIELDS["nsrsbh"][:-1] + "?"}, "nsrsbh"),
        ({"zjzlDm": "999"}, "zjzlDm"),
        ({"zjzlDm": "201", "zjhm": "621125190503120021"}, "zjhm"),
        ({"slsj": "2025-13-01 00:00:00"}, "slsj"),
        ({"slsj": "2999-01-01 00:00:00"}, "slsj"),
        ({"xyz": "1"}, "xyz"),
    ],
)
def test_a_business_refusal_stands_in_taxml_and_names_the_field(twin: NationalTaxTwin, changes: dict[str, str], named: str) -> None:
    answer = send(twin, FIELDS | changes)
    assert (answer["rtn_code"], answer["cljg"]) == ("0", "9") and named in answer["clyj"]
    assert not twin.held() and twin.stats()["refused"] == {"business": 1}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"tran_id": "SWZJ.HXZG.DJ.NONE"}, "003"),
        ({"channel_id": "OTHER"}, "002"),
        ({"expand": {"identityType": "x", "sjry": "16211250001", "sjjg": "16211250000"}}, "002"),
        ({"expand": {"identityType": "49308fd2f75d46259450000000621125", "sjry": "1", "sjjg": "16211250000"}}, "002"),
        ({"expand": {}}, "002"),
        ({"tran_seq": "0" * 31}, "001"),
        ({"tran_seq": "G" * 32}, "001"),
        ({"tran_date": "2016-12-13"}, "001"),
        ({"tran_date": "20161332"}, "001"),
        ({"tran_date": "29991213"}, "001"),
        ({"tran_time": "090203"}, "001"),
        ({"tran_time": "250203045"}, "001"),
        ({"type": "otherRequest"}, "001"),
        ({"xmlmc": ""}, "001"),
    ],
)
def test_what_does_not_comply_is_told_in_the_head(twin: NationalTaxTwin, changes: dict[str, Any], code: str) -> None:
    answer = send(twin, **changes)
    assert (answer["rtn_code"], answer["Code"]) == ("9", code) and answer["Reason"]
    assert not twin.held() and twin.stats()["refused"] == {code: 1}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<service/>",
        DECLARED + "<service/>",
        DECLARED.replace("UTF-8", "GBK") + f'<service xmlns="{SPEC}"/>',
        DECLARED + f'<service xmlns="{SPEC}"><body/><head/></service>',
        DECLARED + f'<!DOCTYPE service><service xmlns="{SPEC}"><head/><body/></service>',
        service(FIELDS, HEAD, {}).replace(escape(DECLARED), ""),
        service(FIELDS, HEAD, {}).replace("<body>", "<body><x/>"),
        service(FIELDS, dict(reversed(HEAD.items())), {}),
        service(FIELDS, HEAD, {}).replace("<tran_seq>", "<tran_no>").replace("</tran_seq>", "</tran_no>"),
    ],
)
def test_what_is_no_service_is_told_in_the_head_too(twin: NationalTaxTwin, text: str) -> None:
    answer = said(twin.answer(post(envelope(text)), None))
    assert answer["rtn_code"] == "9" and answer["Code"] in ("001", "002") and not twin.held()


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"<a", "text/xml; charset=utf-8"),
        (b"<a/>", "text/xml; charset=utf-8"),
        (envelope("x"), "text/xml"),
        (envelope("x"), "text/xml; charset=GBK"),
        (envelope("x", operation="other"), "text/xml; charset=utf-8"),
        (envelope("x", channel="XML"), "text/xml; charset=utf-8"),
        (envelope("x").replace(b"arg1", b"arg2"), "text/xml; charset=utf-8"),
        (b"\xff", "text/xml; charset=utf-8"),
    ],
)
def test_what_is_no_envelope_is_a_fault(twin: NationalTaxTwin, body: bytes, content_type: str) -> None:
    answer = twin.answer(post(body, content_type), None)
    assert answer.status == 500 and "fault" in said(answer) and twin.stats()["refused"] == {"fault": 1}


def test_steps_and_the_result_are_listed_by_number(twin: NationalTaxTwin) -> None:
    send(twin)
    twin.work()
    steps = send(twin, {"xh": "0"}, tran_id=PROGRESS, tran_seq="1" * 32)["rows"]
    assert [(row["xh"], row["hjxh"], row["hjmc"], row["hjzt"]) for row in steps] == [
        ("1", "1", "受理审核", "1"),
        ("2", "2", "登记核准", "9"),
    ]
    assert {row["bjbh"] for row in steps} == {FIELDS["bjbh"]}
    assert steps[0]["kssj"] >= FIELDS["slsj"] and all(re.fullmatch(r"[-\d]{10} [:\d]{8}", row["jssj"]) for row in steps)
    assert [row["xh"] for row in send(twin, {"xh": "2"}, tran_id=PROGRESS, tran_seq="2" * 32)["rows"]] == ["2"]
    assert send(twin, {"xh": "3"}, tran_id=PROGRESS, tran_seq="3" * 32)["rows"] == []
    assert send(twin, {"xh": "0"}, tran_id=OUTCOME, tran_seq="4" * 32)["rows"] == []
    twin.work()
    [result] = send(twin, {"xh": "0"}, tran_id=OUTCOME, tran_seq="5" * 32)["rows"]
    assert result["bjbh"] == FIELDS["bjbh"] and result["bljgDm"] in "123" and result["bjsj"] == steps[-1]["jssj"]
    assert send(twin, {"xh": "0"}, tran_id=OUTCOME, tran_seq="5" * 32)["Code"] == "004", "a question has a number of its own"
    assert twin.offered() == [("progress", f"{FIELDS['bjbh']}|{number}") for number in (1, 2)] + [("outcome", FIELDS["bjbh"])]


def test_the_successor_is_another_channel_and_knows_both_trades() -> None:
    twin = TaxTwin()
    assert send(twin)["Code"] == "002"
    assert send(twin, channel_id="GSSW.ZWDT.ZXXZSP")["cljg"] == "1"
    deed = FIELDS | {"bjbh": "K2", "sxmc": "房产交易契税申报"}
    assert send(twin, deed, channel_id="GSSW.ZWDT.ZXXZSP", tran_seq="1" * 32)["cljg"] == "1"
    twin.work()
    assert len([one for _, one in twin.desk.cases.progress(0) if one.case == "K2"]) == 3


def test_unearned_refusals(twin: NationalTaxTwin) -> None:
    request = post(b"")
    assert said(twin.refusal(FaultKind.BUSY, request))["Code"] == "012"
    assert said(twin.refusal(FaultKind.REFUSAL, request))["cljg"] == "9"
    assert "fault" in said(twin.refusal(FaultKind.SOAP_FAULT, request))


def test_questions_are_spared_faults(twin: NationalTaxTwin) -> None:
    assert twin.came(post(CASE.encode())) and not twin.came(post(PROGRESS.encode())) and not twin.came(post(OUTCOME.encode()))
    twin.plan.lookups = True
    assert twin.came(post(PROGRESS.encode()))
    assert not twin.came(Request("GET", PATH, "wsdl", {}, b""))


def test_the_description_names_the_address_it_was_asked_at(twin: NationalTaxTwin) -> None:
    answer = twin.answer(Request("GET", PATH, "wsdl", {"host": "127.0.0.1:8635"}, b""), None)
    assert f'location="http://127.0.0.1:8635{PATH}"'.encode() in answer.body
    assert twin.answer(Request("GET", "/", "", {}, b""), None).status == 404
