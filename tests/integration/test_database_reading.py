"""Reading tables and queries: cursors, overlap, conversion, broken rows. One body, three databases."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from adapters.database.reading import LOCAL
from hub.errors import SourceFailed
from hub.model import Operation, Page
from tests.databases import BJ, adapter, ddl, engine, keys, records, run

CASE = {"table": "BJ", "key": "BJBH", "time": "GXSJ", "page": 3}
NOON = datetime(2016, 12, 13, 12, 0, 0)


def insert(one: sa.Engine, *cases: dict[str, Any]) -> None:
    """Insert cases; times are given as seconds after noon."""
    columns = ["BJBH", "SQRMC", "SQSJ", "GXSJ", "FY", "SFYX"]
    quote = one.dialect.identifier_preparer.quote_identifier
    sql = f"INSERT INTO {quote('BJ')} ({', '.join(map(quote, columns))}) VALUES ({', '.join(':' + name for name in columns)})"
    for case in cases:
        run(one, sql, {**dict.fromkeys(columns), **case, "GXSJ": moment(case.get("GXSJ"))})


def moment(seconds: object) -> str | None:
    return str(NOON + timedelta(seconds=seconds)) if isinstance(seconds, int) else None


def last(pages: list[Page]) -> str | None:
    return pages[-1].cursor


def test_pages_follow_time_then_key_across_equal_times(database_url: str) -> None:
    with engine(database_url) as over_there, adapter(database_url, feeds={"case": CASE}) as subject:
        ddl(over_there, BJ)
        insert(over_there, *({"BJBH": f"K{n}", "GXSJ": n // 5} for n in (7, 3, 1, 4, 0, 8, 2, 9, 6, 5)))
        pages = list(subject.read(None))
    assert keys(pages) == [f"K{n}" for n in range(10)]
    assert [len(page.records) for page in pages] == [3, 3, 3, 1]


def test_late_commit_behind_the_cursor_is_found_within_the_overlap(database_url: str) -> None:
    with engine(database_url) as over_there, adapter(database_url, feeds={"case": {**CASE, "overlap": "5m"}}) as subject:
        ddl(over_there, BJ)
        insert(over_there, {"BJBH": "A", "GXSJ": 0}, {"BJBH": "C", "GXSJ": 600})
        cursor = last(list(subject.read(None)))
        insert(over_there, {"BJBH": "B", "GXSJ": 400})  # its transaction began before C's and ended after it
        assert "B" in keys(list(subject.read(cursor)))


def test_late_commit_in_the_middle_of_a_broken_walk_is_found_by_the_next(database_url: str) -> None:
    with engine(database_url) as over_there, adapter(database_url, feeds={"case": {**CASE, "overlap": "5m"}}) as subject:
        ddl(over_there, BJ)
        insert(over_there, *({"BJBH": f"K{n}", "GXSJ": n * 10} for n in range(8)))
        reading = subject.read(None)
        first = next(reading)
        reading.close()
        insert(over_there, {"BJBH": "LATE", "GXSJ": 5})
        rest = list(subject.read(first.cursor))
        assert keys(rest) == ["K3", "K4", "K5", "K6", "K7"]
        assert "LATE" in keys(list(subject.read(last(rest))))


def test_what_is_written_while_the_feeds_before_are_read_waits_for_its_forerunners(database_url: str) -> None:
    """A step and then its result, written after the steps were read: the result alone would go up before its step."""
    feeds = {kind: {"table": kind, "key": "id", "time": "changed", "page": 2, "overlap": "5m"} for kind in ("step", "result")}
    with engine(database_url) as over_there, adapter(database_url, feeds=feeds) as subject:
        for kind in feeds:
            ddl(over_there, f"CREATE TABLE {kind} (id VARCHAR(9) PRIMARY KEY, changed {{datetime}})")
            add(over_there, kind, *(f"{kind[0]}{n}" for n in range(5)))
        reading = subject.read(None)
        pages = [next(reading), next(reading), next(reading)]  # all steps
        assert keys(pages) == [f"s{n}" for n in range(5)]
        add(over_there, "step", "s9", at=9)
        add(over_there, "result", "r9", at=9)
        pages += list(reading)
        assert keys(pages)[5:] == [f"r{n}" for n in range(5)]
        again = keys(list(subject.read(last(pages))))
        assert again.index("s9") < again.index("r9")


def add(one: sa.Engine, table: str, *names: str, at: int = 0) -> None:
    run(one, f"INSERT INTO {table} VALUES (:id, :at)", *({"id": name, "at": moment(at)} for name in names))


def test_quiet_table_is_not_read_again_until_something_changes(database_url: str) -> None:
    with engine(database_url) as over_there, adapter(database_url, feeds={"case": CASE}) as subject:
        ddl(over_there, BJ)
        insert(over_there, *({"BJBH": f"K{n}", "GXSJ": 0} for n in range(8)))
        cursor = last(list(subject.read(None)))
        assert list(subject.read(cursor)) == []
        insert(over_there, {"BJBH": "K9", "GXSJ": 0})
        assert "K9" in keys(list(subject.read(cursor)))


def test_lively_table_is_read_again_although_its_count_is_the_same(database_url: str) -> None:
    recent = datetime.now(LOCAL).replace(tzinfo=None) - timedelta(
        seconds=1
    )  # a second change within the same second must not be missed
    with engine(database_url) as over_there, adapter(database_url, feeds={"case": CASE}) as subject:
        ddl(over_there, BJ)
        insert(over_there, {"BJBH": "A", "GXSJ": int((recent - NOON).total_seconds())})
        cursor = last(list(subject.read(None)))
        assert keys(list(subject.read(cursor))) == ["A"]


def test_a_mistyped_year_does_not_carry_the_cursor_along(database_url: str) -> None:
    century = 3_000_000_000
    with engine(database_url) as over_there, adapter(database_url, feeds={"case": CASE}) as subject:
        ddl(over_there, BJ)
        insert(over_there, {"BJBH": "A", "GXSJ": 0}, {"BJBH": "Z", "GXSJ": century})
        pages = list(subject.read(None))
        assert keys(pages) == ["A", "Z"]
        insert(over_there, {"BJBH": "B", "GXSJ": 60})
        assert "B" in keys(list(subject.read(last(pages))))


def test_text_times_with_one_that_is_none(database_url: str) -> None:
    table = "CREATE TABLE steps (id INTEGER PRIMARY KEY, changed VARCHAR(19))"
    feed = {"table": "steps", "key": "id", "time": "changed", "overlap": "1m"}
    with engine(database_url) as over_there, adapter(database_url, feeds={"step": feed}) as subject:
        ddl(over_there, table)
        run(over_there, "INSERT INTO steps VALUES (:id, :t)", {"id": 1, "t": "2016-12-13 09:00:00"}, {"id": 2, "t": "待定"})
        run(over_there, "INSERT INTO steps VALUES (:id, :t)", {"id": 3, "t": ""}, {"id": 4, "t": None})
        pages = list(subject.read(None))
        assert sorted(keys(pages)) == ["1", "2"]
        assert sorted(fault.key for page in pages for fault in page.faults) == ["3", "4"]
        run(over_there, "INSERT INTO steps VALUES (5, '2016-12-13 08:59:30')")
        run(over_there, "INSERT INTO steps VALUES (6, '2016-12-14 08:59:30')")
        assert {"5", "6"} <= set(keys(list(subject.read(last(pages)))))


def test_integer_versions(database_url: str) -> None:
    feed = {"table": "steps", "key": "id", "time": "ver", "overlap": 10, "page": 2}
    with engine(database_url) as over_there, adapter(database_url, feeds={"step": feed}) as subject:
        ddl(over_there, "CREATE TABLE steps (id INTEGER PRIMARY KEY, ver INTEGER NOT NULL)")
        run(over_there, "INSERT INTO steps VALUES (:id, :v)", *({"id": n, "v": 100 + n} for n in range(5)))
        cursor = last(list(subject.read(None)))
        run(over_there, "INSERT INTO steps VALUES (77, 95)")
        assert "77" in keys(list(subject.read(cursor)))


def test_composite_key_is_joined_and_paged(database_url: str) -> None:
    feed = {"table": "done", "key": ["ORGBUSNO", "DATAVER"], "time": "MAKETIME", "page": 2}
    with engine(database_url) as over_there, adapter(database_url, feeds={"done": feed}) as subject:
        ddl(over_there, "CREATE TABLE done ({ORGBUSNO} VARCHAR(30), {DATAVER} INTEGER, {MAKETIME} {datetime})")
        quote = over_there.dialect.identifier_preparer.quote_identifier
        columns = ", ".join(map(quote, ("ORGBUSNO", "DATAVER", "MAKETIME")))
        sql = f"INSERT INTO done ({columns}) VALUES (:no, :ver, '2016-12-13 09:00:00')"
        run(over_there, sql, *({"no": no, "ver": ver} for no in ("B", "A") for ver in (10, 9, 1)))
        assert keys(list(subject.read(None))) == ["A|1", "A|9", "A|10", "B|1", "B|9", "B|10"]


def test_values_become_json_and_names_keep_their_case(database_url: str) -> None:
    with engine(database_url) as over_there, adapter(database_url, feeds={"case": CASE}) as subject:
        ddl(over_there, BJ)
        insert(over_there, {"BJBH": "0621125", "SQRMC": "王䶮𬎆", "SQSJ": "2016-12-13 09:30:00", "GXSJ": 0, "FY": "12.50"})
        (record,) = records(list(subject.read(None)))
    fee = record.data["FY"]
    assert {**record.data, "FY": None} == {
        "BJBH": "0621125",
        "SQRMC": "王䶮𬎆",
        "SQSJ": "2016-12-13 09:30:00",
        "GXSJ": "2016-12-13 12:00:00",
        "FY": None,
        "SFYX": None,
    }
    assert fee in ("12.50", 12.5)  # SQLite keeps no decimals
    assert json.dumps(record.data)


def test_names_are_found_whatever_their_case(database_url: str) -> None:
    feed = {"table": "bj", "key": "bjbh", "time": "gxsj"}
    with engine(database_url) as over_there, adapter(database_url, feeds={"case": feed}) as subject:
        ddl(over_there, BJ.replace("{BJ} ", "{Bj} "))
        quote = over_there.dialect.identifier_preparer.quote_identifier
        run(over_there, f"INSERT INTO {quote('Bj')} ({quote('BJBH')}, {quote('GXSJ')}) VALUES ('A', '2016-12-13 09:00:00')")
        (record,) = records(list(subject.read(None)))
    assert record.data["BJBH"] == "A"


def test_revision_column_and_deleted_flag(database_url: str) -> None:
    feed = {**CASE, "revision": "GXSJ", "deleted": {"column": "SFYX", "in": ["0"]}}
    with engine(database_url) as over_there, adapter(database_url, feeds={"case": feed}) as subject:
        ddl(over_there, BJ)
        insert(over_there, {"BJBH": "A", "GXSJ": 0, "SFYX": "1"}, {"BJBH": "B", "GXSJ": 1, "SFYX": "0"})
        found = records(list(subject.read(None)))
    assert [(record.revision, record.operation) for record in found] == [
        ("2016-12-13 12:00:00", Operation.UPDATE),
        ("2016-12-13 12:00:01", Operation.DELETE),
    ]


def test_query_feed_fills_in_missing_times(database_url: str) -> None:
    with engine(database_url) as over_there:
        ddl(over_there, BJ)
        insert(over_there, {"BJBH": "A", "SQSJ": "2016-12-13 09:00:00"}, {"BJBH": "B", "GXSJ": 0})
        quote = over_there.dialect.identifier_preparer.quote_identifier
        query = f"SELECT t.*, COALESCE({quote('GXSJ')}, {quote('SQSJ')}) AS changed, 'a:b' AS note FROM {quote('BJ')} t"
        with adapter(database_url, feeds={"case": {"query": query, "key": "BJBH", "time": "changed", "page": 1}}) as subject:
            found = records(list(subject.read(None)))
    assert [record.key for record in found] == ["A", "B"]
    assert found[0].data["note"] == "a:b"


def test_children_become_lists(database_url: str) -> None:
    children = {"CL": {"table": "material", "key": "case_no", "order": ["seq"]}}
    with engine(database_url) as over_there, adapter(database_url, feeds={"case": {**CASE, "children": children}}) as subject:
        ddl(over_there, BJ)
        ddl(over_there, "CREATE TABLE material (case_no VARCHAR(50), seq INTEGER, name VARCHAR(50))")
        insert(over_there, {"BJBH": "A", "GXSJ": 0}, {"BJBH": "B", "GXSJ": 1})
        run(over_there, "INSERT INTO material VALUES ('A', 2, '申请表')")
        run(over_there, "INSERT INTO material VALUES ('A', 1, '身份证')")
        first, second = records(list(subject.read(None)))
    assert [child["name"] for child in first.data["CL"]] == ["身份证", "申请表"]
    assert second.data["CL"] == []


def test_bytes_are_decoded_as_declared_and_a_bad_row_costs_only_itself(database_url: str) -> None:
    feed = {"table": "info", "key": "unid", "time": "createtime", "text_bytes": "gbk"}
    with engine(database_url) as over_there, adapter(database_url, feeds={"info": feed}) as subject:
        ddl(over_there, "CREATE TABLE info (unid VARCHAR(36) PRIMARY KEY, createtime {datetime}, content {blob})")
        for unid, content in (("1", "漳县".encode("gbk")), ("2", b"\xff\xff<x>"), ("3", "䶮".encode("gb18030"))):
            run(over_there, "INSERT INTO info VALUES (:u, '2016-12-13 09:00:00', :c)", {"u": unid, "c": content})
        (page,) = subject.read(None)
    assert [record.data["content"] for record in page.records] == ["漳县", "䶮"]
    assert [(fault.key, fault.code) for fault in page.faults] == [("2", "HUB-S-311")]


def test_undeclared_bytes_and_base64_and_large_fields(database_url: str) -> None:
    table = "CREATE TABLE info (unid VARCHAR(36) PRIMARY KEY, createtime {datetime}, content {blob})"
    feed = {"table": "info", "key": "unid", "time": "createtime"}
    with engine(database_url) as over_there:
        ddl(over_there, table)
        run(over_there, "INSERT INTO info VALUES ('1', '2016-12-13 09:00:00', :c)", {"c": b"\x00\x01"})
        with adapter(database_url, feeds={"info": feed}) as subject:
            (page,) = subject.read(None)
            assert [fault.code for fault in page.faults] == ["HUB-S-310"]
        with adapter(database_url, feeds={"info": {**feed, "base64": ["content"]}}) as subject:
            assert records(list(subject.read(None)))[0].data["content"] == "AAE="
        with adapter(database_url, feeds={"info": {**feed, "base64": ["content"]}}, max_field=1) as subject:
            (page,) = subject.read(None)
            assert [fault.code for fault in page.faults] == ["HUB-S-312"]


def test_lob_of_ten_megabytes(database_url: str) -> None:
    text = "漳" * (10 * 2**20 // 3)
    feed = {"table": "info", "key": "unid", "time": "createtime", "page": 2}
    with engine(database_url) as over_there, adapter(database_url, feeds={"info": feed}) as subject:
        ddl(over_there, "CREATE TABLE info (unid VARCHAR(36) PRIMARY KEY, createtime {datetime}, content {text})")
        run(over_there, "INSERT INTO info VALUES ('1', '2016-12-13 09:00:00', :c)", {"c": text})
        assert records(list(subject.read(None)))[0].data["content"] == text


def test_value_the_driver_cannot_give_costs_only_its_row(postgresql_url: str) -> None:
    with engine(postgresql_url) as over_there, adapter(postgresql_url, feeds={"case": CASE}) as subject:
        ddl(over_there, BJ)
        insert(over_there, {"BJBH": "A", "GXSJ": 0}, {"BJBH": "B", "SQSJ": "infinity", "GXSJ": 1}, {"BJBH": "C", "GXSJ": 2})
        pages = list(subject.read(None))
    assert keys(pages) == ["A", "C"]
    assert [(fault.key, fault.code) for page in pages for fault in page.faults] == [("B", "HUB-S-315")]


def test_a_row_that_changes_while_its_page_is_read_row_by_row_comes_later(postgresql_url: str) -> None:
    """The page is read again row by row, because of B; meanwhile C gets a later time and is no longer where it stood."""
    with engine(postgresql_url) as over_there, adapter(postgresql_url, feeds={"case": CASE}) as subject:
        ddl(over_there, BJ)
        insert(over_there, *({"BJBH": key, "GXSJ": at} for at, key in enumerate("ABCDEF")))
        run(over_there, """UPDATE "BJ" SET "SQSJ" = 'infinity' WHERE "BJBH" = 'B'""")

        def touch(_connection: Any, _cursor: Any, sql: str, parameters: Any, *_: Any) -> None:
            if "C" in parameters and "%s" in sql:
                run(over_there, """UPDATE "BJ" SET "GXSJ" = '2016-12-13 13:00:00' WHERE "BJBH" = 'C'""")

        sa.event.listen(subject._connections.engine, "before_cursor_execute", touch)
        pages = list(subject.read(None))
        assert keys(list(subject.read(last(pages))))[-1] == "C"
    assert keys(pages) == ["A", "D", "E", "F"]
    assert [(fault.key, fault.code) for page in pages for fault in page.faults] == [("B", "HUB-S-315")]


def test_feeds_are_read_in_declared_order_and_remembered_apart(database_url: str) -> None:
    feeds = {"case": CASE, "step": {"table": "steps", "key": "id", "time": "ver"}}
    with engine(database_url) as over_there, adapter(database_url, feeds=feeds) as subject:
        ddl(over_there, BJ)
        ddl(over_there, "CREATE TABLE steps (id INTEGER PRIMARY KEY, ver INTEGER NOT NULL)")
        insert(over_there, {"BJBH": "A", "GXSJ": 0})
        run(over_there, "INSERT INTO steps VALUES (1, 1)")
        pages = list(subject.read(None))
        assert [record.kind for record in records(pages)] == ["case", "step"]
        assert list(subject.read(last(pages))) == []


@pytest.mark.parametrize(
    ("feed", "name"),
    [
        ({**CASE, "table": "NOWHERE"}, "NOWHERE"),
        ({**CASE, "time": "NO_TIME"}, "NO_TIME"),
        ({**CASE, "revision": "NO_REV"}, "NO_REV"),
    ],
)
def test_missing_table_or_column_is_named(database_url: str, feed: dict[str, Any], name: str) -> None:
    with engine(database_url) as over_there, adapter(database_url, feeds={"case": feed}) as subject:
        ddl(over_there, BJ)
        with pytest.raises(SourceFailed, match=name) as caught:
            list(subject.read(None))
    assert (caught.value.code, caught.value.misconfigured) == ("HUB-S-303", True)


def test_broken_query_and_foreign_cursor(database_url: str) -> None:
    feed = {"query": "SELECT * FROM nowhere", "key": "a", "time": "b"}
    with engine(database_url) as over_there, adapter(database_url, feeds={"case": feed}) as subject:
        ddl(over_there, BJ)
        with pytest.raises(SourceFailed) as caught:
            list(subject.read(None))
        assert (caught.value.code, caught.value.misconfigured) == ("HUB-S-303", True)
        with pytest.raises(SourceFailed) as caught:
            list(subject.read("page=7"))
        assert caught.value.code == "HUB-S-308"


def test_pages_read_before_a_failure_stand(database_url: str) -> None:
    with engine(database_url) as over_there, adapter(database_url, feeds={"case": {**CASE, "page": 1}}) as subject:
        ddl(over_there, BJ)
        insert(over_there, {"BJBH": "A", "GXSJ": 0}, {"BJBH": "B", "GXSJ": 1})
        reading = subject.read(None)
        assert keys([next(reading)]) == ["A"]
        run(over_there, f"DROP TABLE {over_there.dialect.identifier_preparer.quote_identifier('BJ')}")
        with pytest.raises(SourceFailed):
            next(reading)
