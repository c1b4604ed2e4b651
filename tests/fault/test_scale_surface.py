"""A worker shows itself over HTTP as a serving hub does, takes a new configuration over, and goes on."""

from __future__ import annotations

import signal
from pathlib import Path

import httpx
import pytest

from hub.model import State
from tests.commands import until
from tests.fault.crew import crew
from tests.servers import fresh_postgresql

pytestmark = pytest.mark.server


def test_a_worker_is_seen_over_http_and_reloads(tmp_path: Path) -> None:
    with fresh_postgresql() as url, crew(tmp_path, url, cases=10, partitions=2, pause=0.0) as team:
        worker, address = team.listen("--name", "east")
        assert _get(address, "/readyz").status_code == 200
        assert "\nhub_workers 1.0\n" in _get(address, "/metrics").text
        [before] = _get(address, "/api/v1/workers").json()["items"]
        assert before["name"].startswith("east-")
        assert before["pid"] == worker.pid

        team.directory.change("config/hub.yaml", ("测试中枢", "又一个中枢"))
        worker.send_signal(signal.SIGHUP)
        until(lambda: team.told("config.reloaded"), "it takes the files over")
        [after] = _get(address, "/api/v1/workers").json()["items"]
        assert after["name"] == before["name"]
        assert after["digest"] != before["digest"]
        asked = httpx.post(f"{address}/api/v1/runs", json={"source": "local"}, trust_env=False)
        assert asked.status_code == 202
        until(lambda: team.states() == {State.DELIVERED: 20}, "the engine of the new configuration works")
        assert team.end(worker) == 143


def _get(address: str, path: str) -> httpx.Response:
    return httpx.get(address + path, trust_env=False)
