"""The traffic-police service judges envelope, parameters, encoding and fields, and answers as Axis 1 does."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote, unquote_plus
from xml.sax.saxutils import escape

import pytest
from lxml import etree

from hub.sandbox.faults import FaultKind
from hub.sandbox.twins.police import (
    DOUBT,
    DUPLICATE,
    INTAKE,
    LOOKUP,
    MOST,
    OUTCOME,
    PROGRESS,
    TAKEN,
    VERDICTS,
    PoliceTwin,
)
from hub.sandbox.twins.tmri import ENCODING, NAMESPACE, PARAMETERS, PATH, QUERY, SOAP, WRITE, XSD, XSI
from hub.sandbox.web import Answer, Request
from tests.unit.sandbox import bodies

CASE = next(case for case in bodies.some_cases() if case.main["SSZX"] == "JJ" and case.main["SQRZJLX"] == "SF").main
FIELDS = {
    "bjbh": CASE["BJBH"], "pch": "2016121309000000000001000001", "sxbm": CASE["SXBM"], "sxmc": "机动车驾驶证期满换证",
    "xm": "张桂兰", "sfzmmc": "A", "sfzmhm": CASE["SQRZJHM"], "lxdh": CASE["LXRSJ"], "slsj": CASE["SLSJ"], "jszh": CASE["SQRZJHM"],
}  # fmt: skip
GIVEN = {
    "xtlb": "64", "jkxlh": "sandbox-police-serial", "jkid": INTAKE, "cjsqbh": "", "dwjgdm": "621125000000", "dwmc": "",
    "yhbz": "zhangxian", "yhxm": "", "zdbs": "127.0.0.1",
}  # fmt: skip


@pytest.fixture
def twin() -> PoliceTwin:
    return PoliceTwin()


def document(fields: dict[str, str], wrapper: str = "WriteCondition", encode: Any = lambda value: quote(value, safe="")) -> str:
    inside = "".join(f"<{name}>{escape(encode(value))}</{name}>" for name, value in fields.items())
    return f'<?xml version="1.0" encoding="GBK"?><root><{wrapper}>{inside}</{wrapper}></root>'


def envelope(text: str, operation: str = WRITE, *, order: tuple[str, ...] = PARAMETERS, **given: str) -> str:
    values = {**GIVEN, **given, "UTF8XmlDoc": text}
    parts = "".join(f'<{name} xsi:type="xsd:string">{escape(values[name])}</{name}>' for name in order)
    call = f'<t:{operation} soapenv:encodingStyle="{ENCODING}" xmlns:t="{NAMESPACE}">{parts}</t:{operation}>'
    names = f'xmlns:soapenv="{SOAP}" xmlns:xsd="{XSD}" xmlns:xsi="{XSI}"'
    return f"<soapenv:Envelope {names}><soapenv:Body>{call}</soapenv:Body></soapenv:Envelope>"


def post(twin: PoliceTwin, text: str, fault: FaultKind | None = None) -> Answer:
    return twin.answer(Request("POST", PATH, "", {"content-type": "text/xml; charset=utf-8"}, text.encode()), fault)


def read(answer: Answer) -> tuple[dict[str, str], list[dict[str, str]]]:
    """Read an answer as its readers do: the string inside, URL-encoding undone, declared GBK; or the fault's words."""
    body = etree.fromstring(answer.body).find(f"{{{SOAP}}}Body")[0]
    if (words := body.find("faultstring")) is not None:
        assert answer.status == 500 and body.find("faultcode").text == "soapenv:Server.userException"
        return {"fault": words.text or ""}, []
    inner = unquote_plus(body[0].text, encoding="utf-8", errors="strict")
    assert re.match(r'<\?xml version="1.0" encoding="GBK"\?>', inner) and body[0].text.isascii()
    root = etree.fromstring(inner.encode("gbk"))
    head = {child.tag: child.text or "" for child in root.find("head")}
    return head, [{child.tag: child.text or "" for child in row} for row in root.find("body")]


def write(twin: PoliceTwin, fields: dict[str, str], fault: FaultKind | None = None) -> tuple[dict[str, str], list[dict[str, str]]]:
    return read(post(twin, envelope(document(fields)), fault))


def ask(twin: PoliceTwin, jkid: str, **fields: str) -> list[dict[str, str]]:
    head, rows = read(post(twin, envelope(document(fields, "QueryCondition"), QUERY, jkid=jkid)))
    assert head == {"code": "1", "message": "", "rownum": str(len(rows))}
    return rows


def test_a_case_is_taken_and_held(twin: PoliceTwin) -> None:
    assert write(twin, FIELDS) == ({"code": "1", "message": TAKEN, "rownum": "1"}, [{"lsh": "JJ0000000001"}])
    [held] = twin.held()
    assert (held.endpoint, held.row, held.content) == (INTAKE, FIELDS["bjbh"], FIELDS)


