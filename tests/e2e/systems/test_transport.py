"""运管: a hall case goes there in a file, its steps and result are seen in read-only views, and above it is one case."""

from __future__ import annotations

import json
from pathlib import Path

from hub.model import State
from hub.sandbox.flaws import Rates
from hub.sandbox.twins.transport import VEHICLES, TransportTwin
from hub.store.runs import Trigger
from tests.commands import until
from tests.e2e.county import County, county
from tests.e2e.systems.hall import accept, resume, standing
from tests.e2e.systems.journey import assert_one_continuous_case, local

CERTIFICATE, LICENCE = ("受理审核", "车辆核验", "制证发证"), ("受理审核", "现场核查", "审批发证")
#: What goes into which form of file: a word of the item, the endpoint's form, the steps over there.
TRADES = {"运输证配发": ("csv", CERTIFICATE), "货物运输": ("xml", LICENCE), "旅客运输": ("xlsx", LICENCE)}


def office(here: County) -> TransportTwin:
    twin = here.sandbox.twins["transport"]
    assert isinstance(twin, TransportTwin)
    return twin


def test_one_window_three_forms_of_file(tmp_path: Path) -> None:
    with county(tmp_path, "transport", "transport-view", "province", "gateway", "city", cases=0) as here:
        numbers = {item: accept(here, "YG", "张喆", "阿卜杜·依布拉", item=item, BZ='a,"b"\n<c>') for item in TRADES}
        here.rounds()
        assert here.failing() == []
        held = {one.row: one for one in here.held("transport")}
        for item, (form, steps) in TRADES.items():
            for number in numbers[item]:
                assert held[number].endpoint == form and held[number].content["备注"] == 'a,"b"\n<c>'
                assert_one_continuous_case(here, "transport-view", number, steps)
            assert [held[number].content["业户名"] for number in numbers[item]] == ["张喆", "阿卜杜·依布拉"]
        assert_files_were_published_whole(office(here))
        assert_certificates_came_back(here, [number for found in numbers.values() for number in found])


def assert_files_were_published_whole(twin: TransportTwin) -> None:
    """Check that files of each form were taken and moved away, that nothing half written lies about, and the ledger says all."""
    stats = twin.stats()  # what citizens filed online is dispatched too
    assert stats["taken"] >= 6 and (stats["refused"], stats["files"]["in"], stats["files"]["bad"]) == ({}, 0, 0)
    assert {path.suffix for path in (twin.directory / "done").iterdir()} == {".csv", ".xlsx", ".xml", ".json"}
    assert list((twin.directory / "in").iterdir()) == []
    noted = [json.loads(path.read_bytes()) for path in (twin.directory / ".published").rglob("*.json")]
    assert sum(len(note["ids"]) for note in noted) == stats["taken"]


def assert_certificates_came_back(here: County, numbers: list[str]) -> None:
    """Check numbers and validity of what was issued, and that a new vehicle of its owner is on the county's list."""
    for number in numbers:
        (result,) = local(here, number).results
        name = "道路运输证" if "运输证" in local(here, number).case["SXMC"] else "道路运输经营许可证"
        assert result["BJJGDM"] != "Y" or (result["ZJGZMC"], bool(result["ZJBH"]), bool(result["ZJYXQX"])) == (name, True, True)
    issued = here.local("SELECT ZJBH FROM T_JG WHERE ZJGZMC = '道路运输证'")
    listed = {row[0] for row in here.local("SELECT YSZH FROM T_CLXX WHERE LYXT = 'transport-view'")}
    assert len(listed) == VEHICLES + len(issued) and {row[0] for row in issued} <= listed


def test_what_gbk_lacks_is_refused_by_field_before_it_is_written(tmp_path: Path) -> None:
    with county(tmp_path, "transport", "transport-view", cases=0) as here:
        accept(here, "YG", "马䶮", "李𬎆", item="旅客运输")  # a workbook could hold it; the office's database cannot
        accept(here, "YG", "张喆", item="运输证", TXDZ="漳县𬎆家湾")
        here.rounds()
        assert {group.reason: group.count for group in here.dead("transport")} == {"业户名: encoding": 2, "业户地址: encoding": 1}
        assert here.held("transport") == [] and here.states("transport") == {State.DEAD: 3}


def test_a_folder_that_is_not_there_loses_nothing(tmp_path: Path) -> None:
    with county(tmp_path, "transport", "transport-view", cases=0) as here:
        away = office(here).directory.rename(tmp_path / "unmounted")
        accept(here, "YG", "张喆", "王堃")
        office(here).work = lambda: 0  # type: ignore[method-assign]
        here.service.ask("local", Trigger.CLI, "test")
        until(lambda: standing(here, "transport").paused or standing(here, "transport").rest_until, "nothing is sent")
        assert here.states("transport") == {State.PENDING: 2} and not office(here).directory.exists()
        away.rename(office(here).directory)
        del office(here).work
        resume(here, "transport")
        here.rounds()
        assert here.failing() == [] and len(here.held("transport")) == 2


def test_a_county_with_flaws_adds_up(tmp_path: Path) -> None:
    rates = Rates(bad_digit=0.2, missing=0.1, over_long=0.2, rare_name=0.5)
    with county(tmp_path, "transport", "transport-view", cases=120, rates=rates) as here:
        here.rounds()
        assert here.failing() == []
        assert here.sandbox.truth is not None and here.sandbox.truth.refused("transport")
        assert here.held("transport")
