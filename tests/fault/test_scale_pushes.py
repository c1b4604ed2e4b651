"""Far sides push to two workers at once, the same push to both: durable before the answer, counted once, in order by case."""

from __future__ import annotations

import json
import signal
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from hub.model import State
from hub.store import runs, schema
from tests import configs
from tests.commands import DEADLINE, until
from tests.fault.crew import Crew, crew
from tests.fault.scene import TOWN
from tests.pushing import webhook
from tests.servers import fresh_postgresql

pytestmark = [pytest.mark.slow, pytest.mark.server, pytest.mark.timeout(300)]

CASES, VERSIONS = 4, 6
ROUTE = """
    version: 1
    routes:
      - {route: town-case, title: 乡镇办件, from: town, kind: case, mapping: city/accept, to: city/accept, lane: BJBH}
    """
#: What a far side is told when it is to come again: too many at once, or the hub is ending.
LATER = (429, 503)


@contextmanager
def pushed_to(path: Path) -> Iterator[Crew]:
    """Yield a crew without workers, to which a township may push."""
    with fresh_postgresql() as url, crew(path, url, cases=0, partitions=4, pause=0.0, adapter="NamingAdapter") as team:
        configs.put(path, "config/systems/town.yaml", TOWN)
        configs.put(path, "config/routes/town.yaml", ROUTE)
        yield team


def test_the_same_pushes_to_two_workers_at_once_are_kept_once_before_the_answer_and_sent_in_order(tmp_path: Path) -> None:
    with pushed_to(tmp_path) as two:
        doors = [two.listen()[1], two.listen()[1]]

        def push_all(case: int) -> None:
            with ThreadPoolExecutor(len(doors)) as both:
                for version in range(1, VERSIONS + 1):
                    told = list(both.map(lambda door, version=version: push([door], case, version), doors))  # type: ignore[misc]
                    assert sorted(one["repeated"] for one in told) == [False, True]
                    assert {(one["run"], one["accepted"]) for one in told} == {(told[0]["run"], 1)}
                    assert kept(two, case) == version

        with ThreadPoolExecutor(CASES) as pool:
            list(pool.map(push_all, range(CASES)))
        all_came_once_and_in_order(two)
        assert [two.end(one) for one in two.started] == [143, 143]


def test_pushes_to_a_worker_that_is_killed_come_again_to_the_other_and_are_kept_once(tmp_path: Path) -> None:
    with pushed_to(tmp_path) as two:
        (victim, first), (_, second) = two.listen(), two.listen()

        def push_all(case: int) -> None:
            doors = [first, second] if case % 2 else [second, first]
            for version in range(1, VERSIONS + 1):
                if (case, version) == (0, VERSIONS // 2):
                    victim.send_signal(signal.SIGKILL)
                    victim.communicate(timeout=DEADLINE)
                assert push(doors, case, version)["accepted"] == 1
                assert kept(two, case) == version

        with ThreadPoolExecutor(CASES) as pool:
            list(pool.map(push_all, range(CASES)))
        all_came_once_and_in_order(two)


def push(doors: Sequence[str], case: int, version: int) -> dict[str, Any]:
    """Push a version of a case, as often as it is told to come again, and at the next door when one does not answer."""
    body = json.dumps([{"办件号": f"T{case}", "申请人": f"甲{version}"}], ensure_ascii=False).encode()
    ends = time.monotonic() + DEADLINE
    while True:
        for door in doors:
            try:
                headers = webhook(body, f"{case}-{version}")
                answer = httpx.post(
                    f"{door}/api/v1/push/town/case", content=body, headers=headers, timeout=DEADLINE, trust_env=False
                )
            except httpx.TransportError:
                continue
            if answer.status_code in LATER:
                break
            assert answer.status_code == 200, answer.text
            told: dict[str, Any] = answer.json()
            return told
        assert time.monotonic() < ends, "nobody takes it"
        time.sleep(0.02)


def kept(team: Crew, case: int) -> int:
    """Return how many versions of a case the store has."""
    ours = schema.record.c
    with team.store.reading() as connection:
        query = select(func.count()).select_from(schema.record).where(ours.source == "town", ours.key == f"T{case}")
        return int(connection.scalar(query) or 0)


def all_came_once_and_in_order(team: Crew) -> None:
    """Demand that every version was accounted for once, and arrived once and behind the one before it."""
    until(lambda: team.states() == {State.DELIVERED: CASES * VERSIONS}, "all is delivered")
    with team.store.reading() as connection:
        account = runs.latest(connection, limit=1000, source="town")
    assert sum(run.accepted for run in account) == CASES * VERSIONS
    assert all(run.adds_up and run.ended_at for run in account)
    arrived = defaultdict(list)
    for key, _, name in (line.partition("=") for line in team.arrived()):
        arrived[key].append(name)
    assert arrived == {f"T{case}": [f"甲{version}" for version in range(1, VERSIONS + 1)] for case in range(CASES)}
