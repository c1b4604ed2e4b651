"""Writing tables: upserts, conversion, the guilty row, sync columns, look-up. One body, three databases."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from adapters.database.reading import LOCAL
from hub.errors import Deferred, Failure, Misconfigured, Rejected
from hub.model import Operation, Receipt, Taken
from tests.databases import ACCEPT, SYNC, UP_PRO_ACCEPT, adapter, ddl, engine, message, rows, run

ENDPOINTS = {"accept": ACCEPT}
PLAIN = "CREATE TABLE plain (row_guid VARCHAR(50) PRIMARY KEY, project_no VARCHAR(50), apply_date {datetime}, {more})"


def test_sync_columns_and_initial_status_are_filled(database_url: str) -> None:
    endpoints = {"accept": {**ACCEPT, "initial": {"is_sync": "0"}}}
    with engine(database_url) as over_there, adapter(database_url, endpoints=endpoints) as subject:
        ddl(over_there, UP_PRO_ACCEPT)
        assert subject.send([message(1, operation=Operation.UPDATE)]) == [Receipt()]
        (row,) = rows(over_there, "SELECT cd_operation, cd_batch, cd_time, data_source, is_sync FROM up_pro_accept")
    assert row[:2] + row[3:] == ("U", "B0001", "621", "0")
    assert str(row[2]).startswith("2016-12-13 09:02:03")  # Beijing time


def test_a_second_version_replaces_the_first_and_is_marked_new_again(database_url: str) -> None:
    endpoints = {"accept": {**ACCEPT, "initial": {"is_sync": "0"}}}
    with engine(database_url) as over_there, adapter(database_url, endpoints=endpoints) as subject:
        ddl(over_there, UP_PRO_ACCEPT)
        subject.send([message(1, remark="old")])
        run(over_there, "UPDATE up_pro_accept SET is_sync = '1'")
        subject.send([message(1, remark="new", operation=Operation.UPDATE)])
        assert rows(over_there, "SELECT remark, is_sync FROM up_pro_accept") == [("new", "0")]


def test_the_time_of_writing_is_the_databases_and_not_the_messages(database_url: str) -> None:
    """A row that arrives late must stand behind what a reader of changed rows has read: its message is years old."""
    endpoints = {"plain": {"table": "plain", "key": "row_guid", "initial": {"apply_date": "$now", "changed": "$now"}}}
    with engine(database_url) as over_there, adapter(database_url, endpoints=endpoints) as subject:
        ddl(over_there, PLAIN.replace("{more}", "changed VARCHAR(19)"))
        before = datetime.now(LOCAL).replace(tzinfo=None, microsecond=0) - timedelta(seconds=2)
        late = replace(message(1, endpoint="plain"), body={"row_guid": "r1", "project_no": "p1"})
        assert subject.send([late]) == [Receipt()]
        ((moment, changed),) = rows(over_there, "SELECT apply_date, changed FROM plain")
        assert subject.find(late) == Receipt(Taken.DUPLICATE), "the moment of writing proves nothing about the message"
    assert str(before) <= changed and str(moment)[:19] == changed
    assert datetime.fromisoformat(changed) - before < timedelta(minutes=5)


def test_what_is_always_written_may_come_from_the_message(database_url: str) -> None:
    added = {"changed": "$batch-$operation", "copy": "$body.row_guid", "none": "$body.remark", "dollar": "$$1", "number": 7}
    columns = ", ".join(f"{name} VARCHAR(50)" for name in added)
    endpoints = {"plain": {"table": "plain", "key": "row_guid", "initial": added}}
    with engine(database_url) as over_there, adapter(database_url, endpoints=endpoints) as subject:
        ddl(over_there, PLAIN.replace("{more}", columns))
        assert subject.send([replace(message(1, endpoint="plain"), body={"row_guid": "r1"})]) == [Receipt()]
        found = rows(over_there, f"SELECT {', '.join(added)} FROM plain")
    assert found == [("B0001-I", "r1", None, "$1", "7")]


def test_texts_become_what_the_columns_are(database_url: str) -> None:
    fields = {"task_version": "3", "apply_date": "20161213090000", "promise_day": "2016-12-20", "fee": "12.50", "urgent": "是"}
    with engine(database_url) as over_there, adapter(database_url, endpoints=ENDPOINTS) as subject:
        ddl(over_there, UP_PRO_ACCEPT)
        assert subject.send([message(1, **fields)]) == [Receipt()]
        sql = "SELECT task_version, apply_date, promise_day, fee, urgent FROM up_pro_accept"
        (row,) = rows(over_there, sql)
    assert row[0] == 3
    assert str(row[1]).startswith("2016-12-13 09:00:00")
    assert row[2] in (date(2016, 12, 20), "2016-12-20")
    assert Decimal(str(row[3])) == Decimal("12.5")
    assert row[4] in (True, 1)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("task_version", "three", "not a number"),
        ("task_version", "3.5", "not a whole number"),
        ("apply_date", "13/12/2016", "not a date and time"),
        ("fee", "twelve", "not a number"),
        ("urgent", "perhaps", "neither true nor false"),
        ("applyer_name", "王" * 101, "101 characters, the column holds 100"),
        ("applyer_name", {"name": "王"}, "cannot take a value of type dict"),
    ],
)
def test_value_that_does_not_fit_is_rejected_by_name(database_url: str, field: str, value: Any, words: str) -> None:
    with engine(database_url) as over_there, adapter(database_url, endpoints=ENDPOINTS) as subject:
        ddl(over_there, UP_PRO_ACCEPT)
        (outcome,) = subject.send([message(1, **{field: value})])
        assert isinstance(outcome, Rejected)
        assert outcome.message.startswith(f"accept.{field}: ")
        assert words in outcome.message
        assert rows(over_there, "SELECT * FROM up_pro_accept") == []


def test_one_bad_row_in_a_batch_of_a_hundred(database_url: str) -> None:
    batch = [message(n, lane=f"L{n % 50}") for n in range(100)]
    batch[30] = message(30, lane="L30", project_no=None)  # breaks NOT NULL, which only the database knows
    with engine(database_url) as over_there, adapter(database_url, endpoints=ENDPOINTS) as subject:
        ddl(over_there, UP_PRO_ACCEPT)
        outcomes = subject.send(batch)
        there = {row[0] for row in rows(over_there, "SELECT row_guid FROM up_pro_accept")}
    assert isinstance(outcomes[30], Rejected)
    assert outcomes[30].code == "HUB-D-306"
    assert isinstance(outcomes[80], Deferred)  # the same lane
    assert [at for at, outcome in enumerate(outcomes) if isinstance(outcome, Failure)] == [30, 80]
    assert there == {f"G{n:05d}" for n in range(100)} - {"G00030", "G00080"}


def test_messages_of_two_endpoints_keep_the_order_of_their_lane(database_url: str) -> None:
    process = {"table": "up_pro_process", "key": "row_guid"}
    with engine(database_url) as over_there, adapter(database_url, endpoints={**ENDPOINTS, "process": process}) as subject:
        ddl(over_there, UP_PRO_ACCEPT)
        reference = "project_no VARCHAR(50), apply_date {datetime}, FOREIGN KEY (row_guid) REFERENCES up_pro_accept (row_guid)"
        ddl(over_there, f"CREATE TABLE up_pro_process (row_guid VARCHAR(50) PRIMARY KEY, {reference})")
        if over_there.dialect.name == "sqlite":
            run(over_there, "CREATE TRIGGER parent BEFORE INSERT ON up_pro_process WHEN NOT EXISTS (SELECT 1 FROM up_pro_accept "
                "WHERE row_guid = NEW.row_guid) BEGIN SELECT RAISE(ABORT, 'parent first'); END")  # fmt: skip
        batch = [message(n, endpoint=endpoint, lane=f"L{n}") for n in (1, 2, 3) for endpoint in ("accept", "process")]
        assert subject.send(batch) == [Receipt()] * 6
        assert rows(over_there, "SELECT count(*) FROM up_pro_process") == [(3,)]


def test_several_versions_of_one_row_in_one_batch(database_url: str) -> None:
    with engine(database_url) as over_there, adapter(database_url, endpoints=ENDPOINTS) as subject:
        ddl(over_there, UP_PRO_ACCEPT)
        assert subject.send([message(1, lane="A", remark=text) for text in ("one", "two", "three")]) == [Receipt()] * 3
        assert rows(over_there, "SELECT remark FROM up_pro_accept") == [("three",)]


def test_table_without_a_unique_key_is_updated_then_inserted(database_url: str) -> None:
    endpoints = {"accept": {"table": "plain", "key": "row_guid", "columns": ["row_guid", "project_no", "apply_date"]}}
    with engine(database_url) as over_there, adapter(database_url, endpoints=endpoints) as subject:
        ddl(over_there, "CREATE TABLE plain (row_guid VARCHAR(50), project_no VARCHAR(50), apply_date {datetime})")
        subject.send([message(1), message(2)])
        subject.send([message(1, project_no="P9"), message(3)])
        assert rows(over_there, "SELECT row_guid, project_no FROM plain ORDER BY row_guid") == [
            ("G00001", "P9"),
            ("G00002", "P00002"),
            ("G00003", "P00003"),
        ]


def test_another_unique_key_never_makes_the_wrong_row_change(database_url: str) -> None:
    with engine(database_url) as over_there, adapter(database_url, endpoints=ENDPOINTS) as subject:
        ddl(over_there, UP_PRO_ACCEPT.replace("project_no VARCHAR(50) NOT NULL", "project_no VARCHAR(50) NOT NULL UNIQUE"))
        subject.send([message(1)])
        (outcome,) = subject.send([message(2, project_no="P00001")])
        assert isinstance(outcome, Rejected)
        assert outcome.code == "HUB-D-305"
        assert "P00001" not in f"{outcome}{outcome.said}"
        assert rows(over_there, "SELECT row_guid FROM up_pro_accept") == [("G00001",)]


def test_declared_columns_are_emptied_when_the_body_has_none(database_url: str) -> None:
    columns = ["row_guid", "project_no", "apply_date", "remark"]
    with engine(database_url) as over_there, adapter(database_url, endpoints={"accept": {**ACCEPT, "columns": columns}}) as subject:
        ddl(over_there, UP_PRO_ACCEPT)
        subject.send([message(1, remark="old")])
        subject.send([message(1)])
        assert rows(over_there, "SELECT remark FROM up_pro_accept") == [(None,)]
        (outcome,) = subject.send([message(1, fee="1")])
        assert isinstance(outcome, Misconfigured)


def test_plain_inserts_tell_a_repeated_message_from_a_foreign_row(database_url: str) -> None:
    with engine(database_url) as over_there, adapter(database_url, endpoints={"accept": {**ACCEPT, "mode": "insert"}}) as subject:
        ddl(over_there, UP_PRO_ACCEPT)
        assert not subject.guarantees().idempotent
        assert subject.send([message(1)]) == [Receipt()]
        assert subject.send([replace(message(1), attempt=2), message(2)]) == [Receipt(Taken.DUPLICATE), Receipt()]
        (outcome,) = subject.send([replace(message(1), batch="B0002")])
        assert isinstance(outcome, Rejected)
        assert outcome.code == "HUB-D-305"


def test_plain_inserts_without_sync_columns_compare_the_row(database_url: str) -> None:
    endpoint = {"table": "plain", "key": "row_guid", "mode": "insert"}
    with engine(database_url) as over_there, adapter(database_url, endpoints={"accept": endpoint}) as subject:
        ddl(
            over_there,
            PLAIN.format_map({"more": "fee NUMERIC(10, 2)", "datetime": "{datetime}"}),
        )
        subject.send([message(1, fee="1.5")])
        assert subject.send([message(1, fee="1.5")]) == [Receipt(Taken.DUPLICATE)]
        (outcome,) = subject.send([message(1, fee="2")])
        assert isinstance(outcome, Rejected)
        assert subject.find(message(1, fee="1.5")) is not None
        assert subject.find(message(1, fee="2")) is None


def test_deletions_are_marked_or_removed(database_url: str) -> None:
    endpoints = {"accept": ACCEPT, "gone": {**ACCEPT, "delete": "remove"}, "mute": {"table": "up_pro_accept", "key": "row_guid"}}
    with engine(database_url) as over_there, adapter(database_url, endpoints=endpoints) as subject:
        ddl(over_there, UP_PRO_ACCEPT)
        subject.send([message(1), message(2)])
        assert subject.send([message(1, operation=Operation.DELETE)]) == [Receipt()]
        assert rows(over_there, "SELECT cd_operation FROM up_pro_accept ORDER BY row_guid") == [("D",), ("I",)]
        removal = message(2, endpoint="gone", operation=Operation.DELETE)
        assert subject.find(removal) is None
        assert subject.send([removal, removal]) == [Receipt()] * 2
        assert subject.find(removal) == Receipt(Taken.DUPLICATE)
        assert rows(over_there, "SELECT row_guid FROM up_pro_accept") == [("G00001",)]
        (outcome,) = subject.send([message(1, endpoint="mute", operation=Operation.DELETE)])
        assert isinstance(outcome, Misconfigured)
        assert outcome.code == "HUB-D-315"


def test_unknown_field_names_table_and_column_until_the_table_has_it(database_url: str) -> None:
    with engine(database_url) as over_there, adapter(database_url, endpoints=ENDPOINTS) as subject:
        ddl(over_there, UP_PRO_ACCEPT)
        subject.send([message(1)])
        (outcome,) = subject.send([message(2, legal="张某")])
        assert isinstance(outcome, Misconfigured)
        assert "up_pro_accept" in outcome.message
        assert "legal" in outcome.message
        run(over_there, "ALTER TABLE up_pro_accept ADD COLUMN legal VARCHAR(100)")
        assert subject.send([message(2, legal="张某")]) == [Receipt()]


def test_table_that_disappears_and_comes_back(database_url: str) -> None:
    with engine(database_url) as over_there, adapter(database_url, endpoints=ENDPOINTS) as subject:
        (outcome,) = subject.send([message(1)]) if over_there.dialect.name != "sqlite" else [Misconfigured("", "up_pro_accept")]
        assert isinstance(outcome, Misconfigured)
        assert "up_pro_accept" in outcome.message
        ddl(over_there, UP_PRO_ACCEPT)
        assert subject.send([message(1)]) == [Receipt()]
        run(over_there, "DROP TABLE up_pro_accept")
        (outcome,) = subject.send([message(2)])
        assert isinstance(outcome, Misconfigured)
        assert outcome.code == "HUB-D-303"
        ddl(over_there, UP_PRO_ACCEPT)
        assert subject.send([message(2)]) == [Receipt()]


def test_first_existing_of_the_alternative_tables_is_used(database_url: str) -> None:
    endpoint = {"table": ["up_pro_specialprocedure", "up_pro_special_procedure"], "key": "row_guid"}
    with engine(database_url) as over_there, adapter(database_url, endpoints={"accept": endpoint}) as subject:
        columns = "row_guid VARCHAR(50) PRIMARY KEY, project_no VARCHAR(50), apply_date {datetime}"
        ddl(over_there, f"CREATE TABLE up_pro_special_procedure ({columns})")
        assert subject.send([message(1)]) == [Receipt()]
        assert rows(over_there, "SELECT count(*) FROM up_pro_special_procedure") == [(1,)]


def test_bytes_columns_take_text_or_base64(database_url: str) -> None:
    table = "CREATE TABLE cityinfo (unid VARCHAR(36) PRIMARY KEY, content {blob}, picture {blob})"
    endpoint = {"table": "cityinfo", "key": "unid", "text_bytes": "gbk", "base64": ["picture"]}
    with (
        engine(database_url) as over_there,
        adapter(database_url, endpoints={"info": endpoint, "raw": {"table": "cityinfo", "key": "unid"}}) as subject,
    ):
        ddl(over_there, table)
        body = {"unid": "1", "content": "<Case>漳县</Case>", "picture": base64.b64encode(b"\x00\x01").decode()}
        one = replace(message(1, endpoint="info"), body=body)
        assert subject.send([one]) == [Receipt()]
        (row,) = rows(over_there, "SELECT content, picture FROM cityinfo")
        assert (bytes(row[0]).decode("gbk"), bytes(row[1])) == ("<Case>漳县</Case>", b"\x00\x01")
        rare, broken, undeclared = (
            subject.send([replace(one, body={**body, "content": "䶮"})])[0],
            subject.send([replace(one, body={**body, "picture": "?"})])[0],
            subject.send([replace(one, endpoint="raw")])[0],
        )
    assert (type(rare), rare.code) == (Rejected, "HUB-D-130")  # type: ignore[union-attr]
    assert (type(broken), broken.code) == (Rejected, "HUB-D-307")  # type: ignore[union-attr]
    assert (type(undeclared), undeclared.code) == (Misconfigured, "HUB-D-313")  # type: ignore[union-attr]


def test_nul_byte_in_text_is_refused_by_postgresql(postgresql_url: str) -> None:
    with engine(postgresql_url) as over_there, adapter(postgresql_url, endpoints=ENDPOINTS) as subject:
        ddl(over_there, UP_PRO_ACCEPT)
        outcomes = subject.send([message(1, remark="a\x00b"), message(2, remark="fine")])
    assert isinstance(outcomes[0], Rejected)
    assert outcomes[1] == Receipt()


@pytest.mark.parametrize("mode", ["", "?init_command=SET%20sql_mode%3D''"], ids=["strict", "lax"])
def test_character_a_table_cannot_hold_is_rejected_even_where_the_server_is_lax(mariadb_url: str, mode: str) -> None:
    endpoints = {"accept": {"table": "old", "key": "row_guid"}}
    with engine(mariadb_url) as over_there, adapter(mariadb_url + mode, endpoints=endpoints) as subject:
        columns = "row_guid VARCHAR(50) PRIMARY KEY, project_no VARCHAR(50), apply_date DATETIME, name VARCHAR(20)"
        run(over_there, f"CREATE TABLE old ({columns}) CHARACTER SET gbk")
        outcomes = subject.send([message(1, name="王䶮"), message(2, name="王某"), message(3, name="𬎆")])
        assert [type(outcome) for outcome in outcomes] == [Rejected, Receipt, Rejected]
        assert rows(over_there, "SELECT name FROM old") == [("王某",)]


def test_sync_time_in_a_text_column(database_url: str) -> None:
    endpoint = {"table": "plain", "key": "row_guid", "sync": {"time": "cd_time"}}
    with engine(database_url) as over_there, adapter(database_url, endpoints={"accept": endpoint}) as subject:
        ddl(
            over_there,
            PLAIN.format_map({"more": "cd_time VARCHAR(19)", "datetime": "{datetime}"}),
        )
        assert subject.send([message(1)]) == [Receipt()]
        assert rows(over_there, "SELECT cd_time FROM plain") == [("2016-12-13 09:02:03",)]
        assert subject.find(message(1)) == Receipt(Taken.DUPLICATE)


def test_message_without_its_key_is_rejected(database_url: str) -> None:
    with engine(database_url) as over_there, adapter(database_url, endpoints=ENDPOINTS) as subject:
        ddl(over_there, UP_PRO_ACCEPT)
        absent = replace(message(1), body={"project_no": "P1"})
        empty = message(2, row_guid=None)
        outcomes = subject.send([absent, empty, message(3)])
    assert [getattr(outcome, "code", "") for outcome in outcomes] == ["HUB-D-314", "HUB-D-314", ""]


def test_message_that_can_be_no_row_is_certainly_not_there(database_url: str) -> None:
    with engine(database_url) as over_there, adapter(database_url, endpoints=ENDPOINTS) as subject:
        ddl(over_there, UP_PRO_ACCEPT)
        assert subject.find(message(1, task_version="three")) is None
        assert subject.find(message(1, row_guid=None)) is None
        assert subject.find(replace(message(1), body={"project_no": "P1"})) is None
        with pytest.raises(Misconfigured):
            subject.find(message(1, legal="张某"))


def test_sync_columns_alone_settle_a_doubt(database_url: str) -> None:
    with engine(database_url) as over_there, adapter(database_url, endpoints=ENDPOINTS) as subject:
        ddl(over_there, UP_PRO_ACCEPT)
        subject.send([message(1)])
        assert subject.find(message(1)) == Receipt(Taken.DUPLICATE)
        assert subject.find(replace(message(1), batch="B0002")) is None
        assert subject.find(replace(message(1), operation=Operation.UPDATE)) is None
        assert SYNC["batch"] == "cd_batch"


def test_a_row_is_found_though_its_columns_are_padded(database_url: str) -> None:
    """PostgreSQL and Oracle give CHAR(n) back with trailing blanks."""
    endpoint = {"table": "padded", "key": "row_guid", "mode": "insert", "sync": {"batch": "cd_batch"}}
    with engine(database_url) as over_there, adapter(database_url, endpoints={"accept": endpoint}) as subject:
        ddl(
            over_there,
            "CREATE TABLE padded (row_guid CHAR(40) PRIMARY KEY, project_no CHAR(50), apply_date {datetime}, cd_batch CHAR(32))",
        )
        assert subject.send([message(1)]) == [Receipt()]
        assert subject.find(message(1)) == Receipt(Taken.DUPLICATE)
        assert subject.send([message(1)]) == [Receipt(Taken.DUPLICATE)]
        assert subject.find(replace(message(1), batch="B0002")) is None
