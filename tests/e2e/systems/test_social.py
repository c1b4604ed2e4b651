"""Proves the one-window journey through the social-security sub-centre: dispatched, carried on, handed back, one case to all."""

from __future__ import annotations

from pathlib import Path

from hub.model import State
from hub.sandbox.faults import FaultKind
from hub.sandbox.flaws import Rates
from hub.sandbox.twins.social import DOUBT, INTAKE
from tests.e2e.county import County, county
from tests.e2e.systems.hall import accept
from tests.e2e.systems.journey import assert_one_continuous_case, given_to, local

CARD = ("业务初审", "制卡", "业务复核")
OTHERS = ("业务初审", "业务复核")

#: Three that GBK can write, two that only GB 18030 can.
NAMES = ("张喆", "王堃", "阿卜杜·热合曼", "马䶮", "李𬎆")
ITEMS = ("社会保障卡补领换领", "失业保险金申领")


def steps_of(here: County, case: str) -> tuple[str, ...]:
    return CARD if "社会保障卡" in local(here, case).case["SXMC"] else OTHERS


def test_every_case_of_the_sub_centre_is_one_continuous_case(tmp_path: Path) -> None:
    with county(tmp_path, "social", "province", "gateway", "city", cases=25) as here:
        cases = given_to(here, "SB", *ITEMS)
        here.rounds()
        assert here.failing() == []
        held = {one.row for one in here.held("social", INTAKE)}
        assert held >= set(cases) and all(local(here, case).case["BJZT"] == "03" for case in held), "those applied for online too"
        assert len({steps_of(here, case) for case in cases}) == 2, "both kinds of item"
        for case in cases:
            assert_one_continuous_case(here, "social", case, steps_of(here, case))
        assert here.states("social") == {State.CONFIRMED: len(held)}, "each once: a closed case is not sent again"
        back = [one for case in held for one in here.life(case) if one.route in ("social-progress", "social-outcome")]
        assert {one.state for one in back} == {State.DELIVERED}
        assert len(back) == sum(one.content["LYXT"] == "social" for one in here.held("local")), "each row once"


def test_a_case_sent_back_is_corrected_and_goes_on_as_the_same_row(tmp_path: Path) -> None:
    with county(tmp_path, "social", "province", "city", cases=12) as here:
        cases = given_to(here, "SB", *ITEMS)
        here.sandbox.social.plan.change(script=[FaultKind.LATE_REJECTION])
        here.rounds()
        (group,) = here.dead()
        assert (group.system, group.count, group.reason) == ("social", 1, DOUBT)
        (refused,) = [case for case in cases if not local(here, case).results]
        assert [step["HJMC"] for step in local(here, refused).steps] == ["窗口受理"], "nobody carries on what was sent back"
        here.local(
            "UPDATE T_BJ SET SQRSJH = '14000099887', GXSJ = datetime('now', '+8 hours') WHERE BJBH = :case",
            case=refused,
        )
        here.rounds()
        assert here.failing() == [] and here.dead() == []
        assert_one_continuous_case(here, "social", refused, steps_of(here, refused))
        (held,) = [one for one in here.held("social") if one.row == refused]
        assert held.content["aae005"] == "14000099887"
        assert_trace_tells_it(here, refused)


def assert_trace_tells_it(here: County, case: str) -> None:
    """Check that `hub trace` shows the refusal with its words, the correction as an update of the same row, and what came back."""
    told = here.directory.told("trace", case)["deliveries"]
    first, second = [one for one in told if one["system"] == "social"]
    assert (first["operation"], first["stage"], first["reason"], first["row"]) == ("I", "feedback", DOUBT, case)
    assert first["state"] == "superseded"
    assert (second["operation"], second["state"], second["row"]) == ("U", "confirmed", case)
    back = [(one["kind"], one["state"]) for one in told if one["system"] == "local"]
    assert sorted(back) == sorted([*[("progress", "delivered")] * len(steps_of(here, case)), ("outcome", "delivered")])
    assert [one["id"] for one in told] == sorted(one["id"] for one in told)
    assert all(one["id"] > second["id"] for one in told if one["system"] == "local"), "nothing came back before the correction"


def test_what_gbk_cannot_write_is_refused_by_field_and_code_point(tmp_path: Path) -> None:
    with county(tmp_path, "social", "province", cases=0) as here:
        names = dict(zip(NAMES, accept(here, "SB", *NAMES), strict=True))
        here.rounds()
        taken = {one.row: one.content["aac003"] for one in here.held("social")}
        assert [taken.get(case) for case in names.values()] == ["张喆", "王堃", "阿卜杜·热合曼", None, None]
        for name, point in (("马䶮", "U+4DAE"), ("李𬎆", "U+2C386")):
            (dead,) = [one for one in here.life(names[name]) if one.system == "social"]
            (issue,) = dead.issues
            assert (dead.state, issue["path"], issue["rule"], point in issue["message"]) == (State.DEAD, "aac003", "encoding", True)
            assert not local(here, names[name]).results
        provinces = {one.content["project_no"]: one.content["applyer_name"] for one in here.held("province", "up_pro_accept")}
        assert [provinces[case] for case in names.values()] == list(names), "the province can write them all"


def test_a_county_with_flaws_and_faults_adds_up(tmp_path: Path) -> None:
    with county(tmp_path, "social", "province", "gateway", cases=80, rates=Rates().scaled(6), faults="some", late=0.02) as here:
        here.rounds()
        assert here.failing() == []
