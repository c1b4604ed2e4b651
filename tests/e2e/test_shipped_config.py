"""Proves that the shipped systems speak to the far sides they name: each takes every sound row and nobody else's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hub import settings
from hub.demo.account import TABLES
from hub.mapping import Envelope
from hub.model import Judgement, Message, Operation, Receipt, Record
from hub.ports import Adapter, Feedback, Findable, Sink, Source
from hub.sandbox.flaws import GroundTruth, Rates
from hub.sandbox.generator import fill
from hub.sandbox.street import Plan, Ports, Sandbox
from hub.sandbox.twins.city import CityTwin
from hub.sandbox.twins.province import ProvinceTwin
from hub.settings import Settings
from hub.settings.model import RouteSettings
from tests import servers
from tests.commands import CORE

ROOT = Path(__file__).parents[2]
#: More flaws than in life, so that a few hundred cases show every kind.
RATES = Rates().scaled(8)
province_url = servers.database_url


@dataclass
class Mapped:
    """What the routes made of a county: messages by system, and the rows no mapping would let through."""

    messages: dict[str, list[tuple[bool, Message]]] = field(default_factory=dict)
    dead: dict[str, set[tuple[str, str]]] = field(default_factory=dict)


def test_the_shipped_configuration_is_right_without_any_environment(tmp_path: Path) -> None:
    nothing = tmp_path / "hub.env"
    nothing.write_text("")
    shipped = settings.load(ROOT, env={}, env_file=nothing)
    assert shipped.warnings == ()
    fed = {route.source for route in shipped.routes} | {route.system for route in shipped.routes}
    assert set(shipped.systems) == fed, "every system takes part"
    assert set(shipped.systems) >= CORE


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    plan = Plan(tmp_path_factory.mktemp("county"), cases=400, rates=RATES, faults="none", ports=Ports.free(), systems=CORE)
    with Sandbox(plan) as running:
        yield running


@pytest.mark.parametrize("name", ["local", "province", "gateway", "social"])
def test_every_system_lets_us_in(sandbox: Sandbox, name: str) -> None:
    adapter = settings.load(ROOT, env=sandbox.environment()).systems[name].open()
    try:
        adapter.check()  # type: ignore[attr-defined]
    finally:
        adapter.close()


@pytest.mark.parametrize("name", ["gateway", "social"])
def test_far_sides_over_http_take_exactly_the_sound_rows(sandbox: Sandbox, name: str) -> None:
    shipped = settings.load(ROOT, env=sandbox.environment())
    assert sandbox.truth is not None
    adapter = shipped.systems[name].open()
    try:
        mapped = _mapped(shipped)
        refused = mapped.dead.get(name, set()) | _deliver(adapter, mapped.messages[name])
        assert sandbox.truth.refused(name)
        assert refused == sandbox.truth.refused(name)
        _second_time_is_no_second_row(adapter, mapped.messages[name][0][1])
    finally:
        adapter.close()


def test_the_province_takes_exactly_the_sound_rows_and_says_the_rest_later(province_url: str, tmp_path: Path) -> None:
    twin = ProvinceTwin(province_url)
    with _county(tmp_path, twin) as (shipped, adapter, truth):
        _province(shipped, adapter, truth, twin)


@contextmanager
def _county(directory: Path, twin: ProvinceTwin | CityTwin) -> Iterator[tuple[Settings, Adapter, GroundTruth]]:
    """Give a county with flaws, the shipped settings, and the adapter of the system whose database `twin` is."""
    local = f"sqlite:///{directory / 'approval.db'}"
    truth = fill(local, 250, seed=3, rates=RATES)
    twin.create()
    shipped = settings.load(ROOT, env={"LOCAL_URL": local, **twin.environment("")})
    adapter = shipped.systems[twin.name].open()
    try:
        yield shipped, adapter, truth
    finally:
        adapter.close()
        twin.stop()


def _province(shipped: Settings, adapter: Adapter, truth: GroundTruth, twin: ProvinceTwin) -> None:
    adapter.check()  # type: ignore[attr-defined]
    mapped = _mapped(shipped)
    sent = mapped.messages["province"]
    assert mapped.dead["province"] | _deliver(adapter, sent) == truth.refused("province")
    twin.check()
    assert isinstance(adapter, Feedback)
    verdicts = [verdict for page in adapter.verdicts(None) for verdict in page.verdicts]
    assert {verdict.judgement for verdict in verdicts} == {Judgement.REJECTED}
    keys = {(message.endpoint, str(message.body["row_guid"])): (TABLES[message.kind], message.key) for _, message in sent}
    assert truth.refused("province", late=True)
    assert {keys[verdict.endpoint, verdict.row] for verdict in verdicts} == truth.refused("province", late=True)


def test_the_city_takes_exactly_the_sound_rows_and_says_the_rest_in_xml(province_url: str, tmp_path: Path) -> None:
    twin = CityTwin(province_url)
    with _county(tmp_path, twin) as (shipped, adapter, truth):
        _city(shipped, adapter, truth, twin)


def _city(shipped: Settings, adapter: Adapter, truth: GroundTruth, twin: CityTwin) -> None:
    adapter.check()  # type: ignore[attr-defined]
    mapped = _mapped(shipped)
    sent = mapped.messages["city"]
    assert mapped.dead["city"] | _deliver(adapter, sent) == truth.refused("city")
    twin.work()
    twin.work()
    assert isinstance(adapter, Feedback) and isinstance(adapter, Source)
    verdicts = [verdict for page in adapter.verdicts(None) for verdict in page.verdicts]
    keys = {str(message.body["unid"]): (TABLES[message.kind], message.key) for _, message in sent}
    rejected = {keys[verdict.row] for verdict in verdicts if verdict.judgement is Judgement.REJECTED}
    assert rejected and rejected == truth.refused("city", late=True)
    pages = list(adapter.read(None))
    read = [(record.kind, record.key) for page in pages for record in page.records]
    assert read and set(read) == set(twin.offered()) and not any(page.faults for page in pages)
    assert (twin.stats()["unconfirmed"], twin.stats()["order_violations"]) == (0, 0)


def _second_time_is_no_second_row(adapter: Adapter, message: Message) -> None:
    assert isinstance(adapter, Sink) and isinstance(adapter, Findable)
    assert [type(outcome) for outcome in adapter.send([message])] == [Receipt]
    assert adapter.find(message) is not None


def _mapped(shipped: Settings) -> Mapped:
    """Map every record of the source by every route that wants it."""
    mapped = Mapped()
    for record in _records(shipped):
        for route in shipped.routes_for("local", record.kind):
            if not route.when(record.data):
                continue
            message = _message(route, record)
            if message is None:
                mapped.dead.setdefault(route.system, set()).add((TABLES[record.kind], record.key))
            else:
                mapped.messages.setdefault(route.system, []).append((route.parent is None, message))
    return mapped


def _records(shipped: Settings) -> list[Record]:
    source = shipped.systems["local"].open()
    assert isinstance(source, Source)
    try:
        return [record for page in source.read(None) for record in page.records]
    finally:
        source.close()


def _message(route: RouteSettings, record: Record) -> Message | None:
    now, lane, operation = datetime.now(UTC), route.lane_of(record.data) or "", Operation.INSERT
    envelope = Envelope(operation, "B1", now, record.key, record.revision, record.kind, route.source, lane)
    body, _ = route.mapping.apply(record.data, envelope)
    if body is None:
        return None
    identity = f"{route.name}-{record.key}"
    return Message(abs(hash(identity)), route.endpoint, record.kind, record.key, lane, operation, body, identity, "B1", now)


def _deliver(adapter: Adapter, messages: list[tuple[bool, Message]]) -> set[tuple[str, str]]:
    """Send parents, then the children of those that were taken; return the rows that were not taken."""
    assert isinstance(adapter, Sink)
    step, taken, refused = adapter.guarantees().batch, set(), set()
    for first in (True, False):
        due = [message for parent, message in messages if parent is first and (first or message.lane in taken)]
        for start in range(0, len(due), step):
            part = due[start : start + step]
            for message, outcome in zip(part, adapter.send(part), strict=True):
                if isinstance(outcome, Receipt):
                    taken.add(message.lane)
                else:
                    refused.add((TABLES[message.kind], message.key))
    return refused
