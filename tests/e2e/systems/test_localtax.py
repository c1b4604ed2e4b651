"""地税: a hall case goes there as GBK in GZIP in base64 in XML in a string, and above it is one case; what GBK lacks is named."""

from __future__ import annotations

from pathlib import Path

from hub.model import State
from hub.sandbox.faults import FaultKind
from hub.sandbox.twins.localtax import CASE, LocalTaxTwin
from tests.e2e.county import County, county
from tests.e2e.systems.hall import accept
from tests.e2e.systems.journey import assert_one_continuous_case, local

STEPS = ("受理审核", "税款核定", "完税办结")


def bureau(here: County) -> LocalTaxTwin:
    twin = here.sandbox.twins["localtax"]
    assert isinstance(twin, LocalTaxTwin)
    return twin


def test_one_window(tmp_path: Path) -> None:
    with county(tmp_path, "localtax", "province", "gateway", "city", cases=0) as here:
        numbers = accept(here, "DS", "张喆", "王堃", "阿卜杜·依布拉", BZ="a]]>b & <c>")
        here.rounds()
        assert here.failing() == []
        for number in numbers:
            assert_one_continuous_case(here, "localtax", number, STEPS)
            (result,) = local(here, number).results
            assert (result["ZJGZMC"] or "") == ("契税完税证" if result["BJJGDM"] == "Y" else "")
        held = {one.row: one for one in here.held("localtax")}
        assert [held[number].content["NSRMC"] for number in numbers] == ["张喆", "王堃", "阿卜杜·依布拉"]
        assert {(held[number].endpoint, held[number].content["BZ"]) for number in numbers} == {(CASE, "a]]>b & <c>")}
        stats = bureau(here).stats()  # what citizens filed online is dispatched too
        assert (stats["taken"], stats["updated"], stats["duplicates"], stats["refused"]) == (len(held), 0, 0, {})


def test_what_gbk_lacks_is_refused_by_field_before_it_is_sent(tmp_path: Path) -> None:
    with county(tmp_path, "localtax", cases=0) as here:
        accept(here, "DS", "马䶮", "李𬎆")
        accept(here, "DS", "张喆", LXRXM="马䶮")
        here.rounds()
        dead = {group.reason: group.count for group in here.dead("localtax")}
        assert dead == {"NSRMC: encoding": 2, "XM: encoding": 1}, "named by field, each for itself"
        assert here.held("localtax") == [] and here.states("localtax") == {State.DEAD: 3}


def test_refusals_and_doubts(tmp_path: Path) -> None:
    with county(tmp_path, "localtax", cases=0) as here:
        bureau(here).plan.change(script=[FaultKind.REFUSAL, FaultKind.BUSY, FaultKind.SOAP_FAULT, FaultKind.RESET_AFTER])
        accept(here, "DS", "甲", "乙", "丙", "丁")
        here.rounds()
        (refused,) = here.dead("localtax")
        assert (refused.stage, refused.count) == ("send", 1) and "税务人员审核不通过" in refused.reason
        assert len(here.held("localtax")) == 3
        assert bureau(here).stats()["duplicates"] == 1, "taken, and the answer lost: sent again under the same number"
        assert all(len(local(here, one.row).results) == 1 for one in here.held("localtax"))


def test_a_long_list_comes_compressed_and_in_parts(tmp_path: Path) -> None:
    with county(tmp_path, "localtax", cases=0) as here:
        accept(here, "DS", *(f"申请人{number}" for number in range(90)))
        here.rounds()
        assert here.failing() == []
        stats = bureau(here).stats()
        assert (stats["steps"], stats["results"]) == (270, 90)
        assert here.local("SELECT count(*) FROM T_BZ WHERE LYXT = 'localtax'")[0][0] == 270