def test_the_same_again_is_told_apart_and_keeps_its_receipt(twin: PoliceTwin) -> None:
    write(twin, FIELDS)
    head, rows = write(twin, FIELDS)
    assert (head["code"], head["message"], rows) == ("1", DUPLICATE, [{"lsh": "JJ0000000001"}])
    assert write(twin, FIELDS | {"bz": "更正"})[0]["message"] == TAKEN
    stats = twin.stats()
    assert (stats["taken"], stats["duplicates"], stats["updated"], stats["held"]) == (1, 1, 1, 1)


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        (f"t:{WRITE}", "t:writeObjectOut", "No such operation"),
        (f'xmlns:t="{NAMESPACE}"', 'xmlns:t="http://endpoint.axis.framework.tmri.com/"', "No such operation"),
        (f' soapenv:encodingStyle="{ENCODING}"', "", "encodingStyle"),
        ('<cjsqbh xsi:type="xsd:string">', "<cjsqbh>", "Bad types for cjsqbh"),
        ('<cjsqbh xsi:type="xsd:string">', '<cjsqbh xsi:type="xsd:int">', "Bad types for cjsqbh"),
        (f'xmlns:xsd="{XSD}"', 'xmlns:xsd="urn:other"', "Bad types"),
        ('<cjsqbh xsi:type="xsd:string"></cjsqbh>', "", "do not match the signature"),
        ("cjsqbh", "cjsq", "do not match the signature"),
        ("<soapenv:Body>", "<soapenv:Body><x/>", "one call"),
        (f'xmlns:soapenv="{SOAP}"', 'xmlns:soapenv="http://www.w3.org/2003/05/soap-envelope"', "no SOAP 1.1 envelope"),
        ("<soapenv:Envelope", "<!DOCTYPE a><soapenv:Envelope", "no SOAP 1.1 envelope"),
    ],
)
def test_an_envelope_that_is_not_to_the_letter_is_a_fault(twin: PoliceTwin, old: str, new: str, named: str) -> None:
    text = envelope(document(FIELDS))
    assert old in text
    head, _ = read(post(twin, text.replace(old, new)))
    assert named in head["fault"] and not twin.held() and twin.stats()["refused"] == {"fault": 1}


def test_parameters_in_another_order_are_a_fault(twin: PoliceTwin) -> None:
    order = ("xtlb", "jkxlh", "jkid", "yhbz", "dwmc", "dwjgdm", "yhxm", "zdbs", "cjsqbh", "UTF8XmlDoc")
    assert "do not match the signature" in read(post(twin, envelope(document(FIELDS), order=order)))[0]["fault"]


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"jkxlh": "wrong"}, "接口序列号"),
        ({"jkid": "64W99"}, "接口标识"),
        ({"xtlb": "04"}, "接口标识"),
        ({"jkid": PROGRESS}, "接口标识不能用于该方法"),
        ({"dwjgdm": "621125"}, "单位机构代码"),
        ({"yhbz": ""}, "用户标识"),
        ({"zdbs": ""}, "终端标识"),
    ],
)
def test_who_calls_is_checked(twin: PoliceTwin, given: dict[str, str], named: str) -> None:
    head, rows = read(post(twin, envelope(document(FIELDS), **given)))
    assert head["code"] == "0" and named in head["message"] and rows == [] and not twin.held()


def twice(value: str) -> str:
    return quote(quote(value, safe=""), safe="")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (document(FIELDS, encode=str), "未做URL编码"),
        (document(FIELDS | {"xm": "Li Si"}, encode=lambda value: quote(value, safe=" ")), "未做URL编码"),
        (document(FIELDS | {"xm": "名" * 1200}), "xm 过长"),
        (document(FIELDS, encode=twice), "重复做了URL编码"),
        (document(FIELDS, encode=lambda value: quote(value.encode("gbk"), safe="")), "不是UTF-8"),
        (document(FIELDS, "QueryCondition"), "root/WriteCondition"),
        (document(FIELDS).replace("root>", "Root>"), "root/WriteCondition"),
        (document(FIELDS).replace("<xm>", "<xm><b/>"), "一层字段"),
        (document(FIELDS).replace("<xm>", "<pch>1</pch><xm>"), "重复"),
        ("<root>", "root/WriteCondition"),
        ('<!DOCTYPE root [<!ENTITY x "y">]>' + document(FIELDS), "root/WriteCondition"),
    ],
)
def test_a_document_that_is_not_to_the_letter_is_refused(twin: PoliceTwin, text: str, named: str) -> None:
    head, _ = read(post(twin, envelope(text)))
    assert head["code"] == "0" and named in head["message"] and not twin.held()


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"xm": ""}, "xm"),
        ({"xm": "名" * 65}, "xm"),
        ({"xm": "马䶮"}, "xm"),
        ({"xm": "李𬎆"}, "xm"),
        ({"sfzmhm": FIELDS["sfzmhm"][:-1] + ("1" if FIELDS["sfzmhm"][-1] != "1" else "2")}, "sfzmhm"),
        ({"sfzmmc": "N"}, "sfzmhm"),
        ({"sfzmmc": "SF"}, "sfzmmc"),
        ({"pch": ""}, "pch"),
        ({"hpzl": "小型汽车"}, "hpzl"),
        ({"hpzl": "2"}, "hpzl"),
        ({"clsbdh": "LSVAO4187E2184847"}, "clsbdh"),
        ({"dabh": "1"}, "dabh"),
        ({"slsj": "2025-13-01 00:00:00"}, "slsj"),
        ({"slsj": "2999-01-01 00:00:00"}, "slsj"),
        ({"xyz": "1"}, "xyz"),
    ],
)
def test_a_refusal_names_the_field(twin: PoliceTwin, changes: dict[str, str], named: str) -> None:
    head, _ = write(twin, FIELDS | changes)
    assert head["code"] == "0" and named in head["message"] and not twin.held() and twin.stats()["refused"] == {"code": 1}


