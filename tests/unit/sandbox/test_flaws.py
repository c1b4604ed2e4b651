"""The account of what is wrong is exact: an independent look at the rows finds the same, no more and no less."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest
from stdnum.cn import uscc

from hub.sandbox.approval import CODES
from hub.sandbox.flaws import CENTRES, Flaw, FlawKind, GroundTruth, Rates, spoil
from hub.sandbox.generator import cases
from hub.sandbox.lifecycle import Case
from hub.sandbox.national import identity_is_valid

MANY = Rates(0.08, 0.08, 0.08, 0.03, 0.08, 0.05, 0.05, rare_name=0.3)
LIMITS = {("T_BJ", "SQRMC"): 100, ("T_BJ", "SBXMMC"): 1000, ("T_BZ", "BLYJ"): 2000, ("T_CL", "CLMC"): 200}
PAIRS = {"T_BJ": ("SBSJ", "SLSJ"), "T_BZ": ("KSSJ", "JSSJ"), "T_TBCX": ("TBCXKSRQ", "TBCXJSRQ")}


def county(rates: Rates) -> tuple[list[Case], list[Flaw]]:
    rng = Random("spoil")
    made = list(cases(1500, seed=5, rates=rates))
    return made, [flaw for case in made for flaw in spoil(case, rng, rates)]


def findings(case: Case) -> Iterator[tuple[FlawKind, str, str]]:
    """Look at a case with fresh eyes."""
    main = case.main
    valid = identity_is_valid if main["SQRZJLX"] == "SF" else uscc.is_valid
    if not valid(main["SQRZJHM"]):
        yield FlawKind.BAD_DIGIT, "T_BJ", case.number
    if not main["SQRMC"]:
        yield FlawKind.MISSING, "T_BJ", case.number
    for table, rows in case.rows.items():
        for row in rows:
            yield from ((kind, table, row.get("ID", case.number)) for kind in row_findings(table, row))
    for result in case.rows["T_JG"]:
        if result["BJSJ"] < main["SLSJ"]:
            yield FlawKind.CROSSED, "T_JG", result["ID"]
    if set("䶮㛃𬎆") & set(main["SQRMC"] + main["SBXMMC"] + main["LXRXM"]):
        yield FlawKind.OUTSIDE_GBK, "T_BJ", case.number


def row_findings(table: str, row: dict[str, str]) -> Iterator[FlawKind]:
    if any(len(row[column]) > limit for (name, column), limit in LIMITS.items() if name == table):
        yield FlawKind.OVER_LONG
    for name, codes in CODES.items():
        if name.startswith(f"{table}.") and row[name.split(".")[1]] not in {*codes, ""}:
            yield FlawKind.UNKNOWN_CODE
    first, second = PAIRS.get(table, ("GXSJ", "GXSJ"))
    if row[second] and row[first] > row[second]:
        yield FlawKind.DISORDER


def test_the_account_is_exact() -> None:
    made, flaws = county(MANY)
    told = {(flaw.kind, flaw.table, flaw.key) for flaw in flaws if flaw.kind is not FlawKind.FILLER}
    seen = {finding for case in made for finding in findings(case)}
    assert seen == told
    assert {flaw.kind for flaw in flaws} == set(FlawKind) - {FlawKind.UNREADABLE}


def test_without_rates_nothing_is_wrong() -> None:
    made, flaws = county(Rates.none())
    assert not flaws and not [finding for case in made for finding in findings(case)]


def test_default_rates_spoil_one_to_three_in_a_hundred() -> None:
    _, flaws = county(Rates())
    fatal = [flaw for flaw in flaws if flaw.refused_by]
    assert 10 < len(fatal) < 50


@pytest.mark.parametrize("system", ["province", "gateway", "supervision", *CENTRES])
def test_a_sub_centre_refuses_only_its_own_cases(system: str) -> None:
    made, flaws = county(MANY)
    truth = GroundTruth(flaws=flaws)
    own = {case.number for case in made if case.main["SSZX"] == CENTRES.get(system, case.main["SSZX"])}
    keys = {key for table, key in truth.refused(system) if table == "T_BJ"}
    assert keys and keys <= own


def test_crossed_times_are_noticed_late_and_by_the_province_only() -> None:
    _, flaws = county(MANY)
    truth = GroundTruth(flaws=flaws)
    assert {flaw.kind for flaw in flaws if flaw.late} == {FlawKind.CROSSED}
    assert truth.refused("province", late=True) and not truth.refused("gateway", late=True)
    assert not truth.refused("province", late=True) & truth.refused("province")


def test_scaled_rates() -> None:
    assert Rates().scaled(2).bad_digit == 2 * Rates().bad_digit
    assert Rates().scaled(0).scaled(5) == Rates().scaled(0)
    assert Rates().scaled(2).closed == Rates().closed
