"""Proves the evaluation platform: every rating goes up once, with the scale turned round, and default praise marked as such."""

from __future__ import annotations

from pathlib import Path

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
