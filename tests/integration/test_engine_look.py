"""The look both engines share: it finds what each partition would find by itself, in as many statements for many as for one."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from hub.engine import look
from hub.model import State
from hub.store import outbox, ready, runs, schema, systems
from hub.store.numbers import moment
from hub.store.runs import RunState, Trigger
from tests import fakes
from tests.exchanges import START, Site, case, city, site, step

TOWNS = ("town-a", "town-b", "town-c")
PARTITIONS = 3
DELIVERY: dict[str, Any] = {
    "record_id": 1, "kind": "case", "route": "city-accept", "endpoint": "accept", "operation": "I", "attempts": 0, "spent": 0,
    "created_at": 1, "changed_at": 1, "batch": "B", "mapping": "m", "generation": 0, "doubtful": False,
}  # fmt: skip


@pytest.fixture
def here(store_url: str, tmp_path: Path) -> Iterator[Site]:
    fakes.forget()
    towns = {f"config/systems/{name}.yaml": city().replace("system: city", f"system: {name}") for name in TOWNS}
    with site(tmp_path, store_url, {**towns}) as made:
        yield made


def work(here: Site) -> list[str]:
    with here.store.reading() as connection:
        return look.work(connection, here.exchange)


def owe(here: Site, *rows: dict[str, Any]) -> None:
    given = [{**DELIVERY, "id": number, "key": f"K{number}", "parent_route": None, "parent_key": None, **row}
             for number, row in enumerate(rows, 1)]  # fmt: skip
    with here.store.writing() as connection:
        connection.execute(sa.insert(schema.delivery), given)
        connection.execute(sa.insert(schema.body), [{"delivery_id": row["id"], "body": b"{}"} for row in given])


def pending(system: str, partition: int = 0, **more: Any) -> dict[str, Any]:
    return {"system": system, "partition": partition, "lane": more.get("lane", f"{system}{partition}"), "state": "pending",
            "due_at": moment(START), **more}  # fmt: skip


def test_a_hub_with_nothing_to_do_finds_nothing(here: Site) -> None:
    assert work(here) == []


def test_it_finds_what_is_due_and_no_sooner(here: Site) -> None:
    here.sync(case("A"))
    assert work(here) == ["deliver:city:0"]
    with here.store.writing() as connection:
        connection.execute(sa.update(schema.delivery).values(due_at=moment(START + timedelta(seconds=1))))
    assert work(here) == []
    here.later(seconds=1)
    assert work(here) == ["deliver:city:0"]


def test_it_finds_the_runs_that_were_asked_for(here: Site) -> None:
    with here.store.writing() as connection:
        runs.ask(connection, "local", Trigger.CLI, "another", here.now)
        runs.ask(connection, "gone", Trigger.CLI, "another", here.now)
    assert work(here) == ["collect:local"]
    with here.store.writing() as connection:
        run = runs.begin_next(connection, "local", here.now)
        assert run is not None
        runs.end(connection, run.id, RunState.DONE, here.now)
    assert work(here) == []


def test_what_stands_behind_something_or_waits_for_its_parent_is_not_found(here: Site) -> None:
    here.sync(case("A"), step("A-1", "A"))
    with here.store.writing() as connection:
        ours = schema.delivery
        connection.execute(sa.update(ours).where(ours.c.key == "A").values(state=State.HELD.value))
        assert ready.fallen_due(connection, here.now) == [("city", 0)]
    assert work(here) == []
    with here.store.writing() as connection:
        connection.execute(sa.update(ours).where(ours.c.key == "A").values(state=State.DELIVERED.value))
    assert work(here) == ["deliver:city:0"]


def test_a_system_that_is_paused_or_rests_or_is_closed_or_gone_is_left_alone(here: Site) -> None:
    owe(here, *(pending(name) for name in (*TOWNS, "gone", "local")))
    assert work(here) == [f"deliver:{name}:0" for name in TOWNS]
    with here.store.writing() as connection:
        systems.pause(connection, "town-a", "test", here.now)
        systems.rest(connection, "town-b", 3, here.now + timedelta(minutes=1), here.now, code="HUB-D-101", reason="down")
    closed = city(lines="maintenance: [{from: 2016-12-13 08:00, to: 2016-12-13 10:00}]").replace("system: city", "system: town-c")
    here.reconfigure({"config/systems/town-c.yaml": closed})
    assert work(here) == []
    here.later(minutes=1)
    assert work(here) == ["deliver:town-b:0"]
    with here.store.writing() as connection:
        systems.resume(connection, "town-a", here.now)
    assert work(here) == ["deliver:town-a:0", "deliver:town-b:0"]


@pytest.mark.parametrize("seed", range(8))
def test_it_finds_what_each_partition_would_find_by_itself(here: Site, seed: int) -> None:
    dice = random.Random(seed)
    states = ["pending", "pending", "held", "delivered", "dead", "parked", "accepted"]
    parts = dice.sample([(name, number) for name in ("city", *TOWNS) for number in range(PARTITIONS)], 7)

    def some() -> dict[str, Any]:
        system, number = dice.choice(parts)
        lane = f"{system}/{number}/{dice.randrange(3)}"
        parent = {"parent_route": "city-accept", "parent_key": f"K{dice.randrange(1, 40)}"} if dice.random() < 0.4 else {}
        due = moment(START + timedelta(seconds=dice.randrange(-5, 5)))
        return pending(system, number, lane=lane, state=dice.choice(states), due_at=due, **parent)

    owe(here, *(some() for _ in range(dice.randrange(1, 60))))
    with here.store.reading() as connection:
        alone = [
            f"deliver:{system}:{number}"
            for system, number in sorted(parts)
            if outbox.sendable(connection, system=system, partition=number, heads_only=True, now=here.now)
        ]
    assert work(here) == alone


def test_a_look_takes_as_many_statements_for_many_systems_as_for_one(here: Site) -> None:
    owe(here, pending("city"))
    few = statements(here)
    with here.store.writing() as connection:
        connection.execute(sa.delete(schema.delivery))
        connection.execute(sa.delete(schema.body))
    owe(here, *(pending(name, number) for name in ("city", *TOWNS) for number in range(PARTITIONS)))
    assert len(look.due(here.exchange)) == (1 + len(TOWNS)) * PARTITIONS
    assert statements(here) == few <= 8


def statements(here: Site) -> int:
    """Return how many statements a look takes, those that begin and end its transaction left out."""
    found: list[str] = []

    def note(_: object, __: object, statement: str, *___: object) -> None:
        found.append(statement)

    sa.event.listen(here.store.engine, "before_cursor_execute", note)
    try:
        look.due(here.exchange)
    finally:
        sa.event.remove(here.store.engine, "before_cursor_execute", note)
    return len([one for one in found if not one.startswith("BEGIN")])
