"""What the cursor remembers of a table's columns: nothing here needs a database."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from adapters.database.columns import compare, place_of, remember, remembered
from adapters.database.tables import Column, Shape
from adapters.database.walking import dump, load
from hub.errors import SourceFailed


def shape(**kinds: sa.types.TypeEngine[object]) -> Shape:
    columns = tuple(Column(name.lower(), name, kind, True) for name, kind in kinds.items())
    return Shape("table BJ", sa.table("bj", *(sa.column(column.name) for column in columns)), columns)


BEFORE = shape(BJBH=sa.String(20), FY=sa.Integer(), GXSJ=sa.Date(), ZT=sa.types.NullType())


def kept(one: Shape, *hidden: str) -> dict[str, str]:
    return remembered(load(dump({place_of("case"): remember(one, frozenset(hidden))})), "case")


def test_a_cursor_keeps_the_columns_without_those_a_claim_writes() -> None:
    assert kept(BEFORE, "ZT") == {"BJBH": "text", "FY": "number", "GXSJ": "time"}
    assert kept(shape(**{"two words": sa.Text()})) == {"two words": "text"}


def test_a_cursor_of_an_earlier_version_remembers_nothing() -> None:
    assert remembered(load('{"case":["2016",0,false]}'), "case") == {}
    compare({}, BEFORE, "feed case")


def test_wider_new_and_unknown_columns_are_no_change() -> None:
    now = shape(BJBH=sa.Text(), FY=sa.Numeric(10, 2), GXSJ=sa.DateTime(), ZT=sa.String(), BZ=sa.Text())
    compare(kept(BEFORE), now, "feed case")


def test_every_change_is_named() -> None:
    with pytest.raises(SourceFailed) as caught:
        compare(kept(BEFORE), shape(BJBH=sa.Integer(), FYY=sa.Integer(), ZT=sa.String()), "feed case (table BJ)")
    changes = "column FY is gone; column GXSJ is gone; column FYY is new; BJBH was text and is number"
    assert caught.value.message == f"feed case (table BJ): {changes}"
    assert (caught.value.code, caught.value.misconfigured) == ("HUB-S-320", True)
