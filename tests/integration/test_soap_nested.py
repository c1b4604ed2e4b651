"""The SOAP adapter where XML stands in XML in a string, both ways, over HTTP: the tax dialects' style."""

from __future__ import annotations

import base64
import gzip
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from html import escape
from typing import Any

import pytest
from lxml import etree

from adapters.soap import SoapAdapter
from adapters.soap.options import SoapOptions
from hub.model import Message, Operation, Receipt
from tests.integration.http_peer import Peer, Reply

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
NAMES = {"e": "urn:entrance", "s": "urn:spec", "d": "urn:data"}


def service(sequence: str, content: dict[str, Any]) -> dict[str, Any]:
    head = {"seq": sequence, "date": "$stamps.date", "time": "$stamps.time"}
    return {
        "wrap": "cdata",
        "xml": {
            "element": "service",
            "namespaces": {"": "urn:spec"},
            "children": [
                {"element": "head", "children": [{"element": name, "text": text} for name, text in head.items()]},
                {
                    "element": "body",
                    "cdata": True,
                    "document": {"xml": {"element": "taxML", "namespaces": {"": "urn:data"}, **content}},
                },
            ],
        },
    }


CALL = {"body": {"element": "e:request", "children": [{"element": "arg0", "text": "$inner"}]}}
OPTIONS = {
    "namespaces": NAMES,
    "stamps": {"date": "%Y%m%d", "time": "%H%M%S%3f"},
    "answer": {"inner": "xml", "documents": [{"at": "/s:service/s:body", "decode": ["base64", "gzip"]}]},
    "answers": [{"path": "/s:service/s:body/d:taxML/d:result", "equals": "1", "means": "taken", "reference": "//d:receipt"}],
    "endpoints": {"case": {**CALL, "inner": service("$idempotency_key", {"fields": "$body"})}},
    "feeds": {
        "progress": {
            **CALL,
            "inner": service("$nonce", {"children": [{"element": "since", "text": "$cursor"}]}),
            "rows": "/s:service/s:body/d:taxML/d:row",
            "key": "id",
            "start": "0",
            "next": {"by": "time", "time": "id"},
        }
    },
}


@pytest.fixture
def peer() -> Iterator[Peer]:
    with Peer() as peer:
        yield peer


@pytest.fixture
def adapter(peer: Peer) -> Iterator[SoapAdapter]:
    made = SoapAdapter(SoapOptions.model_validate({"address": f"{peer.url}/s", **OPTIONS}), system="tax")
    yield made
    made.close()


def answered(content: str) -> Reply:
    packed = base64.b64encode(gzip.compress(f'<taxML xmlns="urn:data">{content}</taxML>'.encode())).decode()
    text = f'<service xmlns="urn:spec"><body>{packed}</body></service>'
    body = f"<r><return>{escape(text)}</return></r>"
    envelope = f'<x:Envelope xmlns:x="{SOAP}"><x:Body>{body}</x:Body></x:Envelope>'
    return Reply(200, envelope.encode(), content_type="text/xml")


def asked(content: bytes) -> tuple[dict[str, str], etree._Element]:
    """Undo both layers of a request: the head's fields, and the root of the innermost document."""
    outer = etree.fromstring(etree.fromstring(content).findtext(".//arg0").partition("?>")[2])
    inner = etree.fromstring(outer.findtext("{urn:spec}body").partition("?>")[2])
    return {etree.QName(field).localname: field.text or "" for field in outer[0]}, inner


def test_what_leaves_and_what_the_answer_inside_the_answer_means(peer: Peer, adapter: SoapAdapter) -> None:
    peer.answer = lambda request: answered("<result>1</result><receipt>R1</receipt>")
    moment = datetime(2016, 12, 13, 1, 2, 3, 45_678, tzinfo=UTC)
    body = {"name": "喆 䶮", "note": "a]]>b & <c>"}
    message = Message(1, "case", "case", "K1", "K1", Operation.INSERT, body, "i" * 32, "B1", moment)
    assert adapter.send([message, message]) == [Receipt(reference="R1")] * 2
    first, second = peer.received
    assert first.body == second.body, "a second try is the same bytes"
    head, inner = asked(first.body)
    assert head == {"seq": "i" * 32, "date": "20161213", "time": "090203045"}
    assert {etree.QName(field).localname: field.text for field in inner} == body


def test_rows_out_of_the_document_inside(peer: Peer, adapter: SoapAdapter) -> None:
    rows = {"0": "".join(f"<row><id>{number}</id><words>办{number}</words></row>" for number in (1, 2, 3))}
    sequences: list[str] = []

    def answer(request: Any) -> Reply:
        head, inner = asked(request.body)
        sequences.append(head["seq"])
        return answered("<result>1</result>" + rows.get(inner.findtext("{urn:data}since") or "", ""))

    peer.answer = answer
    records = [record for page in adapter.read(None) for record in page.records]
    assert [(record.key, record.data["words"]) for record in records] == [("1", "办1"), ("2", "办2"), ("3", "办3")]
    assert len(sequences) == len(set(sequences)) > 1
    assert all(re.fullmatch("[0-9a-f]{32}", sequence) for sequence in sequences)
