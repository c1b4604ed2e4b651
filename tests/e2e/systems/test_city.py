"""Proves the journeys to and from the city's platform: cases up in every type, verdicts and province-handled cases down."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from hub.model import State
from hub.sandbox.flaws import Rates
from hub.sandbox.ledger import Held
from hub.sandbox.national import now
from hub.sandbox.twins.city import CityTwin
from hub.store.views import Delivery
from tests.e2e.county import County, county

TYPES = {"10", "20", "21", "22", "23", "24", "25", "30", "31", "36", "attr"}
#: Two characters only GB 18030 has, two GBK has and GB 2312 has not, and two signs strict GB 2312 lacks.
NAME = "马䶮𬎆·喆堃—"
PAUSES = {"21", "22", "23"}
#: How pauses are told: type, code and name of what begins or ends.
SUPPLEMENT = {("21", "1", "补件开始"), ("22", "2", "补件结束"), ("23", "2", "补件结束")}
SPECIAL = {("21", "3", "特殊环节开始"), ("23", "4", "特殊环节结束")}
SAMPLED, CROSSED = "失败：抽查不合格，请核实后重新报送", "失败：办结时间早于申报时间"


def test_every_type_goes_up_and_the_account_adds_up(tmp_path: Path) -> None:
    with county(tmp_path, "city", cases=60, rates=Rates().scaled(6), late=0.02) as here:
        _pause(here)
        here.rounds()
        assert here.failing() == []
        stats = here.sandbox.twins["city"].stats()
        assert set(stats["rows"]) == TYPES and all(stats["rows"].values())
        assert stats["unconfirmed"] == 0, "every row handed down is confirmed in the sister table"
        taken = {_case(here, _number(one)).state for one in here.held("city", "info") if one.content["type"] == "10"}
        assert State.CONFIRMED in taken <= {State.CONFIRMED, State.REJECTED}, "every case is answered by a feedback of its own"
        assert set(stats["refused"]) <= {SAMPLED, CROSSED}, "only what no mapping can see"
        assert SUPPLEMENT <= _pauses(here) <= SUPPLEMENT | SPECIAL, "pauses are named by their own list, not by the stages"


def test_a_correction_of_a_late_rejection_goes_as_an_update_of_the_same_row(tmp_path: Path) -> None:
    with county(tmp_path, "city", cases=20) as here:
        number = str(here.local("SELECT min(BJBH) FROM T_BJ WHERE SQRLX = '1'")[0][0])
        here.local("UPDATE T_BJ SET SQRMC = :name, LXRXM = :name WHERE BJBH = :number", name=NAME, number=number)
        twin = cast(CityTwin, here.sandbox.twins["city"])
        twin.rate = 1.0
        here.rounds()
        rejected = _case(here, number)
        assert (rejected.state, rejected.reason) == (State.REJECTED, SAMPLED)
        assert {(group.code, group.reason) for group in here.dead("city")} == {("HUB-E-121", SAMPLED)}
        before = _held(here, number)
        changed = {"number": number, "now": f"{now():%Y-%m-%d %H:%M:%S}"}
        here.local("UPDATE T_BJ SET TXDZ = '漳县三岔镇', GXSJ = :now WHERE BJBH = :number", **changed)
        here.rounds()
        corrected, after = _case(here, number), _held(here, number)
        assert (corrected.operation, corrected.state, after.row) == ("U", State.CONFIRMED, before.row)
        person = after.content["content"]["Proposer"]["Person"]
        assert (after.content["action"], person["ApplyName"], person["Address"]) == ("U", NAME, "漳县三岔镇")


def test_what_the_province_handles_comes_down_and_flows_on_but_not_back(tmp_path: Path) -> None:
    with county(tmp_path, "city", "province", cases=20) as here:
        number = _joint(here)
        here.rounds()
        assert here.failing() == []
        asked = "SELECT BJJGDM, ZJGZMC, BJZT FROM T_JG JOIN T_BJ USING (BJBH) WHERE BJBH = :number"
        assert here.local(asked, number=number) == [("Y", "省级许可证书", "03")]
        clerks = here.local("SELECT BLRXM FROM T_BZ WHERE BJBH = :number AND LYXT = 'city'", number=number)
        assert len(clerks) == 2 and clerks[0] == clerks[1], "the same name, in whatever character set it came"
        files = here.local("SELECT FJMC, NR FROM T_FJ WHERE BJBH = :number AND LYXT = 'city'", number=number)
        assert [(name, content[:5]) for name, content in files] == [("省级许可证书.pdf", b"%PDF-")]
        assert here.local("SELECT count(*) FROM T_TBCX WHERE LYXT = 'city' AND TBCXJSRQ IS NULL") == [(0,)]
        there = {one.content["project_no"] for one in here.held("province", "up_pro_result")}
        assert number in there, "the province's tables see one continuous case"
        own = {one.content["type"] for one in here.held("city", "info") if _number(one) == number}
        assert own <= {"10", "20", "24", "25"}, "nothing of it goes back"


def test_a_case_that_is_declared_void_is_deleted_where_it_was_reported(tmp_path: Path) -> None:
    with county(tmp_path, "city", cases=5) as here:
        here.rounds()
        own = {number for (number,) in here.local("SELECT BJBH FROM T_BJ")}
        number = min(own)
        steps = _below(here, number)
        _void(here, number)
        here.rounds()
        marked = {_number(one): one.content["action"] for one in here.held("city", "info") if one.content["type"] == "10"}
        assert marked.pop(number) == "D" and {marked[other] for other in own - {number}} == {"I"}, "no other case was touched"
        gone = _case(here, number)
        assert (gone.operation, gone.state) == ("D", State.CONFIRMED)
        assert _below(here, number) == steps, "what belongs to it stays as it was"


def test_a_case_that_was_void_before_it_was_reported_is_never_told(tmp_path: Path) -> None:
    with county(tmp_path, "city", cases=5) as here:
        number = str(here.local("SELECT min(BJBH) FROM T_BJ")[0][0])
        _void(here, number)
        here.rounds()
        assert number not in {_number(one) for one in here.held("city", "info")}
        assert here.sandbox.twins["city"].stats()["order_violations"] == 0, "nothing of it goes ahead either"


def _joint(here: County) -> str:
    """Make one case a joint one, and open: the hall takes it in, the province handles it; return its number."""
    number = str(here.local("SELECT min(BJBH) FROM T_BJ WHERE SSZX = ''")[0][0])
    here.local("UPDATE T_BJ SET SXLX = '4', BJZT = '02' WHERE BJBH = :number", number=number)
    for table in ("T_JG", "T_PJ", "T_FJ"):
        here.local(f"DELETE FROM {table} WHERE BJBH = :number", number=number)
    return number


def _pause(here: County) -> None:
    """Let one sound case pause for a supplement and go on."""
    assert here.sandbox.truth is not None
    flawed = {flaw.case for flaw in here.sandbox.truth.flaws}
    number = min(number for (number,) in here.local("SELECT BJBH FROM T_BJ") if number not in flawed)
    here.local(
        "INSERT INTO T_TBCX (ID, BJBH, TBCXZL, TBCXZLMC, TBCXKSRQ, TBCXJSRQ, TBCXQDLY, TBCXPZR, GXSJ)"
        " SELECT 'HUB-BZ-1', BJBH, 'BZ', '补正材料', SLSJ, SLSJ, '一次性告知补正', '陈明', GXSJ FROM T_BJ WHERE BJBH = :number",
        number=number,
    )


def _void(here: County, number: str) -> None:
    here.local("UPDATE T_BJ SET BJZT = '09', GXSJ = :now WHERE BJBH = :number", number=number, now=str(now())[:19])


def _below(here: County, number: str) -> set[tuple[str, str]]:
    """Return row and operation of every message that belongs to a case."""
    own = (one for one in here.held("city", "info") if one.content["type"] != "10" and _number(one) == number)
    return {(one.row, one.content["action"]) for one in own}


def _pauses(here: County) -> set[tuple[str, str, str]]:
    """Return type, code and name of every beginning and end of a pause."""
    nodes = (
        (one.content["type"], one.content["content"]["Node"]) for one in here.held("city", "info") if one.content["type"] in PAUSES
    )
    return {(kind, node["Code"], node["Name"]) for kind, node in nodes}


def _case(here: County, number: str) -> Delivery:
    """Return the latest delivery of a case's type 10."""
    found: list[Delivery] = [one for one in here.life(number) if one.route == "city-case"]
    return found[-1]


def _held(here: County, number: str) -> Held:
    [found] = [one for one in here.held("city", "info") if one.content["type"] == "10" and _number(one) == number]
    return found


def _number(held: Held) -> str:
    return str(held.content["content"]["ApasInfo"]["SN"])
