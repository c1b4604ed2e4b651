"""What a driver raises is classified by its number, and never quoted."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from adapters.database.failures import Trouble, doubt, failure, said, source_failed, trouble
from hub.errors import InDoubt, Misconfigured, Rejected, Retryable


class Driver(Exception):
    """An exception as drivers raise them."""

    sqlstate: str | None = None


def raised(
    *arguments: Any, sqlstate: str | None = None, kind: type[sa.exc.DBAPIError] = sa.exc.OperationalError
) -> sa.exc.DBAPIError:
    origin = Driver(*arguments)
    origin.sqlstate = sqlstate
    return kind("SELECT 1", {}, origin)


class OracleError:
    """What python-oracledb puts into its exceptions."""

    def __init__(self, code: int) -> None:
        self.code = code


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (raised(1062, "Duplicate entry '62' for key 'PRIMARY'", sqlstate="23000"), Trouble.DUPLICATE),
        (raised(1142, "denied", sqlstate="42000"), Trouble.FORBIDDEN),
        (raised(1146, "no table", sqlstate="42S02"), Trouble.SCHEMA),
        (raised(1366, "Incorrect string value", sqlstate="22007"), Trouble.DATA),
        (raised(1213, "Deadlock", sqlstate="40001"), Trouble.BUSY),
        (raised(2013, "Lost connection"), Trouble.UNREACHABLE),
        (raised(1049, "Unknown database", sqlstate="42000"), Trouble.LOGIN),
        (raised(1290, "read-only"), Trouble.READ_ONLY),
        (raised(1021, "Disk full"), Trouble.FULL),
        (raised("x", sqlstate="23505"), Trouble.DUPLICATE),
        (raised("x", sqlstate="23502"), Trouble.INTEGRITY),
        (raised("x", sqlstate="22001"), Trouble.DATA),
        (raised("x", sqlstate="42P01"), Trouble.SCHEMA),
        (raised("x", sqlstate="42501"), Trouble.FORBIDDEN),
        (raised("x", sqlstate="40P01"), Trouble.BUSY),
        (raised("x", sqlstate="40003"), Trouble.UNREACHABLE),
        (raised("x", sqlstate="57P01"), Trouble.UNREACHABLE),
        (raised("x", sqlstate="53100"), Trouble.FULL),
        (raised("x", sqlstate="25006"), Trouble.READ_ONLY),
        (raised('FATAL:  password authentication failed for user "hub"'), Trouble.LOGIN),
        (raised('致命错误:  数据库 "qzk" 不存在'), Trouble.LOGIN),
        (raised("connection refused"), Trouble.UNREACHABLE),
        (raised("PostgreSQL text fields cannot contain NUL (0x00) bytes", kind=sa.exc.DataError), Trouble.DATA),
        (raised(OracleError(1)), Trouble.DUPLICATE),
        (raised(OracleError(12899)), Trouble.DATA),
        (raised(OracleError(942)), Trouble.SCHEMA),
        (raised(31415, "something new"), Trouble.UNKNOWN),
        (raised("?", kind=sa.exc.IntegrityError), Trouble.INTEGRITY),
        (raised("?", kind=sa.exc.ProgrammingError), Trouble.SCHEMA),
        (raised("?", kind=sa.exc.InterfaceError), Trouble.UNREACHABLE),
        (raised("?", kind=sa.exc.NotSupportedError), Trouble.UNKNOWN),
    ],
)
def test_classes(error: sa.exc.DBAPIError, expected: Trouble) -> None:
    assert trouble(error) is expected


@pytest.mark.parametrize(
    ("number", "outcome", "code"),
    [
        (2013, Retryable, "HUB-D-301"),
        (1045, Misconfigured, "HUB-D-302"),
        (1054, Misconfigured, "HUB-D-303"),
        (1062, Rejected, "HUB-D-305"),
        (1048, Rejected, "HUB-D-306"),
        (1406, Rejected, "HUB-D-307"),
        (1205, Retryable, "HUB-D-308"),
        (31415, Retryable, "HUB-D-311"),
    ],
)
def test_outcomes(number: int, outcome: type, code: str) -> None:
    found = failure(raised(number, "words"), "accept")
    assert (type(found), found.code) == (outcome, code)
    assert found.message.startswith("accept: ")


def test_nothing_of_the_row_is_quoted() -> None:
    error = raised(1062, "Duplicate entry '王某-622421199001011234' for key 'PRIMARY'", sqlstate="23000")
    for text in (str(failure(error, "accept")), said(error), str(doubt(error, "accept")), str(source_failed(error, "feed case"))):
        assert "622421199001011234" not in text
        assert "王某" not in text
    assert said(raised(1406, "Data too long for column 'project_no' at row 3")) == "mysql 1406 project_no"
    assert isinstance(doubt(error, "accept"), InDoubt)


def test_set_up_pauses_a_source_and_an_outage_does_not() -> None:
    assert source_failed(raised(1045, "denied"), "feed case").misconfigured
    assert not source_failed(raised(2013, "lost"), "feed case").misconfigured


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (raised(1054, "Unknown column 'bj.GXSJ' in 'SELECT'"), "mysql 1054 bj.GXSJ"),
        (raised(1146, "Table 'county.bj' doesn't exist"), "mysql 1146 county.bj"),
        (raised(1142, "SELECT command denied to user 'reader'@'10.0.0.1' for table `county`.`bj`"), "mysql 1142 county.bj"),
        (raised("column bj.GXSJ does not exist\nLINE 1: SELECT", sqlstate="42703"), "SQLSTATE 42703 bj.GXSJ"),
        (raised('关系 "bj" 不存在', sqlstate="42P01"), "SQLSTATE 42P01 bj"),
        (raised("permission denied for table bj", sqlstate="42501"), "SQLSTATE 42501 bj"),
        (raised('invalid input syntax for column "王某"', sqlstate="22P02"), "SQLSTATE 22P02"),
    ],
)
def test_what_is_missing_or_forbidden_is_named(error: sa.exc.DBAPIError, expected: str) -> None:
    assert said(error) == expected
