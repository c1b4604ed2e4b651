"""Content that travels encrypted both ways: requests are sealed before they are signed, answers opened before they are judged."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from adapters.kit.seal import Opening, Seal, sealed, unsealed
from adapters.rest import RestAdapter
from hub.errors import InDoubt, Rejected, SourceFailed
from hub.model import Judgement, Message, Operation, Receipt, Taken
from tests.integration.http_peer import Peer, Received, Reply, page, said

#: What both sides know, and what the far side's answers are sealed with.
UP = {"cipher": "sm4-cbc", "key": "0123456789abcdeffedcba9876543210", "iv": "00112233445566778899aabbccddeeff"}
DOWN = {"cipher": "sm4-ecb", "key": "fedcba98765432100123456789abcdef", "output": "hex"}
TAKEN = {"path": "/data/state", "equals": "taken", "means": "taken", "reference": "/data/id"}


class Gateway:
    """A far side that reads only sealed content and answers in sealed data."""

    def __init__(self) -> None:
        self.content: list[Any] = []
        self.data: Any = {"state": "taken", "id": "GS-1"}
        self.key = DOWN["key"]

    def __call__(self, request: Received) -> Reply:
        form = request.form()
        signed = "&".join(f"{name}={form[name]}" for name in ("app_id", "content"))
        assert form["sign"] == hashlib.sha256(signed.encode()).hexdigest(), "the sealed text is what is signed"
        self.content.append(json.loads(unsealed(Opening.model_validate(UP), form["content"])))
        data = sealed(Seal.model_validate({**DOWN, "key": self.key}), json.dumps(self.data).encode())
        return said({"code": "200", "data": data})


@pytest.fixture
def gateway() -> Gateway:
    return Gateway()


@pytest.fixture
def peer(gateway: Gateway) -> Iterator[Peer]:
    with Peer() as peer:
        peer.answer = gateway
        yield peer


@pytest.fixture
def subject(peer: Peer) -> Iterator[RestAdapter]:
    options = RestAdapter.options.model_validate({"base_url": peer.url, **OPTIONS})
    adapter = RestAdapter(options, system="gateway")  # type: ignore[arg-type]
    yield adapter
    adapter.close()


OPTIONS = {
    "connect_tries": 1,
    "seal": {**UP, "fields": ["content"]},
    "unseal": {**DOWN, "at": "/data"},
    "auth": {"type": "signature", "fields": ["app_id", "content"], "digest": "sha256", "into": {"form": "sign"}},
    "defaults": {
        "request": {"method": "POST", "path": "/do", "body": "form", "template": {"app_id": "zx", "content": "$json(body)"}}
    },
    "endpoints": {"accept": {"answers": [{"path": "/code", "equals": "400", "means": "rejected", "said": "/message"}, TAKEN]}},
    "feeds": {
        "application": {
            "template": {"content": {"since": "$cursor"}},
            "items": "/data/rows",
            "key": "no",
            "start": "0",
            "next": {"by": "field", "path": "/data/next"},
        }
    },
    "feedback": {
        "review": {
            "template": {"content": {"verdicts": True}},
            "items": "/data/rows",
            "endpoint": "accept",
            "row": "no",
            "verdicts": [{"path": "result", "equals": "N", "means": "rejected", "said": "why"}],
        }
    },
}


def send(subject: RestAdapter) -> Any:
    now = datetime(2016, 12, 13, 1, 2, 3, tzinfo=UTC)
    body = {"no": "1", "name": "马䶮"}
    (outcome,) = subject.send([Message(1, "accept", "case", "K1", "L1", Operation.INSERT, body, "idem-1", "B1", now)])
    return outcome


def test_what_is_sent_is_sealed_and_the_sealed_answer_is_judged(subject: RestAdapter, gateway: Gateway) -> None:
    assert send(subject) == Receipt(Taken.TAKEN, "GS-1")
    assert gateway.content == [{"no": "1", "name": "马䶮"}]


def test_a_refusal_comes_in_the_clear(subject: RestAdapter, peer: Peer) -> None:
    peer.answer = lambda request: said({"code": "400", "message": "内容不合格", "data": None})
    outcome = send(subject)
    assert type(outcome) is Rejected and outcome.said == "内容不合格"


def test_an_answer_that_cannot_be_opened_leaves_in_doubt(subject: RestAdapter, gateway: Gateway) -> None:
    gateway.key = UP["key"]
    outcome = send(subject)
    assert type(outcome) is InDoubt and outcome.code == "HUB-D-134"
    assert "GS-1" not in str(outcome)


def test_sealed_pages_are_read_and_their_requests_are_sealed(subject: RestAdapter, gateway: Gateway) -> None:
    gateway.data = {"rows": [{"no": "1"}, {"no": "2"}], "next": "0"}
    (found,) = subject.read(None)
    assert [record.key for record in found.records] == ["1", "2"]
    assert gateway.content == [{"since": "0"}]


def test_sealed_verdicts_are_read(subject: RestAdapter, gateway: Gateway) -> None:
    gateway.data = {"rows": [{"no": "1", "result": "N", "why": "复核不通过"}]}
    ((verdict,),) = [found.verdicts for found in subject.verdicts(None)]
    assert (verdict.row, verdict.judgement, verdict.said) == ("1", Judgement.REJECTED, "复核不通过")


def test_pages_that_cannot_be_opened_are_no_empty_pages(subject: RestAdapter, gateway: Gateway) -> None:
    gateway.key, gateway.data = UP["key"], {"rows": [{"no": "1"}]}
    with pytest.raises(SourceFailed) as caught:
        list(subject.read(None))
    assert caught.value.code == "HUB-S-401"


def test_a_web_page_is_judged_as_one(subject: RestAdapter, peer: Peer) -> None:
    peer.answer = lambda request: page(200)
    assert send(subject).code == "HUB-D-117"
