"""The social-security service judges credentials, fields, bytes and repetition, in GBK."""

from __future__ import annotations

from typing import Any
from xml.sax.saxutils import quoteattr

import pytest
from lxml import etree

from hub.sandbox.faults import FaultKind
from hub.sandbox.twins.molss import MOLSS, PATH, SOAP, YLZ
from hub.sandbox.twins.social import DOUBT, DUPLICATE, INTAKE, OUTCOME, PAGE, PROGRESS, QUERY, VERDICTS, SocialTwin
from hub.sandbox.web import Answer, Request
from tests.unit.sandbox import bodies

CASE = next(case for case in bodies.some_cases() if case.main["SSZX"] == "SB").main
FIELDS = {
    "bjbh": CASE["BJBH"], "sxbm": CASE["SXBM"], "sxmc": CASE["SXMC"], "aac003": CASE["SQRMC"], "aaa029": "01",
    "aae135": CASE["SQRZJHM"], "aac002": CASE["SQRZJHM"], "aae005": CASE["LXRSJ"], "aae006": CASE["TXDZ"],
    "slsj": CASE["SLSJ"], "bz": "",
}  # fmt: skip


#: Its number, with a wrong check digit.
WRONG = FIELDS["aae135"][:-1] + ("1" if FIELDS["aae135"][-1] != "1" else "2")


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
        ({"aae135": WRONG, "aac002": WRONG}, "aae135"),
        ({"aae135": FIELDS["aae135"][:17]}, "aae135"),
        ({"aaa029": ""}, "aaa029"),
        ({"aaa029": "02"}, "aaa029"),
        ({"aaa029": "51", "aae135": "1162112500HUB00171", "aac002": ""}, "aae135"),
        ({"aaa029": "52", "aae135": "01389717-8", "aac002": ""}, "aae135"),
        ({"aac002": ""}, "aac002"),
        ({"aac002": WRONG}, "aac002"),
        ({"aae135": "621125050312002", "aac002": "621125050312002"}, "aac002"),
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


@pytest.mark.parametrize(
    "numbers",
    [
        {"aae135": "621125050312002", "aac002": "621125190503120020"},  # the old 15 digits are 18 where those are demanded
        {"aaa029": "51", "aae135": "1162112500HUB00170", "aac002": ""},
        {"aaa029": "52", "aae135": "01389717-9", "aac002": ""},
        {"aaa029": "08", "aae135": "E00000001", "aac002": ""},
    ],
)
def test_other_papers_and_old_numbers_are_taken(twin: SocialTwin, numbers: dict[str, str]) -> None:
    assert "result" in send(twin, FIELDS | numbers)


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
    assert send(twin, FIELDS | {"bz": "更正"}, function=QUERY) == {"rowCount": "0"}


def test_two_builds_answer_in_turn(twin: SocialTwin) -> None:
    seen = [
        etree.QName(etree.fromstring(twin.answer(post(envelope({}, function=QUERY).encode("gbk")), None).body)[0][0]).namespace
        for _ in range(3)
    ]
    assert seen == [MOLSS, YLZ, MOLSS]
    assert [next(iter(send(twin, {}, function=QUERY))) for _ in range(3)] == ["rowCount", "row_count", "rowCount"]


def listed(twin: SocialTwin, function: str, **fields: str) -> tuple[list[dict[str, str]], dict[str, str]]:
    """Return the rows of a list and what its results say."""
    answer = twin.answer(post(envelope(fields, function=function).encode("gbk")), None)
    root = etree.fromstring(answer.body)
    said: dict[str, str] = {}
    for element in root.iter("result"):
        said |= {str(name): str(value) for name, value in element.attrib.items()}
    return [{str(name): str(value) for name, value in row.attrib.items()} for row in root.iter("row")], said


