"""The county's codes are what the standards say they are."""

from __future__ import annotations

import re

from stdnum.cn import uscc

from hub.sandbox.county import DEPARTMENTS, TOWNSHIPS, county, organisation_code


def test_the_county_has_its_thirteen_townships() -> None:
    assert len(TOWNSHIPS) == 13
    assert TOWNSHIPS["621125105"] == "殪虎桥镇"
    assert all(re.fullmatch(r"621125[12]\d\d", code) for code in TOWNSHIPS)


def test_item_codes_have_the_national_lengths_and_contain_each_other() -> None:
    for item in county(3).items:
        assert (len(item.catalogue), len(item.task), len(item.handle)) == (12, 31, 33)
        assert item.task == item.department.credit_code + item.task[18] + item.catalogue
        assert item.task[18] == ("4" if item.department.division == "621125" else "5")
        assert item.handle.startswith(item.task)


def test_every_department_has_a_valid_credit_code_of_its_own() -> None:
    codes = {item.department.name: item.department.credit_code for item in county(3).items}
    assert len(codes) == len(set(codes.values())) == len(DEPARTMENTS) + len(TOWNSHIPS)
    assert all(uscc.is_valid(code) for code in codes.values())


def test_the_county_is_the_same_for_the_same_seed_only() -> None:
    assert county(3) == county(3)
    assert county(3) != county(4)


def test_about_a_tenth_of_the_cases_is_social_security() -> None:
    whole = county(1)
    share = sum(weight for item, weight in zip(whole.items, whole.weights, strict=True) if item.centre == "SB") / sum(whole.weights)
    assert 0.08 < share < 0.12


def test_organisation_code_check_characters() -> None:
    assert organisation_code("01389717") == "013897179"  # 甘肃省人民政府办公厅
    assert organisation_code("01018385") == "010183859"
