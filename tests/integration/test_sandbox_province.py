"""The province twin on real databases: as strict as MySQL in strict mode, and a judge of its own."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from hub.sandbox.twins.province import ProvinceTwin
from hub.sandbox.twins.province_tables import ABNORMAL, TABLES, UNQUALIFIED
from tests.unit.sandbox import bodies


@pytest.fixture
def twin(province_twin: ProvinceTwin) -> ProvinceTwin:
    return province_twin


@pytest.fixture
def engine(province_engine: sa.Engine) -> sa.Engine:
    return province_engine


def write(engine: sa.Engine, table: str, *rows: dict[str, object]) -> None:
    with engine.begin() as connection:
        connection.execute(sa.insert(TABLES[table]), [bodies.typed(row) for row in rows])


def abnormal(engine: sa.Engine) -> list[sa.RowMapping]:
    with engine.connect() as connection:
        return list(connection.execute(sa.select(ABNORMAL)).mappings())


def finished() -> bodies.Case:
    return next(case for case in bodies.some_cases() if case.rows["T_JG"] and case.rows["T_BZ"])


def test_a_whole_county_of_right_rows_is_taken_and_never_rejected(twin: ProvinceTwin, engine: sa.Engine) -> None:
    county = bodies.some_cases()
    write(engine, "up_pro_accept", *map(bodies.accept, county))
    write(engine, "up_pro_process", *(bodies.process(row) for case in county for row in case.rows["T_BZ"]))
    write(engine, "up_pro_result", *(bodies.result(row) for case in county for row in case.rows["T_JG"]))
    assert twin.check() == 0, [row["remark"] for row in abnormal(engine)]
    assert twin.rows()["up_pro_accept"] == len(county) == len([one for one in twin.held() if one.endpoint == "up_pro_accept"])
    assert twin.stats()["order_violations"] == twin.stats()["doubled"] == twin.stats()["duplicates"] == 0


@pytest.mark.parametrize(
    ("column", "value"),
    [("org_code", "1" * 19), ("applyer_name", "名" * 101), ("apply_type", None), ("task_name", None), ("contact_mobile", "1" * 12)],
)
def test_the_database_refuses_what_strict_mode_refuses(twin: ProvinceTwin, engine: sa.Engine, column: str, value: object) -> None:
    with pytest.raises(sa.exc.DBAPIError):
        write(engine, "up_pro_accept", bodies.accept(finished()) | {column: value})
    assert twin.rows()["up_pro_accept"] == 0


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"applyer_type": "7"}, "代码错误"),
        ({"applyer_page_type": "111", "applyer_page_code": "62112519050101123X"}, "校验码错误"),
        ({"org_code": "116211250000000001"}, "校验码错误"),
        ({"apply_date": "2025-12-31 09:00:00", "accept_date": "2025-12-30 09:00:00"}, "时间逻辑错误"),
        ({"accept_date": "2999-12-30 09:00:00", "promise_date": "2999-12-31 09:00:00"}, "时间逻辑错误"),
        ({"task_handle_item": "1" * 33}, "代码错误"),
        ({"cd_operation": "X"}, "代码错误"),
    ],
)
def test_the_late_check_rejects_and_says_where(twin: ProvinceTwin, engine: sa.Engine, changes: dict[str, str], kind: str) -> None:
    body = bodies.accept(finished()) | changes
    write(engine, "up_pro_accept", body)
    assert twin.check() == 1
    [told] = abnormal(engine)
    assert (told["err_type"], told["table_sql_name"], told["table_row_guid"]) == (kind, "up_pro_accept", body["row_guid"])
    assert (told["table_cd_batch"], told["table_cd_source"]) == (body["cd_batch"], body["data_source"])
    assert twin.check() == 0, "it must not reject the same row twice"
    assert twin.stats()["late_rejections"] == 1


def test_a_child_before_its_parent_is_noticed_and_rejected(twin: ProvinceTwin, engine: sa.Engine) -> None:
    case = finished()
    write(engine, "up_pro_process", bodies.process(case.rows["T_BZ"][0]))
    assert twin.check() == 1
    assert abnormal(engine)[0]["err_type"] == "无受理信息"
    assert twin.stats()["order_violations"] == 1


def test_a_result_before_the_acceptance_is_rejected(twin: ProvinceTwin, engine: sa.Engine) -> None:
    case = finished()
    early = bodies.typed(bodies.accept(case))["accept_date"] - timedelta(days=1)
    write(engine, "up_pro_accept", bodies.accept(case))
    write(engine, "up_pro_result", bodies.result(case.rows["T_JG"][0]) | {"result_date": str(early)})
    assert twin.check() == 1
    assert abnormal(engine)[0]["table_sql_name"] == "up_pro_result"


def test_a_row_written_again_is_counted_and_judged_again(twin: ProvinceTwin, engine: sa.Engine) -> None:
    body = bodies.accept(finished())
    write(engine, "up_pro_accept", body)
    assert twin.check() == 0
    table = TABLES["up_pro_accept"]
    with engine.begin() as connection:
        connection.execute(sa.update(table).values(cd_operation="I"))
    with engine.begin() as connection:
        later = bodies.typed({"cd_time": "2026-01-06 09:00:00"})
        connection.execute(sa.update(table).values(cd_operation="U", cd_batch="later", applyer_type="7", **later))
    assert twin.check() == 1
    assert (twin.stats()["duplicates"], twin.stats()["updated"]) == (1, 1)


def test_two_rows_of_one_case_are_a_double(twin: ProvinceTwin, engine: sa.Engine) -> None:
    body = bodies.accept(finished())
    write(engine, "up_pro_accept", body, body | {"row_guid": "another"})
    assert twin.stats()["doubled"] == 1


def test_marked_rows_are_refused_until_taken_back(twin: ProvinceTwin, engine: sa.Engine) -> None:
    body = bodies.accept(finished())
    twin.refuse_marked(body["project_no"][-12:])
    with pytest.raises(sa.exc.DBAPIError, match="refused by trigger"):
        write(engine, "up_pro_accept", body)
    write(engine, "up_pro_accept", bodies.accept(bodies.some_cases()[-1]))
    twin.refuse_marked(None)
    write(engine, "up_pro_accept", body)
    assert twin.rows()["up_pro_accept"] == 2


def test_creating_it_twice_does_no_harm(twin: ProvinceTwin, engine: sa.Engine) -> None:
    twin.create()
    write(engine, "up_pro_accept", bodies.accept(finished()))
    twin.create()
    assert twin.rows()["up_pro_accept"] == 1


def test_a_held_lock_keeps_writers_out(twin: ProvinceTwin) -> None:
    url = sa.make_url(twin.url)
    patience = {"sqlite": {"timeout": 0.1}, "postgresql": {"options": "-c lock_timeout=100"}}
    engine = sa.create_engine(url, connect_args=patience.get(url.get_backend_name(), {"init_command": "SET lock_wait_timeout=1"}))
    try:
        with twin.locked(), pytest.raises(sa.exc.DBAPIError):
            write(engine, "up_pro_accept", bodies.accept(finished()))
        write(engine, "up_pro_accept", bodies.accept(finished()))
    finally:
        engine.dispose()


def test_sampled_rejections_come_at_about_the_chosen_rate_and_always_the_same(twin: ProvinceTwin, engine: sa.Engine) -> None:
    twin.rate = 0.3
    county = bodies.some_cases(200)
    write(engine, "up_pro_accept", *map(bodies.accept, county))
    rejected = twin.check()
    assert 30 <= rejected <= 90
    listed = {row["table_row_guid"] for row in abnormal(engine)}
    with engine.connect() as connection:
        beside = list(connection.execute(sa.select(UNQUALIFIED["up_pro_accept"])).mappings())
    assert listed and beside, "both ways of telling are used"
    assert all(row["project_no"] and row["error_msg"].startswith("抽查退回：") and row["recordtime"] for row in beside)
    told = listed | {row["row_guid"] for row in beside}
    again = ProvinceTwin(twin.url, rate=0.3)
    assert again.check() == 0, "a restarted twin must not tell the same again"
    again.stop()
    assert len(told) == rejected
