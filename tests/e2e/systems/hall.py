"""The hall's window: takes in cases whose item belongs to a sub-centre, for applicants of any name; and how a system stands."""

from __future__ import annotations

from random import Random
from typing import Any

from sqlalchemy import create_engine, insert

from hub.sandbox import county as made_up
from hub.sandbox.approval import TABLES
from hub.sandbox.lifecycle import Lifecycles
from hub.sandbox.national import now
from hub.sandbox.people import Population
from hub.sandbox.worktime import Worktime
from hub.store import systems
from tests.e2e.county import County


def accept(here: County, centre: str, *names: str, item: str = "", **changed: Any) -> list[str]:
    """Take in one case of a sub-centre's item for each applicant named, and return their numbers; `changed` are columns of T_BJ."""
    taken = here.local("SELECT count(*) FROM T_BJ")[0][0]
    rng, clock, moment = Random(f"hall-{centre}-{taken}"), Worktime(), now().replace(microsecond=0)
    items = tuple(one for one in made_up.county(1).items if one.centre == centre and item in one.name)
    lives = Lifecycles(
        made_up.County(items, (1.0,) * len(items)), Population(rng, "hall", rare=0), rng, clock, until=clock.at(moment)
    )
    applied = clock.at(moment) - 4 * 3600
    lives.serial(clock.text(applied)[:10].replace("-", ""), 5000 + taken)
    engine = create_engine(here.sandbox.plan.local_url)
    numbers = []
    with engine.begin() as connection:
        for name in names:
            case = lives.case(applied, closed=False)
            case.main.update({"SQRMC": name, **changed})
            for table in TABLES:
                for row in case.rows.get(table.name, ()):
                    connection.execute(insert(table), row | {"GXSJ": str(moment)})
            numbers.append(case.number)
    engine.dispose()
    return numbers


def standing(here: County, system: str) -> Any:
    """Return how a system stands: paused, by whom and why."""
    with here.service.store.reading() as connection:
        return systems.standing(connection, system)


def resume(here: County, system: str) -> None:
    """Send to a system again, as `hub resume` does."""
    with here.service.store.writing() as connection:
        systems.resume(connection, system, here.service.exchange.clock())
