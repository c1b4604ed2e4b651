"""The older tax dialect judges globalInfo, dataDescription, base64, GZIP and GBK, and answers 0000 or 9999."""

from __future__ import annotations

import base64
import gzip
from html import escape
from typing import Any

import pytest
from lxml import etree

from hub.sandbox.faults import FaultKind
from hub.sandbox.twins.localtax import CASE, NAMESPACE, OUTCOME, PATH, PROGRESS, LocalTaxTwin
from hub.sandbox.twins.strings import SOAP
from hub.sandbox.web import Answer, Request
from tests.unit.sandbox import bodies

MAIN = next(case for case in bodies.some_cases(2000) if case.main["SSZX"] == "DS" and case.main["SQRZJLX"] == "XYDM").main
FIELDS = {
    "BJBH": MAIN["BJBH"], "SXBM": MAIN["SXBM"], "SXMC": MAIN["SXMC"], "NSRSBH": MAIN["SQRZJHM"], "NSRMC": MAIN["SQRMC"],
    "ZJZLDM": "102", "ZJHM": MAIN["SQRZJHM"], "XM": "王堃", "LXDH": MAIN["LXRSJ"], "SLSJ": "20161201092000", "BZ": "a]]>b",
}  # fmt: skip
HEAD = {
    "appId": "ZWDT", "interfaceId": "", "interfaceCode": CASE, "requestCode": "621125", "requestTime": "2016-12-13 09:02:03",
    "responseCode": "DS", "dataExchangeId": "62112520161213" + "0" * 32,
}  # fmt: skip
PACKED = {"zipCode": "1", "encryptCode": "0", "codeType": "0"}


@pytest.fixture
def twin() -> LocalTaxTwin:
    return LocalTaxTwin()


def leaves(fields: dict[str, str]) -> str:
    return "".join(f"<{name}>{escape(value)}</{name}>" for name, value in fields.items())


def content(fields: dict[str, str], code: str, encoding: str = "gbk") -> bytes:
    return f'<?xml version="1.0" encoding="GBK"?><REQUEST_{code}>{leaves(fields)}</REQUEST_{code}>'.encode(encoding)


def interface(packed: bytes, head: dict[str, str], described: dict[str, str]) -> str:
    data = f"<dataDescription>{leaves(described)}</dataDescription><content>{base64.b64encode(packed).decode()}</content>"
    state = "<returnStateInfo><returnCode/><returnMessage/></returnStateInfo>"
    whole = f'<interface version="WLFP1.0"><globalInfo>{leaves(head)}</globalInfo>{state}<Data>{data}</Data></interface>'
    return f'<?xml version="1.0" encoding="UTF-8"?>{whole}'


def post(text: str) -> Request:
    call = f'<n:doService xmlns:n="{NAMESPACE}"><xml>{escape(text)}</xml></n:doService>'
    body = f'<s:Envelope xmlns:s="{SOAP}"><s:Body>{call}</s:Body></s:Envelope>'.encode()
    return Request("POST", PATH, "", {"content-type": 'text/xml; charset="UTF-8"'}, body)


def said(answer: Answer) -> dict[str, Any]:
    """Undo every layer of an answer: return state, description, and the content's leaves or rows; or the fault's words."""
    root = etree.fromstring(answer.body)
    words = root.find(".//faultstring")
    if words is not None:
        return {"fault": words.text}
    outer = etree.fromstring((root.findtext(".//return") or "").partition("?>")[2])
    found: dict[str, Any] = {leaf.tag: leaf.text or "" for part in (outer[1], outer[2][0]) for leaf in part}
    raw = base64.b64decode(outer.findtext("Data/content") or "")
    plain = gzip.decompress(raw) if found["zipCode"] == "1" else raw
    if plain:
        inner = etree.fromstring(plain.decode("gbk").partition("?>")[2])
        found["rows"] = [{leaf.tag: leaf.text or "" for leaf in row} for row in inner.iter("ROW")]
        found |= {leaf.tag: leaf.text or "" for leaf in inner if len(leaf) == 0 and leaf.tag != "ROWS"}
    return found


def send(twin: LocalTaxTwin, fields: dict[str, str] | None = None, **changed: str) -> dict[str, Any]:
    head = HEAD | {name: value for name, value in changed.items() if name in HEAD}
    described = PACKED | {name: value for name, value in changed.items() if name in PACKED}
    raw = content(FIELDS if fields is None else fields, head["interfaceCode"])
    packed = gzip.compress(raw, mtime=0) if described["zipCode"] == "1" else raw
    return said(twin.answer(post(interface(packed, head, described)), None))


@pytest.mark.parametrize("zipped", ["0", "1"])
def test_a_case_is_taken_and_held_compressed_or_not(twin: LocalTaxTwin, zipped: str) -> None:
    answer = send(twin, zipCode=zipped)
    assert (answer["returnCode"], answer["returnMessage"], answer["SLXH"]) == ("0000", "成功", "DS0000000001")
    [held] = twin.held()
    assert (held.endpoint, held.row, held.content) == (CASE, FIELDS["BJBH"], FIELDS)


