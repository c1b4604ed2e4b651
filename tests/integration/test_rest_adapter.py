"""The rest adapter as a sink against a real server: requests, credentials, answers, batches, look-ups."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

import pytest

from adapters.kit.seal import Seal, unsealed
from adapters.rest import RestAdapter
from hub.errors import Deferred, Failure, InDoubt, Misconfigured, Rejected, Retryable
from hub.model import Message, Operation, Receipt, Taken
from tests.integration.http_peer import Peer, Received, Reply, page, reset, said, silence

NAMES = ["project_no", "applyer_name"]


@pytest.fixture
def peer() -> Iterator[Peer]:
    with Peer() as peer:
        yield peer


@pytest.fixture
def rest(peer: Peer) -> Iterator[Any]:
    """Return a maker of adapters for this peer, closed afterwards."""
    made: list[RestAdapter] = []

    def make(endpoint: dict[str, Any] | None = None, **options: Any) -> RestAdapter:
        given = {"base_url": f"{peer.url}/api", "endpoints": {"accept": {"path": "/accept", **(endpoint or {})}}, **options}
        made.append(RestAdapter(RestAdapter.options.model_validate(given), system="city"))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for adapter in made:
        adapter.close()


def message(n: int = 1, lane: str = "", **body: Any) -> Message:
    whole = {"project_no": f"6211250{n:05d}", "applyer_name": "王某", **body}
    now = datetime(2016, 12, 13, 1, 2, 3, tzinfo=UTC)
    return Message(n, "accept", "case", f"K{n}", lane or f"L{n}", Operation.INSERT, whole, f"idem-{n}", "B1", now)


def only(adapter: RestAdapter, one: Message | None = None) -> Any:
    (outcome,) = adapter.send([one or message()])
    return outcome


# --- the request ---


def test_a_plain_json_post(peer: Peer, rest: Any) -> None:
    assert only(rest()) == Receipt()
    (request,) = peer.received
    assert (request.method, request.target, request.json) == ("POST", "/api/accept", dict(message().body))
    assert request.headers["content-type"] == "application/json"
    assert request.headers["idempotency-key"] == "idem-1"


def test_the_same_message_gives_the_same_bytes(peer: Peer, rest: Any) -> None:
    adapter = rest()
    only(adapter)
    only(adapter)
    assert peer.received[0].body == peer.received[1].body


def test_everything_a_template_can_say(peer: Peer, rest: Any) -> None:
    endpoint = {
        "method": "PUT",
        "path": "/cases/{key}/{body.kind}",
        "query": {"op": "$operation", "none": "$body.none", "v": 1},
        "headers": {"X-Batch": "$batch", "X-Fixed": "$$5", "X-None": "$body.none"},
        "template": {"params": {"data": "$body", "raw": "$json(body)"}, "at": "$time"},
        "idempotency_key": False,
    }
    only(rest(endpoint, headers={"appId": "A1"}), message(kind="a/b ?中"))
    (request,) = peer.received
    assert request.method == "PUT"
    assert unquote(request.path) == "/api/cases/K1/a/b ?中"
    assert request.path == "/api/cases/K1/a%2Fb%20%3F%E4%B8%AD"
    assert request.query == {"op": "I", "v": "1"}
    assert (request.headers["x-batch"], request.headers["x-fixed"], request.headers["appid"]) == ("B1", "$5", "A1")
    assert "x-none" not in request.headers
    assert "idempotency-key" not in request.headers
    assert json.loads(request.json["params"]["raw"]) == request.json["params"]["data"]
    assert request.json["at"] == "2016-12-13T01:02:03Z"


@pytest.mark.parametrize("value", ["", ".", "..", None])
def test_an_address_never_climbs(peer: Peer, rest: Any, value: str | None) -> None:
    outcome = only(rest({"path": "/cases/{body.no}"}), message(no=value))
    assert (type(outcome), outcome.code) == (Rejected, "HUB-D-132")
    assert peer.received == []


def test_a_form_in_gbk(peer: Peer, rest: Any) -> None:
    endpoint = {
        "body": "form",
        "charset": "gbk",
        "template": {"accessToken": "T", "name": "$body.applyer_name", "xmlStr": "<A>$xml(body)</A>"},
    }
    only(rest(endpoint), message(applyer_name="喆&<"))
    form = peer.received[0].form("gbk")
    assert (form["accessToken"], form["name"]) == ("T", "喆&<")
    assert "<applyer_name>喆&amp;&lt;</applyer_name>" in form["xmlStr"]


def test_an_xml_body(peer: Peer, rest: Any) -> None:
    template = '<?xml version="1.0" encoding="GBK"?><Case><Name>$body.applyer_name</Name>$xml(body)</Case>'
    only(rest({"body": "xml", "charset": "gbk", "template": template}), message(applyer_name="a<b"))
    assert peer.received[0].headers["content-type"] == "application/xml; charset=gbk"
    assert b"<Name>a&lt;b</Name><project_no>" in peer.received[0].body


@pytest.mark.parametrize(
    "endpoint",
    [
        {"charset": "gbk"},
        {"charset": "gbk", "body": "form", "template": {"name": "$body.applyer_name"}},
        {"charset": "gbk", "body": "xml", "template": "<A>$xml(body)</A>"},
        {"charset": "gbk", "body": "text", "template": "$body.applyer_name"},
    ],
)
def test_a_character_the_target_lacks(peer: Peer, rest: Any, endpoint: dict[str, Any]) -> None:
    outcome = only(rest(endpoint), message(applyer_name="李䶮"))
    assert (type(outcome), outcome.code) == (Rejected, "HUB-D-130")
    assert "U+4DAE in applyer_name" in outcome.message
    assert "李" not in str(outcome)
    assert peer.received == []


def test_a_character_xml_forbids(peer: Peer, rest: Any) -> None:
    outcome = only(rest({"body": "xml", "template": "<A>$xml(body)</A>"}), message(applyer_name="a\x0bb"))
    assert (outcome.code, "applyer_name" in outcome.message, peer.received) == ("HUB-D-131", True, [])


def test_a_large_field_goes_through(peer: Peer, rest: Any) -> None:
    only(rest(), message(text="漳" * 3_500_000))
    assert len(peer.received[0].json["text"]) == 3_500_000


# --- credentials ---


def test_basic_and_bearer(peer: Peer, rest: Any) -> None:
    only(rest(auth={"type": "basic", "user": "hub", "password": "p$w:d"}))
    only(rest(auth={"type": "bearer", "token": "t$k"}))
    assert base64.b64decode(peer.received[0].headers["authorization"].removeprefix("Basic ")) == b"hub:p$w:d"
    assert peer.received[1].headers["authorization"] == "Bearer t$k"


class TokenServer:
    """Gives numbered tokens and takes only the latest."""

    def __init__(self) -> None:
        self.given = 0
        self.lock = threading.Lock()
        self.token_answer: Reply | None = None
        self.requests: list[Received] = []

    def __call__(self, request: Received) -> Reply:
        with self.lock:
            if request.path == "/token":
                self.requests.append(request)
                self.given += 1
                return self.token_answer or said({"access_token": f"t{self.given}", "expires_in": 3600})
            fresh = request.headers.get("authorization") == f"Bearer t{self.given}"
            return Reply() if fresh else said({"error": "access_token_invalid"}, 401)


@pytest.fixture
def tokens(peer: Peer) -> TokenServer:
    server = TokenServer()
    peer.answer = server
    return server


def oauth(peer: Peer, **given: Any) -> dict[str, Any]:
    return {"type": "oauth2", "token_url": f"{peer.url}/token", "client_id": "hub", "client_secret": "s&cret", **given}


def test_a_token_is_fetched_once_and_kept(peer: Peer, rest: Any, tokens: TokenServer) -> None:
    adapter = rest(auth=oauth(peer, scope="cases"))
    assert [only(adapter, message(n)) for n in range(3)] == [Receipt()] * 3
    (request,) = tokens.requests
    expected = {"grant_type": "client_credentials", "scope": "cases", "client_id": "hub", "client_secret": "s&cret"}
    assert request.form() == expected


def test_a_refused_token_is_renewed_once(peer: Peer, rest: Any, tokens: TokenServer) -> None:
    adapter = rest(auth=oauth(peer))
    only(adapter)
    tokens.given += 1  # the far side forgot the token
    assert only(adapter) == Receipt()
    assert len(tokens.requests) == 2


def test_a_token_that_is_never_taken_is_a_matter_of_setup(peer: Peer, rest: Any) -> None:
    peer.answer = lambda request: said({"access_token": "t"}) if request.path == "/token" else said({}, 401)
    assert isinstance(only(rest(auth=oauth(peer))), Misconfigured)
    assert [request.path for request in peer.received].count("/api/accept") == 2


def test_a_token_refused_inside_a_200(peer: Peer, rest: Any) -> None:
    def answer(request: Received) -> Reply:
        if request.path == "/token":
            return said({"data": {"t": f"t{len(peer.received)}"}})
        return said({"code": 0} if request.query["token"] != "t0" else {"code": 401, "text": "access_token_invalid"})

    peer.answer = answer
    renew = [{"text": "access_token_invalid"}]
    auth = oauth(peer, header=False, token="/data/t", renew_on=renew, request="json", client_auth="basic")
    adapter = rest({"query": {"token": "$token"}, "answers": [{"path": "code", "equals": 0, "means": "taken"}]}, auth=auth)
    assert only(adapter) == Receipt()
    assert peer.received[0].json == {"grant_type": "client_credentials"}
    assert peer.received[0].headers["authorization"] == f"Basic {base64.b64encode(b'hub:s&cret').decode()}"


def test_threads_share_one_renewal(peer: Peer, rest: Any, tokens: TokenServer) -> None:
    adapter = rest(auth=oauth(peer), in_flight=8)
    only(adapter)
    tokens.given += 1
    before = len(tokens.requests)
    with ThreadPoolExecutor(8) as pool:
        assert all(isinstance(outcome, Receipt) for outcome in pool.map(lambda n: only(adapter, message(n)), range(40)))
    assert len(tokens.requests) - before == 1


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (said({"error": "invalid_client"}, 400), Misconfigured),
        (said({"error": "invalid_client"}, 401), Misconfigured),
        (said({"token": "elsewhere"}), Misconfigured),
        (page(503), Retryable),
        (page(502), Retryable),
        (said({}, 429, Retry_After="5"), Deferred),
    ],
)
def test_no_token_is_never_the_records_fault(
    peer: Peer, rest: Any, tokens: TokenServer, answer: Reply, outcome: type[Failure]
) -> None:
    tokens.token_answer = answer
    result = only(rest(auth=oauth(peer)))
    assert type(result) is outcome
    assert [request.path for request in peer.received] == ["/token"]


# --- signatures, as their gateways print them ---


def test_the_gansu_gateway_is_configuration(peer: Peer, rest: Any) -> None:
    """JPAAS: form fields, business content as JSON text sealed with SM4, lower-hex SM3 over the listed pairs."""
    key, iv = "0123456789abcdeffedcba9876543210", "00112233445566778899aabbccddeeff"
    signed = ["app_id", "biz_content", "charset", "interface_id", "origin", "timestamp", "version"]
    endpoint = {
        "path": "/interface/gateway.do",
        "body": "form",
        "template": {
            "app_id": "jxzx",
            "interface_id": "jxzxaccept",
            "version": "1.0",
            "header": "{}",
            "biz_content": "$sealed(body)",
            "charset": "UTF-8",
            "origin": "1",
            "timestamp": "$timestamp",
        },
        "answers": [{"path": "/success", "equals": True, "means": "taken", "reference": "/data/id"}],
    }
    auth = {"type": "signature", "fields": signed, "digest": "sm3", "into": {"form": "sign"}}
    peer.answer = lambda request: said({"success": True, "data": {"id": "GS-1"}})
    assert only(rest(endpoint, auth=auth, seal={"key": key, "iv": iv})) == Receipt(Taken.TAKEN, "GS-1")
    form = peer.received[0].form()
    text = "&".join(f"{name}={form[name]}" for name in signed)
    if "sm3" in hashlib.algorithms_available:
        assert form["sign"] == hashlib.new("sm3", text.encode()).hexdigest()
    assert (form["header"], len(form["timestamp"]), len(form["sign"])) == ("{}", 13, 64)
    opened = unsealed(Seal.model_validate({"key": key, "iv": iv}), form["biz_content"])
    assert json.loads(opened) == dict(message().body)


def test_the_guizhou_headers_are_configuration(peer: Peer, rest: Any) -> None:
    """MD5 of appId + secret + yyyyMMdd + apiCode, in headers."""
    auth = {
        "type": "signature",
        "fields": ["appId", {"secret": "$secret"}, {"date": "$timestamp"}, "apiCode"],
        "pairs": "values",
        "joiner": "",
        "secret": "hush",
        "digest": "md5",
        "timestamp": "%Y%m%d",
        "into": {"header": "sign"},
    }
    endpoint = {"headers": {"apiCode": "GZ01", "X-Date": "$timestamp"}, "template": {"param": {"baseInfo": ["$body"]}}}
    only(rest(endpoint, auth=auth, headers={"appId": "A1", "requestNo": "$idempotency_key"}))
    (request,) = peer.received
    text = f"A1hush{request.headers['x-date']}GZ01"
    assert request.headers["sign"] == hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
    assert request.headers["requestno"] == "idem-1"
    assert request.json == {"param": {"baseInfo": [dict(message().body)]}}


def test_the_epoint_headers_are_configuration(peer: Peer, rest: Any) -> None:
    """Hex HMAC-SHA256 over sorted pairs, body included, in a header."""
    auth = {
        "type": "signature",
        "fields": ["x-aep-timestamp", "x-aep-nonce", "x-aep-appkey", {"body": "$content"}],
        "order": "sorted",
        "secret": "hush",
        "secret_at": "hmac",
        "digest": "hmac-sha256",
        "into": {"header": "x-aep-signature"},
    }
    headers = {"x-aep-appkey": "K", "x-aep-timestamp": "$timestamp", "x-aep-nonce": "$nonce"}
    only(rest({"template": {"xmlStr": "<A>$xml(body)</A>"}}, auth=auth, headers=headers))
    got = peer.received[0]
    pairs = {name: got.headers[name] for name in ("x-aep-appkey", "x-aep-timestamp", "x-aep-nonce")} | {"body": got.body.decode()}
    text = "&".join(f"{name}={pairs[name]}" for name in sorted(pairs))
    assert got.headers["x-aep-signature"] == hmac.digest(b"hush", text.encode(), "sha256").hex()


@pytest.mark.parametrize(
    ("into", "where"),
    [
        ({"query": "sign"}, lambda request: request.query["sign"]),
        ({"body": "/head/sign"}, lambda request: request.json["head"]["sign"]),
    ],
)
def test_other_places_for_a_signature(peer: Peer, rest: Any, into: dict[str, str], where: Any) -> None:
    auth = {"type": "signature", "fields": [{"path": "$path"}, {"m": "$method"}], "digest": "sha256", "into": into}
    only(rest({"template": {"head": {"a": 1}, "data": "$body"}}, auth=auth))
    assert where(peer.received[0]) == hashlib.sha256(b"path=/api/accept&m=POST").hexdigest()


# --- answers ---


def test_endpoint_rules_come_before_the_systems(peer: Peer, rest: Any) -> None:
    peer.answer = lambda request: said({"code": 7})
    own, common = {"path": "code", "equals": 7, "means": "duplicate"}, {"path": "code", "equals": 7, "means": "rejected"}
    assert only(rest({"answers": [own]}, answers=[common])) == Receipt(Taken.DUPLICATE)
    assert isinstance(only(rest(answers=[common])), Rejected)


def test_a_refusal_inside_a_200(peer: Peer, rest: Any) -> None:
    peer.answer = lambda request: said({"code": "500", "msg": "证件号码62112519800101123X不合法"})
    rules = [
        {"path": "/code", "equals": "200", "means": "taken"},
        {"path": "/code", "equals": 500, "means": "rejected", "said": "/msg"},
    ]
    outcome = only(rest(answers=rules))
    assert (type(outcome), outcome.code, outcome.said) == (Rejected, "HUB-D-120", "证件号码621125********123X不合法")


@pytest.mark.parametrize(
    ("answer", "outcome", "code"),
    [
        (page(503), Retryable, "HUB-D-113"),
        (page(200), Retryable, "HUB-D-117"),
        (said({}, 504), InDoubt, "HUB-D-114"),
        (said({}, 404), Misconfigured, "HUB-D-111"),
        (said({"detail": "坏数据"}, 422), Rejected, "HUB-D-115"),
    ],
)
def test_the_protocol_speaks_when_no_rule_does(peer: Peer, rest: Any, answer: Reply, outcome: type[Failure], code: str) -> None:
    peer.answer = lambda request: answer
    result = only(rest())
    assert (type(result), result.code) == (outcome, code)


def test_a_404_about_a_record_rejects_that_record(peer: Peer, rest: Any) -> None:
    peer.answer = lambda request: said({}, 404)
    assert isinstance(only(rest({"path": "/cases/{key}"})), Rejected)


# --- lanes and batches ---


def answering_lines(request: Received) -> Reply:
    """Refuse lines with `bad`, say nothing of lines with `lost`, list the rest in any order."""
    rows = [row for row in request.json["rows"] if not row.get("lost")]
    listed = [{"no": row["project_no"], "ok": not row.get("bad"), "msg": "refused" if row.get("bad") else ""} for row in rows]
    return said({"code": 0, "results": listed[::-1]})


BATCH = {
    "template": {"rows": "$items"},
    "answers": [{"path": "code", "equals": 0, "means": "taken"}],
    "batch": {
        "size": 3,
        "results": "/results",
        "match": "/no",
        "key": "$body.project_no",
        "answers": [
            {"path": "ok", "equals": True, "means": "taken", "reference": "no"},
            {"path": "ok", "equals": False, "means": "rejected", "said": "msg"},
        ],
    },
}


def test_a_batch_gives_one_outcome_per_message(peer: Peer, rest: Any) -> None:
    peer.answer = answering_lines
    adapter = rest(BATCH)
    messages = [message(1), message(2, bad=True), message(3, lost=True), message(4)]
    outcomes = adapter.send(messages)
    assert [type(outcome) for outcome in outcomes] == [Receipt, Rejected, InDoubt, Receipt]
    assert outcomes[0].reference == messages[0].body["project_no"]
    assert outcomes[1].said == "refused"
    assert [len(request.json["rows"]) for request in peer.received] == [3, 1]
    assert "idempotency-key" not in peer.received[0].headers
    assert adapter.guarantees().batch == 3


def test_a_batch_keeps_lanes_in_order(peer: Peer, rest: Any) -> None:
    peer.answer = answering_lines
    outcomes = rest(BATCH).send([message(1, "A", bad=True), message(2, "B"), message(3, "A"), message(4, "B")])
    assert [type(outcome) for outcome in outcomes] == [Rejected, Receipt, Deferred, Receipt]
    assert [[row["project_no"][-1] for row in request.json["rows"]] for request in peer.received] == [["1", "2"], ["4"]]


def test_a_batch_without_results_is_taken_or_refused_as_a_whole(peer: Peer, rest: Any) -> None:
    adapter = rest({"batch": {"size": 10, "item": {"n": "$key"}}})
    assert adapter.send([message(1), message(2)]) == [Receipt(), Receipt()]
    assert peer.received[0].json == [{"n": "K1"}, {"n": "K2"}]
    peer.answer = lambda request: reset
    assert [type(outcome) for outcome in adapter.send([message(3), message(4)])] == [InDoubt, InDoubt]


def test_a_message_that_cannot_be_written_costs_its_batch_nothing(peer: Peer, rest: Any) -> None:
    peer.answer = lambda request: said({"code": 0})
    adapter = rest({"charset": "gbk", "batch": {"size": 3}})
    outcomes = adapter.send([message(1), message(2, applyer_name="䶮"), message(3), message(4)])
    assert [type(outcome) for outcome in outcomes] == [Receipt, Rejected, Receipt, Receipt]
    assert outcomes[1].code == "HUB-D-130"


def test_a_batch_refused_as_a_whole_is_left_to_the_hub_to_halve(peer: Peer, rest: Any) -> None:
    """One bad line makes many gateways answer 400 to all of them."""

    def answer(request: Received) -> Reply:
        rows = json.loads(request.body)
        return said({"code": 1}, 400) if any(row.get("bad") for row in rows) else said({"code": 0})

    peer.answer = answer
    adapter = rest({"batch": {"size": 3}})
    with pytest.raises(Rejected):
        adapter.send([message(1), message(2, bad=True), message(3)])
    outcomes = adapter.send([message(1), message(2, bad=True), message(3), message(4)])  # more than one batch: its own affair
    assert [type(outcome) for outcome in outcomes] == [Receipt, Rejected, Receipt, Receipt]
    assert [len(json.loads(request.body)) for request in peer.received] == [3, 3, 1, 2, 1, 1, 1]


def test_results_by_position(peer: Peer, rest: Any) -> None:
    peer.answer = lambda request: said([{"ok": 1}, {"ok": 0}])
    rules = [{"path": "ok", "equals": 1, "means": "taken"}, {"path": "ok", "equals": 0, "means": "rejected"}]
    outcomes = rest({"batch": {"size": 5, "results": "", "answers": rules}}).send([message(1), message(2), message(3)])
    assert [type(outcome) for outcome in outcomes] == [Receipt, Rejected, InDoubt]


# --- looking up ---

FIND = {
    "path": "/cases/{body.project_no}",
    "answers": [
        {"path": "/found", "equals": True, "means": "taken", "reference": "/id"},
        {"status": 404, "means": "missing"},
        {"path": "/found", "equals": False, "means": "missing"},
    ],
}


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (said({"found": True, "id": "C7"}), Receipt(Taken.TAKEN, "C7")),
        (said({"found": False}), None),
        (said({"msg": "none"}, 404), None),
    ],
)
def test_find(peer: Peer, rest: Any, answer: Reply, found: Receipt | None) -> None:
    peer.answer = lambda request: answer
    adapter = rest({"find": FIND})
    assert adapter.find(message()) == found
    assert (peer.received[0].method, peer.received[0].path) == ("GET", "/api/cases/621125000001")
    assert adapter.guarantees().findable


@pytest.mark.parametrize("answer", [page(404), page(503), page(200), said({"code": 1}), said({}, 403), lambda c, s: reset(c, s)])
def test_find_never_denies_what_it_cannot_see(peer: Peer, rest: Any, answer: Any) -> None:
    peer.answer = lambda request: answer
    with pytest.raises(Failure):
        rest({"find": FIND}).find(message())


@pytest.mark.parametrize(
    "answer", [said({"msg": "busy"}, 500), said({"error": "no right"}, 403), Reply(200, b'{"row'), Reply(200, b"")]
)
def test_what_is_absent_in_a_failed_answer_denies_nothing(peer: Peer, rest: Any, answer: Reply) -> None:
    rules = [{"path": "row", "present": True, "means": "taken"}, {"path": "row", "present": False, "means": "missing"}]
    adapter = rest({"find": {"path": "/case", "answers": rules}})
    assert adapter.find(message()) is None
    peer.answer = lambda request: answer
    with pytest.raises(Failure):
        adapter.find(message())


def test_without_find_nobody_knows(rest: Any) -> None:
    adapter = rest()
    assert not adapter.guarantees().findable
    with pytest.raises(InDoubt, match="no find"):
        adapter.find(message())


# --- check ---


def test_check_connects(peer: Peer, rest: Any) -> None:
    adapter = rest()
    adapter.check()
    assert peer.received == []
    peer.go_down()
    with pytest.raises(Retryable):
        adapter.check()


def test_check_fetches_a_token(peer: Peer, rest: Any, tokens: TokenServer) -> None:
    rest(auth=oauth(peer)).check()
    assert [request.path for request in peer.received] == ["/token"]
    tokens.token_answer = said({}, 401)
    with pytest.raises(Misconfigured):
        rest(auth=oauth(peer)).check()


def test_check_asks_as_configured(peer: Peer, rest: Any) -> None:
    check = {"path": "/ping", "answers": [{"path": "up", "equals": True, "means": "taken"}]}
    peer.answer = lambda request: said({"up": True})
    rest(check=check, headers={"appId": "A", "no": "$key"}).check()
    assert (peer.received[0].path, peer.received[0].headers["appid"]) == ("/api/ping", "A")
    assert "no" not in peer.received[0].headers
    peer.answer = lambda request: said({"up": False})
    with pytest.raises(Failure):
        rest(check=check).check()


def test_check_heeds_the_rules_of_the_system(peer: Peer, rest: Any) -> None:
    check = {"path": "/ping", "answers": [{"path": "code", "equals": "200", "means": "taken"}]}
    peer.answer = lambda request: said({"code": "4010", "msg": "签名错误"})
    with pytest.raises(Misconfigured) as caught:
        rest(check=check, answers=[{"path": "code", "equals": "4010", "means": "misconfigured", "said": "msg"}]).check()
    assert caught.value.said == "签名错误"


# --- threads, endpoints, secrets ---


def test_many_threads_share_one_adapter(peer: Peer, rest: Any) -> None:
    adapter = rest(in_flight=8)
    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(lambda n: only(adapter, message(n)), range(100)))
    assert outcomes == [Receipt()] * 100
    assert sorted(request.headers["idempotency-key"] for request in peer.received) == sorted(f"idem-{n}" for n in range(100))


def test_one_slow_answer_stops_nobody_else(peer: Peer, rest: Any) -> None:
    adapter = rest(timeouts={"read": "20s"})
    slow = threading.Thread(target=lambda: only(adapter, message(1, slow=True)))
    arrived = threading.Event()

    def answer(request: Received) -> Any:
        if request.json.get("slow"):
            arrived.set()
            return silence
        return Reply()

    peer.answer = answer
    slow.start()
    assert arrived.wait(20)
    assert only(adapter, message(2)) == Receipt()
    peer.go_down()
    slow.join(20)
    assert not slow.is_alive()


def test_guarantees_follow_the_endpoints(rest: Any) -> None:
    both = rest({"idempotent": True}, in_flight=7).guarantees()
    assert (both.idempotent, both.findable, both.batch, both.in_flight) == (True, False, 1, 7)
    assert not rest().guarantees().idempotent
    assert rest().endpoints() == {"accept"}
    assert rest().kinds() == frozenset()
    with pytest.raises(Misconfigured, match="no endpoint"):
        rest().find(Message(1, "other", "case", "K", "L", Operation.INSERT, {}, "i", "B", datetime(2016, 12, 13, tzinfo=UTC)))


def test_a_secret_by_name_is_sent_as_it_is(peer: Peer, rest: Any) -> None:
    adapter = rest(
        {"template": {"key": "$secret.app", "b": "x$secret.app"}}, secrets={"app": "p$key $$1"}, headers={"K": "$secret.app"}
    )
    assert only(adapter) == Receipt()
    assert peer.received[0].json == {"key": "p$key $$1", "b": "xp$key $$1"}
    assert peer.received[0].headers["k"] == "p$key $$1"


def test_secrets_and_data_stay_out_of_sight(peer: Peer, rest: Any) -> None:
    options = {
        "base_url": peer.url,
        "auth": [
            oauth(peer),
            {"type": "signature", "fields": [{"a": "$secret"}], "secret": "hush1", "digest": "md5", "into": {"header": "s"}},
        ],
        "headers": {"apiKey": "hush2", "other": "$secret.app"},
        "secrets": {"app": "hush5"},
        "endpoints": {"accept": {"path": "/a", "template": {"appSecret": "hush3", "b": "$body"}, "query": {"k": "hush4"}}},
    }
    given = RestAdapter.options.model_validate(options)
    adapter = RestAdapter(given, system="city")  # type: ignore[arg-type]
    peer.answer = lambda request: said({"msg": "no"}, 403)
    outcome = only(adapter)
    adapter.close()
    shown = f"{given!r} {adapter!r} {outcome!r} {outcome} {outcome.said} {outcome.__cause__!r}"
    for secret in ("hush1", "hush2", "hush3", "hush4", "hush5", "s&cret", "王某"):
        assert secret not in shown
