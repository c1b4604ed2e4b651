"""What the far side's tables say later, what they hold, and whether they are as configured. One body, three databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from hub.errors import Misconfigured, SourceFailed
from hub.model import Judgement, Operation, Verdict, VerdictPage, Window
from tests.databases import ACCEPT, UP_PRO_ACCEPT, adapter, ddl, engine, make, message, rows, run

ABNORMAL = """
CREATE TABLE dn_audit_abnormal (
  row_guid VARCHAR(50) PRIMARY KEY, err_type VARCHAR(100), remark VARCHAR(1000), table_sql_name VARCHAR(50),
  table_row_guid VARCHAR(50), table_cd_batch VARCHAR(32), cd_time {datetime} NOT NULL
)"""
RULE = {
    "endpoint": "accept",
    "table": "dn_audit_abnormal",
    "row": "table_row_guid",
    "batch": "table_cd_batch",
    "match": {"table_sql_name": ["up_pro_accept", "UP_PRO_ACCEPT"]},
    "judgement": "rejected",
    "said": ["err_type", "remark"],
    "time": "cd_time",
    "key": "row_guid",
    "page": 2,
}
STATUS = {
    "endpoint": "accept",
    "row": "row_guid",
    "batch": "cd_batch",
    "status": {"column": "is_sync", "confirmed": ["1"], "rejected": ["2"]},
    "said": "remark",
    "time": "cd_time",
    "key": "row_guid",
    "overlap": "7d",
}
OPTIONS = {"endpoints": {"accept": ACCEPT}}


def complain(one: sa.Engine, *numbers: int, table: str = "up_pro_accept", time: str = "2016-12-13 10:00:00") -> None:
    sql = "INSERT INTO dn_audit_abnormal VALUES (:id, '字典错误', '申请人类型不在字典内', :table, :row, 'B0001', :time)"
    run(one, sql, *({"id": f"E{n}{table}", "table": table, "row": f"G{n:05d}", "time": time} for n in numbers))


def verdicts(pages: list[VerdictPage]) -> list[str]:
    return [verdict.row for page in pages for verdict in page.verdicts]


def test_rows_of_an_error_table(database_url: str) -> None:
    with engine(database_url) as over_there, adapter(database_url, **OPTIONS, feedback=[RULE]) as subject:
        ddl(over_there, ABNORMAL)
        complain(over_there, 1, 2, 3)
        complain(over_there, 4, table="up_pro_result")
        pages = list(subject.verdicts(None))
        assert pages[0].verdicts[0] == Verdict(
            "accept", "G00001", "B0001", Judgement.REJECTED, "字典错误 申请人类型不在字典内", "dn_audit_abnormal E1up_pro_accept"
        )
        assert verdicts(pages) == ["G00001", "G00002", "G00003"]
        assert list(subject.verdicts(pages[-1].cursor)) == []
        complain(over_there, 5)  # the same second
        complain(over_there, 6, time="2016-12-13 10:00:01")
        assert {"G00005", "G00006"} <= set(verdicts(list(subject.verdicts(pages[-1].cursor))))


def test_one_rule_for_all_endpoints_and_their_tables_of_rejected_rows(database_url: str) -> None:
    """`{table}` names each endpoint's own table: in an error table that all share, and in the name of a table beside it."""
    shared = {**RULE, "endpoint": "*", "match": {"table_sql_name": "{table}"}}
    beside = {"endpoint": "*", "table": "{table}_unqbak", "row": "row_guid", "batch": "cd_batch", "judgement": "rejected",
              "said": "error_msg", "time": "recordtime", "key": "row_guid"}  # fmt: skip
    result = {**ACCEPT, "table": "up_pro_result"}
    options = {"endpoints": {"accept": ACCEPT, "result": result}, "feedback": [shared, beside]}
    with engine(database_url) as over_there, adapter(database_url, **options) as subject:
        ddl(over_there, ABNORMAL)
        for table in ("up_pro_accept", "up_pro_result"):
            ddl(over_there, f"CREATE TABLE {table}_unqbak (row_guid VARCHAR(50) PRIMARY KEY, cd_batch VARCHAR(32), "
                "error_msg VARCHAR(500), recordtime {datetime} NOT NULL)")  # fmt: skip
        complain(over_there, 1)
        complain(over_there, 2, table="up_pro_result")
        run(over_there, "INSERT INTO up_pro_result_unqbak VALUES ('G00003', 'B0001', '办结结果不在字典内', '2016-12-13 10:00:00')")
        found = [verdict for page in subject.verdicts(None) for verdict in page.verdicts]
        told = [(one.endpoint, one.row, one.said) for one in found]
        assert told == [
            ("accept", "G00001", "字典错误 申请人类型不在字典内"),
            ("result", "G00002", "字典错误 申请人类型不在字典内"),
            ("result", "G00003", "办结结果不在字典内"),
        ]
        assert {one.batch for one in found} == {"B0001"}
        run(over_there, "INSERT INTO up_pro_accept_unqbak VALUES ('G00004', 'B0001', '重号', '2016-12-13 10:00:01')")
        cursor = list(subject.verdicts(None))[-1].cursor
        assert verdicts(list(subject.verdicts(cursor))) == []


