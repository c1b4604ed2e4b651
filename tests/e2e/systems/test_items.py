"""Proves the way of the 权责清单: held for the review office, published by family, refused, told late, corrected."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, insert, select

from hub.demo import review
from hub.engine import feedback, replay
from hub.model import State
from hub.sandbox.flaws import Rates
from hub.sandbox.national import now
from hub.sandbox.powerlist import powers
from hub.sandbox.twins.province_tables import ABNORMAL, TABLES, TITLES, UNQUALIFIED
from hub.store import actions, gate, journal, views
from hub.store.scopes import Scope
from tests.e2e.county import County, county

FAMILY = {"GG": "public", "CF": "punish", "ZS": "handle", "QZ": "check", "JC": "check"}  # all others: general
CODES = "SELECT ID, SXBM FROM T_QZQD WHERE SXXZ = :nature ORDER BY ID LIMIT 1"


def family(nature: str) -> str:
    return FAMILY.get(nature, "general")


def nobody(_: Any) -> int:
    """Stand for an office that does not decide anything today."""
    return 0


def waiting(here: County) -> list[int]:
    with here.service.store.reading() as connection:
        return actions.held(connection, Scope(everything=True), at_gate=True)


def decide(here: County, state: State, reason: str, *numbers: int) -> int:
    with here.service.store.writing() as connection:
        moment = here.service.exchange.clock()
        return actions.decide_held(connection, Scope(ids=numbers), state, actor="王某", reason=reason, now=moment)


def change(here: County, item: str, **values: Any) -> None:
    """Let the department change an item: its next version."""
    words = ", ".join(f"{name} = :{name}" for name in values)
    stamp = str(now().replace(microsecond=0))
    here.local(f"UPDATE T_QZQD SET {words}, SXBB = SXBB + 1, GXSJ = :stamp WHERE ID = :item", stamp=stamp, item=item, **values)


def published(here: County, table: str, code: str) -> dict[str, Any]:
    (one,) = [held.content for held in here.held("province", table) if held.content["task_code"] == code]
    return dict(one)


def test_the_whole_list_waits_and_is_then_published_family_by_family(tmp_path: Path) -> None:
    with county(tmp_path, "province", cases=4, items=True) as here:
        here.rounds(nobody)
        items = powers(1)
        natures = {row["ID"]: row["SXXZ"] for row in items["T_QZQD"]}
        assert len(waiting(here)) == len(natures)
        assert not [held for held in here.held("province") if held.endpoint.startswith("up_task_")], "published unapproved"
        here.rounds(review.approving)
        assert here.failing() == []
        there = Counter(held.endpoint for held in here.held("province") if held.endpoint.startswith("up_task_"))
        expected = Counter(f"up_task_{family(nature)}_basic" for nature in natures.values())
        expected += Counter(
            f"up_task_{family(nature)}_extend" for nature in natures.values() if family(nature) in ("general", "public")
        )
        for table, kind in (("T_QZCL", "material"), ("T_QZSF", "fee_project"), ("T_QZWT", "questions")):
            expected += Counter(f"up_task_{family(natures[row['SXID']])}_{kind}" for row in items[table])
        assert there == expected
        assert here.sandbox.province.stats()["refused"] == {} and here.sandbox.province.stats()["order_violations"] == 0


def test_a_change_is_approved_or_refused_for_itself_and_a_newer_one_overtakes_it(tmp_path: Path) -> None:
    with county(tmp_path, "province", cases=4, items=True) as here:
        here.rounds()
        ((item, code),) = here.local(CODES, nature="XK")
        change(here, item, CNQXGZR=3, SFJZZWDT="0", FDQX="依法延长的除外")
        here.rounds(nobody)
        (seen,) = waiting(here)
        change(here, item, CNQXGZR=2, SFJZZWDT="0", FDQX="依法延长的除外")
        here.rounds(nobody)
        (newer,) = waiting(here)
        assert newer != seen and decide(here, State.PENDING, "看过了", seen) == 0
        with here.service.store.reading() as connection:
            basic, extend = gate.versions(connection, newer)
        assert basic.published and (basic.published["promise_day"] != 2, basic.body["promise_day"]) == (True, 2)
        assert extend.published and (extend.published["is_entry_center"], extend.body["is_entry_center"]) == ("1", "0")
        assert decide(here, State.PENDING, "依据齐全", newer) == 1
        here.rounds(nobody)
        row = published(here, "up_task_general_basic", code)
        assert (row["promise_day"], row["task_version"], row["cd_operation"]) == (2, 3, "U")
        assert published(here, "up_task_general_extend", code)["is_entry_center"] == "0"

        change(here, item, CNQXGZR=1, SFJZZWDT="1", FDQX="")
        here.rounds(nobody)
        (refused,) = waiting(here)
        assert decide(here, State.CANCELLED, "与法定时限不符", refused) == 1
        here.rounds(nobody)
        assert published(here, "up_task_general_basic", code)["promise_day"] == 2, "a refused change was published"
        assert published(here, "up_task_general_extend", code)["is_entry_center"] == "0", "its extended part was published"

        change(here, item, CNQXGZR=4, FDQX="")
        here.rounds()
        row = published(here, "up_task_general_basic", code)
        assert (row["promise_day"], row["anticipate_explain"]) == (4, None), "what became empty is empty over there, too"
        with here.service.store.reading() as connection:
            told = journal.decisions(connection, [one.id for one in here.life(item)])
        assert [(one.approved, one.reason) for one in told][1:] == [
            (True, "依据齐全"), (False, "与法定时限不符"), (True, review.APPROVES),
        ]  # fmt: skip
        assert here.failing() == []


def test_a_refused_item_parks_what_belongs_to_it_and_all_follow_when_it_is_approved(tmp_path: Path) -> None:
    with county(tmp_path, "province", cases=4, items=True) as here:
        here.rounds(review.refusing_one)
        assert here.failing() == [] and waiting(here) == []
        states = here.states("province")
        assert states[State.CANCELLED] >= 1 and states[State.PARKED] >= 1
        with here.service.store.reading() as connection:
            (refused,) = [one for one in views.deliveries(connection, states=[State.CANCELLED]) if one.route.endswith("-basic")]
        change(here, refused.key, XSYJ="《漳县政务服务事项管理规定（示例）》第九十九条")
        here.rounds()
        assert here.states("province")[State.PARKED] == 0 and here.failing() == []
        assert {one.operation for one in here.life(refused.key) if one.state is State.DELIVERED} == {"I"}


def test_rows_the_province_rejects_later_come_back_from_both_its_tables_and_go_again(tmp_path: Path) -> None:
    """For cases as well as for items: in dn_audit_abnormal, and as a whole row with its words in the `_unqbak` beside."""
    chosen = ("up_pro_accept", "up_pro_result", "up_task_general_basic", "up_task_punish_questions")
    with county(tmp_path, "province", cases=20, items=True) as here:
        here.rounds()
        refused = {f"{table}/{way}": _complain(here, table, way) for table in chosen for way in ("listed", "whole")}
        assert feedback.poll(here.service.exchange, "province") == len(refused)
        with here.service.store.reading() as connection:
            found = {one.row: one for one in views.deliveries(connection, states=[State.REJECTED])}
        for name, row in refused.items():
            assert (found[row].stage, found[row].reason) == (
                "feedback",
                f"办理项不清 {name}" if "listed" in name else f"办理项不清：{name}",
            )
        replay.retry(here.service.exchange, Scope(system="province"), remap=False, actor="王某", reason="已向省里说明")
        here.rounds(nobody)
        assert here.failing() == [] and State.REJECTED not in here.states("province")
        again = {held.row for held in here.held("province") if held.content["cd_operation"] == "U"}
        assert again == set(refused.values())


def _complain(here: County, name: str, way: str) -> str:
    """Let the province reject one row of a table, in one of its two ways; return the row's key."""
    table, told, when = TABLES[name], f"{name}/{way}", now().replace(microsecond=0)
    engine = create_engine(here.sandbox.province.url)
    with engine.begin() as connection:
        row = dict(connection.execute(select(table).order_by(table.c.row_guid).offset(way == "whole").limit(1)).mappings().one())
        if way == "whole":
            connection.execute(insert(UNQUALIFIED[name]).values(**row, recordtime=when, error_msg=f"办理项不清：{told}"))
        else:
            about = {"table_row_guid": row["row_guid"], "table_cd_batch": row["cd_batch"], "table_cd_source": "621"}
            times = {"table_cd_time": row["cd_time"], "table_update_time": when, "cd_time": when}
            names = {"row_guid": told, "table_name": TITLES[name], "table_sql_name": name}
            connection.execute(insert(ABNORMAL).values(err_type="办理项不清", remark=told, **names, **about, **times))
    engine.dispose()
    return str(row["row_guid"])


def test_a_wrong_item_is_stopped_with_all_that_belongs_to_it(tmp_path: Path) -> None:
    with county(tmp_path, "province", cases=4, items=True, rates=Rates(unknown_code=0.0001)) as here:
        here.rounds()
        assert here.sandbox.truth is not None
        (flaw,) = [flaw for flaw in here.sandbox.truth.flaws if flaw.table == "T_QZQD"]
        life = here.life(flaw.key)
        assert Counter(one.state for one in life)[State.DEAD] == 1
        assert {one.state for one in life} <= {State.DEAD, State.PARKED}
        assert here.failing() == []
