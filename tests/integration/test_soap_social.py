"""The shipped social-security configuration against its twin: conformance, look-ups, faults on demand, later verdicts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from adapters.soap import SoapAdapter
from hub.errors import Failure, InDoubt, Misconfigured, Rejected, Retryable
from hub.model import Json, Judgement, Message, Receipt, Taken, Verdict
from hub.sandbox.faults import FaultKind
from hub.sandbox.twins.social import SocialTwin
from tests.integration.shipped import ShippedSoap


class TestShippedSocialSecurity(ShippedSoap):
    endpoint = "intake"
    text = "bz"
    system = "social"

    def made(self) -> SocialTwin:
        return SocialTwin()

    def body(self, n: int) -> dict[str, Json]:
        return {
            "bjbh": f"K{n:05d}",
            "sxbm": "1162112500HUB001704622010001000",
            "sxmc": "城乡居民基本养老保险参保登记",
            "aac003": "阿卜杜·堃",
            "aaa029": "01",
            "aae135": "621125190503120020",
            "aac002": "621125190503120020",
            "slsj": "2016-12-01 09:20:00",
        }

    def refuse(self, message: Message) -> Message:
        return replace(message, body={**message.body, "aae135": "621125190503120021"})

    @pytest.mark.parametrize(
        ("fault", "kind", "kept"),
        [
            (FaultKind.ERROR_500, Retryable, False),
            (FaultKind.HTML_503, Retryable, False),
            (FaultKind.HTML_200, Retryable, False),
            (FaultKind.BUSY, Retryable, False),
            (FaultKind.SOAP_FAULT, Retryable, False),
            (FaultKind.REFUSAL, Rejected, False),
            (FaultKind.RESET_BEFORE, InDoubt, False),
            (FaultKind.RESET_AFTER, InDoubt, True),
            (FaultKind.BAD_GATEWAY, InDoubt, True),
            (FaultKind.TIMEOUT_AFTER, InDoubt, True),
            (FaultKind.ENDLESS, InDoubt, True),
        ],
    )
    def test_faults_on_demand(self, subject: SoapAdapter, fault: FaultKind, kind: type[Failure], kept: bool) -> None:
        self.assert_fault(subject, fault, kind, kept)

    def test_a_second_time_is_a_duplicate(self, subject: SoapAdapter) -> None:
        (first,), (second,) = subject.send([self.message(1)]), subject.send([self.message(1)])
        assert isinstance(first, Receipt)
        assert isinstance(second, Receipt)
        assert (first.taken, second.taken, first.reference) == (Taken.TAKEN, Taken.DUPLICATE, second.reference)

    def test_a_wrong_password_pauses_the_system(self) -> None:
        adapter = self.adapter(secrets={"user": "zhangxian", "password": "wrong"})
        (outcome,) = adapter.send([self.message(1)])
        adapter.close()
        assert isinstance(outcome, Misconfigured)
        assert outcome.said == "用户名或口令错误"

    def test_later_verdicts(self) -> None:
        self.twin.plan.change(script=[FaultKind.LATE_REJECTION, None, FaultKind.LATE_REJECTION])
        adapter = self.adapter()
        adapter.send(self.messages(3))
        self.twin.work()
        pages = list(adapter.verdicts(None))
        self.twin.plan.change(script=[FaultKind.LATE_REJECTION])
        adapter.send([self.message(4)])
        self.twin.work()
        later = list(adapter.verdicts(pages[-1].cursor))
        adapter.close()
        said = "经办复核不通过，请核实参保信息"
        assert [verdict for page in pages for verdict in page.verdicts] == [
            Verdict("intake", "K00001", None, Judgement.REJECTED, said),
            Verdict("intake", "K00002", None, Judgement.CONFIRMED, ""),
            Verdict("intake", "K00003", None, Judgement.REJECTED, said),
        ]
        assert [verdict.row for page in later for verdict in page.verdicts] == ["K00004"]

    def test_what_came_of_the_cases_is_read_once_and_in_order(self) -> None:
        adapter = self.adapter()
        adapter.send(self.messages(60))
        while self.twin.work():
            pass
        pages = list(adapter.read(None))
        records = [(record.kind, record.key) for page in pages for record in page.records]
        assert records == self.twin.offered(), "all pages, steps first"
        assert list(adapter.read(pages[-1].cursor)) == []
        adapter.send([self.message(61)])
        while self.twin.work():
            pass
        later = [record.key for page in adapter.read(pages[-1].cursor) for record in page.records]
        adapter.close()
        assert set(later) == {"K00061", "K00061|1", "K00061|2"}
