"""The hall's clerks answer every application, and close what they took."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, insert, select

from hub.sandbox import approval
from hub.sandbox.approval import T_BJ, T_BZ, T_CL, T_JG
from hub.sandbox.approval_filings import ACCEPTED, ENDED, REFUSED, T_WSSQ
from hub.sandbox.county import county
from hub.sandbox.hall import Hall

NOW = datetime(2025, 6, 4, 15, 0, 0)
ITEMS = [item for item in county(1).items if not item.centre]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Engine]:
    engine = approval.create(f"sqlite:///{tmp_path / 'approval.db'}")
    yield engine
    engine.dispose()


def file(database: Engine, *numbers: int, **changes: str) -> None:
    with database.begin() as connection:
        for number in numbers:
            item = ITEMS[number % len(ITEMS)]
            row = {
                "SBLSH": f"GS{number:06}", "SXBM": item.task, "FSXBM": item.handle, "SXMC": item.name, "SQRLX": "1",
                "SQRMC": "张桂兰", "SQRZJLX": "SF", "SQRZJHM": "621125190503120020", "LXRXM": "张桂兰", "LXRZJLX": "SF",
                "LXRSFZJHM": "621125190503120020", "LXRSJ": "14000012345", "SQFS": "1", "SBSJ": "2025-06-03 09:30:00",
                "SBCLQD": json.dumps([{"CLMC": "申请书", "FJMC": "申请书.pdf"}]), "XZQHDM": "621125100", "LYXT": "gateway",
                "GXSJ": str(NOW),
            }  # fmt: skip
            connection.execute(insert(T_WSSQ), row | changes)


def work(database: Engine, hall: Hall, rounds: int = 1) -> list[int]:
    with database.begin() as connection:
        return [hall.work(connection, NOW + timedelta(minutes=round_)) for round_ in range(rounds)]


def test_every_application_is_answered_and_every_case_closed(database: Engine) -> None:
    file(database, *range(30))
    assert work(database, Hall(1), 4)[2:] == [0, 0]
    with database.connect() as connection:
        rows = connection.execute(select(T_WSSQ)).mappings().all()
        cases = {row["BJBH"]: row for row in connection.execute(select(T_BJ)).mappings()}
        results = set(connection.execute(select(T_JG.c.BJBH)).scalars())
    assert {row["ZT"] for row in rows} == {ENDED, REFUSED}
    assert all(row["BSLYY"] and not row["BJBH"] for row in rows if row["ZT"] == REFUSED)
    ended = [row for row in rows if row["ZT"] == ENDED]
    assert {row["BJBH"] for row in ended} == set(cases) == results and len(cases) == len(ended)
    assert all(cases[row["BJBH"]]["SBLSH"] == row["SBLSH"] for row in ended)
    assert {case["LYXT"] for case in cases.values()} == {None}, "the case is the hall's own"


def test_a_case_stands_open_for_a_round_with_its_step_and_its_materials(database: Engine) -> None:
    file(database, *range(10))
    hall = Hall(1)
    work(database, hall)
    with database.connect() as connection:
        taken = connection.execute(select(T_BJ).where(T_BJ.c.BJZT == "02")).mappings().all()
        materials = connection.execute(select(T_CL)).mappings().all()
        steps = connection.execute(select(T_BZ)).mappings().all()
        filings = connection.execute(select(T_WSSQ.c.ZT)).scalars().all()
        assert not connection.execute(select(T_JG)).all()
    assert taken and len(taken) == len(materials) == len(steps) == filings.count(ACCEPTED)
    assert {(row["CLMC"], row["FJMC"], row["SQFS"]) for row in materials} == {("申请书", "申请书.pdf", "2")}
    assert all(row["SBSJ"] <= row["SLSJ"] <= str(NOW) for row in taken)
    assert {row["GXSJ"] for row in [*taken, *materials, *steps]} == {str(NOW)}, "or the next increment would overlook them"


def test_an_item_the_county_does_not_have_is_refused_with_that_reason(database: Engine) -> None:
    file(database, 1, SXBM="1" * 31)
    work(database, Hall(1))
    with database.connect() as connection:
        assert connection.execute(select(T_WSSQ.c.ZT, T_WSSQ.c.BSLYY)).one() == (REFUSED, "申请的事项不在本县权责清单内")


def test_decisions_do_not_depend_on_what_else_came_in(tmp_path: Path) -> None:
    found = []
    for name, others in (("alone", ()), ("among", range(20, 40))):
        engine = approval.create(f"sqlite:///{tmp_path / name}.db")
        file(engine, *range(12), *others)
        work(engine, Hall(1))
        with engine.connect() as connection:
            query = select(T_WSSQ.c.SBLSH, T_WSSQ.c.ZT).where(T_WSSQ.c.SBLSH < "GS000012").order_by(T_WSSQ.c.SBLSH)
            found.append(connection.execute(query).all())
        engine.dispose()
    assert found[0] == found[1]
