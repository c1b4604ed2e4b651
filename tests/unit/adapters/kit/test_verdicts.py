"""What rows of a far side's list say later, and about whom."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.kit.verdicts import ByName, VerdictReader, VerdictRule
from hub.model import Judgement, Verdict

RULES = [
    VerdictRule(path="/result", equals="N", means=Judgement.REJECTED, said="/why"),
    VerdictRule(path="/result", equals="Y", means=Judgement.CONFIRMED),
]
ONE = VerdictReader("review", "accept", "/row", "/batch", RULES)
SEVERAL = VerdictReader("review", ByName(at="/interface", names={"zx_accept": "accept"}), "/row", None, RULES)


def test_verdicts_keep_the_order_of_the_rows() -> None:
    rows = [{"row": "1", "batch": "B1", "result": "N", "why": "缺材料"}, {"row": "2", "result": "Y"}, {"row": "3", "result": ""}]
    verdicts, faults = ONE.read((str(number), row) for number, row in enumerate(rows))
    assert verdicts == (
        Verdict("accept", "1", "B1", Judgement.REJECTED, "缺材料"),
        Verdict("accept", "2", None, Judgement.CONFIRMED, ""),
    )
    assert faults == ()


@pytest.mark.parametrize(
    ("row", "place"),
    [
        ({"interface": "zx_accept2", "row": "1", "result": "N"}, "/interface"),
        ({"row": "1", "result": "Y"}, "/interface"),
        ({"interface": "zx_accept", "row": "", "result": "N"}, "/row"),
        ({"interface": "zx_accept", "result": "N"}, "/row"),
    ],
)
def test_a_verdict_about_nobody_is_a_fault(row: dict[str, Any], place: str) -> None:
    verdicts, (fault,) = SEVERAL.read([("K7", row)])
    assert (verdicts, fault.kind, fault.key, fault.code) == ((), "review", "K7", "HUB-S-408")
    assert place in fault.reason


@pytest.mark.parametrize("row", [{"interface": "other", "row": "1"}, {"row": "", "result": "later"}, {}])
def test_a_row_no_rule_matches_says_nothing(row: dict[str, Any]) -> None:
    assert SEVERAL.read([("K7", row)]) == ((), ())
