"""The 权责清单 holds together: codes as the national rule has them, every code in its list, nothing without its item."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa
from stdnum.cn import uscc

from hub.sandbox.approval import create
from hub.sandbox.approval_items import ITEM_CODES, ITEM_TABLES, T_QZQD
from hub.sandbox.county import county
from hub.sandbox.flaws import GroundTruth, Rates
from hub.sandbox.powerlist import enter, powers, revise

LIST = powers(3)
ITEMS = {row["ID"]: row for row in LIST["T_QZQD"]}


def test_every_row_has_exactly_the_columns_of_its_table_and_fits_them() -> None:
    for table in ITEM_TABLES:
        lengths = {column.name: getattr(column.type, "length", None) for column in table.c}
        for row in LIST[table.name]:
            assert set(row) == set(lengths)
            assert all(len(value) <= (lengths[name] or 10**6) for name, value in row.items() if isinstance(value, str))


def test_codes_are_built_as_the_national_rule_says() -> None:
    for row in ITEMS.values():
        assert uscc.is_valid(row["SSBMBM"])
        assert row["SXBM"] == row["SSBMBM"] + row["EXERCISE_LEVEL"] + row["JBBM"] and row["FSXBM"] == row["SXBM"] + "01"
        assert re.fullmatch(r"62\d{10}", row["JBBM"])
    assert len({row["SXBM"] for row in ITEMS.values()}) == len(ITEMS)


def test_every_item_of_the_hall_is_in_the_list() -> None:
    assert {item.task for item in county(3).items} <= {row["SXBM"] for row in ITEMS.values()}


@pytest.mark.parametrize("name", list(ITEM_CODES))
def test_codes_come_from_the_local_lists(name: str) -> None:
    table, column = name.split(".")
    seen = {row[column] for row in LIST[table]} - {""}
    assert seen and seen <= set(ITEM_CODES[name])


def test_every_nature_is_there() -> None:
    assert {row["SXXZ"] for row in ITEMS.values()} == set(ITEM_CODES["T_QZQD.SXXZ"])


def test_what_belongs_to_an_item_says_so_and_has_its_nature() -> None:
    for table in ITEM_TABLES[1:]:
        assert len({row["ID"] for row in LIST[table.name]}) == len(LIST[table.name])
        for row in LIST[table.name]:
            item = ITEMS[row["SXID"]]
            assert (row["SXBM"], row["FSXBM"], row["SXXZ"]) == (item["SXBM"], item["FSXBM"], item["SXXZ"])
    assert {row["SXXZ"] for row in LIST["T_QZWT"]} == set(ITEM_CODES["T_QZQD.SXXZ"])
    assert {"XK", "GG", "ZS"} <= {row["SXXZ"] for row in LIST["T_QZCL"]}


def test_only_a_punishment_says_what_it_punishes_and_only_a_levy_what_it_levies() -> None:
    assert {row["SXXZ"] for row in ITEMS.values() if row["CFZL"]} == {"CF"}
    assert {row["SXXZ"] for row in ITEMS.values() if row["ZSZL"]} == {"ZS"}


def test_the_list_is_entered_once_and_a_revision_is_its_next_version() -> None:
    engine, truth = create("sqlite://"), GroundTruth()
    with engine.begin() as connection:
        enter(connection, 3, Rates(), truth)
        enter(connection, 3, Rates(), truth)
        [flaw] = truth.flaws
        assert (truth.rows["T_QZQD"], flaw.table, flaw.refused_by) == (len(ITEMS), "T_QZQD", frozenset({"province"}))
        assert connection.scalar(sa.select(T_QZQD.c.EXERCISE_LEVEL).filter_by(ID=flaw.key)) == "8"
        revise(connection, "QZ0001", {"CNQXGZR": 1}, "2026-03-04 10:00:00")
        changed = connection.execute(sa.select(T_QZQD.c.SXBB, T_QZQD.c.CNQXGZR, T_QZQD.c.GXSJ).filter_by(ID="QZ0001")).one()
        assert tuple(changed) == (2, 1, "2026-03-04 10:00:00")
    engine.dispose()