def test_a_case_goes_its_course_and_everything_is_numbered(twin: SocialTwin) -> None:
    send(twin, FIELDS)
    assert listed(twin, PROGRESS) == ([], {"row_count": "0", "pages": "1"})
    made = twin.work()
    (opinion,), _ = listed(twin, VERDICTS)
    steps, _ = listed(twin, PROGRESS)
    assert made == 1 + len(steps) and listed(twin, OUTCOME)[0] == [], "it ends another day"
    assert twin.work() == 1
    (outcome,), _ = listed(twin, OUTCOME)
    assert opinion == {"xh": "1", "bjbh": FIELDS["bjbh"], "shjg": "Y", "shyj": ""}
    assert [(step["xh"], step["bzxh"]) for step in steps] == [(str(n), str(n)) for n in range(1, len(steps) + 1)]
    assert [step["blzt"] for step in steps] == ["1"] * (len(steps) - 1) + ["9"]
    assert FIELDS["slsj"] <= steps[0]["kssj"] <= steps[-1]["jssj"] <= outcome["bjsj"]
    assert outcome["xh"] == "1" and outcome["jbjg"] in ("0", "1", "2")
    assert twin.work() == 0
    assert set(twin.offered()) == {("outcome", FIELDS["bjbh"]), *(("progress", f"{FIELDS['bjbh']}|{n['bzxh']}") for n in steps)}


def test_lists_start_after_a_number_and_come_in_pages(twin: SocialTwin) -> None:
    for number in range(PAGE + 5):
        send(twin, FIELDS | {"bjbh": f"K{number:03}"})
    while twin.work():
        pass
    first, said = listed(twin, OUTCOME, since="0", page="1")
    second, _ = listed(twin, OUTCOME, since="0", page="2")
    assert [int(row["xh"]) for row in first + second] == list(range(1, PAGE + 6))
    assert said["pages"] == "2" and (said.get("row_count") or said.get("rowCount")) == str(PAGE)
    rest, said = listed(twin, OUTCOME, since=str(PAGE + 3))
    assert [row["bjbh"] for row in rest] == [f"K{PAGE + 3:03}", f"K{PAGE + 4:03}"] and said["pages"] == "1"


def test_a_case_sent_back_lies_still_until_it_comes_in_again(twin: SocialTwin) -> None:
    assert "result" in send(twin, FIELDS, FaultKind.LATE_REJECTION)
    assert listed(twin, VERDICTS)[0] == [], "nobody has looked at it yet"
    assert twin.work() == 1 and twin.stats()["late_rejections"] == 1
    assert listed(twin, VERDICTS)[0] == [{"xh": "1", "bjbh": FIELDS["bjbh"], "shjg": "N", "shyj": DOUBT}]
    assert listed(twin, PROGRESS)[0] == [] and twin.work() == 0
    send(twin, FIELDS)
    assert twin.work() == 0, "the same again is no correction"
    send(twin, FIELDS | {"bz": "更正"})
    assert listed(twin, VERDICTS)[0] == [], "what was said of the version before is withdrawn"
    assert twin.work() > 1
    assert [(row["xh"], row["shjg"]) for row in listed(twin, VERDICTS)[0]] == [("2", "Y")]
    assert twin.work() == 1
    assert len(listed(twin, OUTCOME)[0]) == 1


def test_a_correction_of_a_case_under_way_doubles_nothing(twin: SocialTwin) -> None:
    send(twin, FIELDS)
    while twin.work():
        pass
    steps = listed(twin, PROGRESS)[0]
    send(twin, FIELDS | {"bz": "更正"})
    assert twin.work() == 1
    assert listed(twin, PROGRESS)[0] == steps and len(listed(twin, OUTCOME)[0]) == 1


def test_unearned_refusals(twin: SocialTwin) -> None:
    request = post(b"")
    assert "繁忙" in said(twin.refusal(FaultKind.BUSY, request))["information"]
    assert "information" in said(twin.refusal(FaultKind.REFUSAL, request))
    assert "fault" in said(twin.refusal(FaultKind.SOAP_FAULT, request))


def test_the_description_names_the_address_it_was_asked_at(twin: SocialTwin) -> None:
    answer = twin.answer(Request("GET", PATH, "wsdl", {"host": "127.0.0.1:8632"}, b""), None)
    assert b'location="http://127.0.0.1:8632/services/business"' in answer.body
    assert twin.answer(Request("GET", "/", "", {}, b""), None).status == 404