@pytest.mark.parametrize("name", ["马·依布拉", "张喆", "王堃", "A+B 公司 100%"])
def test_names_survive_the_encoding(twin: PoliceTwin, name: str) -> None:
    assert write(twin, FIELDS | {"xm": name})[0]["code"] == "1"
    assert twin.held()[0].content["xm"] == name


def test_javas_encoder_writes_a_blank_as_plus(twin: PoliceTwin) -> None:
    text = document(FIELDS, encode=lambda value: quote(value, safe=" ").replace(" ", "+"))
    assert "+" in text and read(post(twin, envelope(text)))[0]["code"] == "1"
    assert twin.held()[0].content == FIELDS


def test_a_look_up_knows_case_and_batch(twin: PoliceTwin) -> None:
    assert ask(twin, LOOKUP, bjbh=FIELDS["bjbh"]) == []
    write(twin, FIELDS)
    assert ask(twin, LOOKUP, bjbh=FIELDS["bjbh"]) == [{"bjbh": FIELDS["bjbh"], "lsh": "JJ0000000001"}]
    assert len(ask(twin, LOOKUP, bjbh=FIELDS["bjbh"], pch=FIELDS["pch"])) == 1
    assert ask(twin, LOOKUP, bjbh=FIELDS["bjbh"], pch="1") == []


@pytest.mark.parametrize(("item", "number"), [("机动车驾驶证期满换证", "dabh"), ("机动车注册登记", "hphm")])
def test_a_case_goes_its_course_and_everything_is_numbered(twin: PoliceTwin, item: str, number: str) -> None:
    for case in range(20):
        write(twin, FIELDS | {"sxmc": item, "bjbh": f"{FIELDS['bjbh'][:-2]}{case:02}"})
    assert ask(twin, PROGRESS, xh="0") == []
    while twin.work():
        pass
    steps, outcomes = ask(twin, PROGRESS, xh="0"), ask(twin, OUTCOME, xh="0")
    assert [int(step["xh"]) for step in steps] == list(range(1, len(steps) + 1))
    assert {step["blzt"] for step in steps} == {"10", "90"} and all(step["kssj"] >= FIELDS["slsj"] for step in steps)
    assert [int(one["xh"]) for one in outcomes] == list(range(1, 21))
    assert {one["bljg"] for one in outcomes if number in one} == {"BJ"} and any(number in one for one in outcomes)
    assert ask(twin, OUTCOME, xh="19") == outcomes[19:] and ask(twin, OUTCOME, xh="20") == []
    assert len(twin.offered()) == len(steps) + 20


def test_an_answer_has_so_many_rows_and_no_more(twin: PoliceTwin) -> None:
    for case in range(MOST // 2 + 5):
        write(twin, FIELDS | {"bjbh": f"K{case:03}"})
    twin.work()
    first = ask(twin, PROGRESS, xh="0")
    assert len(first) == MOST and len(ask(twin, PROGRESS, xh=first[-1]["xh"])) == 10
    head, _ = read(post(twin, envelope(document({"xh": "x"}, "QueryCondition"), QUERY, jkid=PROGRESS)))
    assert head["code"] == "0"


def test_a_case_sent_back_lies_still_until_it_comes_in_again(twin: PoliceTwin) -> None:
    write(twin, FIELDS, FaultKind.LATE_REJECTION)
    assert twin.work() == 1
    [opinion] = ask(twin, VERDICTS, xh="0")
    assert opinion == {"xh": "1", "bjbh": FIELDS["bjbh"], "pch": FIELDS["pch"], "shjg": "2", "shyj": DOUBT}
    assert ask(twin, PROGRESS, xh="0") == []
    write(twin, FIELDS | {"pch": "2"})
    twin.work()
    [opinion] = ask(twin, VERDICTS, xh="1")
    assert (opinion["pch"], opinion["shjg"]) == ("2", "1")


def test_unearned_refusals(twin: PoliceTwin) -> None:
    request = Request("POST", PATH, "", {}, b"")
    assert "繁忙" in read(twin.refusal(FaultKind.BUSY, request))[0]["message"]
    assert read(twin.refusal(FaultKind.REFUSAL, request))[0]["code"] == "0"
    assert "fault" in read(twin.refusal(FaultKind.SOAP_FAULT, request))[0]
    assert twin.answer(Request("GET", PATH, "wsdl", {}, b""), None).status == 404
