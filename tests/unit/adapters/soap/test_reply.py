"""Answers read as SOAP: faults of both versions, results, inner documents, references, and what is never read."""

from __future__ import annotations

from html import escape
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.kit.answer import Answer
from adapters.soap.call import Exchange, of_fault
from adapters.soap.options import SoapOptions
from adapters.soap.parts import Reading
from adapters.soap.placeholders import OF_MESSAGE
from adapters.soap.reply import Reader, Reply, safe_root
from hub.errors import Failure, InDoubt, Misconfigured, Rejected, Retryable
from hub.model import Receipt

ELEVEN, TWELVE = "http://schemas.xmlsoap.org/soap/envelope/", "http://www.w3.org/2003/05/soap-envelope"


def envelope(body: str, uri: str = ELEVEN) -> bytes:
    return f'<e:Envelope xmlns:e="{uri}"><e:Header/><e:Body>{body}</e:Body></e:Envelope>'.encode()


def read(content: bytes, status: int = 200, **reading: Any) -> tuple[Reader, Reply]:
    reader = Reader(Reading.model_validate(reading), {"m": "urn:m"})
    return reader, reader.read(Answer(status, {}, content))


def select(content: bytes, path: str, **reading: Any) -> str | None:
    return read(content, **reading)[1].answer.select(path)


TYPED = envelope('<r xmlns="urn:m"><code>1</code><rows><row id="7">甲</row><row id="8"/></rows></r>')


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("m:code", "1"),
        ("/soap:Envelope/soap:Body/m:r/m:code", "1"),
        ("m:rows/m:row/@id", "7"),
        ("m:rows/m:row[@id='7']", "甲"),
        ("count(m:rows/m:row)", "2"),
        ("boolean(m:none)", "false"),
        ("string(m:code)", "1"),
        ("code", None),
        ("x:undeclared", None),
    ],
)
def test_paths_into_a_typed_answer(path: str, value: str | None) -> None:
    assert select(TYPED, path) == value


@pytest.mark.parametrize("uri", [ELEVEN, TWELVE])
def test_the_soap_prefix_is_the_answers_version(uri: str) -> None:
    assert select(envelope("<r>1</r>", uri), "/soap:Envelope/soap:Body/r") == "1"


INNER = "<?xml version='1.0' encoding='GBK'?><root><code>喆</code></root>"
ESCAPED = INNER.replace("<", "&lt;")


@pytest.mark.parametrize(
    ("content", "reading"),
    [
        (f"<r><return>{ESCAPED}</return></r>", {}),
        (f"<r><return><![CDATA[{INNER}]]></return></r>", {}),
        (f"<r><return>{ESCAPED.replace('&', '&amp;')}</return></r>", {"decode": ["unescape"]}),
        (f"<r><a>no</a><b>{ESCAPED}</b></r>", {"result": "b"}),
        ("<r><return>%3Croot%3E%3Ccode%3E%E5%96%86%3C%2Fcode%3E%3C%2Froot%3E</return></r>", {"decode": ["url"]}),
        ("<r><return>%26lt%3Broot>&lt;code>%E5%96%86&lt;/code>%26lt%3B/root></return></r>", {"decode": ["url", "unescape"]}),
    ],
)
def test_an_inner_document(content: str, reading: dict[str, Any]) -> None:
    assert select(envelope(content), "/root/code", inner="xml", **reading) == "喆"


def test_url_encoded_gbk() -> None:
    content = envelope("<r><return>%86%B4+%81%30</return></r>".replace("%81%30", "%B6%AB"))
    assert select(content, ".", inner="text", decode=["url-gbk"]) == "喆 东"


@pytest.mark.parametrize("step", ["url", "url-gbk"])
def test_a_result_that_is_not_encoded_as_declared_is_never_guessed(step: str) -> None:
    _, reply = read(envelope("<r><return>%FF%FF</return></r>"), inner="text", decode=[step])
    assert isinstance(reply.trouble, InDoubt)


def test_plain_text_and_json() -> None:
    assert select(envelope("<r><return>0</return></r>"), ".", inner="text") == "0"
    assert select(envelope("<r><return>0</return></r>"), "x", inner="text") is None
    assert select(envelope('<r><return>{"data":{"id":7}}</return></r>'), "data.id", inner="json") == "7"


def test_the_result_string_is_what_text_rules_see() -> None:
    assert read(envelope("<r><return>001</return></r>"))[1].answer.text == "001"


def test_encoded_references_are_followed() -> None:
    body = '<r><list href="#1"/></r><multiRef id="1"><item href="#2"/></multiRef><multiRef id="2"><name>甲</name></multiRef>'
    assert select(envelope(body), "list/item/name") == "甲"


REFERENCE_BOMBS = {
    "circle": '<r><a href="#1"/></r><m id="1"><b href="#1"/></m>',
    "two circles": '<r><a href="#1"/></r><m id="1"><b href="#2"/></m><m id="2"><b href="#1"/><b href="#1"/></m>',
    "laughter": '<r><a href="#0"/></r>'
    + "".join(f'<m id="{n}">{f"""<b href="#{n + 1}"/>""" * 10}</m>' for n in range(12))
    + '<m id="12">ha</m>',
}


