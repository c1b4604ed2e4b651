"""Proves the journey of the county's own cases to the province's tables and its gateway, and that the account is strict."""

from __future__ import annotations

from pathlib import Path

from hub.sandbox import national
from hub.sandbox.flaws import Rates
from hub.sandbox.twins.gateway import ACCEPT_ID
from tests.e2e.county import county


def test_the_county_reaches_province_and_gateway(tmp_path: Path) -> None:
    with county(tmp_path, "province", "gateway", rates=Rates().scaled(4), late=0.02) as here:
        here.rounds()
        assert here.failing() == []
        assert len(here.held("province")) > 100 and len(here.held("gateway")) > 40
        assert {one.endpoint for one in here.held("local")} == {"T_WSSQ"}, "nothing came from outside but online applications"


def test_a_case_that_is_declared_void_is_deleted_where_it_was_reported(tmp_path: Path) -> None:
    with county(tmp_path, "province", "gateway", cases=5) as here:
        here.rounds()
        own = {number for (number,) in here.local("SELECT BJBH FROM T_BJ WHERE SBLSH = ''")}
        before = {one.content["ProjectNo"] for one in here.held("gateway", ACCEPT_ID)}
        case = min(own & before)
        here.local("UPDATE T_BJ SET BJZT = '09', GXSJ = :now WHERE BJBH = :case", now=str(national.now())[:19], case=case)
        here.rounds()
        marked = {one.content["project_no"]: one.content["cd_operation"] for one in here.held("province", "up_pro_accept")}
        assert marked.pop(case) == "D" and {marked[number] for number in own - {case}} == {"I"}
        left = {one.content["ProjectNo"] for one in here.held("gateway", ACCEPT_ID)}
        assert left == before - {case}, "no other case was touched"
