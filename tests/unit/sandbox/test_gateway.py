"""The province's gateway judges signature, clock, contract, order and repetition."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest
from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.hashes import SM3, Hash

from hub.sandbox.faults import FaultKind
from hub.sandbox.twins.filings import LATER
from hub.sandbox.twins.gateway import APPLY_ID, PATH, QUERY_ID, VERDICTS_ID, GatewayTwin
from hub.sandbox.twins.gateway_contracts import ACCEPT_ID, FEE_ID, PROCESS_ID, RESULT_ID, STATUS_ID
from hub.sandbox.twins.jpaas import SM4_IV, SM4_KEY, signature
from hub.sandbox.web import Answer, Request
from tests.unit.sandbox import bodies

CASES = bodies.some_cases()
CASE = next(case for case in CASES if case.rows["T_JG"] and case.rows["T_BZ"])
ACCEPT = bodies.pascal(bodies.accept(CASE))
RESULT = bodies.pascal(bodies.result(CASE.rows["T_JG"][0]))
PROCESS = bodies.pascal(bodies.process(CASE.rows["T_BZ"][0]))
FEE = {
    "RowGuid": "fee-1", "ProjectNo": CASE.number, "PayNo": "6200000001", "ChargeUnit": "漳县民政局", "ChargeUser": "李强",
    "Amount": "9.00", "ChargeTime": "2025-06-03 09:00:00", "Payer": "张三", "Cd_operation": "I",
    "Cd_time": "2026-01-05 09:00:00", "Cd_batch": "B1",
}  # fmt: skip


@pytest.fixture
def twin() -> GatewayTwin:
    return GatewayTwin()


def form(twin: GatewayTwin, interface: str, content: Any, **changes: str) -> dict[str, str]:
    plain = {
        "app_id": twin.wire.app_id,
        "interface_id": interface,
        "version": "1.0",
        "header": "{}",
        "charset": "UTF-8",
        "origin": "1",
    }
    fields = plain | {"biz_content": orjson.dumps(content).decode(), "timestamp": str(int(time.time() * 1000))} | changes
    return {"sign": signature(fields, twin.wire.secret)} | fields


def request(fields: dict[str, str]) -> Request:
    return Request("POST", PATH, "", {}, urlencode(fields).encode())


def send(twin: GatewayTwin, interface: str, content: Any, fault: FaultKind | None = None, **changes: str) -> dict[str, Any]:
    return told(twin.answer(request(form(twin, interface, content, **changes)), fault))


def told(answer: Answer, opened: Callable[[str], str | bytes] = str) -> dict[str, Any]:
    """Return what stands as JSON text in an answer of the gateway."""
    assert answer.status == 200
    outer = orjson.loads(answer.body)
    assert set(outer) == {"success", "data"}
    said: dict[str, Any] = orjson.loads(opened(outer["data"]))
    assert outer["success"] is (said["code"] != "4010")
    return said


def what(said: dict[str, Any]) -> dict[str, Any]:
    """Return what is said beside code and message."""
    return {name: value for name, value in said.items() if name not in ("code", "message")}


def test_the_signature_is_the_sm3_of_the_sorted_fields_and_the_secret() -> None:
    fields = {"timestamp": "1", "app_id": "a", "biz_content": "{}", "header": "{}", "charset": "UTF-8"}
    digest = Hash(SM3())
    digest.update(b"app_id=a&app_secret=s&biz_content={}&charset=UTF-8&timestamp=1")
    assert signature(fields, "s") == digest.finalize().hex()
    assert signature(fields, "s") != signature(fields, "t")


def test_without_a_secret_none_is_signed() -> None:
    digest = Hash(SM3())
    digest.update(b"app_id=a&biz_content={}&timestamp=1")
    assert signature({"timestamp": "1", "app_id": "a", "biz_content": "{}"}, "") == digest.finalize().hex()


def test_a_whole_case_is_taken_and_held(twin: GatewayTwin) -> None:
    sent = [(ACCEPT_ID, ACCEPT), (PROCESS_ID, PROCESS), (RESULT_ID, RESULT), (FEE_ID, FEE)]
    receipts = [send(twin, interface, content)["receiptNo"] for interface, content in sent]
    assert len(set(receipts)) == 4
    assert [(one.endpoint, one.content) for one in twin.held()] == sent
    assert twin.stats()["order_violations"] == 0


@pytest.mark.parametrize("case", CASES[:20], ids=lambda case: case.number[-4:])
def test_right_cases_of_all_sorts_are_taken(twin: GatewayTwin, case: bodies.Case) -> None:
    assert send(twin, ACCEPT_ID, bodies.pascal(bodies.accept(case)))["code"] == "200"


def test_the_same_again_is_a_duplicate_with_the_first_receipt(twin: GatewayTwin) -> None:
    first, second = send(twin, ACCEPT_ID, ACCEPT), send(twin, ACCEPT_ID, ACCEPT)
    assert (second["code"], second["message"], what(second)) == ("409", "重复提交", what(first))
    assert twin.stats()["duplicates"] == 1 and len(twin.held()) == 1


def test_other_content_is_an_update_only_when_it_says_so(twin: GatewayTwin) -> None:
    send(twin, ACCEPT_ID, ACCEPT)
    changed = ACCEPT | {"ContactMobile": "14000999999", "Cd_batch": "later"}
    assert send(twin, ACCEPT_ID, changed)["code"] == "4001"
    assert send(twin, ACCEPT_ID, changed | {"Cd_operation": "U"})["code"] == "200"
    [held] = twin.held()
    assert held.content["ContactMobile"] == "14000999999" and twin.stats()["updated"] == 1


def test_a_deletion_needs_only_its_keys(twin: GatewayTwin) -> None:
    send(twin, ACCEPT_ID, ACCEPT)
    keys = {name: ACCEPT[name] for name in ("RowGuid", "ProjectNo", "Cd_time", "Cd_batch")} | {"Cd_operation": "D"}
    assert send(twin, ACCEPT_ID, keys)["code"] == "200"
    assert send(twin, ACCEPT_ID, keys)["code"] == "4002"
    assert not twin.held()


@pytest.mark.parametrize(("interface", "content"), [(RESULT_ID, RESULT), (PROCESS_ID, PROCESS), (FEE_ID, FEE)])
def test_a_child_before_its_case_is_refused_and_counted(twin: GatewayTwin, interface: str, content: dict[str, Any]) -> None:
    assert send(twin, interface, content)["code"] == "4002"
    assert twin.stats()["order_violations"] == 1 and not twin.held()


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"ApplyerName": ""}, "ApplyerName"),
        ({"ApplyerType": "x"}, "ApplyerType"),
        ({"OrgCode": "1" * 18}, "OrgCode"),
        ({"AcceptDate": "2025/01/01"}, "AcceptDate"),
        ({"Nonsense": "1"}, "Nonsense"),
        ({"ApplyerName": ["x"]}, "ApplyerName"),
        ({"Cd_operation": {"I": 1}}, "Cd_operation"),
    ],
)
def test_a_broken_contract_names_the_field(twin: GatewayTwin, changes: dict[str, Any], named: str) -> None:
    said = send(twin, ACCEPT_ID, ACCEPT | changes)
    assert said["code"] == "4001" and named in said["message"]


@pytest.mark.parametrize("amount", ["9,00", "9.001", "", "-1", True])
def test_amounts_have_two_decimals_at_most(twin: GatewayTwin, amount: object) -> None:
    send(twin, ACCEPT_ID, ACCEPT)
    assert send(twin, FEE_ID, FEE | {"Amount": amount})["code"] == "4001"
    assert send(twin, FEE_ID, FEE | {"Amount": 9.5})["code"] == "200"


@pytest.mark.parametrize("changes", [{"sign": "0" * 64}, {"app_id": "other"}, {"timestamp": "1"}, {"timestamp": "soon"}])
def test_strangers_and_wrong_clocks_are_turned_away(twin: GatewayTwin, changes: dict[str, str]) -> None:
    fields = form(twin, ACCEPT_ID, ACCEPT, **{name: value for name, value in changes.items() if name != "sign"}) | changes
    said = told(twin.answer(request(fields), None))
    assert said["code"] == "4010" and not twin.held()


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"app_id=%FF%FE", b"{}"])
def test_a_body_that_is_no_form_is_refused(twin: GatewayTwin, body: bytes) -> None:
    assert told(twin.answer(Request("POST", PATH, "", {}, body), None))["code"] == "4001"


@pytest.mark.parametrize("content", ["{", "[]", "null", '"x"'])
def test_business_content_must_be_an_object(twin: GatewayTwin, content: str) -> None:
    assert send(twin, ACCEPT_ID, {}, biz_content=content)["code"] == "4001"


def test_a_look_up_tells_what_is_held_batch_by_batch(twin: GatewayTwin) -> None:
    row = {"RowGuid": ACCEPT["RowGuid"]}
    assert what(send(twin, QUERY_ID, row)) == {"held": False}
    receipt = send(twin, ACCEPT_ID, ACCEPT)["receiptNo"]
    assert send(twin, QUERY_ID, row)["receiptNo"] == receipt
    asked = row | {"InterfaceId": ACCEPT_ID, "Cd_batch": ACCEPT["Cd_batch"]}
    assert send(twin, QUERY_ID, asked)["held"] is True
    assert what(send(twin, QUERY_ID, asked | {"Cd_batch": "another"})) == {"held": False}
    assert what(send(twin, QUERY_ID, asked | {"InterfaceId": RESULT_ID})) == {"held": False}


def test_a_late_rejection_is_taken_well_and_told_when_asked(twin: GatewayTwin) -> None:
    assert send(twin, ACCEPT_ID, ACCEPT, FaultKind.LATE_REJECTION)["code"] == "200"
    verdicts = send(twin, VERDICTS_ID, {})
    assert verdicts["next"] == 1 and verdicts["rows"][0]["RowGuid"] == ACCEPT["RowGuid"]
    assert send(twin, VERDICTS_ID, {"Since": "1"})["rows"] == []
    assert send(twin, VERDICTS_ID, {"Since": "x"})["next"] == 1


def test_unearned_refusals_are_answered_in_the_gateways_words(twin: GatewayTwin) -> None:
    asked = request(form(twin, ACCEPT_ID, ACCEPT))
    assert told(twin.refusal(FaultKind.BUSY, asked))["code"] == "5001"
    assert told(twin.refusal(FaultKind.REFUSAL, asked))["code"] == "4001"
    assert twin.refusal(FaultKind.SOAP_FAULT, asked).status == 500


def test_only_intake_meets_faults(twin: GatewayTwin) -> None:
    assert twin.came(request(form(twin, ACCEPT_ID, ACCEPT)))
    assert not twin.came(request(form(twin, QUERY_ID, {})))
    twin.plan.lookups = True
    assert twin.came(request(form(twin, QUERY_ID, {})))
    assert twin.stats()["requests"] == 3


def test_other_paths_do_not_exist(twin: GatewayTwin) -> None:
    assert twin.answer(Request("GET", PATH, "", {}, b""), None).status == 404
    assert twin.answer(Request("POST", "/", "", {}, b""), None).status == 404


def test_an_update_of_what_never_came_is_refused_and_counted(twin: GatewayTwin) -> None:
    assert send(twin, ACCEPT_ID, ACCEPT | {"Cd_operation": "U"})["code"] == "4002"
    assert twin.stats()["order_violations"] == 1 and not twin.held()


# --- applications ---


@pytest.fixture
def asked() -> GatewayTwin:
    twin = GatewayTwin(waiting=7)
    twin.create()
    return twin


def status(asked: GatewayTwin, state: str, **more: str) -> dict[str, Any]:
    names = {"SBLSH": asked.filings.numbers()[0], "SLZTDM": state}
    envelope = {"Cd_operation": "I", "Cd_time": "2026-01-05 09:00:00", "Cd_batch": "B1"}
    return send(asked, STATUS_ID, {"RowGuid": f"status-{state}-{len(more)}", **names, **envelope, **more})


def test_a_case_that_claims_an_application_nobody_made_is_refused(asked: GatewayTwin) -> None:
    assert send(asked, ACCEPT_ID, ACCEPT | {"SBLSH": "GS999"})["code"] == "4001"
    assert send(asked, ACCEPT_ID, ACCEPT | {"SBLSH": asked.filings.numbers()[0]})["code"] == "200"


def test_the_fate_of_an_application_stands_upon_its_case(asked: GatewayTwin) -> None:
    case = {"ProjectNo": CASE.number}
    assert status(asked, "1")["code"] == "200"
    assert status(asked, "2", **case)["code"] == "4002", "the case is not there"
    send(asked, ACCEPT_ID, ACCEPT)
    assert status(asked, "2", **case)["code"] == "200"
    assert status(asked, "3", **case)["code"] == "4002", "the result is not there"
    send(asked, RESULT_ID, RESULT)
    assert status(asked, "3", **case)["code"] == "200"
    assert asked.stats()["order_violations"] == 2
    assert asked.stats()["applications"] == {"3": 1, "": 6}


@pytest.mark.parametrize(("state", "more"), [("4", {}), ("9", {}), ("4", {"BSLYY": "无", "SBLSH": "GS999"})])
def test_a_fate_that_says_nothing_sound_is_refused(asked: GatewayTwin, state: str, more: dict[str, str]) -> None:
    assert status(asked, state, **more)["code"] == "4001"
    assert asked.stats()["applications"] == {"": 7}


def test_a_refused_application_stays_refused(asked: GatewayTwin) -> None:
    send(asked, ACCEPT_ID, ACCEPT)
    assert status(asked, "4", BSLYY="材料不齐")["code"] == "200"
    assert status(asked, "2", ProjectNo=CASE.number)["code"] == "4001"
    assert status(asked, "1")["code"] == "200", "said late, it changes nothing"
    assert asked.stats()["applications"] == {"4": 1, "": 6}


def test_pages_of_applications_hold_each_once(asked: GatewayTwin) -> None:
    asking = [{"Since": "2016-01-01 00:00:00", "PageNo": number, "PageSize": 3} for number in (1, 2, 3, 4)]
    pages = [send(asked, APPLY_ID, one)["rows"] for one in asking]
    assert [len(page) for page in pages] == [3, 3, 1, 0]
    rows = [row for page in pages for row in page]
    assert [row["UpdateTime"] for row in rows] == sorted(row["UpdateTime"] for row in rows)
    assert {("filing", row["SBLSH"]) for row in rows} == set(asked.offered())
    assert len({row["UpdateTime"] for row in rows}) < 7, "some share a moment"


@pytest.mark.parametrize(
    "asking",
    [
        {},
        {"Since": "yesterday", "PageNo": 1, "PageSize": 3},
        {"Since": "2016-01-01 00:00:00", "PageNo": 0, "PageSize": 3},
        {"Since": "2016-01-01 00:00:00", "PageNo": "1", "PageSize": 3},
        {"Since": "2016-01-01 00:00:00", "PageNo": 1, "PageSize": 51},
    ],
)
def test_a_page_must_be_asked_for_properly(asked: GatewayTwin, asking: dict[str, Any]) -> None:
    assert send(asked, APPLY_ID, asking)["code"] == "4001"


def test_a_few_more_apply_and_one_is_corrected_once(asked: GatewayTwin) -> None:
    before = set(asked.filings.numbers())
    assert asked.work() == LATER + 1
    assert asked.work() == 0
    assert len(set(asked.filings.numbers()) - before) == LATER


def test_exactly_one_application_is_one_the_county_cannot_take(asked: GatewayTwin) -> None:
    rows = send(asked, APPLY_ID, {"Since": "2016-01-01 00:00:00", "PageNo": 1, "PageSize": 50})["rows"]
    strange = [row["SBLSH"] for row in rows if row["ApplyerPageType"] not in ("111", "001")]
    assert strange == [flaw.key for flaw in asked.flaws()]


# --- encryption ---

CIPHER = Cipher(algorithms.SM4(SM4_KEY.encode()), modes.CBC(SM4_IV.encode()))


def opened(text: str) -> bytes:
    unpadder, decryptor = padding.PKCS7(128).unpadder(), CIPHER.decryptor()
    return unpadder.update(decryptor.update(base64.b64decode(text)) + decryptor.finalize()) + unpadder.finalize()


def test_content_in_the_clear_is_refused_where_it_must_be_encrypted() -> None:
    twin = GatewayTwin(sealing="sm4")
    assert told(twin.answer(request(form(twin, ACCEPT_ID, ACCEPT)), None), opened)["code"] == "4010"


def test_encrypted_content_is_read_and_the_answer_encrypted() -> None:
    twin = GatewayTwin(sealing="sm4")
    padder, encryptor = padding.PKCS7(128).padder(), CIPHER.encryptor()
    raw = encryptor.update(padder.update(orjson.dumps(ACCEPT)) + padder.finalize()) + encryptor.finalize()
    asked = form(twin, ACCEPT_ID, {}, biz_content=base64.b64encode(raw).decode())
    assert told(twin.answer(request(asked), None), opened)["code"] == "200"
    assert twin.held()[0].content == ACCEPT
