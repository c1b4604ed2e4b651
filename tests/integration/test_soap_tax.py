"""The shipped tax configurations against their twins: conformance, faults on demand, and the same call by a WSDL."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import ClassVar

import pytest

from adapters.soap import SoapAdapter
from hub.errors import Failure, InDoubt, Misconfigured, Rejected, Retryable
from hub.model import Json, Message, Receipt, Taken
from hub.sandbox.faults import FaultKind
from hub.sandbox.twins.localtax import LocalTaxTwin
from hub.sandbox.twins.nationaltax import NationalTaxTwin
from hub.sandbox.twins.taxcase import TaxBureau
from tests.integration.shipped import ShippedSoap, options


class Shipped(ShippedSoap):
    """What both dialects must do."""

    endpoint = "case"
    # The same number sent again is told apart over there, so nothing has to be looked up.
    leaves_out = frozenset(
        {"test_find_tells_taken_from_not_taken", "test_a_refused_message_is_not_found", "test_find_never_denies_what_it_cannot_see"}
    )

    def named(self, name: str) -> str:
        return name

    def message(self, n: int, lane: str = "", **fields: Json) -> Message:
        made = super().message(n, lane, **fields)
        return replace(made, idempotency_key=hashlib.md5(made.idempotency_key.encode(), usedforsecurity=False).hexdigest())

    def body(self, n: int) -> dict[str, Json]:
        fields = {
            "bjbh": f"K{n:05d}",
            "sxbm": "1162112500HUB001704622010001000",
            "sxmc": "房产交易契税申报",
            "nsrmc": "阿卜杜·堃",
            "zjzlDm": "201",
            "zjhm": "621125190503120020",
            "slsj": self.accepted,
        }
        return {self.named(name): value for name, value in fields.items()}

    accepted: ClassVar[str]

    def refuse(self, message: Message) -> Message:
        return replace(message, body={**message.body, self.named("zjhm"): "621125190503120021"})

    @pytest.mark.parametrize(
        ("fault", "kind", "kept"),
        [
            (FaultKind.HTML_503, Retryable, False),
            (FaultKind.HTML_200, Retryable, False),
            (FaultKind.BUSY, Retryable, False),
            (FaultKind.SOAP_FAULT, Retryable, False),
            (FaultKind.REFUSAL, Rejected, False),
            (FaultKind.RESET_AFTER, InDoubt, True),
        ],
    )
    def test_faults_on_demand(self, subject: SoapAdapter, fault: FaultKind, kind: type[Failure], kept: bool) -> None:
        self.assert_fault(subject, fault, kind, kept)

    def test_a_second_time_is_a_duplicate(self, subject: SoapAdapter) -> None:
        (first,), (second,) = subject.send([self.message(1)]), subject.send([self.message(1)])
        assert isinstance(first, Receipt) and isinstance(second, Receipt)
        assert (first.taken, second.taken) == (Taken.TAKEN, Taken.DUPLICATE) and first.reference
        assert len(self.twin.held()) == 1

    def test_the_far_sides_words_are_kept(self, subject: SoapAdapter) -> None:
        (outcome,) = subject.send([self.refuse(self.message(1))])
        assert isinstance(outcome, Rejected) and outcome.said is not None
        assert self.named("zjhm") in outcome.said and "校验位错误" in outcome.said


class TestShippedNationalTax(Shipped):
    system = "nationaltax"
    text = "bz"
    accepted = "2016-12-01 09:20:00"

    def made(self) -> TaxBureau:
        return NationalTaxTwin()

    def test_a_channel_that_is_not_let_in_pauses_the_system(self) -> None:
        adapter = self.adapter(secrets={"identity": "0" * 32})
        (outcome,) = adapter.send([self.message(1)])
        adapter.close()
        assert isinstance(outcome, Misconfigured) and outcome.said == "渠道或身份未经授权"

    def test_the_same_by_the_wsdl_that_the_service_shows(self) -> None:
        wanted = options(self.system, f"http://127.0.0.1:{self.port}")
        case = {name: value for name, value in wanted["endpoints"]["case"].items() if name != "body"}
        call = {**case, "operation": "requestService", "parameters": {"arg0": "XML-NF", "arg1": "$inner"}}
        adapter = self.adapter(wsdl=f"http://127.0.0.1:{self.port}{self.twin.path}", endpoints={"case": call})
        (outcome,) = adapter.send([self.message(1)])
        adapter.close()
        assert isinstance(outcome, Receipt) and self.keys() == ["K00001"]


class TestShippedLocalTax(Shipped):
    system = "localtax"
    text = "BZ"
    accepted = "20161201092000"

    def made(self) -> TaxBureau:
        return LocalTaxTwin()

    def named(self, name: str) -> str:
        return name.upper()

    def test_an_application_that_is_not_let_in_pauses_the_system(self) -> None:
        wanted = options(self.system, "http://x")
        interface = wanted["endpoints"]["case"]["inner"]["xml"]
        interface["children"][0]["children"][0] = {"element": "appId", "text": "OTHER"}
        adapter = self.adapter(endpoints=wanted["endpoints"])
        (outcome,) = adapter.send([self.message(1)])
        adapter.close()
        assert isinstance(outcome, Misconfigured) and outcome.said and outcome.said.startswith("接入方未授权")


del Shipped  # only its subclasses are tests