@pytest.mark.parametrize("body", REFERENCE_BOMBS.values(), ids=REFERENCE_BOMBS.keys())
def test_references_that_unfold_without_bound(body: str) -> None:
    _, reply = read(envelope(body))
    assert isinstance(reply.trouble, InDoubt)
    assert reply.trouble.code == "HUB-D-214"


def test_rows_behind_references_are_there_once() -> None:
    body = '<r><rows><row href="#1"/><row href="#2"/></rows></r><m id="1" x="a"><n>1</n></m><m id="2"><n>2</n></m>'
    assert select(envelope(body), "count(//n)") == "2"
    assert select(envelope(body), "rows/row/@x") == "a"


@given(st.binary(max_size=200), st.sampled_from(["none", "xml", "json", "text"]), st.sampled_from([200, 500]))
def test_no_bytes_break_the_reader(noise: bytes, inner: str, status: int) -> None:
    for content in (noise, envelope("<r><s>@</s></r>").replace(b"@", noise), envelope("@").replace(b"@", noise)):
        reader, reply = read(content, status, inner=inner, decode=["url", "unescape"])
        reader.text(reply, ".")
        assert reply.answer.select("x") is None or isinstance(reply.answer.select("x"), str)


FAULTS: list[tuple[bytes, str, str, type[Failure], str]] = [
    (
        envelope("<e:Fault><faultcode>e:Client</faultcode><faultstring>格式 错误</faultstring></e:Fault>"),
        "e:Client",
        "格式 错误",
        Rejected,
        "HUB-D-210",
    ),
    (envelope("<e:Fault><faultcode>Server.x</faultcode></e:Fault>"), "Server.x", "", Retryable, "HUB-D-211"),
    (envelope("<e:Fault><faultcode>e:VersionMismatch</faultcode></e:Fault>"), "e:VersionMismatch", "", Misconfigured, "HUB-D-212"),
    (envelope("<e:Fault/>"), "", "", Retryable, "HUB-D-211"),
    (
        envelope(
            "<e:Fault><e:Code><e:Value>e:Sender</e:Value><e:Subcode><e:Value>m:Auth</e:Value></e:Subcode></e:Code>"
            "<e:Reason><e:Text>no</e:Text></e:Reason></e:Fault>",
            TWELVE,
        ),
        "e:Sender m:Auth",
        "no",
        Rejected,
        "HUB-D-210",
    ),
]


@pytest.mark.parametrize(("content", "code", "words", "kind", "expected"), FAULTS)
def test_faults(content: bytes, code: str, words: str, kind: type[Failure], expected: str) -> None:
    _, reply = read(content, 500)
    assert (reply.fault, reply.words, reply.answer.fault) == (code, words, code)
    outcome = of_fault(reply.fault or "", reply.words)
    assert (type(outcome), outcome.code, outcome.said) == (kind, expected, words)


def test_paths_into_a_fault() -> None:
    content = envelope('<e:Fault><faultcode>x</faultcode><faultstring><error msg="没有权限"/></faultstring></e:Fault>')
    assert select(content, "/soap:Envelope/soap:Body/soap:Fault/faultstring/error/@msg") == "没有权限"
    assert select(content, "faultstring/error/@msg") == "没有权限"


@pytest.mark.parametrize(("inner", "path"), [("text", "."), ("json", "code"), ("json", ".")])
def test_a_fault_is_no_result_string(inner: str, path: str) -> None:
    """A rule such as «any other result is a refusal» must not take a fault for one."""
    content = envelope("<e:Fault><faultcode>e:Server</faultcode><faultstring>{}</faultstring></e:Fault>")
    assert select(content, path, inner=inner) is None
    assert read(content, 500, inner=inner)[1].fault == "e:Server"


UNREADABLE = {
    "no XML": b"plain",
    "cut off": b"<e:Envelope",
    "no envelope": b"<a/>",
    "no body": f'<e:Envelope xmlns:e="{ELEVEN}"/>'.encode(),
    "wrong namespace": envelope("<r/>", "urn:other"),
    "not UTF-8": b"<a>\xff</a>",
    "unknown charset": b'<?xml version="1.0" encoding="x-none"?><a/>',
    "too deep": b"<a>" * 100_000,
    "text too long": b"<a>" + b"x" * 10_000_001 + b"</a>",
}


