"""Proves the evaluation platform: every rating goes up once, with the scale turned round, and default praise marked as such."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest

from hub.sandbox.street import Sandbox
from hub.sandbox.twins.evaluation import EvaluationTwin
from hub.sandbox.twins.jpaas import SM2_PRIVATE, SM2_PUBLIC
from tests.commands import Directory
from tests.e2e.county import county


def test_ratings_go_up_with_the_scale_turned_round(tmp_path: Path) -> None:
    with county(tmp_path, "evaluation") as here:
        here.rounds()
        assert here.failing() == []
        there = {one.row: one.content for one in here.held("evaluation")}
        ours = here.local("SELECT ID, MYD, SFMR, PJNR FROM T_PJ")
        assert len(ours) > 10 and set(there) == {row.ID for row in ours}
        assert all(int(there[row.ID]["satisfaction"]) + int(row.MYD) == 6 for row in ours)
        praised = {row.ID for row in ours if row.SFMR == "1"}
        assert {row for row, content in there.items() if content.get("writingEvaluation") == "系统默认好评"} == praised != set()
        assert here.sandbox.twins["evaluation"].stats()["refused"] == {}


def test_a_platform_that_demands_sm2_signatures_gets_them(tmp_path: Path) -> None:
    pytest.importorskip("gmalg", reason="gmalg is not installed (the extra `sm`)")

    def demand(sandbox: Sandbox) -> None:
        cast(EvaluationTwin, sandbox.twins["evaluation"]).public_key = SM2_PUBLIC

    def obey(directory: Directory) -> None:
        directory.change("config/systems/evaluation.yaml", ("digest: sm3", f'digest: sm2\n    private_key: "{SM2_PRIVATE}"'))

    with county(tmp_path, "evaluation", cases=10, arrange=demand, prepare=obey) as here:
        here.rounds()
        assert here.failing() == [] and here.held("evaluation")
        assert here.sandbox.twins["evaluation"].stats()["refused"] == {}
