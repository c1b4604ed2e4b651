"""The province twin's item tables on real databases: five families, each as strict as published, judged by rules of their own."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
import sqlalchemy as sa

from hub.sandbox.powerlist import powers
from hub.sandbox.twins import province_items
from hub.sandbox.twins.province import ProvinceTwin
from hub.sandbox.twins.province_tables import ABNORMAL, TABLES
from tests.unit.sandbox.bodies import SYNC

ITEMS = powers(5)["T_QZQD"]
TYPES = {"XK": "01", "CF": "02", "ZS": "04", "JC": "06", "GG": "20"}
FAMILIES = {"XK": "general", "CF": "punish", "ZS": "handle", "JC": "check", "GG": "public"}
NOW = {**SYNC, "cd_time": datetime.fromisoformat(SYNC["cd_time"])}


@pytest.fixture
def twin(province_twin: ProvinceTwin) -> ProvinceTwin:
    return province_twin


@pytest.fixture
def engine(province_engine: sa.Engine) -> sa.Engine:
    return province_engine


def write(engine: sa.Engine, table: str, *rows: dict[str, object]) -> None:
    with engine.begin() as connection:
        connection.execute(sa.insert(TABLES[table]), list(rows))


def told(engine: sa.Engine) -> list[tuple[str, str]]:
    with engine.connect() as connection:
        return sorted((row.table_sql_name, row.err_type) for row in connection.execute(sa.select(ABNORMAL)))


def basic(nature: str) -> tuple[str, dict[str, Any]]:
    """Return an item's table and row, by hand from the published columns."""
    row = next(row for row in ITEMS if row["SXXZ"] == nature)
    family = FAMILIES[nature]
    body = {
        "row_guid": row["ID"], "task_name": row["SXMC"], "catalog_code": row["JBBM"], "task_type": TYPES[nature],
        "by_law": row["XSYJ"], "use_level": row["EXERCISE_LEVEL"], "task_code": row["SXBM"], "task_handle_item": row["FSXBM"],
        "task_state": "1", "task_version": 1, "dept_name": row["IMPL_DEPART"], "dept_type": "1", "dept_code": row["SSBMBM"],
        "handle_flow": row["BLLC"], "link_way": row["LXDH"], "supervise_way": row["JDDH"], **NOW,
    }  # fmt: skip
    if family != "public":
        body["power_source"] = "1"
    if family in ("general", "public"):
        body |= {
            "anticipate_day": 20, "anticipate_type": "1", "promise_day": 5, "promise_type": 1, "accept_condition": row["SQTJ"],
            "is_fee": "0", "server_type": "1,2", "project_type": "2", "handle_type": "1,2", "limit_scene_num": 1,
            "special_procedure": "无", "app_is_single_login": "0", "is_single_login": "0", "transact_addr": row["BLDD"],
            "transact_time": row["BGSJ"],
        }  # fmt: skip
    if family == "punish":
        body |= {"local_task_code": row["SXBM"], "punishment_method": row["CFZL"]}
    return f"up_task_{family}_basic", body


def question(body: dict[str, Any], **changes: object) -> dict[str, object]:
    item = {"row_guid": f"{body['row_guid']}-1", "task_guid": body["row_guid"], "task_code": body["task_code"]}
    return {**item, "question": "多久？", "answer": "五日", "order_num": 1, **NOW, **changes}


@pytest.mark.parametrize("nature", list(FAMILIES))
def test_a_right_item_of_every_family_and_its_question_are_taken(twin: ProvinceTwin, engine: sa.Engine, nature: str) -> None:
    table, body = basic(nature)
    write(engine, table, body)
    write(engine, table.replace("basic", "questions"), question(body))
    assert (twin.check(), told(engine)) == (0, [])
    assert twin.stats()["order_violations"] == 0 and twin.stats()["taken"] == 2


@pytest.mark.parametrize(
    ("nature", "column", "value"),
    [
        ("XK", "power_source", None),
        ("XK", "handle_type", "1,2,3,4"),
        ("XK", "use_level", "4" * 12),
        ("CF", "local_task_code", None),
        ("CF", "punishment_method", "罚" * 3001),
        ("CF", "use_level", "444"),
        ("ZS", "collect_type", "222"),
        ("JC", "handle_flow", None),
    ],
)
def test_the_database_refuses_what_strict_mode_refuses(
    twin: ProvinceTwin, engine: sa.Engine, nature: str, column: str, value: object
) -> None:
    table, body = basic(nature)
    with pytest.raises(sa.exc.DBAPIError):
        write(engine, table, body | {column: value})


def test_what_a_family_has_no_column_for_is_not_there() -> None:
    columns = {name: set(table.c.keys()) for name, table in TABLES.items()}
    assert "power_source" not in columns["up_task_public_basic"] and "limit_explain" not in columns["up_task_public_extend"]
    assert "punishment_method" not in columns["up_task_check_basic"] and "collect_type" in columns["up_task_handle_basic"]
    assert not {"up_task_punish_material", "up_task_check_material", "up_task_handle_extend"} & set(columns)
    assert TABLES["up_task_public_extend"].c.result_type.type.length == 2
    assert len(province_items.SPECS) == 17


@pytest.mark.parametrize(
    ("nature", "changes", "kind"),
    [
        ("XK", {"task_type": "20"}, "代码错误"),
        ("CF", {"task_type": "03"}, "代码错误"),
        ("XK", {"task_type": "55"}, "代码错误"),
        ("XK", {"use_level": "5"}, "代码错误"),
        ("XK", {"dept_code": "116211250000000001"}, "校验码错误"),
        ("XK", {"promise_day": 21}, "逻辑错误"),
        ("XK", {"is_fee": "1"}, "必填项为空"),
        ("XK", {"server_type": "1;2"}, "代码错误"),
        ("ZS", {"collect_type": "费"}, "代码错误"),
    ],
)
def test_the_late_check_rejects(twin: ProvinceTwin, engine: sa.Engine, nature: str, changes: dict[str, object], kind: str) -> None:
    table, body = basic(nature)
    write(engine, table, body | changes)
    assert (twin.check(), told(engine)) == (1, [(table, kind)])


def test_what_belongs_to_an_item_needs_it_and_its_code(twin: ProvinceTwin, engine: sa.Engine) -> None:
    table, body = basic("XK")
    questions = table.replace("basic", "questions")
    write(engine, questions, question(body))
    assert (twin.check(), told(engine)) == (1, [(questions, "无事项信息")])
    assert twin.stats()["order_violations"] == 1
    write(engine, table, body)
    other = {**question(body, row_guid="other"), "task_code": basic("GG")[1]["task_code"]}
    write(engine, questions, other)
    assert (twin.check(), told(engine)) == (1, [(questions, "代码错误"), (questions, "无事项信息")])


def test_marked_items_are_refused_until_taken_back(twin: ProvinceTwin, engine: sa.Engine) -> None:
    table, body = basic("XK")
    twin.refuse_marked(body["task_code"][-12:])
    with pytest.raises(sa.exc.DBAPIError, match="refused by trigger"):
        write(engine, table, body)
    twin.refuse_marked(None)
    write(engine, table, body)
    assert twin.rows()[table] == 1