@pytest.mark.parametrize("content", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_an_unreadable_success_leaves_a_doubt(content: bytes) -> None:
    _, reply = read(content)
    assert isinstance(reply.trouble, InDoubt)
    assert reply.trouble.code == "HUB-D-117"
    assert read(content, 503)[1].trouble is None


DTDS = [
    "<!DOCTYPE a><a/>",
    '<?xml version="1.0"?><!-- x --><?p x?>\n<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
    " " * 9000 + "<!DOCTYPE a><a/>",
    "\ufeff<!DOCTYPE a><a/>",
    "<!-- <!DOCTYPE x> --><!DOCTYPE a><a/>",
]


@pytest.mark.parametrize("text", DTDS)
@pytest.mark.parametrize("inside", [False, True])
def test_a_dtd_is_never_read(text: str, inside: bool) -> None:
    content = envelope(f"<r><s>{text.replace('&', '&amp;').replace('<', '&lt;')}</s></r>") if inside else text.encode()
    _, reply = read(content, inner="xml")
    assert isinstance(reply.trouble, InDoubt)
    assert reply.trouble.code == "HUB-D-213"
    assert read(content, 503, inner="xml")[1].trouble is None


def test_line_breaks_before_the_declaration_are_forgiven() -> None:
    assert safe_root("\r\n \ufeff<?xml version='1.0' encoding='GBK'?><a/>").tag == "a"


@pytest.mark.parametrize("text", ["<!-- <!DOCTYPE x> --><a/>", "<a><![CDATA[<!DOCTYPE x>]]></a>", "<a>&lt;!DOCTYPE x></a>"])
def test_mentioning_a_dtd_is_fine(text: str) -> None:
    assert safe_root(text).tag == "a"


def test_a_page_for_people_is_left_to_the_judge() -> None:
    _, reply = read(b"<!DOCTYPE html><html><body>503</body></html>", 200)
    assert reply.trouble is None
    assert reply.answer.is_html


# --- documents inside the answer ---

NESTED = "<s><head><code>{code}</code></head><body>{body}</body></s>"
TAX = {"inner": "xml", "documents": [{"at": "/s/body"}]}


def nested(code: str, body: str) -> bytes:
    inside = NESTED.format(code=code, body=f"<![CDATA[{body}]]>")
    return envelope(f"<r><return>{escape(inside)}</return></r>")


def test_paths_into_a_document_inside_the_inner_document() -> None:
    content = nested("0", "<?xml version='1.0' encoding='UTF-8'?><t><n>喆</n></t>")
    assert select(content, "/s/body/t/n", **TAX) == "喆" and select(content, "/s/head/code", **TAX) == "0"


def test_documents_of_a_plain_envelope() -> None:
    content = envelope('<r xmlns="urn:m"><code>&lt;t&gt;1&lt;/t&gt;</code></r>')
    assert select(content, "m:code/t", documents=[{"at": "m:code"}]) == "1"


@pytest.mark.parametrize(("body", "code"), [("no xml", "HUB-D-117"), ("<!DOCTYPE t><t/>", "HUB-D-213")])
def test_a_torn_answer_may_refuse_and_never_says_that_all_is_well(body: str, code: str) -> None:
    rules = [{"path": "/s/head/code", "equals": "0", "means": "taken"}, {"path": "/s/head/code", "means": "rejected"}]
    options = {"address": "http://h/s", "answer": TAX, "answers": rules, "endpoints": {"e": {"body": {"element": "x"}}}}
    settings = SoapOptions.model_validate(options)
    exchange = Exchange(settings.endpoints["e"], settings, None, OF_MESSAGE)

    def outcome(content: bytes) -> Any:
        return exchange.judge(exchange.reader.read(Answer(200, {}, content)))

    assert isinstance(outcome(nested("9", body)), Rejected)
    doubtful = outcome(nested("0", body))
    assert isinstance(doubtful, InDoubt) and doubtful.code == code
    assert isinstance(outcome(nested("0", "<t/>")), Receipt) and isinstance(outcome(nested("0", "")), Receipt)


def test_documents_stand_in_xml() -> None:
    with pytest.raises(ValueError, match="documents: stand in XML"):
        Reading.model_validate({"inner": "json", "documents": [{"at": "/s"}]})


@pytest.mark.parametrize("declared", ["GBK", "GB2312"])
def test_an_answer_that_is_plainly_utf8_is_read_so(declared: str) -> None:
    content = f"<?xml version='1.0' encoding='{declared}'?>".encode() + envelope("<r><name>张三</name></r>")
    assert select(content, "name") == "张三"


@pytest.mark.parametrize("name", ["undefined", "punycode", "no-such-charset"])
def test_a_charset_nobody_knows_leaves_a_doubt(name: str) -> None:
    """The request was sent: whatever the answer calls itself, it must not end the attempt with an exception."""
    by_declaration = f"<?xml version='1.0' encoding='{name}'?>".encode() + envelope("<r/>")
    by_header = Answer(200, {"content-type": f"text/xml; charset={name}"}, envelope("<r/>"))
    for answer in (Answer(200, {}, by_declaration), by_header):
        trouble = Reader(Reading(), {}).read(answer).trouble
        assert isinstance(trouble, InDoubt)
        assert (trouble.code, "nobody knows" in trouble.message) == ("HUB-D-117", True)
    assert Reader(Reading(), {}).read(Answer(500, {}, by_declaration)).trouble is None
