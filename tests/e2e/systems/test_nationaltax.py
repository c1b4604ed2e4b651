"""国税: a hall case goes there as taxML in CDATA in a string, its steps and result come back, and above it is one case."""

from __future__ import annotations

from pathlib import Path

from hub.model import State
from hub.sandbox.faults import FaultKind
from hub.sandbox.twins.nationaltax import NationalTaxTwin
from hub.sandbox.twins.taxservice import CASE
from hub.store.runs import Trigger
from tests.commands import until
from tests.e2e.county import County, county
from tests.e2e.systems.hall import accept, resume, standing
from tests.e2e.systems.journey import assert_one_continuous_case, local

STEPS = ("受理审核", "登记核准")


def bureau(here: County) -> NationalTaxTwin:
    twin = here.sandbox.twins["nationaltax"]
    assert isinstance(twin, NationalTaxTwin)
    return twin


def test_one_window(tmp_path: Path) -> None:
    with county(tmp_path, "nationaltax", "province", "gateway", "city", cases=0) as here:
        numbers = accept(here, "GS", "张喆", "王堃", "阿卜杜·依布拉", "马䶮", "李𬎆", BZ="a]]>b & <c>")
        here.rounds()
        assert here.failing() == []
        for number in numbers:
            assert_one_continuous_case(here, "nationaltax", number, STEPS)
        held = {one.row: one for one in here.held("nationaltax")}
        assert [held[number].content["nsrmc"] for number in numbers] == ["张喆", "王堃", "阿卜杜·依布拉", "马䶮", "李𬎆"]
        assert {(held[number].endpoint, held[number].content["bz"]) for number in numbers} == {(CASE, "a]]>b & <c>")}
        stats = bureau(here).stats()  # what citizens filed online is dispatched too
        assert (stats["taken"], stats["updated"], stats["duplicates"], stats["refused"]) == (len(held), 0, 0, {})


def test_refusals_and_doubts(tmp_path: Path) -> None:
    with county(tmp_path, "nationaltax", cases=0) as here:
        bureau(here).plan.change(script=[FaultKind.REFUSAL, FaultKind.BUSY, FaultKind.SOAP_FAULT, FaultKind.RESET_AFTER])
        refused, wrong, *sound = accept(here, "GS", "甲", "乙", "丙", "丁", "戊")
        here.local("UPDATE T_BJ SET SQRZJHM = '916211250000000000' WHERE BJBH = :case", case=wrong)
        here.rounds()
        dead = {group.stage: group.reason for group in here.dead("nationaltax")}
        assert here.states("nationaltax") == {State.DEAD: 2, State.DELIVERED: 3} and len(dead) == 2
        assert "税务人员审核不通过" in dead["send"] and "zjhm" in dead["map"]
        assert {one.row for one in here.held("nationaltax")} < {refused, *sound} and len(here.held("nationaltax")) == 3
        assert bureau(here).stats()["duplicates"] == 1, "taken, and the answer lost: sent again under the same number"
        assert all(len(local(here, one.row).results) == 1 for one in here.held("nationaltax"))


def test_an_identity_that_is_not_let_in_pauses_the_system_and_spares_the_records(tmp_path: Path) -> None:
    with county(tmp_path, "nationaltax", cases=0) as here:
        right, bureau(here).identity = bureau(here).identity, "0" * 32
        accept(here, "GS", "张喆", "王堃")
        here.service.ask("local", Trigger.CLI, "test")
        until(lambda: standing(here, "nationaltax").paused, "the system is paused")
        assert here.held("nationaltax") == [] and here.states("nationaltax") == {State.PENDING: 2}
        assert standing(here, "nationaltax").code == "HUB-D-122" and set(bureau(here).stats()["refused"]) == {"002"}
        bureau(here).identity = right
        resume(here, "nationaltax")
        here.rounds()
        assert here.failing() == [] and len(here.held("nationaltax")) == 2
