"""What a status column says about a row: the database that chose the row by it also says which of the two lists it was."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import pytest
import sqlalchemy as sa

from adapters.database.connection import Connections
from adapters.database.options import DatabaseOptions
from adapters.database.spreading import spread
from adapters.database.tables import Tables
from adapters.database.verdicts import Judge
from hub.errors import SourceFailed
from hub.model import Unreadable
from tests.databases import adapter, ddl, engine, run

#: The column, what stands in it, the values that mean rejected and confirmed, and what comes of it on each database.
CASES: dict[str, tuple[str, str, list[Any], list[Any], dict[str, str]]] = {
    "padded": ("CHAR(2)", "'N'", ["N"], ["Y"], {"": "rejected"}),
    "other case": ("VARCHAR(5)", "'n'", ["N"], ["Y"], {"mysql": "rejected", "": ""}),
    "blank behind": ("VARCHAR(5)", "'N '", ["N"], ["Y"], {"mysql": "rejected", "": ""}),
    "truth": ("BOOLEAN", "false", [0], [1], {"": "rejected"}),
    "decimals": ("NUMERIC(5,1)", "2", [2], [1], {"": "rejected"}),
    "leading zero": ("INTEGER", "2", ["02"], ["01"], {"": "rejected"}),
    "confirmed with a leading zero": ("INTEGER", "1", ["02"], ["01"], {"": "confirmed"}),
    "nothing is a refusal": ("VARCHAR(5)", "NULL", [None], ["1"], {"": "rejected"}),
    "nothing is a confirmation": ("VARCHAR(5)", "NULL", ["2"], [None], {"": "confirmed"}),
    "rejected alone": ("VARCHAR(5)", "'2'", ["2"], [], {"": "rejected"}),
    "confirmed alone": ("VARCHAR(5)", "'1'", [], ["1"], {"": "confirmed"}),
    "neither": ("VARCHAR(5)", "'3'", ["2"], ["1"], {"": ""}),
    "both": ("VARCHAR(5)", "'1'", ["1"], ["1"], {"": "rejected"}),
}


def told(rejected: list[Any], confirmed: list[Any]) -> dict[str, Any]:
    status = {"column": "st", "rejected": rejected, "confirmed": confirmed}
    rule = {"endpoint": "accept", "row": "id", "key": "id", "time": "changed", "overlap": "7d", "status": status}
    return {"endpoints": {"accept": {"table": "up_accept", "key": "id"}}, "feedback": [rule]}


def fill(one: sa.Engine, kind: str, value: str) -> None:
    ddl(one, f"CREATE TABLE up_accept (id VARCHAR(40) PRIMARY KEY, st {kind}, changed {{datetime}})")
    run(one, f"INSERT INTO up_accept VALUES ('G1', {value}, '2026-01-01 00:00:00')")


@pytest.mark.parametrize("case", CASES)
def test_a_rejection_is_no_confirmation(database_url: str, case: str) -> None:
    kind, value, rejected, confirmed, meant = CASES[case]
    with engine(database_url) as over_there, adapter(database_url, **told(rejected, confirmed)) as subject:
        fill(over_there, kind, value)
        pages = list(subject.verdicts(None))
        expected = meant.get(over_there.dialect.name, meant[""])
        assert [str(one.judgement) for page in pages for one in page.verdicts] == ([expected] if expected else [])
        assert [fault for page in pages for fault in page.faults] == []


def test_a_row_in_neither_list_is_a_fault(database_url: str) -> None:
    """A row that the database found by both lists together and by neither alone is not guessed about."""
    options = DatabaseOptions.model_validate({"url": database_url, **told(["2"], ["1"])})
    connections = Connections(options)
    with engine(database_url) as over_there, closing(connections):
        fill(over_there, "VARCHAR(5)", "'1'")
        judge = Judge(spread(options)[0], connections, Tables(connections, None), options.max_field)
        row = {**dict.fromkeys(judge.names), "id": "G1", "st": "1", "changed": "2026-01-01 00:00:00"}
        said = "st holds neither a value of `confirmed` nor one of `rejected`, by the database's own comparison"
        assert judge.records([list(row.values())]) == ((), (Unreadable("accept", "G1", "HUB-S-318", said),))


def test_a_value_the_column_cannot_hold_is_a_fault_of_the_configuration(database_url: str) -> None:
    with engine(database_url) as over_there, adapter(database_url, **told(["不合格"], ["1"])) as subject:
        fill(over_there, "INTEGER", "1")
        with pytest.raises(SourceFailed, match="no such value in st: not a number") as caught:
            list(subject.verdicts(None))
        assert caught.value.misconfigured
