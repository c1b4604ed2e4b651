"""Proves that the county's second day goes through as well: corrected cases replace what failed, and parked children follow."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import sqlalchemy as sa

from hub import settings
from hub.demo import review
from hub.engine.progress import look
from hub.engine.service import Service, serving
from hub.sandbox.approval import T_BJ
from hub.sandbox.flaws import FlawKind, Rates
from hub.sandbox.generator import advance
from hub.sandbox.street import Plan, Ports, Sandbox
from hub.store import views
from hub.store.runs import Run, RunState, Trigger

ROOT = Path(__file__).parents[2]
DEADLINE = 60.0


def test_a_corrected_case_replaces_its_dead_delivery_and_frees_its_children(tmp_path: Path) -> None:
    for name in ("config", "mappings"):
        shutil.copytree(ROOT / name, tmp_path / name)
    plan = Plan(tmp_path / "county", cases=60, rates=Rates.none(), faults="none", ports=Ports.free())
    with Sandbox(plan) as sandbox:
        spoiled = _spoil(plan.settled().local_url)
        environment = {**sandbox.environment(), "HUB_STORE": f"sqlite:///{tmp_path / 'hub.db'}"}
        with serving(settings.load(tmp_path, env=environment), scheduled=False) as service:
            assert _run(service).state is RunState.DONE
            dead = _states(service)
            assert {dead[system]["dead"] for system in ("province", "gateway")} == {1}
            assert dead["province"]["parked"] > 0
            _mend(plan.settled().local_url, spoiled)
            assert advance(plan.settled().local_url, seed=1, new=3, updates=3, rates=Rates.none()).by_kind()[FlawKind.MISSING] == 0
            assert _run(service).state is RunState.DONE
            assert review.approving(service) > 0
            assert _run(service).state is RunState.DONE
            after = _states(service)
        assert all(not set(states) & {"dead", "parked", "pending", "held"} for states in after.values())
        assert spoiled in {str(held.content.get("project_no")) for held in sandbox.province.held()}
        assert sandbox.gateway.stats()["order_violations"] == sandbox.province.stats()["order_violations"] == 0


def _run(service: Service) -> Run:
    number = service.ask("local", Trigger.CLI, "test")
    ends = time.monotonic() + DEADLINE
    while not (seen := look(service.exchange, [number])).quiet:
        assert time.monotonic() < ends, "the run does not come to an end"
        time.sleep(0.02)
    return seen.runs[0]


def _states(service: Service) -> dict[str, dict[str, int]]:
    with service.store.reading() as connection:
        return {
            system: {state.value: one.count for state, one in states.items() if one.count}
            for system, states in views.backlog(connection).items()
        }


def _spoil(url: str) -> str:
    """Take the applicant's name out of the first case, as a clerk in a hurry would."""
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        number = connection.scalars(sa.select(T_BJ.c.BJBH).where(T_BJ.c.BJZT == "03").order_by(T_BJ.c.BJBH)).first()
        connection.execute(sa.update(T_BJ).filter_by(BJBH=number).values(SQRMC=""))
    engine.dispose()
    assert number is not None
    return str(number)


def _mend(url: str, number: str) -> None:
    """Put the name in; the local system stamps the row with the time of the change."""
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        latest = connection.scalar(sa.select(sa.func.max(T_BJ.c.GXSJ)))
        connection.execute(sa.update(T_BJ).filter_by(BJBH=number).values(SQRMC="补正堃", GXSJ=latest))
    engine.dispose()
