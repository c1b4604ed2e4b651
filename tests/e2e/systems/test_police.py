"""Proves the one-window journey through the traffic-police sub-centre: dispatched, carried on, handed back, one case to all."""

from __future__ import annotations

from pathlib import Path

from hub.model import State
from hub.sandbox.faults import FaultKind
from hub.sandbox.flaws import Rates
from hub.sandbox.twins.police import DOUBT, INTAKE
from tests.e2e.county import County, county
from tests.e2e.systems.hall import accept
from tests.e2e.systems.journey import assert_one_continuous_case, given_to, local

DRIVERS = ("资料复核", "制证发证")
VEHICLES = ("查验车辆", "资料复核", "核发牌证")

#: Three that GBK can write, two that only GB 18030 can.
NAMES = ("张喆", "王堃", "阿卜杜·热合曼", "马䶮", "李𬎆")
ITEMS = ("机动车驾驶证期满换证", "机动车注册登记")


def steps_of(here: County, case: str) -> tuple[str, ...]:
    return DRIVERS if "驾驶证" in local(here, case).case["SXMC"] else VEHICLES


def test_every_case_of_the_sub_centre_is_one_continuous_case(tmp_path: Path) -> None:
    with county(tmp_path, "police", "province", "gateway", "city", cases=25) as here:
        cases = given_to(here, "JJ", *ITEMS)
        here.rounds()
        assert here.failing() == []
        held = {one.row: one for one in here.held("police", INTAKE)}
        assert set(held) >= set(cases) and len({steps_of(here, case) for case in cases}) == 2, "both kinds of item"
        assert all(local(here, case).case["BJZT"] == "03" for case in held), "those applied for online too"
        for case in cases:
            assert_one_continuous_case(here, "police", case, steps_of(here, case))
            found = local(here, case)
            own = found.case["SQRZJHM"] if steps_of(here, case) == DRIVERS else None
            assert held[case].content.get("jszh") == own, "a driver's licence has the driver's number"
            (result,) = found.results
            if result["BJJGDM"] == "Y":
                assert result["ZJBH"] == (f"0000{case[-8:]}" if own else f"甘JO{case[-4:]}")
        assert here.states("police") == {State.CONFIRMED: len(held)}, "each once: a closed case is not sent again"
        back = [one for case in held for one in here.life(case) if one.route in ("police-progress", "police-outcome")]
        assert {one.state for one in back} == {State.DELIVERED}
        assert len(back) == sum(one.content["LYXT"] == "police" for one in here.held("local")), "each row once"


def test_a_case_sent_back_is_corrected_and_goes_on_as_the_same_row(tmp_path: Path) -> None:
    with county(tmp_path, "police", "province", "city", cases=12) as here:
        cases = given_to(here, "JJ", *ITEMS)
        here.sandbox.twins["police"].plan.change(script=[FaultKind.LATE_REJECTION])
        here.rounds()
        (group,) = here.dead()
        assert (group.system, group.count, group.reason) == ("police", 1, DOUBT)
        (refused,) = [case for case in cases if not local(here, case).results]
        assert [step["HJMC"] for step in local(here, refused).steps] == ["窗口受理"], "nobody carries on what was sent back"
        here.local(
            "UPDATE T_BJ SET SQRSJH = '14000099887', GXSJ = datetime('now', '+8 hours') WHERE BJBH = :case",
            case=refused,
        )
        here.rounds()
        assert here.failing() == [] and here.dead() == []
        assert_one_continuous_case(here, "police", refused, steps_of(here, refused))
        (held,) = [one for one in here.held("police") if one.row == refused]
        assert held.content["lxdh"] == "14000099887"
        told = here.directory.told("trace", refused)["deliveries"]
        first, second = [one for one in told if one["system"] == "police"]
        assert (first["operation"], first["state"], first["stage"], first["reason"]) == ("I", "superseded", "feedback", DOUBT)
        assert (second["operation"], second["state"], second["batch"]) == ("U", "confirmed", held.content["pch"])
        assert first["row"] == second["row"] == refused and first["batch"] != second["batch"]
        back = [one for one in told if one["system"] == "local"]
        assert sorted(one["kind"] for one in back) == ["outcome", *["progress"] * len(steps_of(here, refused))]
        assert all(one["state"] == "delivered" and one["id"] > second["id"] for one in back), "nothing came back before"


def test_what_gbk_cannot_write_is_refused_by_field_and_code_point(tmp_path: Path) -> None:
    with county(tmp_path, "police", cases=0) as here:
        names = dict(zip(NAMES, accept(here, "JJ", *NAMES), strict=True))
        here.rounds()
        taken = {one.row: one.content["xm"] for one in here.held("police")}
        assert [taken.get(case) for case in names.values()] == ["张喆", "王堃", "阿卜杜·热合曼", None, None]
        for name, point in (("马䶮", "U+4DAE"), ("李𬎆", "U+2C386")):
            (dead,) = [one for one in here.life(names[name]) if one.system == "police"]
            (issue,) = dead.issues
            assert (dead.state, issue["path"], issue["rule"], point in issue["message"]) == (State.DEAD, "xm", "encoding", True)
            assert not local(here, names[name]).results


def test_a_county_with_flaws_and_faults_adds_up(tmp_path: Path) -> None:
    with county(tmp_path, "police", "social", "province", cases=120, rates=Rates().scaled(6), faults="some", late=0.02) as here:
        here.rounds()
        assert here.failing() == []
