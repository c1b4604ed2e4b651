"""Cases keep the order of time, and hold together."""

from __future__ import annotations

from hub.sandbox.approval import CASE_TABLES, CODES
from hub.sandbox.lifecycle import Case
from tests.unit.sandbox import bodies

COUNTY = bodies.some_cases(800)


def closed(case: Case) -> bool:
    return bool(case.rows["T_JG"])


def test_every_row_has_exactly_the_columns_of_its_table() -> None:
    for table in CASE_TABLES:
        columns = set(table.c.keys())
        assert all(set(row) == columns for case in COUNTY for row in case.rows[table.name])


def test_times_never_run_backwards() -> None:
    for case in COUNTY:
        main = case.main
        assert main["SBSJ"] <= main["SLSJ"] <= main["CNBJSJ"] and main["SLSJ"] <= main["GXSJ"]
        latest = main["SLSJ"]
        for step in case.rows["T_BZ"]:
            assert latest <= step["KSSJ"] <= (step["JSSJ"] or step["KSSJ"]) <= step["GXSJ"]
            latest = step["JSSJ"] or step["KSSJ"]
        for special in case.rows["T_TBCX"]:
            assert main["SLSJ"] <= special["TBCXKSRQ"] < special["TBCXJSRQ"]
        for result in case.rows["T_JG"]:
            assert result["BJSJ"] >= max([latest, *(special["TBCXJSRQ"] for special in case.rows["T_TBCX"])])


def test_codes_come_from_the_local_lists() -> None:
    for name, codes in CODES.items():
        table, column = name.split(".")
        seen = {row[column] for case in COUNTY for row in case.rows[table]} - {""}
        assert seen and seen <= set(codes), name


def test_every_closed_case_has_a_step_and_the_status_of_one() -> None:
    assert all(case.rows["T_BZ"] for case in COUNTY if closed(case))
    assert {case.main["BJZT"] for case in COUNTY if closed(case)} == {"03"}
    own = [case for case in COUNTY if not case.main["SSZX"]]
    assert 0.7 < sum(map(closed, own)) / len(own) < 0.9


def test_a_sub_centres_case_is_taken_in_and_handed_over() -> None:
    dispatched = [case for case in COUNTY if case.main["SSZX"]]
    assert dispatched and not any(map(closed, dispatched))
    assert all([step["HJZT"] for step in case.rows["T_BZ"]] == ["4"] for case in dispatched)
    assert any(case.rows["T_SF"] for case in dispatched), "the hall takes the fee with the case"


def test_a_refusal_says_why_and_yields_no_certificate() -> None:
    refused = [row for case in COUNTY for row in case.rows["T_JG"] if row["BJJGDM"] != "Y"]
    assert refused and all(row["BJJGMS"] and not row["ZJBH"] for row in refused)
    certified = [row for case in COUNTY for row in case.rows["T_JG"] if row["ZJGZMC"]]
    assert certified and all(row["ZJBH"] for row in certified)


def test_who_rated_a_case_is_repeated_and_who_did_not_is_marked() -> None:
    for case in COUNTY:
        levels = {row["MYD"] for row in case.rows["T_PJ"] if row["SFMR"] == "0"}
        assert levels <= {result["MYD"] for result in case.rows["T_JG"]} - {""}
        assert all(row["PJSJ"] > case.rows["T_JG"][0]["BJSJ"] for row in case.rows["T_PJ"])
    rows = [row for case in COUNTY for row in case.rows["T_PJ"]]
    automatic = [row for row in rows if row["SFMR"] == "1"]
    assert automatic and {(row["MYD"], row["PJQD"], row["CKH"]) for row in automatic} == {("5", "3", "99")}


def test_a_further_word_names_the_rating_it_is_about() -> None:
    rows = {row["ID"]: row for case in COUNTY for row in case.rows["T_PJ"]}
    further = [row for row in rows.values() if row["YPJID"]]
    assert further and all(rows[row["YPJID"]]["BJBH"] == row["BJBH"] for row in further)
    assert all(rows[row["YPJID"]]["PJSJ"] < row["PJSJ"] for row in further)


def test_case_numbers_are_unique_and_built_from_the_item_code() -> None:
    numbers = [case.number for case in COUNTY]
    assert len(set(numbers)) == len(numbers)
    assert all(len(case.number) == 43 and case.number.startswith(case.main["SXBM"]) for case in COUNTY)


def test_two_thousand_cases_make_about_twelve_thousand_messages() -> None:
    province = sum(len(rows) for case in COUNTY for table, rows in case.rows.items() if table not in ("T_SF", "T_PJ"))
    gateway = sum(len(case.rows[table]) for case in COUNTY for table in ("T_BJ", "T_JG", "T_SF"))
    social = sum(case.main["SSZX"] == "SB" for case in COUNTY)
    assert 5.5 < (province + gateway + social) / len(COUNTY) < 6.7


def test_many_rows_share_their_update_time() -> None:
    times = [row["GXSJ"] for case in COUNTY for row in case.rows["T_BZ"]]
    assert len(set(times)) < len(times)
