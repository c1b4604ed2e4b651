"""The shipped traffic-police configuration against its twin: conformance, look-ups, faults, verdicts, and what comes back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from adapters.soap import SoapAdapter
from hub.errors import Failure, InDoubt, Misconfigured, Rejected, Retryable
from hub.model import Json, Judgement, Message, Receipt, Taken, Verdict
from hub.sandbox.faults import FaultKind
from hub.sandbox.twins.police import DOUBT, PoliceTwin
from tests.integration.shipped import ShippedSoap, options


class TestShippedTrafficPolice(ShippedSoap):
    endpoint = "case"
    text = "bz"
    system = "police"
    timeouts = {"connect": "2s", "read": "2s", "total": "6s"}

    def made(self) -> PoliceTwin:
        return PoliceTwin()

    def body(self, n: int) -> dict[str, Json]:
        return {
            "bjbh": f"K{n:05d}",
            "pch": "1",
            "sxbm": "1162112500HUB001704622010001000",
            "sxmc": "机动车驾驶证期满换证",
            "xm": "阿卜杜·堃",
            "sfzmmc": "A",
            "sfzmhm": "621125190503120020",
            "slsj": "2016-12-01 09:20:00",
        }

    def refuse(self, message: Message) -> Message:
        return replace(message, body={**message.body, "sfzmhm": "621125190503120021"})

    @pytest.mark.parametrize(
        ("fault", "kind", "kept"),
        [
            (FaultKind.ERROR_500, Retryable, False),
            (FaultKind.HTML_200, Retryable, False),
            (FaultKind.BUSY, Retryable, False),
            (FaultKind.SOAP_FAULT, Retryable, False),
            (FaultKind.REFUSAL, Rejected, False),
            (FaultKind.RESET_BEFORE, InDoubt, False),
            (FaultKind.RESET_AFTER, InDoubt, True),
            (FaultKind.BAD_GATEWAY, InDoubt, True),
            (FaultKind.TIMEOUT_AFTER, InDoubt, True),
        ],
    )
    def test_faults_on_demand(self, subject: SoapAdapter, fault: FaultKind, kind: type[Failure], kept: bool) -> None:
        self.assert_fault(subject, fault, kind, kept)

    def test_a_second_time_is_a_duplicate(self, subject: SoapAdapter) -> None:
        (first,), (second,) = subject.send([self.message(1)]), subject.send([self.message(1)])
        assert isinstance(first, Receipt) and isinstance(second, Receipt)
        assert (first.taken, second.taken, first.reference) == (Taken.TAKEN, Taken.DUPLICATE, second.reference)
        assert first.reference == "JJ0000000001"

    @pytest.mark.parametrize("text", ["A+B 公司 100%", "<甲>&乙", "%E5%BC%A0 已编码", "一\n二"])
    def test_awkward_texts_arrive_or_are_refused_whole(self, subject: SoapAdapter, text: str) -> None:
        (outcome,) = subject.send([self.message(1, bz=text)])
        if "%E5" in text:
            assert isinstance(outcome, Rejected) and outcome.said == "bz 重复做了URL编码", "the far side takes it for a mistake"
        else:
            assert isinstance(outcome, Receipt) and self.twin.held()[0].content["bz"] == text

    @pytest.mark.parametrize(
        ("more", "said"),
        [
            ({"secrets": {"jkxlh": "wrong"}}, "接口序列号错误"),
            ({"parameters": {"xtlb": "04"}}, "接口标识不存在或与系统类别不符"),
        ],
    )
    def test_wrong_credentials_pause_the_system(self, more: dict[str, Any], said: str) -> None:
        given = options(self.system, "http://x")["parameters"]
        more = {**more, "parameters": {**given, **more.get("parameters", {})}}
        adapter = self.adapter(**more)
        (outcome,) = adapter.send([self.message(1)])
        with pytest.raises(Misconfigured):
            adapter.check()
        adapter.close()
        assert isinstance(outcome, Misconfigured) and outcome.said == said

    def test_a_fault_about_the_call_itself_pauses_the_system(self, subject: SoapAdapter, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("hub.sandbox.twins.tmri.PARAMETERS", ("xtlb",))
        (outcome,) = subject.send([self.message(1)])
        assert isinstance(outcome, Misconfigured)

    def test_the_check_changes_nothing(self, subject: SoapAdapter) -> None:
        subject.check()
        assert self.twin.held() == [] and self.twin.stats()["requests"] == 1

    def test_later_verdicts_name_case_and_batch(self, subject: SoapAdapter) -> None:
        self.twin.plan.change(script=[FaultKind.LATE_REJECTION, None])
        subject.send(self.messages(2))
        self.twin.work()
        pages = list(subject.verdicts(None))
        assert [verdict for page in pages for verdict in page.verdicts] == [
            Verdict("case", "K00001", "1", Judgement.REJECTED, DOUBT),
            Verdict("case", "K00002", "1", Judgement.CONFIRMED, ""),
        ]
        assert list(subject.verdicts(pages[-1].cursor)) == []

    def test_what_came_of_the_cases_is_read_once_and_in_order(self, subject: SoapAdapter) -> None:
        subject.send(self.messages(120))
        while self.twin.work():
            pass
        pages = list(subject.read(None))
        records = [(record.kind, record.key) for page in pages for record in page.records]
        assert records == self.twin.offered() and len(records) == 360, "more than fit one answer"
        assert list(subject.read(pages[-1].cursor)) == []
        subject.send([self.message(121)])
        while self.twin.work():
            pass
        later = [record.key for page in subject.read(pages[-1].cursor) for record in page.records]
        assert later == ["K00121|1", "K00121|2", "K00121"]
