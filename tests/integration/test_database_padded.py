"""Columns of fixed width: some databases fill them with blanks, which belong to no value. One body, three databases."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from hub.model import Operation, Unreadable
from tests.databases import ACCEPT, UP_PRO_ACCEPT, adapter, ddl, engine, keys, records, rows, run

PERMIT = """
CREATE TABLE permit (
  county CHAR(10) NOT NULL, number CHAR(10) NOT NULL, note CHAR(20), gone CHAR(2), state CHAR(4), changed {datetime} NOT NULL,
  PRIMARY KEY (county, number)
)"""
FEED: dict[str, Any] = {"table": "permit", "key": ["county", "number"], "time": "changed", "page": 1}


def fill(one: sa.Engine, *numbers: int, state: str = "0", gone: str = "") -> None:
    ddl(one, PERMIT)
    sql = "INSERT INTO permit VALUES ('zx', :n, ' a b', :gone, :state, '2016-12-13 09:00:00')"
    run(one, sql, *({"n": f"n{n}", "state": state, "gone": gone} for n in numbers))


def test_values_and_keys_are_without_the_blanks_behind(database_url: str) -> None:
    with engine(database_url) as over_there, adapter(database_url, feeds={"permit": FEED}) as subject:
        fill(over_there, 1)
        (record,) = records(list(subject.read(None)))
        assert record.key == "zx|n1"
        told = {"county": "zx", "number": "n1", "note": " a b", "gone": "", "state": "0", "changed": "2016-12-13 09:00:00"}
        assert record.data == told


def test_every_row_is_read_page_by_page(database_url: str) -> None:
    with engine(database_url) as over_there, adapter(database_url, feeds={"permit": FEED}) as subject:
        fill(over_there, 1, 2, 3)
        pages = list(subject.read(None))
        assert keys(pages) == ["zx|n1", "zx|n2", "zx|n3"]
        assert keys(list(subject.read(pages[0].cursor))) == ["zx|n2", "zx|n3"]


def test_a_flag_says_that_a_record_is_gone(database_url: str) -> None:
    feed = {**FEED, "deleted": {"column": "gone", "in": ["D"]}}
    with engine(database_url) as over_there, adapter(database_url, feeds={"permit": feed}) as subject:
        fill(over_there, 1, gone="D")
        assert [record.operation for record in records(list(subject.read(None)))] == [Operation.DELETE]


def test_rows_are_claimed_and_written_back(database_url: str) -> None:
    claim = {"status": "state", "new": ["0"], "taken": "1", "failed": "9"}
    with engine(database_url) as over_there, adapter(database_url, feeds={"permit": {**FEED, "claim": claim}}) as subject:
        fill(over_there, 1, 2)
        assert keys(list(subject.read(None))) == ["zx|n1", "zx|n2"]
        assert rows(over_there, "SELECT DISTINCT TRIM(state) FROM permit") == [("1",)]
        assert keys(list(subject.read(None))) == []


def test_a_confirmed_row_is_not_read_again(database_url: str) -> None:
    confirm = {"table": "permitsync", "by": {"n": "number"}, "set": {"c": {"column": "county"}}}
    with engine(database_url) as over_there, adapter(database_url, feeds={"permit": {**FEED, "confirm": confirm}}) as subject:
        fill(over_there, 1, 2)
        ddl(over_there, "CREATE TABLE permitsync (n VARCHAR(40) PRIMARY KEY, c VARCHAR(40))")
        assert keys(list(subject.read(None))) == ["zx|n1", "zx|n2"]
        assert rows(over_there, "SELECT n, c FROM permitsync ORDER BY n") == [("n1", "zx"), ("n2", "zx")]
        assert keys(list(subject.read(None))) == []


def test_children_find_their_parent(database_url: str) -> None:
    feed = {**FEED, "children": {"papers": {"table": "paper", "key": ["permit"], "parent": ["number"], "order": "seq"}}}
    with engine(database_url) as over_there, adapter(database_url, feeds={"permit": feed}) as subject:
        fill(over_there, 1, 2)
        ddl(over_there, "CREATE TABLE paper (permit CHAR(15), seq INTEGER, name CHAR(9))")
        run(over_there, "INSERT INTO paper VALUES ('n2', 1, 'ID')")
        found = {record.key: record.data["papers"] for record in records(list(subject.read(None)))}
        assert found == {"zx|n1": [], "zx|n2": [{"permit": "n2", "seq": 1, "name": "ID"}]}


def test_the_row_a_verdict_names(database_url: str) -> None:
    rule = {"endpoint": "accept", "table": "wrong", "row": "row_id", "batch": "batch", "said": "why", "judgement": "rejected",
            "key": "number", "time": "told"}  # fmt: skip
    with engine(database_url) as over_there, adapter(database_url, endpoints={"accept": ACCEPT}, feedback=[rule]) as subject:
        ddl(over_there, UP_PRO_ACCEPT)
        ddl(over_there, "CREATE TABLE wrong (number CHAR(10), row_id CHAR(50), batch CHAR(32), why CHAR(20), told {datetime})")
        run(over_there, "INSERT INTO wrong VALUES ('e1', 'G00001', 'B0001', '缺材料', '2016-12-13 10:00:00')")
        (verdict,) = (one for page in subject.verdicts(None) for one in page.verdicts)
        assert (verdict.row, verdict.batch, verdict.said, verdict.told) == ("G00001", "B0001", "缺材料", "wrong e1")


@pytest.mark.parametrize("way", ["claim", "confirm"])
def test_a_row_that_cannot_be_read_is_not_said_to_be_taken(database_url: str, way: str) -> None:
    """The keys of faults are as the database tells them, those of records as JSON has them: a row is known by its place."""
    told = {
        "claim": {"status": "state", "new": ["0"], "taken": "1", "failed": "9"},
        "confirm": {"table": "permitsync", "by": {"n": "number"}, "set": {"c": "1"}, "failed": {"c": "9"}},
    }
    feed = {**FEED, "page": 10, "key": ["county", "number"], way: told[way], "documents": {"note": {}}}
    with engine(database_url) as over_there, adapter(database_url, feeds={"permit": feed}) as subject:
        fill(over_there, 1, 2)
        ddl(over_there, "CREATE TABLE permitsync (n VARCHAR(40) PRIMARY KEY, c VARCHAR(40))")
        run(over_there, "UPDATE permit SET note = '<a>1</a>' WHERE number = 'n1'")
        pages = list(subject.read(None))
        assert keys(pages) == ["zx|n1"]
        assert [fault for page in pages for fault in page.faults] == [
            Unreadable("permit", "zx|n2", "HUB-S-316", "column note is no readable XML at line 1, column 1")
        ]
        statuses = {"claim": "SELECT TRIM(state) FROM permit ORDER BY number", "confirm": "SELECT c FROM permitsync ORDER BY n"}
        assert rows(over_there, statuses[way]) == [("1",), ("9",)]
