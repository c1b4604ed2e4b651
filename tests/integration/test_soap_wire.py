"""The SOAP adapter against a raw HTTP peer: GBK envelopes without a WSDL, and everything that can go wrong on the wire."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import pytest
from lxml import etree

from adapters.soap import SoapAdapter
from adapters.soap.options import SoapOptions
from hub.errors import Deferred, Failure, InDoubt, Misconfigured, Rejected, Retryable, SourceFailed
from hub.model import Message, Operation, Receipt
from hub.ports import Outcome
from tests.integration.http_peer import Peer, Received, Reply, dripped_body, flood, page, reset, silence, truncated
from tests.integration.soap_peer import HERE

MOLSS = "http://www.molss.gov.cn/"
ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"

#: The social-security style: no usable WSDL, GBK, credentials in the header, rows as attributes.
SOCIAL = {
    "charset": "gbk",
    "namespaces": {"in": MOLSS},
    "secrets": {"usr": "zhangxian", "pwd": "p<&\"'w"},
    "header": [
        {
            "element": "in:system",
            "children": [
                {"element": "para", "attributes": {"usr": "$secret.usr"}},
                {"element": "para", "attributes": {"pwd": "$secret.pwd"}},
                {"element": "para", "attributes": {"funid": "F00.00.0C"}},
            ],
        }
    ],
    "answers": [
        {"path": "*[local-name()='result']/@information", "means": "rejected", "said": "*[local-name()='result']/@information"},
        {"path": "*[local-name()='result'][@result='1']", "present": True, "means": "rejected"},
        {"path": "count(*[local-name()='result'][@result='0'])", "equals": "1", "means": "taken"},
        {"fault": "Client.Auth", "means": "misconfigured", "said": "faultstring/error/@msg"},
    ],
    "endpoints": {
        "business": {
            "action": "business",
            "body": {"element": "in:business", "children": [{"element": "para", "rows": "$body", "order": ["aac002"]}]},
        }
    },
    "timeouts": {"connect": "2s", "read": "1s", "total": "3s"},
    "connect_tries": 1,
    "largest_answer": 200_000,
}


def soap(body: str, status: int = 200, encoding: str = "utf-8", declared: str | None = None) -> Reply:
    """Return an envelope in that encoding."""
    text = (
        f'<?xml version="1.0" encoding="{declared or encoding}"?><soap:Envelope xmlns:soap="{ENVELOPE}">'
        f"<soap:Body>{body}</soap:Body></soap:Envelope>"
    )
    return Reply(status, text.encode(encoding), content_type="text/xml")


def result(inside: str = '<result result="0"/>') -> str:
    return f'<out:business xmlns:out="http://www.ylzinfo.com/">{inside}</out:business>'


@pytest.fixture
def peer() -> Iterator[Peer]:
    with Peer() as peer:
        peer.answer = lambda request: soap(result(), encoding="gbk")
        yield peer


Make = Callable[..., SoapAdapter]


@pytest.fixture
def make(peer: Peer) -> Iterator[Make]:
    made: list[SoapAdapter] = []

    def adapter(options: dict[str, Any] = SOCIAL, **more: Any) -> SoapAdapter:
        merged = {"address": f"{peer.url}/sb", **options, **more}
        made.append(SoapAdapter(SoapOptions.model_validate(merged, context={"base": HERE}), system="social"))
        return made[-1]

    yield adapter
    for one in made:
        one.close()


def message(**body: Any) -> Message:
    return Message(
        id=1,
        endpoint="business",
        kind="case",
        key="K1",
        lane="K1",
        operation=Operation.INSERT,
        body={"aac003": "喆堃", "aac002": "621125000000000000", **body},
        idempotency_key="i1",
        batch="B1",
        created=datetime(2016, 12, 13, 1, 2, 3, tzinfo=UTC),
    )


def outcome(adapter: SoapAdapter, sent: Message | None = None) -> Outcome:
    (only,) = adapter.send([sent or message()])
    return only


# --- what leaves ---


def test_a_gbk_envelope_from_templates(peer: Peer, make: Make) -> None:
    assert isinstance(outcome(make(), message(aae006='漳县·武阳镇 <1>&"x"')), Receipt)
    (request,) = peer.received
    assert request.headers["content-type"] == "text/xml; charset=gbk"
    assert request.headers["soapaction"] == '"business"'
    assert request.body.startswith(b'<?xml version="1.0" encoding="GBK"?>')
    root = etree.fromstring(request.body.decode("gbk").partition("?>")[2])
    system, business = root[0][0], root[1][0]
    assert (system.tag, business.tag) == (f"{{{MOLSS}}}system", f"{{{MOLSS}}}business")
    assert [dict(para.attrib) for para in system] == [{"usr": "zhangxian"}, {"pwd": "p<&\"'w"}, {"funid": "F00.00.0C"}]
    assert [dict(para.attrib) for para in business] == [
        {"aac002": "621125000000000000"},
        {"aac003": "喆堃"},
        {"aae006": '漳县·武阳镇 <1>&"x"'},
    ]


@pytest.mark.parametrize(("letter", "point"), [("䶮", "U+4DAE"), ("𬎆", "U+2C386"), ("•", "U+2022")])
def test_a_character_gbk_lacks_is_named_and_nothing_leaves(peer: Peer, make: Make, letter: str, point: str) -> None:
    refused = outcome(make(), message(aac003=f"王{letter}"))
    assert isinstance(refused, Rejected)
    assert refused.code == "HUB-D-130"
    assert point in refused.message
    assert "aac003" in refused.message
    assert "王" not in str(refused)
    assert peer.received == []


def test_a_control_character_is_named_and_nothing_leaves(peer: Peer, make: Make) -> None:
    refused = outcome(make(), message(aac003="王\x0b小"))
    assert isinstance(refused, Rejected)
    assert (refused.code, "U+000B" in refused.message, "aac003" in refused.message) == ("HUB-D-131", True, True)
    assert peer.received == []


def test_the_same_message_is_the_same_bytes(peer: Peer, make: Make) -> None:
    outcome(make(time_format="%Y%m%d%H%M%S"))
    outcome(make(time_format="%Y%m%d%H%M%S"), replace(message(), attempt=2))
    assert peer.received[0].body == peer.received[1].body


def test_soap_1_2_and_http_basic(peer: Peer, make: Make) -> None:
    outcome(make(version="1.2", charset="utf-8", basic={"user": "u", "password": "漳"}))
    (request,) = peer.received
    assert request.headers["content-type"] == 'application/soap+xml; charset=utf-8; action="business"'
    assert request.headers["authorization"] == "Basic dTrmvLM="
    assert b"http://www.w3.org/2003/05/soap-envelope" in request.body


# --- what comes back ---


def fault(code: str, words: str = "忙", status: int = 500) -> Reply:
    return soap(f"<soap:Fault><faultcode>{code}</faultcode><faultstring>{words}</faultstring></soap:Fault>", status)


ANSWERS: dict[str, tuple[Any, type[object], str]] = {
    "taken": (soap(result(), encoding="gbk"), Receipt, ""),
    "declared_gb2312_sent_gbk": (
        soap(result('<result information="喆"/>'), encoding="gbk", declared="GB2312"),
        Rejected,
        "HUB-D-120",
    ),
    "information": (soap(result('<result information="无此人"/>')), Rejected, "HUB-D-120"),
    "no_rule": (soap(result("<x/>")), Retryable, "HUB-D-118"),
    "empty_body": (soap(""), Retryable, "HUB-D-118"),
    "nothing": (Reply(200, b""), Retryable, "HUB-D-118"),
    "fault_client": (fault("soap:Client"), Rejected, "HUB-D-210"),
    "fault_client_in_200": (fault("soap:Client", status=200), Rejected, "HUB-D-210"),
    "fault_server": (fault("soap:Server.userException"), Retryable, "HUB-D-211"),
    "fault_by_rule": (fault("soap:Client.Auth"), Misconfigured, "HUB-D-122"),
    "fault_unknown": (fault("E-9"), Retryable, "HUB-D-211"),
    "fault_must_understand": (fault("soap:MustUnderstand"), Misconfigured, "HUB-D-212"),
    "fault_behind_401": (fault("soap:Server", status=401), Misconfigured, "HUB-D-110"),
    "html_503": (page(503), Retryable, "HUB-D-113"),
    "html_500": (page(500), Retryable, "HUB-D-113"),
    "html_502": (page(502), InDoubt, "HUB-D-114"),
    "html_404": (page(404), Misconfigured, "HUB-D-111"),
    "html_200": (page(200), Retryable, "HUB-D-117"),
    "later": (Reply(503, b"busy", {"Retry-After": "60"}), Deferred, "HUB-D-112"),
    "json": (Reply(200, b'{"a":1}'), InDoubt, "HUB-D-117"),
    "xml_but_no_soap": (Reply(200, b"<a/>"), InDoubt, "HUB-D-117"),
    "not_its_charset": (Reply(200, b'<?xml version="1.0" encoding="UTF-8"?><a>\xff</a>'), InDoubt, "HUB-D-117"),
    "cut_off": (Reply(200, b"<soap:Envelope"), InDoubt, "HUB-D-117"),
    "dtd": (Reply(200, b"<!DOCTYPE a><a/>"), InDoubt, "HUB-D-213"),
    "dtd_behind_503": (Reply(503, b"<!DOCTYPE a><a/>"), Retryable, "HUB-D-113"),
    "reset": (reset, InDoubt, "HUB-D-105"),
    "truncated": (truncated, InDoubt, "HUB-D-105"),
    "silence": (silence, InDoubt, "HUB-D-104"),
    "flood": (flood, InDoubt, "HUB-D-116"),
    "dripping": (dripped_body, InDoubt, "HUB-D-116"),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_what_an_answer_means(peer: Peer, make: Make, name: str) -> None:
    reply, kind, code = ANSWERS[name]
    peer.answer = lambda request: reply
    got = outcome(make())
    assert type(got) is kind
    assert (got.code if isinstance(got, Failure) else "") == code


def test_the_far_sides_words_are_kept(peer: Peer, make: Make) -> None:
    peer.answer = lambda request: soap(
        '<soap:Fault><faultcode>soap:Client.Auth</faultcode><faultstring><error msg="口令过期"/></faultstring></soap:Fault>', 500
    )
    got = outcome(make())
    assert isinstance(got, Misconfigured)
    assert got.said == "口令过期"


def bomb(depth: int = 30) -> bytes:
    entities = "".join(f'<!ENTITY e{n} "&e{n - 1};&e{n - 1};&e{n - 1};&e{n - 1};">' for n in range(1, depth))
    return f'<!DOCTYPE a [<!ENTITY e0 "haha">{entities}]><a>&e{depth - 1};</a>'.encode()


@pytest.mark.parametrize("inner", [False, True], ids=["envelope", "inside the string"])
def test_an_xml_bomb_is_not_read(peer: Peer, make: Make, inner: bool) -> None:
    inside = bomb().decode().replace("&", "&amp;").replace("<", "&lt;")
    peer.answer = lambda request: soap(f"<r><return>{inside}</return></r>") if inner else Reply(200, bomb())
    got = outcome(make(answer={"inner": "xml" if inner else "none"}))
    assert isinstance(got, InDoubt)
    assert got.code == "HUB-D-213"


def test_an_external_entity_is_not_fetched(peer: Peer, make: Make, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("TOPSECRET")
    peer.answer = lambda request: Reply(200, f'<!DOCTYPE a [<!ENTITY x SYSTEM "file://{secret}">]><a>&x;</a>'.encode())
    got = outcome(make())
    assert isinstance(got, InDoubt)
    assert "TOPSECRET" not in repr(got) + got.said


# --- XML in a string, both ways ---

POLICE = {
    "wsdl": "entrance.wsdl",
    "secrets": {"jkxlh": "SERIAL"},
    "answer": {"inner": "xml", "decode": ["url"]},
    "answers": [
        {"path": "/root/head/code", "equals": "1", "means": "taken"},
        {"path": "/root/head/code", "equals": "0", "means": "rejected", "said": "/root/head/message"},
    ],
    "endpoints": {
        "business": {
            "operation": "serverEntrance",
            "parameters": ["18", "$secret.jkxlh", "18Q22", "", "$stamp", "$key", "$inner"],
            "inner": {
                "xml": {"element": "root", "children": [{"element": "QueryCondition", "fields": "$body"}]},
                "encoding": "gbk",
                "url": "values",
            },
        }
    },
    "connect_tries": 1,
}


def police(code: str, text: str = "") -> Reply:
    inner = f'<?xml version="1.0" encoding="GBK"?><root><head><code>{code}</code><message>{text}</message></head></root>'
    return soap(f'<ns1:r xmlns:ns1="urn:example:entrance"><return>{quote(inner)}</return></ns1:r>')


def test_url_encoded_values_and_answer(peer: Peer, make: Make) -> None:
    peer.answer = lambda request: police("0", "车牌不存在𬎆 1+1")
    got = outcome(make(POLICE), message(aac003="甘J·喆𬎆 +"))
    assert isinstance(got, Rejected)
    assert got.said == "车牌不存在𬎆 1+1"
    sent = etree.fromstring(peer.received[0].body)
    assert [part.text for part in sent[0][0]][:3] == ["18", "SERIAL", "18Q22"]
    inner = sent[0][0][-1].text
    assert inner.startswith('<?xml version="1.0" encoding="GBK"?><root><QueryCondition>')
    (encoded,) = re.findall("<aac003>(.*?)</aac003>", inner)
    assert (encoded.isascii(), unquote(encoded)) == (True, "甘J·喆𬎆 +")


def test_an_inner_cdata_is_split_at_its_end_mark(peer: Peer, make: Make) -> None:
    endpoint = {
        **POLICE["endpoints"]["business"],  # type: ignore[index]
        "inner": {
            "wrap": "cdata",
            "xml": {"element": "service", "children": [{"element": "body", "cdata": True, "text": "$body.aac003"}]},
        },
    }
    peer.answer = lambda request: police("1")
    assert isinstance(outcome(make(POLICE, endpoints={"business": endpoint}), message(aac003="a]]>b<c>&amp;")), Receipt)
    raw = peer.received[0].body
    assert b"<![CDATA[" in raw
    inner = etree.fromstring(raw)[0][0][-1].text
    assert etree.fromstring(inner.encode()).findtext("body") == "a]]>b<c>&amp;"


def test_xml_in_a_string_without_a_wsdl(peer: Peer, make: Make) -> None:
    children = [{"element": "apiKey", "text": "$secret.pwd"}, {"element": "xmlPara", "text": "$inner"}]
    endpoint = {
        "body": {"element": "in:doInvoke", "children": children},
        "inner": {"encoding": "gbk", "wrap": "cdata", "xml": {"element": "p", "children": [{"element": "s", "rows": "$body"}]}},
    }
    assert isinstance(outcome(make(endpoints={"business": endpoint})), Receipt)
    raw = peer.received[0].body.decode("gbk")
    assert '<xmlPara><![CDATA[<?xml version="1.0" encoding="GBK"?><p><s aac003="喆堃"/>' in raw


def test_json_in_the_string(peer: Peer, make: Make) -> None:
    rules = [{"path": "code", "equals": "1", "means": "taken", "reference": "data.id"}]
    peer.answer = lambda request: soap('<r><return>{"code": 1, "data": {"id": "R9"}}</return></r>')
    got = outcome(make(POLICE, answer={"inner": "json"}, answers=rules))
    assert isinstance(got, Receipt)
    assert got.reference == "R9"


# --- looking up ---

LOOK = {
    "body": {"element": "in:look", "children": [{"element": "para", "attributes": {"no": "$key"}}]},
    "answers": [{"path": "row", "present": True, "means": "taken"}, {"path": "row", "present": False, "means": "missing"}],
}


@pytest.mark.parametrize(
    "answer",
    [
        fault("soap:Server"),
        page(502),
        page(200),
        soap(result(), status=500),
        Reply(200, b"<a", content_type="text/xml"),
        Reply(200, b""),
    ],
)
def test_what_is_absent_in_a_failed_answer_denies_nothing(peer: Peer, make: Make, answer: Reply) -> None:
    adapter = make(endpoints={"business": {**SOCIAL["endpoints"]["business"], "find": LOOK}})  # type: ignore[index]
    assert adapter.find(message()) is None
    peer.answer = lambda request: answer
    with pytest.raises(Failure):
        adapter.find(message())


# --- tokens ---

TOKEN = {
    **SOCIAL,
    "header": [{"element": "in:token", "text": "$token"}],
    "token": {
        "body": {"element": "in:login", "attributes": {"pwd": "$secret.pwd"}},
        "path": "@token",
        "renew_on": [{"path": "@state", "equals": "001"}],
        "renewals": 2,
    },
}


class Doorman:
    """Gives out tokens and takes only those in `good`."""

    def __init__(self, lives: int) -> None:
        self.given = 0
        self.lives = lives
        self.bodies = 0

    def __call__(self, request: Received) -> Reply:
        root = etree.fromstring(request.body.decode("gbk").partition("?>")[2])
        if root[-1][0].tag.endswith("login"):
            self.given += 1
            return soap(f'<r token="T{self.given}"/>')
        if self.lives <= 0 or root[0][0].text != f"T{self.given}":
            return soap('<r state="001"/>')
        self.bodies += 1
        return soap(result())


def test_an_expired_token_is_renewed_within_the_attempt(peer: Peer, make: Make) -> None:
    peer.answer = doorman = Doorman(lives=1)
    adapter = make(TOKEN)
    assert isinstance(outcome(adapter), Receipt)
    doorman.given += 1  # the far side forgets the token
    assert isinstance(outcome(adapter), Receipt)
    assert doorman.bodies == 2


def test_a_token_that_is_never_good_pauses_the_system(peer: Peer, make: Make) -> None:
    peer.answer = doorman = Doorman(lives=0)
    got = outcome(make(TOKEN))
    assert isinstance(got, Misconfigured)
    assert (got.code, doorman.given, doorman.bodies) == ("HUB-D-222", 3, 0)


def test_a_handshake_in_doubt_is_no_doubt_about_the_record(peer: Peer, make: Make) -> None:
    peer.answer = lambda request: reset
    got = outcome(make(TOKEN))
    assert isinstance(got, Retryable)
    assert got.code == "HUB-D-221"


# --- loading a WSDL ---


def test_loading_asks_nobody(monkeypatch: pytest.MonkeyPatch, peer: Peer, make: Make) -> None:
    def refused(*args: Any, **kwargs: Any) -> Any:
        raise AssertionError(f"asked for {args[:2]}")

    adapter = make(POLICE)
    with monkeypatch.context() as nobody:
        nobody.setattr(socket.socket, "connect", refused)
        nobody.setattr(socket, "getaddrinfo", refused)
        assert adapter._session.wsdl is not None
        adapter._session.wsdl.bound()
    peer.answer = lambda request: police("1")
    assert isinstance(outcome(adapter), Receipt)


def wsdl(folder: Path, schema: str) -> str:
    text = (HERE / "entrance.wsdl").read_text(encoding="utf-8")
    target = folder / "changed.wsdl"
    target.write_text(re.sub(r"<types>.*</types>", f"<types>{schema}</types>", text, flags=re.DOTALL), encoding="utf-8")
    return str(target)


@pytest.mark.parametrize(
    "place",
    ["http://127.0.0.1:9/x.xsd", "https://www.example.org/x.xsd", "../outside.xsd", "/etc/hostname", "file:///etc/hostname"],
)
def test_a_foreign_import_is_refused(make: Make, tmp_path: Path, place: str) -> None:
    schema = f'<xsd:schema targetNamespace="urn:s"><xsd:import namespace="urn:x" schemaLocation="{place}"/></xsd:schema>'
    got = outcome(make(POLICE, wsdl=wsdl(tmp_path, schema)))
    assert isinstance(got, Misconfigured)
    assert got.code == "HUB-D-202"


def test_a_wsdl_with_a_dtd_is_refused(make: Make, tmp_path: Path) -> None:
    place = Path(wsdl(tmp_path, ""))
    place.write_text(place.read_text().replace("<definitions", "<!DOCTYPE definitions><definitions", 1))
    got = outcome(make(POLICE, wsdl=str(place)))
    assert isinstance(got, Misconfigured)
    assert got.code == "HUB-D-201"


def test_a_broken_wsdl_can_be_mended_on_the_way(peer: Peer, make: Make, tmp_path: Path) -> None:
    place = Path(wsdl(tmp_path, ""))
    broken = place.read_text().replace('name="codesOut"><part name="return" type="tns:ArrayOfString"/>', 'name="codesOut">')
    place.write_text(broken.replace("<types>", "<documentation>A & B</documentation><types>"))
    peer.answer = lambda request: police("1")
    assert isinstance(outcome(make(POLICE, wsdl=str(place))), Misconfigured)
    assert isinstance(outcome(make(POLICE, wsdl=str(place), strict=False)), Receipt)


@pytest.mark.parametrize(
    ("endpoint", "words"),
    [
        ({"operation": "serverEntranse"}, "no operation 'serverEntranse'"),
        ({"operation": "serverHander", "parameters": {"platCode": "1", "platPsw": "2"}}, "no parameter 'platPsw'"),
        ({"operation": "serverHander", "parameters": {"platCode": "1"}}, "lacks its parameter 'platPwd'"),
        ({"operation": "serverHander", "parameters": ["1", "2", "3"]}, "takes 2 parameters, not 3"),
    ],
)
def test_what_does_not_fit_the_wsdl_is_nobodys_record(make: Make, endpoint: dict[str, Any], words: str) -> None:
    adapter = make(POLICE, endpoints={"business": endpoint})
    got = outcome(adapter)
    assert isinstance(got, Misconfigured)
    assert (got.code, words in got.message, bool(got.hint)) == ("HUB-D-203", True, True)
    with pytest.raises(Misconfigured, match=words):
        adapter.check()


def test_a_missing_wsdl_is_named(make: Make) -> None:
    got = outcome(make(POLICE, wsdl="nowhere.wsdl"))
    assert isinstance(got, Misconfigured)
    assert (got.code, "nowhere.wsdl" in got.message) == ("HUB-D-201", True)


def test_a_wsdl_over_http_may_import_its_neighbours(peer: Peer, make: Make) -> None:
    files = {"/ws/case.wsdl": HERE / "case.wsdl", "/ws/case.xsd": HERE / "case.xsd"}
    peer.answer = lambda request: (
        Reply(200, files[request.path].read_bytes())
        if request.method == "GET"
        else soap('<r xmlns="urn:example:case"><code>1</code></r>')
    )
    endpoint = {"operation": "saveCase", "parameters": {"key": "$key", "case": {"number": "1", "name": "$body.aac003"}}}
    adapter = make(
        {"wsdl": f"{peer.url}/ws/case.wsdl", "namespaces": {"c": "urn:example:case"}, "endpoints": {"business": endpoint}},
        answers=[{"path": "c:code", "equals": "1", "means": "taken"}],
    )
    assert isinstance(outcome(adapter), Receipt)
    assert [request.path for request in peer.received] == ["/ws/case.wsdl", "/ws/case.xsd", "/sb"]


def test_a_protected_wsdl_and_a_header_of_our_own(peer: Peer, make: Make) -> None:
    wsdl = Reply(200, (HERE / "entrance.wsdl").read_bytes())
    peer.answer = lambda request: wsdl if request.method == "GET" else police("1")
    header = [{"element": "in:system", "namespaces": {"in": MOLSS}, "attributes": {"serial": "$secret.jkxlh", "who": "喆"}}]
    basic = {"user": "u", "password": "p"}
    assert isinstance(outcome(make(POLICE, wsdl=f"{peer.url}/s?wsdl", basic=basic, header=header, charset="gbk")), Receipt)
    loaded, posted = peer.received
    assert loaded.headers["authorization"] == posted.headers["authorization"] == "Basic dTpw"
    assert posted.headers["content-type"] == "text/xml; charset=gbk"
    root = etree.fromstring(posted.body.decode("gbk").partition("?>")[2])
    assert dict(root[0][0].attrib) == {"serial": "SERIAL", "who": "喆"}
    assert root[1][0].tag == "{urn:example:entrance}serverEntrance"


def test_a_wsdl_that_cannot_be_reached_is_tried_again(peer: Peer, make: Make) -> None:
    adapter = make({"wsdl": f"{peer.url}/x.wsdl", "endpoints": {"business": {"operation": "o"}}, "connect_tries": 1})
    peer.answer = lambda request: page(503)
    first = outcome(adapter)
    peer.answer = lambda request: page(404)
    second = outcome(adapter)
    assert [type(first), type(second)] == [Retryable, Misconfigured]


# --- reading ---

FEED = {
    "body": {"element": "in:query", "attributes": {"since": "$cursor", "page": "$page"}},
    "rows": "*[local-name()='resultset']/row",
    "fields": "attributes",
    "key": "aac001",
    "pages": "*[local-name()='result']/@pages",
    "answers": [{"path": "*[local-name()='result']/@pages", "means": "taken"}],
}


def rows(*numbers: int, pages: int = 1) -> Reply:
    inside = "".join(f'<row aac001="{number}" aac003="喆"/>' for number in numbers)
    return soap(
        result(f'<result pages="{pages}"/><resultset name="querylist">{inside}</resultset>'), encoding="gbk", declared="GB2312"
    )


def test_attribute_rows_over_pages(peer: Peer, make: Make) -> None:
    def answer(request: Received) -> Reply:
        number = int(re.findall(rb'page="(\d+)"', request.body)[0])
        return rows(number * 10, number * 10 + 1, pages=3)

    peer.answer = answer
    pages = list(make(feeds={"person": FEED}).read(None))
    assert [record.key for one in pages for record in one.records] == ["10", "11", "20", "21", "30", "31"]
    assert pages[0].records[0].data == {"aac001": "10", "aac003": "喆"}


def test_an_answer_cut_within_one_time_fails_loudly(peer: Peer, make: Make) -> None:
    """Asking from that time on would give the same three rows for ever, and none behind them."""
    listed = [("A", 1), ("B", 2), ("C", 2), ("D", 2), ("E", 2), ("F", 3)]

    def answer(request: Received) -> Reply:
        since = int(re.findall(rb'since="(\d+)"', request.body)[0])
        inside = "".join([f'<row aac001="{key}" ver="{time}"/>' for key, time in listed if time >= since][:3])
        return soap(result(f"<resultset>{inside}</resultset>"))

    peer.answer = answer
    rules = [{"path": "count(*)", "equals": 1, "means": "taken"}]
    by_time = {**{name: FEED[name] for name in FEED if name != "pages"}, "start": "0", "answers": rules}
    adapter = make(feeds={"person": {**by_time, "next": {"by": "time", "time": "ver", "size": 3}}})
    reading = adapter.read(None)
    assert [record.key for record in next(reading).records] == ["A", "B", "C"]
    with pytest.raises(SourceFailed, match="HUB-S-505"):
        next(reading)
    del listed[3:5]
    assert [record.key for page in adapter.read(None) for record in page.records] == ["A", "B", "C", "F"]


def test_a_refusing_source_fails_with_its_words_code(peer: Peer, make: Make) -> None:
    peer.answer = lambda request: fault("soap:Client.Auth")
    with pytest.raises(SourceFailed) as caught:
        list(make(feeds={"person": FEED}).read(None))
    assert (caught.value.code, caught.value.misconfigured) == ("HUB-D-122", True)


def test_a_source_that_stumbles_is_asked_again(peer: Peer, make: Make) -> None:
    replies = iter([page(503), rows(1)])
    peer.answer = lambda request: next(replies)
    (one,) = make(feeds={"person": FEED}).read(None)
    assert [record.key for record in one.records] == ["1"]


def test_a_foreign_cursor_is_refused(make: Make) -> None:
    with pytest.raises(SourceFailed, match="HUB-S-503"):
        list(make(feeds={"person": FEED}).read("[]"))
