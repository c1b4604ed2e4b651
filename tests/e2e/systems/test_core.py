"""Proves the journey of the county's own cases to the province's tables and its gateway, and that the account is strict."""

from __future__ import annotations

from pathlib import Path

from hub.sandbox.flaws import Rates
from tests.e2e.county import county


def test_the_county_reaches_province_and_gateway(tmp_path: Path) -> None:
    with county(tmp_path, "province", "gateway", rates=Rates().scaled(4), late=0.02) as here:
        here.rounds()
        assert here.failing() == []
        assert len(here.held("province")) > 100 and len(here.held("gateway")) > 40
        assert here.held("local") == [], "nothing came from outside"
