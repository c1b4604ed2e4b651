"""Answers that hold JSON as text inside their JSON: paths go on into it, whatever is asked; text that is no JSON proves nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from adapters.kit.seal import Seal, sealed
from adapters.rest import RestAdapter
from hub.errors import Failure, InDoubt, Misconfigured, Rejected, SourceFailed
from hub.model import Judgement, Message, Operation, Receipt, Taken
from tests.integration.http_peer import Peer, Reply, page, said

SEALED = {"cipher": "sm4-cbc", "key": "0123456789abcdeffedcba9876543210", "iv": "00112233445566778899aabbccddeeff"}
REFUSED = {"path": "/data/code", "equals": "400", "means": "rejected", "said": "/data/message"}
TAKEN = {"path": "/data/code", "equals": "200", "means": "taken", "reference": "/data/receiptNo"}
NOT_LET_IN = {"path": "/success", "equals": "false", "means": "misconfigured"}
FIND = {
    "path": "/held",
    "answers": [
        {"path": "/data/held", "equals": "true", "means": "taken", "reference": "/data/receiptNo"},
        {"path": "/data/held", "present": False, "means": "missing"},
    ],
}
OPTIONS = {
    "connect_tries": 1,
    "documents": [{"at": "/data"}],
    "answers": [REFUSED, TAKEN, NOT_LET_IN],
    "check": {"path": "/check"},
    "endpoints": {
        "accept": {"path": "/one", "find": FIND},
        "many": {
            "path": "/many",
            "batch": {
                "size": 5,
                "results": "/data/rows",
                "match": "key",
                "answers": [{"path": "ok", "equals": True, "means": "taken"}, {"path": "ok", "equals": False, "means": "rejected"}],
            },
        },
    },
    "feeds": {"case": {"path": "/cases", "items": "/data/rows", "key": "no", "start": "0", "query": {"since": "$cursor"},
                       "next": {"by": "field", "path": "/data/next"}}},
    "feedback": {
        "review": {
            "path": "/verdicts",
            "items": "/data/rows",
            "endpoint": "accept",
            "row": "no",
            "verdicts": [{"path": "result", "equals": "N", "means": "rejected", "said": "why"}],
        }
    },
}  # fmt: skip


def text(data: Any) -> Reply:
    """Answer with what is said as a text."""
    return said({"success": True, "data": json.dumps(data, ensure_ascii=False)})


def no_json(status: int = 200, *, success: bool = True) -> Reply:
    """Answer with a text that is no JSON and quotes the record."""
    return said({"success": success, "data": "姓名马䶮有误"}, status)


@pytest.fixture
def peer() -> Iterator[Peer]:
    with Peer() as peer:
        yield peer


@contextmanager
def adapter(peer: Peer, **changes: Any) -> Iterator[RestAdapter]:
    options = RestAdapter.options.model_validate({"base_url": peer.url, **OPTIONS, **changes})
    adapter = RestAdapter(options, system="gateway")  # type: ignore[arg-type]
    yield adapter
    adapter.close()


@pytest.fixture
def subject(peer: Peer) -> Iterator[RestAdapter]:
    with adapter(peer) as subject:
        yield subject


def message(number: int = 1, endpoint: str = "accept") -> Message:
    now = datetime(2016, 12, 13, 1, 2, 3, tzinfo=UTC)
    body = {"no": str(number), "name": "马䶮"}
    return Message(number, endpoint, "case", f"K{number}", f"L{number}", Operation.INSERT, body, f"idem-{number}", "B1", now)


def send(subject: RestAdapter) -> Any:
    (outcome,) = subject.send([message()])
    return outcome


def test_an_answer_is_judged_by_what_its_text_says(subject: RestAdapter, peer: Peer) -> None:
    peer.answer = lambda request: text({"code": "200", "receiptNo": "GS-1"})
    assert send(subject) == Receipt(Taken.TAKEN, "GS-1")


def test_a_refusal_in_the_text_is_one_with_its_words(subject: RestAdapter, peer: Peer) -> None:
    peer.answer = lambda request: text({"code": 400, "message": "内容不合格"})
    outcome = send(subject)
    assert type(outcome) is Rejected and outcome.said == "内容不合格"


@pytest.mark.parametrize("data", [{"code": "200", "receiptNo": "GS-1"}, json.dumps({"code": "200", "receiptNo": "GS-1"})])
def test_what_is_no_text_already_is_read_as_it_is(subject: RestAdapter, peer: Peer, data: Any) -> None:
    peer.answer = lambda request: said({"success": True, "data": data})
    assert send(subject) == Receipt(Taken.TAKEN, "GS-1")


@pytest.mark.parametrize("data", [None, "", " "])
def test_an_answer_without_text_there_is_read_as_it_is(subject: RestAdapter, peer: Peer, data: Any) -> None:
    peer.answer = lambda request: said({"success": False, "data": data})
    assert type(send(subject)) is Misconfigured


def test_texts_inside_texts_are_read_from_the_outside_in(peer: Peer) -> None:
    inner = {"code": "200", "body": json.dumps({"receiptNo": "GS-1"})}
    peer.answer = lambda request: Reply(body=json.dumps(json.dumps(inner)).encode())
    taken = {"path": "/code", "equals": "200", "means": "taken", "reference": "/body/receiptNo"}
    with adapter(peer, documents=[{"at": ""}, {"at": "/body"}], answers=[taken]) as subject:
        assert send(subject) == Receipt(Taken.TAKEN, "GS-1")


def test_a_text_that_is_no_json_leaves_in_doubt_and_is_not_quoted(subject: RestAdapter, peer: Peer) -> None:
    peer.answer = lambda request: no_json()
    outcome = send(subject)
    assert (type(outcome), outcome.code) == (InDoubt, "HUB-D-135")
    assert "/data" in outcome.message and "马" not in f"{outcome} {outcome.said}"


def test_a_text_that_is_no_json_is_no_success_whatever_stands_around_it(peer: Peer) -> None:
    peer.answer = lambda request: no_json()
    with adapter(peer, answers=[{"path": "/success", "equals": "true", "means": "taken"}]) as subject:
        assert send(subject).code == "HUB-D-135"


def test_a_refusal_around_a_text_that_is_no_json_still_counts(subject: RestAdapter, peer: Peer) -> None:
    peer.answer = lambda request: no_json(success=False)
    assert type(send(subject)) is Misconfigured


def test_a_failed_status_says_more_than_a_text_that_is_no_json(subject: RestAdapter, peer: Peer) -> None:
    peer.answer = lambda request: no_json(403)
    assert type(send(subject)) is Misconfigured


def test_a_text_nested_too_deep_to_be_read_leaves_in_doubt(subject: RestAdapter, peer: Peer) -> None:
    peer.answer = lambda request: said({"success": True, "data": "[" * 600 + "]" * 600})
    assert send(subject).code == "HUB-D-135"


def test_a_web_page_is_judged_as_one(subject: RestAdapter, peer: Peer) -> None:
    peer.answer = lambda request: page(200)
    assert send(subject).code == "HUB-D-117"


def test_a_batch_is_judged_one_by_one(subject: RestAdapter, peer: Peer) -> None:
    peer.answer = lambda request: text({"code": "200", "rows": [{"key": "K2", "ok": False}, {"key": "K1", "ok": True}]})
    first, second = subject.send([message(1, "many"), message(2, "many")])
    assert isinstance(first, Receipt) and type(second) is Rejected


def test_a_look_up_reads_the_text(subject: RestAdapter, peer: Peer) -> None:
    peer.answer = lambda request: text({"held": True, "receiptNo": "GS-1"})
    assert subject.find(message()) == Receipt(Taken.TAKEN, "GS-1")
    peer.answer = lambda request: text({"code": "200"})
    assert subject.find(message()) is None


def test_a_look_up_whose_text_is_no_json_proves_nothing(subject: RestAdapter, peer: Peer) -> None:
    peer.answer = lambda request: no_json()
    with pytest.raises(InDoubt) as caught:
        subject.find(message())
    assert caught.value.code == "HUB-D-135"


def test_the_check_reads_the_text(subject: RestAdapter, peer: Peer) -> None:
    peer.answer = lambda request: text({"code": "200"})
    subject.check()
    peer.answer = lambda request: no_json()
    with pytest.raises(Failure) as caught:
        subject.check()
    assert caught.value.code == "HUB-D-135"


def test_pages_of_records_are_read_from_the_text(subject: RestAdapter, peer: Peer) -> None:
    peer.answer = lambda request: text({"code": "200", "rows": [{"no": "1", "name": "马䶮"}], "next": "0"})
    (found,) = subject.read(None)
    assert [(record.key, record.data["name"]) for record in found.records] == [("1", "马䶮")]


def test_pages_whose_text_is_no_json_are_no_empty_pages(subject: RestAdapter, peer: Peer) -> None:
    peer.answer = lambda request: no_json()
    with pytest.raises(SourceFailed) as caught:
        list(subject.read(None))
    assert caught.value.code == "HUB-S-401" and "HUB-D-135" in str(caught.value) and "马" not in str(caught.value)


def test_verdicts_are_read_from_the_text(subject: RestAdapter, peer: Peer) -> None:
    peer.answer = lambda request: text({"code": "200", "rows": [{"no": "1", "result": "N", "why": "复核不通过"}]})
    ((verdict,),) = [found.verdicts for found in subject.verdicts(None)]
    assert (verdict.row, verdict.judgement, verdict.said) == ("1", Judgement.REJECTED, "复核不通过")


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_text_may_come_encrypted(peer: Peer, wrapped: bool) -> None:
    inner = json.dumps({"code": "200", "receiptNo": "GS-1"})
    content = sealed(Seal.model_validate(SEALED), (json.dumps(inner) if wrapped else inner).encode())
    peer.answer = lambda request: said({"success": True, "data": content})
    with adapter(peer, unseal={**SEALED, "at": "/data"}) as subject:
        assert send(subject) == Receipt(Taken.TAKEN, "GS-1")


def test_a_refusal_around_what_cannot_be_opened_still_counts(peer: Peer) -> None:
    peer.answer = lambda request: no_json(success=False)
    with adapter(peer, unseal={**SEALED, "at": "/data"}) as subject:
        assert type(send(subject)) is Misconfigured