def test_verdicts_of_two_tables_are_told_apart(database_url: str) -> None:
    """Both number their rows from 1: what one says is not what the other said before."""
    rules = [{**RULE, "table": table, "key": "number"} for table in ("first_check", "second_check")]
    with engine(database_url) as over_there, adapter(database_url, **OPTIONS, feedback=rules) as subject:
        for table in ("first_check", "second_check"):
            ddl(
                over_there,
                ABNORMAL.replace("dn_audit_abnormal", table).replace("row_guid VARCHAR(50) PRIMARY", "number INTEGER PRIMARY"),
            )
            sql = f"INSERT INTO {table} VALUES (1, '字典错误', '', 'up_pro_accept', 'G00001', 'B0001', '2016-12-13 10:00:00')"
            run(over_there, sql)
        told = [verdict.told for page in subject.verdicts(None) for verdict in page.verdicts]
        assert len(told) == len(set(told)) == 2


def test_status_column_of_the_table_itself(database_url: str) -> None:
    with engine(database_url) as over_there, adapter(database_url, **OPTIONS, feedback=[STATUS]) as subject:
        ddl(over_there, UP_PRO_ACCEPT)
        subject.send([message(n) for n in (1, 2, 3)])
        run(over_there, "UPDATE up_pro_accept SET is_sync = '1' WHERE row_guid = 'G00003'")
        pages = list(subject.verdicts(None))
        assert [(one.row, one.judgement) for page in pages for one in page.verdicts] == [("G00003", Judgement.CONFIRMED)]
        run(over_there, "UPDATE up_pro_accept SET is_sync = '2', remark = '缺材料' WHERE row_guid = 'G00001'")
        again = [one for page in subject.verdicts(pages[-1].cursor) for one in page.verdicts]
        told = "2016-12-13 09:02:03 B0001 G00001"
        assert Verdict("accept", "G00001", "B0001", Judgement.REJECTED, "缺材料", told) in again


def test_a_row_that_went_again_in_another_batch_can_be_refused_again(database_url: str) -> None:
    """A delivery that goes again keeps the time of its content: the batch tells that this is another refusal."""
    with engine(database_url) as over_there, adapter(database_url, **OPTIONS, feedback=[STATUS]) as subject:
        ddl(over_there, UP_PRO_ACCEPT)
        told = []
        for batch in ("B0001", "B0001R1"):
            subject.send([replace(message(1), batch=batch)])
            run(over_there, "UPDATE up_pro_accept SET is_sync = '2'")
            told += [verdict.told for page in subject.verdicts(None) for verdict in page.verdicts]
        assert len(told) == len(set(told)) == 2


def test_two_rules_are_remembered_apart(database_url: str) -> None:
    with engine(database_url) as over_there, adapter(database_url, **OPTIONS, feedback=[RULE, STATUS]) as subject:
        ddl(over_there, ABNORMAL)
        ddl(over_there, UP_PRO_ACCEPT)
        subject.send([message(1)])
        run(over_there, "UPDATE up_pro_accept SET is_sync = '1'")
        complain(over_there, 2)
        pages = list(subject.verdicts(None))
        assert verdicts(pages) == ["G00002", "G00001"]
        assert list(subject.verdicts(pages[-1].cursor)) == []


def test_missing_feedback_table(database_url: str) -> None:
    with engine(database_url) as over_there, adapter(database_url, **OPTIONS, feedback=[RULE]) as subject:
        ddl(over_there, UP_PRO_ACCEPT)
        with pytest.raises(SourceFailed, match="dn_audit_abnormal"):
            list(subject.verdicts(None))


