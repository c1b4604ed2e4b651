"""Proves that a network that refuses, swallows, cuts or slows costs time and nothing else: targets rest, recover, all adds up."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa

from hub.demo.account import draw
from hub.demo.job import settings_of
from hub.engine.progress import look
from hub.engine.service import Service, serving
from hub.model import Stage, State
from hub.sandbox.flaws import GroundTruth
from hub.sandbox.generator import advance
from hub.sandbox.proxy import Proxy, Swallow, Weather
from hub.sandbox.street import Plan, Ports, Sandbox
from hub.store import groups, systems, views
from hub.store.runs import Trigger
from tests.commands import CORE, one_way, shipped, until
from tests.servers import fresh_mariadb, fresh_postgresql

#: What the network does, and on which server the province stands meanwhile.
STORMS = [
    pytest.param(fresh_mariadb, Weather(refuse=True), id="mariadb-refuses"),
    pytest.param(fresh_postgresql, Weather(reset_answers_after=50), id="postgresql-cuts-answers"),
    pytest.param(fresh_mariadb, Weather(reset_requests_after=700), id="mariadb-cuts-requests"),
]
FAR = ("gateway", "social", "province")


@dataclass
class Street:
    """The hub at work, its far sides, and the network before each of them."""

    service: Service
    sandbox: Sandbox
    proxies: Mapping[str, Proxy]
    truth: GroundTruth
    runs: list[int]

    def storm(self, weather: Weather, *names: str) -> None:
        """Let the weather change before these far sides; connections that are open meet it too."""
        for name in names:
            self.proxies[name].weather = weather

    def ask(self) -> None:
        """Ask for a run."""
        self.runs.append(self.service.ask("local", Trigger.CLI, "test"))

    def rests(self, name: str) -> bool:
        """Whether a target is left alone because it is down."""
        with self.service.store.reading() as connection:
            standing = systems.standing(connection, name)
        assert not standing.paused, f"{name} was paused: {standing.code} {standing.reason}"
        return standing.down_since is not None

    def done(self, *names: str) -> bool:
        """Whether all was read and these far sides are owed nothing that could still move."""
        progress = look(self.service.exchange, self.runs)
        with self.service.store.reading() as connection:
            backlog = views.backlog(connection)
        return not progress.reading and all(State.PENDING not in backlog.get(name, {}) for name in names)


@contextmanager
def living(path: Path, province_url: str) -> Iterator[Street]:
    """Put a proxy before every far side and let the shipped example work through them."""
    plan = Plan(path / "county", cases=40, seed=5, faults="none", ports=Ports.free(), systems=CORE, province_url=province_url)
    with ExitStack() as stack:
        sandbox = stack.enter_context(Sandbox(plan))
        assert sandbox.truth is not None
        environment = sandbox.environment()
        proxies, through = {}, {}
        for name in FAR:
            variable = f"{name.upper()}_URL"
            proxies[name], through[variable] = _before(stack, environment[variable])
        directory = one_way(shipped(path))
        _hurry(directory)
        settings = settings_of(path, {**environment, **through})
        service = stack.enter_context(serving(settings, scheduled=False))
        yield Street(service, sandbox, proxies, sandbox.truth, [])


def _before(stack: ExitStack, url: str) -> tuple[Proxy, str]:
    if url.startswith("http"):
        proxy = stack.enter_context(Proxy("127.0.0.1", urlsplit(url).port or 80))
        return proxy, f"http://127.0.0.1:{proxy.port}"
    parsed = sa.make_url(url)
    if not parsed.port:
        pytest.skip("this server is reached over a local socket, which cannot be relayed")
    proxy = stack.enter_context(Proxy(parsed.host or "127.0.0.1", parsed.port))
    return proxy, parsed.set(host="127.0.0.1", port=proxy.port).render_as_string(hide_password=False)


def _hurry(directory: Any) -> None:
    """Wait for nobody longer than a second or two."""
    for system in ("gateway", "social"):
        directory.change(
            f"config/systems/{system}.yaml", ("{connect: 5s, read: 30s, total: 60s}", "{connect: 1s, read: 1s, total: 2s}")
        )
    batch = "  batch: 500"
    directory.change("config/systems/province.yaml", (batch, f"  connect_timeout: 1s\n  statement_timeout: 1s\n{batch}"))


@pytest.mark.server
@pytest.mark.parametrize(("server", "weather"), STORMS)
def test_a_storm_passes(server: Callable[[], Any], weather: Weather, tmp_path: Path) -> None:
    with server() as url, living(tmp_path, url) as street:
        street.storm(weather, "gateway", "social")
        street.ask()
        until(
            lambda: street.rests("gateway") and street.rests("social") and street.done("province"),
            "HTTP rests, the province is done",
        )
        street.storm(Weather(), "gateway", "social")
        until(lambda: street.done(*FAR), "all have recovered")
        street.storm(weather, "province")
        street.proxies["province"].cut()
        _another_day(street)
        until(lambda: street.rests("province") and street.done("gateway", "social"), "the province rests, the others are done")
        street.storm(Weather(), "province")
        until(lambda: street.done(*FAR), "the province has recovered")
        _adds_up(street)


@pytest.mark.slow
@pytest.mark.server
def test_a_silence_passes(tmp_path: Path) -> None:
    """Requests arrive and nothing comes back, on connections that were open too: nobody waits for ever, nothing doubles."""
    with fresh_mariadb() as url, living(tmp_path, url) as street:
        street.ask()
        until(lambda: street.done(*FAR), "the first day is done")
        street.storm(Weather(swallow=Swallow.ANSWERS), *FAR)
        _another_day(street)
        until(lambda: street.rests("gateway") and street.rests("province"), "both rest")
        street.storm(Weather(), *FAR)
        until(lambda: street.done(*FAR), "all have recovered")
        _adds_up(street)


@pytest.mark.server
def test_a_slow_network_is_only_slow(tmp_path: Path) -> None:
    with fresh_postgresql() as url, living(tmp_path, url) as street:
        street.storm(Weather(delay=0.01), *FAR)
        street.ask()
        until(lambda: street.done(*FAR), "all have arrived")
        assert not any(street.rests(name) for name in FAR)
        _adds_up(street)


def _another_day(street: Street) -> None:
    added = advance(street.sandbox.plan.local_url, seed=5, new=15, updates=0)
    street.truth = GroundTruth(street.truth.rows + added.rows, street.truth.centres, [*street.truth.flaws, *added.flaws])
    street.ask()


def _adds_up(street: Street) -> None:
    """Nothing died of the weather, and what is over there is what the hub says, row by row."""
    with street.service.store.reading() as connection:
        dead = groups.unfolded(connection)
    assert [group for group in dead if group.stage != Stage.MAP] == []
    held = {name: twin.held() for name, twin in street.sandbox.twins.items()}
    stats = {name: twin.stats() for name, twin in street.sandbox.twins.items()}
    offered = {"local": street.sandbox.twins["local"].offered()}
    account = draw(street.service, street.runs, held, stats, offered, street.truth)
    assert {check.en for check in account.checks if not check.holds} == set()
    assert all(counts.get("updated", 0) == 0 for counts in stats.values())
