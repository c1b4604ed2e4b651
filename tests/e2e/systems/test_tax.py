"""税务: the successor speaks the dialect of 国税; on the day of the merger only `when` changes, and nothing is lost or doubled."""

from __future__ import annotations

from pathlib import Path

from hub.demo import job
from hub.sandbox.flaws import Rates
from tests.e2e.county import County, county
from tests.e2e.systems.hall import accept
from tests.e2e.systems.journey import assert_one_continuous_case, local

STEPS = ("受理审核", "核准办结")
#: The whole switch: one line of each of the three routes that lead up.
SWITCH = {"tax": ("in: [SW]", "in: [SW, GS, DS]"), "nationaltax": ("in: [GS]", "in: []"), "localtax": ("in: [DS]", "in: []")}


def test_one_window(tmp_path: Path) -> None:
    with county(tmp_path, "tax", "province", "gateway", "city", cases=0) as here:
        plain = accept(here, "SW", "张喆", "马䶮", item="社会保险费")
        deeds = accept(here, "SW", "王堃", item="契税")
        here.rounds()
        assert here.failing() == []
        for number in plain:
            assert_one_continuous_case(here, "tax", number, STEPS)
        for number in deeds:
            assert_one_continuous_case(here, "tax", number, ("受理审核", "税款核定", "完税办结"))
        assert here.sandbox.twins["tax"].stats()["taken"] == len(_numbers(here, "tax")) >= 3


def test_all_three_add_up_in_a_county_with_flaws(tmp_path: Path) -> None:
    rates = Rates(bad_digit=0.3, missing=0.1, over_long=0.2, rare_name=0.5)
    with county(tmp_path, *SWITCH, cases=250, seed=13, rates=rates, faults="some") as here:
        here.rounds()
        assert here.failing() == []
        assert here.sandbox.truth is not None
        assert all(here.sandbox.truth.refused(system) and here.held(system) for system in SWITCH)


def test_the_merger_is_three_lines(tmp_path: Path) -> None:
    with county(tmp_path, "tax", "nationaltax", "localtax", cases=0) as here:
        before = {centre: accept(here, centre, "张喆", "王堃") for centre in ("GS", "DS", "SW")}
        here.rounds()
        old = {system: _numbers(here, system) for system in SWITCH}
        assert old == {"nationaltax": set(before["GS"]), "localtax": set(before["DS"]), "tax": set(before["SW"])}
        _merge(here)
        after = [number for centre in ("GS", "DS", "SW") for number in accept(here, centre, "李珺", "赵镕")]
        here.rounds()
        assert here.failing() == []
        assert {system: _numbers(here, system) for system in SWITCH} == old | {"tax": old["tax"] | set(after)}
        for number in [*before["GS"], *before["DS"], *before["SW"], *after]:
            found = local(here, number)
            assert (found.case["BJZT"], len(found.results)) == ("03", 1)
            assert found.results[0]["LYXT"] == "tax" or number not in after


def test_a_case_under_way_at_the_merger_is_finished_where_it_is(tmp_path: Path) -> None:
    with county(tmp_path, "tax", "nationaltax", cases=0) as here:
        (number,) = accept(here, "GS", "张喆")
        here.sandbox.twins["nationaltax"].work = lambda: 0  # type: ignore[method-assign]  # its people are on holiday
        here.rounds()
        assert _numbers(here, "nationaltax") == {number} and local(here, number).results == []
        _merge(here)
        del here.sandbox.twins["nationaltax"].work
        here.rounds()
        assert local(here, number).results[0]["LYXT"] == "nationaltax" and _numbers(here, "tax") == set()


def _merge(here: County) -> None:
    """Change the three lines, and let the hub take the new configuration as `hub` does at a reload."""
    for name, change in SWITCH.items():
        if name in here.sandbox.twins:
            here.directory.change(f"config/routes/{name}.yaml", change)
    environment = {**here.sandbox.environment(), "HUB_STORE": here.service.exchange.settings.store}
    here.service.reload(lambda: job.settings_of(here.directory.path, environment))


def _numbers(here: County, system: str) -> set[str]:
    return {one.row for one in here.held(system)}
