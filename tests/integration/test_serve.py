"""`hub serve` as a real process: signals, reload, lease, port, logs and metrics."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from hub.engine import maintain
from hub.store import Store, cursors, open_store
from tests import configs, working

ROOT = Path(__file__).parents[2]


class Served:
    """One `hub serve` and what it has logged so far."""

    def __init__(self, here: Path, log: Path, *arguments: str) -> None:
        self.log = log
        command = [sys.executable, "-m", "hub.cli", "-c", str(here), "--log-format", "json", "serve", "--port", "0", *arguments]
        with log.open("wb") as stderr:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, env=environment())

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text("utf-8").splitlines()]

    def events(self) -> list[str]:
        with suppress(json.JSONDecodeError):  # the last line may be half written
            return [line["event"] for line in self.lines()]
        return []

    def wait_for(self, event: str, times: int = 1) -> None:
        working.until(lambda: self.process.poll() is not None or self.events().count(event) >= times, event)
        assert self.events().count(event) >= times, self.log.read_text("utf-8")

    def url(self) -> str:
        self.wait_for("http.listening")
        return next(f"http://127.0.0.1:{line['port']}" for line in self.lines() if line["event"] == "http.listening")

    def get(self, path: str) -> httpx.Response:
        return httpx.get(self.url() + path, trust_env=False)

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.process.wait(working.PATIENCE)


def environment() -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("HUB_")}
    return {**clean, "PYTHONPATH": str(ROOT), "COLUMNS": "200"}


def hub(here: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "hub.cli", "-c", str(here), *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment(), timeout=60, check=False)


@pytest.fixture
def here(tmp_path: Path) -> Path:
    return configs.write(tmp_path / "site")


@pytest.fixture
def serve(here: Path, tmp_path: Path) -> Iterator[Callable[..., Served]]:
    started: list[Served] = []

    def start(*arguments: str) -> Served:
        started.append(Served(here, tmp_path / f"log-{len(started)}", *arguments))
        return started[-1]

    yield start
    for one in started:
        one.process.kill()
        one.process.communicate()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_stop_drains_and_tells_by_its_exit_code(serve: Callable[..., Served], number: signal.Signals, code: int) -> None:
    served = serve()
    assert served.get("/readyz").json() == {"status": "ready"}
    assert served.end(number) == code
    assert served.events()[-1] == "hub.stopped"
    assert served.process.stdout is not None
    assert served.process.stdout.read() == b""


def test_every_log_line_is_json_without_colour_codes(serve: Callable[..., Served]) -> None:
    served = serve()
    served.url()
    served.end(signal.SIGTERM)
    assert {"ts", "level", "event", "msg"} <= set.intersection(*(set(line) for line in served.lines()))
    assert "\x1b" not in served.log.read_text("utf-8")
    assert "color_message" not in served.log.read_text("utf-8")


def told(store: Store) -> str | None:
    with store.reading() as connection:
        return cursors.get(connection, maintain.LOADED)


def test_a_hangup_takes_good_files_over_and_refuses_bad_ones(serve: Callable[..., Served], here: Path) -> None:
    served = serve()
    before = served.get("/version").json()["configuration"]
    configs.put(here, "config/systems/city.yaml", configs.CITY.replace("市平台", "市级平台"))
    served.process.send_signal(signal.SIGHUP)
    served.wait_for("config.reloaded")
    good = served.get("/version").json()["configuration"]
    assert good != before
    with closing(open_store(working.settings_of(here).store)) as store:  # commands see the store alone
        working.until(lambda: told(store) == good, "what it has loaded is told")
    configs.put(here, "config/systems/city.yaml", configs.CITY + "batchh: 3\n")
    served.process.send_signal(signal.SIGHUP)
    served.wait_for("config.refused")
    served.wait_for("config.finding")
    finding = next(line for line in served.lines() if line["event"] == "config.finding")
    assert finding["file"].endswith("config/systems/city.yaml")
    assert "did you mean batch" in finding["msg"]
    assert served.get("/version").json()["configuration"] == good
    assert "hub_config_last_reload_successful 0.0" in served.get("/metrics").text
    assert served.end(signal.SIGTERM) == 143


def test_what_needs_a_restart_is_told_at_a_reload(serve: Callable[..., Served], here: Path) -> None:
    served = serve()
    served.url()
    configs.put(here, "config/hub.yaml", configs.HUB + "http: {port: 8699}\n")
    served.process.send_signal(signal.SIGHUP)
    served.wait_for("config.reloaded")
    assert [line["part"] for line in served.lines() if line["event"] == "config.restart_needed"] == ["http"]


def test_a_second_hub_on_one_store_is_exit_5(serve: Callable[..., Served], here: Path) -> None:
    served = serve()
    served.url()
    second = hub(here, "serve", "--port", "0")
    assert second.returncode == 5
    assert "HUB-T-110" in second.stderr
    assert str(served.process.pid) in second.stderr


def test_a_taken_port_is_exit_2_with_a_code(here: Path) -> None:
    with closing(socket.socket()) as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        done = hub(here, "serve", "--port", str(other.getsockname()[1]))
    assert done.returncode == 2
    assert "HUB-X-115" in done.stderr


def test_another_address_needs_a_token(here: Path) -> None:
    configs.put(here, "config/hub.yaml", configs.HUB + "http: {listen: 0.0.0.0}\n")
    done = hub(here, "serve", "--port", "0")
    assert done.returncode == 2
    assert "token" in done.stderr


def test_status_tells_that_a_hub_is_at_work(serve: Callable[..., Served], here: Path) -> None:
    assert json.loads(hub(here, "status", "--json").stdout)["hub"]["running"] is False
    served = serve()
    served.url()
    told = json.loads(hub(here, "status", "--json").stdout)["hub"]
    assert (told["running"], told["holder"]) == (True, f"pid {served.process.pid}")


def test_sync_hands_over_to_the_hub_that_serves(serve: Callable[..., Served], here: Path) -> None:
    served = serve()
    served.url()
    done = hub(here, "sync", "--json")
    run = json.loads(done.stdout)[0]
    assert (run["source"], run["state"], run["read"], run["adds_up"]) == ("local", "done", 3, True)
    assert done.returncode == 1  # one record could not be mapped
    assert "hub_sync_runs_total" in served.get("/metrics").text


def test_a_killed_hub_lets_go_of_the_store(serve: Callable[..., Served], here: Path) -> None:
    served = serve()
    served.url()
    served.process.kill()
    served.process.wait()
    assert hub(here, "sync", "-q").returncode == 1
