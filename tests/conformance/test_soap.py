"""The soap adapter without a WSDL, against a real HTTP server; with WSDLs and PHP see tests/integration/test_soap_php.py."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from threading import Lock
from typing import Any, ClassVar
from xml.sax.saxutils import escape

import pytest
from lxml import etree

from adapters.kit.conformance import SinkConformance, SourceConformance
from adapters.soap import SoapAdapter
from adapters.soap.options import SoapOptions
from hub.model import Json, Message
from tests.integration.http_peer import Peer, Received, Reply

NAMESPACES = {"u": "urn:example:upload"}
ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
RULES = [
    {"path": "code", "equals": "0", "means": "taken"},
    {"path": "code", "equals": "1", "means": "duplicate"},
    {"path": "code", "equals": "9", "means": "rejected", "said": "text"},
]


def call(name: str, *children: dict[str, Any]) -> dict[str, Any]:
    return {"element": f"u:{name}", "children": list(children)}


def inner(envelope: bytes) -> tuple[str, etree._Element]:
    """Return the operation and the XML carried as text in its first child, as a far side of another make reads it."""
    root = etree.fromstring(envelope, etree.XMLParser(huge_tree=True))
    (operation,) = root.find(f"{{{ENVELOPE}}}Body")
    text = "".join(operation[0].itertext())
    name = etree.QName(operation).localname
    return name, etree.fromstring(text.partition("?>")[2] or text, etree.XMLParser(huge_tree=True))


def answered(text: str) -> Reply:
    """Return a SOAP answer that carries XML as text."""
    told = (
        f'<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="{ENVELOPE}"><s:Body>'
        f"<u:answer xmlns:u='urn:example:upload'><return>{escape(text)}</return></u:answer></s:Body></s:Envelope>"
    )
    return Reply(200, told.encode(), content_type="text/xml")


class OverHttp:
    peer: Peer

    @pytest.fixture(autouse=True)
    def far_side(self) -> Iterator[None]:
        with Peer() as self.peer:
            self.peer.answer = self.answer
            yield

    def answer(self, request: Received) -> Reply:
        raise NotImplementedError

    def soap(self, **options: Any) -> SoapAdapter:
        quick = {"timeouts": {"connect": "2s", "read": "20s"}, "connect_tries": 1}
        told = {
            "address": f"{self.peer.url}/ws",
            "namespaces": NAMESPACES,
            "answer": {"inner": "xml"},
            "answers": RULES,
            **quick,
            **options,
        }
        return SoapAdapter(SoapOptions.model_validate(told), system="peer")

    def go_down(self) -> None:
        self.peer.go_down()

    def come_back(self) -> None:
        self.peer.come_back()


class XmlInAString(OverHttp, SinkConformance):
    endpoint, text = "upload", "name"
    wrapping: ClassVar[dict[str, Any]]
    charset: ClassVar[str] = "utf-8"

    @pytest.fixture(autouse=True)
    def rows_over_there(self) -> None:
        self.kept: dict[str, tuple[str, Mapping[str, Json]]] = {}
        self.lock = Lock()

    def adapter(self) -> SoapAdapter:
        row = {"element": "case", "attributes": {"key": "$key"}, "fields": "$body"}
        look = {"element": "case", "attributes": {"key": "$key"}}
        found = [{"path": "code", "equals": "0", "means": "taken"}, {"path": "code", "equals": "4", "means": "missing"}]
        endpoint = {
            "body": call("upload", {"element": "xml", "text": "$inner"}),
            "inner": {"xml": row, **self.wrapping},
            "idempotent": True,
            "find": {"body": call("look", {"element": "xml", "text": "$inner"}), "inner": {"xml": look}, "answers": found},
        }
        return self.soap(charset=self.charset, endpoints={"upload": endpoint})

    def answer(self, request: Received) -> Reply:
        envelope = request.body
        if self.charset == "gbk":
            envelope = envelope.decode("gbk").partition("?>")[2].encode()
        operation, case = inner(envelope)
        key = case.get("key") or ""
        if operation == "look":
            return answered(f"<r><code>{0 if key in self.kept else 4}</code></r>")
        fields = {str(child.tag): child.text or "" for child in case}
        if not fields.get("number"):
            return answered("<r><code>9</code><text>编号不能为空</text></r>")
        with self.lock:
            known = key in self.kept
            self.kept.setdefault(key, (key, fields))
        return answered(f"<r><code>{int(known)}</code></r>")

    def body(self, n: int) -> dict[str, Json]:
        return {"number": f"0621{n:06d}", "name": f"申请人{n:04d}"}

    def held(self) -> list[tuple[str, Mapping[str, Json]]]:
        return list(self.kept.values())

    def refuse(self, message: Message) -> Message:
        return self.message(message.id, message.lane, number="")


class TestEscaped(XmlInAString):
    wrapping: ClassVar[dict[str, Any]] = {"wrap": "escape"}


class TestCdata(XmlInAString):
    wrapping: ClassVar[dict[str, Any]] = {"wrap": "cdata"}


class TestCdataInGbk(XmlInAString):
    wrapping: ClassVar[dict[str, Any]] = {"wrap": "cdata", "encoding": "gbk", "declare": "GB2312"}
    charset: ClassVar[str] = "gbk"


class TestListing(OverHttp, SourceConformance):
    @pytest.fixture(autouse=True)
    def rows_over_there(self) -> None:
        self.kept: list[dict[str, str]] = []

    def adapter(self) -> SoapAdapter:
        feed = {
            "body": call("list", {"element": "xml", "text": "$inner"}),
            "inner": {"xml": {"element": "query", "attributes": {"since": "$cursor", "page": "$page"}}},
            "answers": [{"path": "row", "present": True, "means": "taken"}, {"path": "pages", "present": True, "means": "taken"}],
            "rows": "row",
            "key": "number",
            "next": {"by": "time", "time": "changed"},
            "pages": "pages",
        }
        return self.soap(feeds={"case": feed})

    def answer(self, request: Received) -> Reply:
        _, query = inner(request.body)
        rows = sorted((row for row in self.kept if row["changed"] >= query.get("since", "")), key=lambda row: row["changed"])
        at = 4 * (int(query.get("page", "1")) - 1)
        told = "".join(
            f"<row>{''.join(f'<{name}>{escape(text)}</{name}>' for name, text in row.items())}</row>" for row in rows[at : at + 4]
        )
        return answered(f"<r><pages>{(len(rows) + 3) // 4}</pages>{told}</r>")

    def rows(self, n: int, *, same_time: bool = False) -> list[str]:
        start = len(self.kept)
        for number in range(start, start + n):
            self.kept.append({"number": f"N{number:04d}", "name": "喆堃䶮", "changed": self._time(same_time)})
        return [row["number"] for row in self.kept[start:]]

    def _time(self, same_time: bool) -> str:
        return self.kept[-1]["changed"] if same_time and self.kept else f"2016-12-13 {len(self.kept):06d}"

    def spoil(self) -> None:
        self.kept.append({"name": "没有编号", "changed": self._time(False)})

    def change(self, key: str) -> None:
        (row,) = [row for row in self.kept if row.get("number") == key]
        row.update(name="改名", changed="2016-12-14 000000")
