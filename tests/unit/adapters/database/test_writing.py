"""A body's values become a column's values, or are refused with a reason that does not quote them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from adapters.database.reading import LOCAL, Unfit
from adapters.database.writing import converter, moment


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (sa.String(50), "王䶮", "王䶮"),
        (sa.String(50), 621, "621"),
        (sa.Text(), "", ""),
        (sa.Integer(), "0042", 42),
        (sa.Integer(), 3.0, 3),
        (sa.Integer(), "", None),
        (sa.Integer(), True, 1),
        (sa.Numeric(10, 2), "12.50", Decimal("12.50")),
        (sa.Float(), "1.5", 1.5),
        (sa.Boolean(), "否", False),
        (sa.Boolean(), 1, True),
        (sa.Date(), "2016-12-13 09:00:00", date(2016, 12, 13)),
        (sa.Time(), "09:30:00", time(9, 30)),
        (sa.DateTime(), "2016-12-13T01:00:00+00:00", datetime(2016, 12, 13, 9)),
        (sa.DateTime(timezone=True), "2016-12-13 09:00:00", datetime(2016, 12, 13, 9, tzinfo=LOCAL)),
        (mysql.TINYINT(display_width=1), "是", True),
        (mysql.TINYINT(display_width=1), "2", 2),
        (mysql.LONGBLOB(), "漳", "漳".encode("gbk")),
        (sa.JSON(), {"a": [1]}, '{"a":[1]}'),
    ],
)
def test_conversions(kind: sa.types.TypeEngine[Any], value: object, expected: object) -> None:
    assert converter(kind, "postgresql", text_bytes="gbk").many([value, None]) == [expected, None]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (sa.String(2), "漳县区"),
        (sa.String(9), True),
        (sa.String(9), ["a"]),
        (sa.Integer(), "secret"),
        (sa.Integer(), "1e400.5"),
        (sa.Numeric(), "NaN"),
        (sa.Float(), "Infinity"),
        (sa.DateTime(), "secret"),
        (sa.DateTime(), "20161313000000"),
        (sa.Time(), "secret"),
        (sa.Boolean(), "secret"),
        (sa.LargeBinary(), "䶮"),
    ],
)
def test_refusals_do_not_quote(kind: sa.types.TypeEngine[Any], value: object) -> None:
    subject = converter(kind, "postgresql", text_bytes="gbk")
    with pytest.raises(Unfit):
        subject.many([value])
    with pytest.raises(Unfit) as caught:
        subject.one(value)
    assert str(value) not in caught.value.reason


def test_bytes_need_a_declaration() -> None:
    with pytest.raises(Unfit) as caught:
        converter(sa.LargeBinary(), "sqlite").one("x")
    assert caught.value.code == "HUB-D-313"
    assert converter(sa.LargeBinary(), "sqlite", as_base64=True).one("AAE=") == b"\x00\x01"


def test_sqlite_keeps_times_and_decimals_as_text() -> None:
    assert converter(sa.DateTime(), "sqlite").one("20161213090000") == "2016-12-13 09:00:00"
    assert converter(sa.Date(), "sqlite").one("2016-12-13") == "2016-12-13"
    assert converter(sa.Numeric(), "sqlite").one("1.50") == "1.50"


def test_moment_is_beijing_time() -> None:
    assert moment(datetime(2016, 12, 13, 1, tzinfo=UTC)) == datetime(2016, 12, 13, 9)
    assert moment("20161213") == datetime(2016, 12, 13)
    assert moment("") is None