def test_inventory_lists_keys_and_digests_within_the_window(database_url: str) -> None:
    columns = ["row_guid", "project_no", "apply_date", "remark"]
    window = Window(datetime(2016, 12, 13, tzinfo=UTC), datetime(2016, 12, 14, tzinfo=UTC))
    with (
        engine(database_url) as over_there,
        adapter(database_url, endpoints={"accept": {**ACCEPT, "columns": columns}}) as subject,
    ):
        ddl(over_there, UP_PRO_ACCEPT)
        subject.send([message(1), message(2), message(3)])
        subject.send([message(3, operation=Operation.DELETE)])
        before = {entry.key: entry.digest for entry in subject.inventory(window)}
        assert set(before) == {"G00001", "G00002"}
        run(over_there, "UPDATE up_pro_accept SET is_sync = '1'")
        assert {entry.key: entry.digest for entry in subject.inventory(window)} == before
        run(over_there, "UPDATE up_pro_accept SET remark = 'x' WHERE row_guid = 'G00001'")
        after = {entry.key: entry.digest for entry in subject.inventory(window)}
        assert after["G00001"] != before["G00001"]
        assert after["G00002"] == before["G00002"]
        later = Window(datetime(2016, 12, 14, tzinfo=UTC), datetime(2016, 12, 15, tzinfo=UTC))
        assert list(subject.inventory(later)) == []


def test_check_lists_everything_that_is_missing(database_url: str) -> None:
    feeds = {
        "case": {"table": "BJ", "key": "BJBH", "time": "GXSJ"},
        "step": {"table": "up_pro_accept", "key": "row_guid", "time": "moment", "revision": "version"},
        "view": {"query": "SELECT * FROM nowhere", "key": "a", "time": "b"},
    }
    endpoints = {"accept": {**ACCEPT, "initial": {"flag": "0"}}}
    with engine(database_url) as over_there, adapter(database_url, feeds=feeds, endpoints=endpoints, feedback=[RULE]) as subject:
        ddl(over_there, UP_PRO_ACCEPT)
        with pytest.raises(Misconfigured) as caught:
            subject.check()
    for name in ("BJ", "moment", "version", "nowhere", "flag", "dn_audit_abnormal"):
        assert name in caught.value.message


def test_check_is_content_and_changes_nothing(database_url: str) -> None:
    with engine(database_url) as over_there, adapter(database_url, **OPTIONS, feedback=[STATUS]) as subject:
        ddl(over_there, UP_PRO_ACCEPT)
        subject.send([message(1)])
        before = rows(over_there, "SELECT * FROM up_pro_accept")
        subject.check()
        assert rows(over_there, "SELECT * FROM up_pro_accept") == before


def test_check_names_a_missing_right(server_url: str) -> None:
    user = "hub_reader"
    with engine(server_url) as over_there:
        ddl(over_there, UP_PRO_ACCEPT)
        if over_there.dialect.name == "mysql":
            user = f"r{over_there.url.database}"[:30]
            run(over_there, f"CREATE USER '{user}'@'%' IDENTIFIED BY 'secret-word'")
            run(over_there, f"GRANT SELECT ON up_pro_accept TO '{user}'@'%'")
        else:
            user = f"r{over_there.url.database}"
            run(over_there, f"CREATE ROLE {user} LOGIN PASSWORD 'secret-word'")
            run(over_there, f"GRANT SELECT ON up_pro_accept TO {user}")
        try:
            url = over_there.url.set(username=user, password="secret-word").render_as_string(hide_password=False)
            with adapter(url, **OPTIONS) as subject:
                with pytest.raises(Misconfigured) as caught:
                    subject.check()
                assert "no right to insert" in caught.value.message
                assert "no right to update" in caught.value.message
                (outcome,) = subject.send([message(1)])
                assert isinstance(outcome, Misconfigured)
                assert outcome.code == "HUB-D-304"
        finally:
            quoted = f"'{user}'@'%'" if over_there.dialect.name == "mysql" else user
            run(over_there, f"REVOKE SELECT ON up_pro_accept FROM {quoted}")
            run(over_there, f"DROP {'USER' if over_there.dialect.name == 'mysql' else 'ROLE'} {quoted}")


def test_feedback_must_name_a_declared_endpoint(database_url: str) -> None:
    with pytest.raises(ValueError, match="nobody"):
        make(database_url, **OPTIONS, feedback=[{**RULE, "endpoint": "nobody"}])
