"""The SOAP adapter against PHP's SoapServer: document/literal, rpc/encoded with a handshake, rpc/literal with XML in a string."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import pytest

from adapters.kit.conformance import SinkConformance, SourceConformance
from adapters.soap import SoapAdapter
from adapters.soap.options import SoapOptions
from hub.errors import Misconfigured, Rejected, Retryable
from hub.model import Json, Message, Operation, Receipt, Taken
from tests.integration.soap_peer import HERE, php, running

pytestmark = pytest.mark.server


@pytest.fixture(autouse=True)
def _needs_php() -> None:
    php()


def adapter_of(options: Mapping[str, Any], **more: Any) -> SoapAdapter:
    """Return an adapter as the hub makes one: from the options of a YAML file beside the WSDLs."""
    quick = {"timeouts": {"connect": "2s", "read": "20s"}, "connect_tries": 1}
    return SoapAdapter(SoapOptions.model_validate({**quick, **options, **more}, context={"base": HERE}), system="peer")


CASE = {
    "wsdl": "case.wsdl",
    "namespaces": {"c": "urn:example:case"},
    "answers": [
        {"path": "c:code", "equals": "200", "means": "taken", "said": "c:message"},
        {"path": "c:code", "equals": "201", "means": "duplicate"},
        {"path": "c:code", "equals": "500", "means": "rejected", "said": "c:message"},
    ],
    "endpoints": {
        "save": {
            "operation": "saveCase",
            "parameters": {"key": "$key", "case": "$body"},
            "idempotent": True,
            "find": {
                "operation": "findCase",
                "parameters": {"key": "$key"},
                "answers": [
                    {"path": "c:number", "means": "taken", "reference": "c:number"},
                    {"path": "c:number", "present": False, "means": "missing"},
                ],
            },
        }
    },
}
ENTRANCE = {
    "wsdl": "entrance.wsdl",
    "secrets": {"pwd": "p&<w"},
    "time_format": "%Y%m%d%H%M%S",
    "token": {
        "operation": "serverHander",
        "parameters": {"platCode": "621125", "platPwd": "$secret.pwd"},
        "answer": {"inner": "text"},
        "answers": [{"path": ".", "equals": "002", "means": "rejected"}, {"path": ".", "means": "taken"}],
        "renew_on": [{"path": ".", "equals": "001"}],
    },
    "answer": {"inner": "text"},
    "answers": [{"path": ".", "equals": "0", "means": "taken"}, {"text": "^0", "means": "rejected"}],
    "endpoints": {
        "process": {
            "operation": "serverEntrance",
            "parameters": {
                "orgCode": "621125",
                "loginKey": "$token",
                "msgName": "basicDataSubmit",
                "security": "$digest",
                "timeStamp": "$stamp",
                "businessID": "$key",
                "processData": "$inner",
            },
            "inner": {
                "xml": {
                    "element": "body",
                    "children": [
                        {"element": "field_1", "text": "$body.number"},
                        {"element": "field_2", "text": "$body.name"},
                    ],
                },
                "encoding": "gb18030",
                "declare": "GBK",
                "wrap": "cdata",
            },
            "digest": {"algorithm": "md5", "encoding": "gb18030"},
            "idempotent": True,
        }
    },
}
FOCUS = {
    "wsdl": "focus.wsdl",
    "secrets": {"password": "secret"},
    "parameters": {"user": "zhangxian", "password": "$secret.password"},
    "answer": {"inner": "xml", "decode": ["unescape"]},
    "answers": [
        {"path": "/root/head/code", "equals": "1", "means": "taken", "reference": "/root/head/id"},
        {"path": "/root/head/code", "equals": "2", "means": "duplicate"},
        {"path": "/root/head/code", "equals": "7", "means": "misconfigured", "said": "/root/head/message"},
    ],
    "endpoints": {
        "push": {
            "operation": "setDataXmlToFocus",
            "parameters": {"xmlStr": "$inner"},
            "inner": {
                "xml": {
                    "element": "cases",
                    "children": [
                        {
                            "element": "case",
                            "attributes": {"key": "$key", "number": "$body.number"},
                            "children": [{"element": "name", "text": "$body.name"}],
                        }
                    ],
                },
                "encoding": "gbk",
                "declare": "GB2312",
            },
            "idempotent": True,
        }
    },
}


#: These configurations have no `find`.
LOOK_UPS = frozenset(
    {
        "test_find_tells_taken_from_not_taken",
        "test_a_refused_message_is_not_found",
        "test_find_never_denies_what_it_cannot_see",
    }
)


class PhpSink(SinkConformance):
    """What the three styles share: bodies, the peer, and a name it refuses."""

    text = "name"
    service: str
    configuration: Mapping[str, Any]

    @pytest.fixture(autouse=True)
    def far_side(self, tmp_path: Path, _needs_php: None) -> Iterator[None]:
        with running(tmp_path) as self.peer:
            yield

    def adapter(self) -> SoapAdapter:
        return adapter_of(self.configuration, address=self.peer.url(self.service))

    def body(self, n: int) -> dict[str, Json]:
        return {"number": f"621125{n:06d}", "name": f"申请人{n}"}

    def held(self) -> list[tuple[str, Mapping[str, Json]]]:
        return list(self.peer.held())

    def refuse(self, message: Message) -> Message:
        return replace(message, body={**message.body, "name": "拒绝"})

    def go_down(self) -> None:
        self.peer.stop()

    def come_back(self) -> None:
        self.peer.start()


class TestDocumentLiteral(PhpSink):
    endpoint = "save"
    service = "case"
    configuration = CASE

    def test_faults_name_who_is_to_blame(self, subject: SoapAdapter) -> None:
        outcomes = subject.send([self.message(1, name="故障"), self.message(2, name="错误"), self.message(3)])
        assert [type(outcome) for outcome in outcomes] == [Retryable, Rejected, Receipt]
        assert [outcome.code for outcome in outcomes[:2]] == ["HUB-D-211", "HUB-D-210"]  # type: ignore[union-attr]

    def test_words_of_the_far_side_are_kept(self, subject: SoapAdapter) -> None:
        first, again = subject.send([self.message(1)])[0], subject.send([self.message(1)])[0]
        assert isinstance(first, Receipt)
        assert isinstance(again, Receipt)
        assert (first.taken, first.said, again.taken) == (Taken.TAKEN, "成功", Taken.DUPLICATE)

    def test_an_unknown_element_is_the_records_fault(self, subject: SoapAdapter) -> None:
        outcomes = subject.send([self.message(1, unknown="x"), self.message(2)])
        assert isinstance(outcomes[0], Rejected)
        assert outcomes[0].code == "HUB-D-205"
        assert "unknown" in outcomes[0].message
        assert isinstance(outcomes[1], Receipt)

    def test_a_missing_element_is_the_records_fault(self, subject: SoapAdapter) -> None:
        message = self.message(1)
        (outcome,) = subject.send([replace(message, body={"number": "1"})])
        assert isinstance(outcome, Rejected)
        assert outcome.code == "HUB-D-205"

    def test_a_parameter_the_operation_lacks_is_the_configurations_fault(self) -> None:
        endpoint = {**CASE["endpoints"]["save"], "parameters": {"kee": "$key", "case": "$body"}}  # type: ignore[index]
        adapter = adapter_of(CASE, address=self.peer.url("case"), endpoints={"save": endpoint})
        (outcome,) = adapter.send([self.message(1)])
        adapter.close()
        assert isinstance(outcome, Misconfigured)
        assert outcome.code == "HUB-D-203"
        assert "did you mean key?" in outcome.hint


class TestRpcEncodedWithHandshake(PhpSink):
    leaves_out: ClassVar[frozenset[str]] = LOOK_UPS
    endpoint = "process"
    service = "entrance"
    configuration = ENTRANCE

    def test_loading_and_calling_connects_to_the_peer_alone(self, monkeypatch: pytest.MonkeyPatch) -> None:
        asked: set[object] = set()
        connect, resolve = socket.socket.connect, socket.getaddrinfo

        def watched(self: socket.socket, address: Any) -> None:
            asked.add(tuple(address[:2]))
            connect(self, address)

        def resolved(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
            asked.add((host, port))
            return resolve(host, port, *args, **kwargs)

        monkeypatch.setattr(socket.socket, "connect", watched)
        monkeypatch.setattr(socket, "getaddrinfo", resolved)
        adapter = self.adapter()
        adapter.check()
        outcomes = adapter.send([self.message(1)])
        adapter.close()
        assert isinstance(outcomes[0], Receipt)
        assert asked == {("127.0.0.1", self.peer.port)}

    def test_one_handshake_serves_many_calls(self, subject: SoapAdapter) -> None:
        subject.send(self.messages(3))
        assert len(self.peer.keys_given()) == 1

    def test_a_refused_token_is_renewed(self, subject: SoapAdapter) -> None:
        subject.send([self.message(1)])
        self.peer.forget_keys()
        (outcome,) = subject.send([self.message(2)])
        assert isinstance(outcome, Receipt)
        assert [key for key, _ in self.peer.held()] == ["K00001", "K00002"]

    def test_a_refused_handshake_pauses_the_system(self) -> None:
        adapter = adapter_of(ENTRANCE, address=self.peer.url("entrance"), secrets={"pwd": "wrong"})
        outcomes = adapter.send(self.messages(2))
        with pytest.raises(Misconfigured, match="HUB-D-220"):
            adapter.check()
        adapter.close()
        assert isinstance(outcomes[0], Misconfigured)
        assert outcomes[0].code == "HUB-D-220"
        assert self.peer.held() == []

    def test_arrays_in_answers_are_read(self) -> None:
        feed = {
            "operation": "listCodes",
            "rows": "//item",
            "key": "x",
            "answer": {"inner": "none"},
            "answers": [{"path": ".", "means": "taken"}],
        }
        adapter = adapter_of(ENTRANCE, address=self.peer.url("entrance"), feeds={"code": feed})
        (page,) = adapter.read(None)
        adapter.close()
        assert [fault.code for fault in page.faults] == ["HUB-S-502", "HUB-S-502"]


def test_values_of_an_rpc_encoded_call_say_their_types(tmp_path: Path) -> None:
    """The peer has no WSDL: without `xsi:type` it would see texts only, and a stranger where the array stands."""
    call = {
        "operation": "types",
        "parameters": {
            "text": "0621",
            "days": 3,
            "paid": True,
            "fee": 12.5,
            "case": {"number": "0621", "days": 5, "closed": None},
            "rows": ["甲", "乙"],
        },
        "answers": [{"path": ".", "means": "taken", "reference": "."}],
    }
    with running(tmp_path) as peer:
        adapter = adapter_of({"wsdl": "types.wsdl"}, address=peer.url("types"), answer={"inner": "text"}, endpoints={"types": call})
        created = datetime(2016, 12, 13, 1, 2, 3, tzinfo=UTC)
        (outcome,) = adapter.send([Message(1, "types", "case", "K1", "K1", Operation.INSERT, {}, "idem-1", "B1", created)])
        adapter.close()
    assert isinstance(outcome, Receipt), outcome
    assert outcome.reference == "string integer boolean double (string integer NULL) [string string]"


class TestXmlInAString(PhpSink):
    leaves_out: ClassVar[frozenset[str]] = LOOK_UPS
    endpoint = "push"
    service = "focus"
    configuration = FOCUS

    def refuse(self, message: Message) -> Message:
        return replace(message, body={**message.body, "name": "䶮𬎆"})  # never leaves: its bytes do not exist over there

    def test_the_far_sides_number_is_kept(self, subject: SoapAdapter) -> None:
        (outcome,) = subject.send([self.message(7)])
        assert isinstance(outcome, Receipt)
        assert outcome.reference == "R621125000007"

    def test_a_wrong_password_pauses_the_system(self) -> None:
        adapter = adapter_of(FOCUS, address=self.peer.url("focus"), secrets={"password": "old"})
        (outcome,) = adapter.send([self.message(1)])
        adapter.close()
        assert isinstance(outcome, Misconfigured)
        assert (outcome.code, outcome.said) == ("HUB-D-122", "无权")
        assert "old" not in repr(outcome)


class TestFeed(SourceConformance):
    kind = "case"

    @pytest.fixture(autouse=True)
    def far_side(self, tmp_path: Path, _needs_php: None) -> Iterator[None]:
        self.offered: list[dict[str, str]] = []
        with running(tmp_path) as self.peer:
            yield

    def adapter(self) -> SoapAdapter:
        feed = {
            "operation": "listCases",
            "parameters": {"since": "$cursor", "page": "$page"},
            "rows": "c:row",
            "key": "number",
            "next": {"by": "time", "time": "changed"},
            "pages": "c:pages",
        }
        return adapter_of(
            {"wsdl": "case.wsdl", "namespaces": {"c": "urn:example:case"}, "feeds": {"case": feed}}, address=self.peer.url("case")
        )

    def rows(self, n: int, *, same_time: bool = False) -> list[str]:
        start = len(self.offered)
        for number in range(start, start + n):
            time = self.offered[-1]["changed"] if same_time and self.offered else f"2016-12-13 01:{number:04d}"
            self.offered.append({"number": f"N{number:04d}", "name": "阿卜杜拉·买买提", "changed": time})
        self.peer.offer(self.offered)
        return [row["number"] for row in self.offered[start:]]

    def spoil(self) -> None:
        self.offered.append({"name": "无编号", "changed": f"2016-12-13 01:{len(self.offered):04d}"})
        self.peer.offer(self.offered)

    def change(self, key: str) -> None:
        (row,) = [row for row in self.offered if row["number"] == key]
        row["changed"] = "2016-12-14 00:0000"
        row["name"] = "改名"
        self.peer.offer(self.offered)

    def go_down(self) -> None:
        self.peer.stop()

    def come_back(self) -> None:
        self.peer.start()


def test_a_wsdl_from_the_far_side_itself(tmp_path: Path) -> None:
    with running(tmp_path) as peer:
        adapter = adapter_of({**FOCUS, "wsdl": peer.url("focus?wsdl")}, address=peer.url("focus"))
        adapter.check()
        adapter.close()
