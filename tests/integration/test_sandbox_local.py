"""The approval database on real databases, and the sandbox as a whole."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

from hub.errors import HubError
from hub.sandbox.approval import T_BJ, TABLES
from hub.sandbox.faults import LEVELS
from hub.sandbox.flaws import Rates
from hub.sandbox.generator import advance, fill
from hub.sandbox.street import FAR_SIDES, MOST_PORTS, Plan, Ports, Sandbox
from hub.sandbox.twins.province_tables import ABNORMAL
from tests.servers import database_url  # noqa: F401

MOMENT = datetime(2026, 3, 4, 2, 0, tzinfo=UTC)  # ten in the morning in Beijing


def rows(url: str) -> dict[str, list[tuple[object, ...]]]:
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        found = {
            table.name: [tuple(row) for row in connection.execute(sa.select(table).order_by(*table.primary_key.columns))]
            for table in TABLES
        }
    engine.dispose()
    return found


def test_a_filled_database_holds_what_the_account_says(database_url: str) -> None:  # noqa: F811
    made: list[int] = []
    truth = fill(database_url, 300, seed=9, rates=Rates().scaled(10), progress=made.append)
    found = rows(database_url)
    assert {name: len(table) for name, table in found.items()} == {table.name: truth.rows[table.name] for table in TABLES}
    assert truth.cases == sum(made) == 300
    keys = {(name, str(row[0])) for name, table in found.items() for row in table}
    assert truth.flaws and {(flaw.table, flaw.key) for flaw in truth.flaws} <= keys


def test_equal_seeds_fill_equally(tmp_path: Path) -> None:
    urls = [f"sqlite:///{tmp_path / name}.db" for name in "abc"]
    truths = [fill(url, 200, seed=seed) for url, seed in zip(urls, (4, 4, 5), strict=True)]
    first, second, third = (rows(url) for url in urls)
    assert first == second != third
    assert truths[0] == truths[1] != truths[2]


def test_life_goes_on(database_url: str) -> None:  # noqa: F811
    fill(database_url, 100, seed=9, rates=Rates.none())
    before = rows(database_url)
    truth = advance(database_url, seed=9, new=7, updates=4, rates=Rates.none(), now=MOMENT)
    after = rows(database_url)
    assert (truth.cases, truth.updated, truth.flaws) == (7, 4, [])
    assert len(after["T_BJ"]) == len(before["T_BJ"]) + 7
    assert all(len(after[name]) - len(before[name]) == truth.rows[name] for name in after)
    numbers = {row[0] for row in before["T_BJ"]}
    changed = set(after["T_BJ"]) - set(before["T_BJ"])
    assert len([row for row in changed if row[0] in numbers]) == 4
    assert {row[-1] for row in changed} == {"2026-03-04 10:00:00"} and T_BJ.c.keys()[-1] == "GXSJ"


def test_two_steps_of_life_at_one_moment_do_not_collide(database_url: str) -> None:  # noqa: F811
    fill(database_url, 50, seed=9, rates=Rates.none())
    advance(database_url, seed=9, rates=Rates.none(), now=MOMENT)
    advance(database_url, seed=9, rates=Rates.none(), now=MOMENT)
    assert len(rows(database_url)["T_BJ"]) == 70


@pytest.mark.parametrize("hour", [-9, -2, 0, 3, 7, 10])
def test_no_time_lies_in_the_future_of_the_moment(tmp_path: Path, hour: int) -> None:
    """At one and eight in the morning, in office hours, at lunch, and when the offices are closed."""
    url, moment = f"sqlite:///{tmp_path}/county.db", MOMENT + timedelta(hours=hour)
    fill(url, 60, seed=9, rates=Rates.none())
    advance(url, seed=9, new=100, rates=Rates.none(), now=moment)
    found = rows(url)
    names = {table.name: table.c.keys() for table in TABLES}
    times = [
        str(value)
        for name, table in found.items()
        for row in table
        for column, value in zip(names[name], row, strict=True)
        if column in ("SBSJ", "SLSJ", "KSSJ", "JSSJ", "TBCXJSRQ", "BJSJ", "SFSJ", "PJSJ", "GXSJ") and value
    ]
    assert max(times) == f"2026-03-04 {10 + hour:02}:00:00"


def plan(tmp_path: Path, **changes: object) -> Plan:
    return Plan(**{"directory": tmp_path / "var", "cases": 40, "faults": "none", "ports": Ports.free(), **changes})  # type: ignore[arg-type]


def test_a_sandbox_is_reachable_where_its_environment_says(tmp_path: Path) -> None:
    with Sandbox(plan(tmp_path)) as street:
        names = street.environment()
        assert {"LOCAL_URL", "PROVINCE_URL", "GATEWAY_URL", "GATEWAY_APP_SECRET", "SOCIAL_URL", "SOCIAL_PASSWORD"} <= set(names)
        assert len(rows(names["LOCAL_URL"])["T_BJ"]) == 40 == (street.truth.cases if street.truth else 0)
        engine = sa.create_engine(names["PROVINCE_URL"])
        assert sa.inspect(engine).has_table(ABNORMAL.name)
        engine.dispose()
        assert httpx.get(street.addresses()["social"]).status_code == 200
        stats = httpx.get(street.addresses()["control"]).json()
        assert set(stats) == set(street.twins) and not any(one["taken"] for one in stats.values())
        assert json.loads(httpx.post(street.addresses()["gateway"]).json()["data"])["code"] == "4001"
        marker = httpx.post(street.addresses()["control"].replace("stats", "marker"), content=b'{"marker": "0042"}')
        assert marker.json() == {"marker": "0042"}
    street.stop()


def test_a_second_start_keeps_the_county(tmp_path: Path) -> None:
    with Sandbox(plan(tmp_path)) as street:
        before = rows(street.environment()["LOCAL_URL"])
    with Sandbox(plan(tmp_path, seed=2)) as street:
        assert street.truth is None and rows(street.environment()["LOCAL_URL"]) == before


def test_a_second_sandbox_on_the_same_ports_is_told_so(tmp_path: Path) -> None:
    with Sandbox(plan(tmp_path)) as street:
        port = int(street.addresses()["control"].split(":")[2].split("/")[0])
        with pytest.raises(HubError) as refused:
            Sandbox(plan(tmp_path, ports=Ports(port))).start()
    assert refused.value.code == "HUB-X-301"


def test_levels_of_faults(tmp_path: Path) -> None:
    with pytest.raises(HubError) as refused:
        Sandbox(plan(tmp_path, faults="plenty"))
    assert refused.value.code == "HUB-X-302"
    assert set(LEVELS) == {"none", "some", "many"}


def test_every_far_side_has_a_port_of_its_own() -> None:
    ports = [Ports(9000).of(far) for far in FAR_SIDES if far.port]
    assert len(set(ports)) == len(ports) and all(9000 < port <= 9000 + MOST_PORTS for port in ports)
    assert Ports.free().of(FAR_SIDES[2]) == 0