def test_the_same_again_is_told_apart_by_its_number(twin: LocalTaxTwin) -> None:
    send(twin)
    again = send(twin)
    assert again["returnCode"] == "9999" and again["returnMessage"] == "重复提交，受理序号 DS0000000001"
    assert send(twin, FIELDS | {"BZ": "更正"})["returnMessage"] == "流水号已被其他报文使用"
    assert send(twin, FIELDS | {"BZ": "更正"}, dataExchangeId="62112520161213" + "1" * 32)["returnCode"] == "0000"
    stats = twin.stats()
    assert (stats["taken"], stats["duplicates"], stats["updated"], stats["held"]) == (1, 1, 1, 1)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"NSRMC": ""}, "NSRMC"),
        ({"NSRMC": "名" * 101}, "NSRMC"),
        ({"NSRSBH": FIELDS["NSRSBH"][:-1] + "?"}, "NSRSBH"),
        ({"ZJZLDM": "201", "ZJHM": "621125190503120021"}, "ZJHM"),
        ({"SLSJ": "2016-12-01 09:20:00"}, "SLSJ"),
        ({"SLSJ": "29990101000000"}, "SLSJ"),
        ({"nsrmc": "小写"}, "nsrmc"),
    ],
)
def test_a_refusal_names_the_field(twin: LocalTaxTwin, changes: dict[str, str], named: str) -> None:
    answer = send(twin, FIELDS | changes)
    assert answer["returnCode"] == "9999" and named in answer["returnMessage"] and not twin.held()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"appId": "X"}, "未授权"),
        ({"requestCode": "621126"}, "未授权"),
        ({"responseCode": "GS"}, "未授权"),
        ({"interfaceCode": "ZWDT9999"}, "接口编码不存在"),
        ({"requestTime": "2016-12-13"}, "requestTime"),
        ({"requestTime": "2999-12-13 00:00:00"}, "requestTime"),
        ({"dataExchangeId": "6211252016121300000001"}, "dataExchangeId"),
        ({"dataExchangeId": "62112520161214" + "0" * 32}, "dataExchangeId"),
        ({"encryptCode": "1"}, "dataDescription"),
        ({"zipCode": "2"}, "zipCode"),
    ],
)
def test_an_envelope_that_breaks_a_rule(twin: LocalTaxTwin, changes: dict[str, str], words: str) -> None:
    answer = send(twin, **changes)
    assert answer["returnCode"] == "9999" and words in answer["returnMessage"] and not twin.held()


@pytest.mark.parametrize(
    ("packed", "zipped"),
    [
        (b"plain", "1"),
        (gzip.compress(content(FIELDS, CASE)), "0"),
        (gzip.compress(content(FIELDS, CASE))[:-9], "1"),
        (content({"NSRMC": "马䶮"}, CASE, "gb18030"), "0"),
        (content(FIELDS, CASE).replace(b"GBK", b"UTF-8"), "0"),
        (content(FIELDS, PROGRESS), "0"),
        (b"", "0"),
    ],
)
def test_content_that_is_not_what_is_said_of_it(twin: LocalTaxTwin, packed: bytes, zipped: str) -> None:
    answer = said(twin.answer(post(interface(packed, HEAD, PACKED | {"zipCode": zipped})), None))
    assert answer["returnCode"] == "9999" and not twin.held()


@pytest.mark.parametrize("text", ["", "<a", "<interface/>", "<interface version='1'><Data/></interface>"])
def test_what_is_no_interface(twin: LocalTaxTwin, text: str) -> None:
    assert said(twin.answer(post(text), None))["returnCode"] == "9999"


def test_steps_and_results_are_listed_and_long_lists_compressed(twin: LocalTaxTwin) -> None:
    for number in range(60):
        send(twin, FIELDS | {"BJBH": f"K{number}"}, dataExchangeId=f"62112520161213{number:032x}")
    twin.work()
    first = send(twin, {"XH": "0"}, interfaceCode=PROGRESS, dataExchangeId="62112520161213" + "a" * 32)
    assert [row["XH"] for row in first["rows"]] == [str(number) for number in range(1, 181)] and first["zipCode"] == "1"
    few = send(twin, {"XH": "179"}, interfaceCode=PROGRESS, dataExchangeId="62112520161213" + "b" * 32)
    assert [(row["HJXH"], row["HJZT"]) for row in few["rows"]] == [("2", "10"), ("3", "90")] and few["zipCode"] == "0"
    assert send(twin, {"XH": "0"}, interfaceCode=OUTCOME, dataExchangeId="62112520161213" + "c" * 32)["rows"] == []
    twin.work()
    results = send(twin, {"XH": "0"}, interfaceCode=OUTCOME, dataExchangeId="62112520161213" + "d" * 32)["rows"]
    assert len(results) == 60 and {row["JGDM"] for row in results} <= {"01", "02", "03"}
    again = send(twin, {"XH": "0"}, interfaceCode=OUTCOME, dataExchangeId="62112520161213" + "d" * 32)
    assert again["returnMessage"] == "流水号重复"


def test_unearned_refusals(twin: LocalTaxTwin) -> None:
    assert "繁忙" in said(twin.refusal(FaultKind.BUSY, post("")))["returnMessage"]
    assert said(twin.refusal(FaultKind.REFUSAL, post("")))["returnCode"] == "9999"
    assert "fault" in said(twin.refusal(FaultKind.SOAP_FAULT, post("")))
