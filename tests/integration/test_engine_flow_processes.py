"""What bounds a system holds over several processes on one store: judged by the far side, which keeps a log of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hub.model import State
from tests import fakes
from tests.commands import DEADLINE
from tests.exchanges import Site, case, site
from tests.integration import draining
from tests.integration.http_peer import Peer, Received, Reply, said

CITY = """
    version: 1
    system: city
    title: 市平台
    adapter: rest
    partitions: 4
    {lines}
    options:
      base_url: {url}
      in_flight: 4
      endpoints: {{accept: {{path: /accept, idempotent: true}}, process: {{path: /process, idempotent: true}}}}
    """


class Gatekeeper:
    """A far side that notes when each call came, and how many it had at once."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.came: list[float] = []
        self.most = 0
        self._now = 0
        self._seconds = seconds
        self._lock = threading.Lock()

    def __call__(self, request: Received) -> Reply:
        with self._lock:
            self.came.append(time.monotonic())
            self._now += 1
            self.most = max(self.most, self._now)
        time.sleep(self._seconds)  # it works
        with self._lock:
            self._now -= 1
        return said({"code": 0})

    def within(self, seconds: float) -> int:
        """Return the most calls that came in any such stretch of time."""
        return max(sum(start <= one < start + seconds for one in self.came) for start in self.came)


@pytest.fixture
def here(postgresql_url: str, tmp_path: Path) -> Iterator[Site]:
    fakes.forget()
    with site(tmp_path, postgresql_url) as made:
        yield made


@contextmanager
def far_side(here: Site, gatekeeper: Gatekeeper, lines: str) -> Iterator[None]:
    with Peer() as peer:
        peer.answer = gatekeeper
        here.reconfigure({"config/systems/city.yaml": CITY.format(url=peer.url, lines=lines)})
        yield


def sent_by_two_processes(here: Site, number: int) -> None:
    here.sync(*(case(f"A{n}") for n in range(number)))
    assert {here.column("partition", f"A{n}") for n in range(number)} == {0, 1, 2, 3}
    processes = [draining.start(here.directory, "city", 0, 1), draining.start(here.directory, "city", 2, 3)]
    try:
        assert [process.wait(DEADLINE) for process in processes] == [0, 0]
    finally:
        for process in processes:
            process.kill()
    assert set(here.states().values()) == {State.DELIVERED}


def test_a_rate_holds_over_two_processes(here: Site) -> None:
    """Both empty their partitions as fast as they may; twice the rate, and all sent in half the time, would be the classic mistake.

    A call is granted here and counted over there: on a busy machine some are on their way for longer than others.
    """
    gatekeeper = Gatekeeper()
    with far_side(here, gatekeeper, "rate: {second: 8}"):
        sent_by_two_processes(here, 40)
    assert len(gatekeeper.came) == 40
    assert gatekeeper.within(0.8) < 16
    assert max(gatekeeper.came) - min(gatekeeper.came) > 3.0  # 8 at once, and 32 more in four seconds


def test_calls_at_once_hold_over_two_processes(here: Site) -> None:
    gatekeeper = Gatekeeper(0.02)
    with far_side(here, gatekeeper, "in_flight: 2"):
        sent_by_two_processes(here, 60)
    assert len(gatekeeper.came) == 60
    assert gatekeeper.most <= 2
