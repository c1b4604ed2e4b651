"""The metrics contract: names, help, bounded labels, zeros from the start, and a scrape that asks the store nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse
from sqlalchemy import event

from hub.api.server import build
from hub.engine import maintain
from hub.engine.service import Service
from hub.errors import Retryable
from hub.store import systems
from tests import configs, fakes, working
from tests.asgi import Asker

LABELS = {
    "system",
    "route",
    "outcome",
    "stage",
    "state",
    "result",
    "rule",
    "severity",
    "trigger",
    "verdict",
    "final",
    "step",
    "version",
    "digest",
    "le",
}
UNITS = ("_seconds", "_bytes", "_records", "_info")


@pytest.fixture
def here(tmp_path: Path) -> Path:
    fakes.forget()
    return configs.write(tmp_path / "site")


@pytest.fixture
def service(here: Path) -> Iterator[Service]:
    with working.at_work(here) as service:
        yield service


@pytest.fixture
def api(service: Service, here: Path) -> Asker:
    return Asker(build(service, lambda: working.settings_of(here), service.exchange.settings.http))


def families(api: Asker) -> dict[str, Metric]:
    return {one.name: one for one in parse(api.get("/metrics").text)}


def value(api: Asker, sample: str, **labels: str) -> float | None:
    for family in families(api).values():
        for one in family.samples:
            if one.name == sample and one.labels == labels:
                return float(one.value)
    return None


def test_names_help_units_and_labels(api: Asker, service: Service) -> None:
    working.sync(service)
    for name, family in families(api).items():
        assert re.fullmatch(r"hub_[a-z_]+", name)
        assert len(family.documentation) > 5, name
        assert not re.search(r"_(ms|millis|kb|count|total)$", name), name
        assert family.type in {"counter", "gauge", "histogram"}
        if family.type == "counter":
            assert all(sample.name == f"{name}_total" for sample in family.samples)
        if family.type == "histogram":
            assert name.endswith("_seconds")
        for sample in family.samples:
            assert set(sample.labels) <= LABELS, sample


def test_no_label_holds_a_key_or_a_person(api: Asker, service: Service) -> None:
    working.sync(service)
    text = api.get("/metrics").text
    assert "A1" not in re.sub(r"^#.*$", "", text, flags=re.M)
    assert "甲" not in text


def test_every_known_series_is_there_at_zero_before_anything_happened(api: Asker) -> None:
    for outcome in ("taken", "duplicate", "queued", "retryable", "in-doubt", "deferred", "rejected", "misconfigured"):
        assert value(api, "hub_delivery_attempts_total", system="city", outcome=outcome) == 0
    for final in ("delivered", "accepted", "confirmed", "rejected", "held", "dead"):
        assert value(api, "hub_deliveries_total", system="city", final=final) == 0
    for result in ("read", "accepted", "unchanged", "rejected", "filtered"):
        assert value(api, "hub_source_records_total", system="local", result=result) == 0
    for state in ("pending", "accepted", "held", "parked", "dead", "rejected", "behind"):
        assert value(api, "hub_queue_records", system="city", state=state) == 0
    assert value(api, "hub_mapped_records_total", route="city-accept", result="unmappable") == 0
    for rule, severity in (("F02", "block"), ("D03", "warn"), ("-", "block")):
        assert value(api, "hub_quality_issues_total", rule=rule, severity=severity) == 0
    assert value(api, "hub_sync_runs_total", system="local", trigger="schedule", verdict="failed") == 0
    assert value(api, "hub_engine_errors_total", step="deliver") == 0


def test_nothing_appears_that_was_not_there_from_the_start(api: Asker, service: Service) -> None:
    """What the engine counts and what is put at zero are the same sets."""
    before = {(s.name, *sorted(s.labels.items())) for f in families(api).values() for s in f.samples}
    fakes.far("city").will("A1", Retryable("HUB-D-113", "503"))
    working.sync(service)
    maintain.refresh(service.exchange)
    after = {(s.name, *sorted(s.labels.items())) for f in families(api).values() for s in f.samples}
    assert after == before


def test_a_scrape_asks_the_store_nothing(api: Asker, service: Service) -> None:
    working.sync(service)
    service.stop()
    asked: list[str] = []
    event.listen(service.store.engine, "before_cursor_execute", lambda *call: asked.append(call[2]))
    assert api.get("/metrics").status_code == 200
    assert asked == []


def test_openmetrics_is_given_to_who_asks_for_it(api: Asker) -> None:
    answer = api.get("/metrics", headers={"Accept": "application/openmetrics-text"})
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert {one.name for one in parse_openmetrics(answer.text)} == set(families(api))


def test_counters_move_with_the_work(api: Asker, service: Service) -> None:
    working.sync(service)
    assert value(api, "hub_source_records_total", system="local", result="read") == 3
    assert value(api, "hub_mapped_records_total", route="city-accept", result="mapped") == 1
    assert value(api, "hub_mapped_records_total", route="city-accept", result="unmappable") == 1
    assert value(api, "hub_quality_issues_total", rule="F02", severity="block") == 1
    assert value(api, "hub_delivery_attempts_total", system="city", outcome="taken") == 2
    assert value(api, "hub_deliveries_total", system="city", final="delivered") == 2
    assert value(api, "hub_delivery_end_to_end_seconds_count", system="city") == 2
    assert value(api, "hub_sync_runs_total", system="local", trigger="cli", verdict="done") == 1


def test_the_lag_tells_since_when_the_oldest_is_owed(api: Asker, service: Service) -> None:
    now = service.exchange.clock()
    with service.store.writing() as connection:
        systems.rest(connection, "city", 5, now + timedelta(hours=1), now, code="HUB-D-101", reason="cannot connect")
    working.sync(service)
    maintain.refresh(service.exchange)
    assert value(api, "hub_queue_records", system="city", state="pending") == 2
    assert value(api, "hub_queue_oldest_timestamp_seconds", system="city") == pytest.approx(now.timestamp(), abs=60)
    assert value(api, "hub_system_resting", system="city") == 1
    with service.store.writing() as connection:
        systems.resume(connection, "city", now)
    service.wake("city")
    working.until(lambda: len(fakes.far("city").taken) == 2)
    service.stop()
    maintain.refresh(service.exchange)
    assert value(api, "hub_queue_oldest_timestamp_seconds", system="city") == 0
    assert value(api, "hub_system_resting", system="city") == 0


def test_no_lag_grows_while_an_office_thinks_an_approval_over(here: Path) -> None:
    configs.put(here, "config/routes/city.yaml", configs.ROUTES.replace("lane: BJBH}", "lane: BJBH, gate: 县审改办}"))
    with working.at_work(here) as service:
        api = Asker(build(service, lambda: working.settings_of(here), service.exchange.settings.http))
        working.sync(service)
        maintain.refresh(service.exchange)
        told = {state: value(api, "hub_queue_records", system="city", state=state) for state in ("held", "behind", "pending")}
        assert told == {"held": 1, "behind": 1, "pending": 0}
        assert value(api, "hub_queue_oldest_timestamp_seconds", system="city") == 0


def test_the_last_whole_read_is_told_again_after_a_restart(here: Path) -> None:
    with working.at_work(here) as service:
        run = working.sync(service)
    assert run.ended_at is not None
    with working.at_work(here) as service:
        api = Asker(build(service, lambda: working.settings_of(here), service.exchange.settings.http))
        maintain.refresh(service.exchange)
        told = value(api, "hub_sync_last_success_timestamp_seconds", system="local")
    assert told == pytest.approx(run.ended_at.timestamp())


def test_a_system_that_is_gone_after_a_reload_leaves_no_gauge_behind(api: Asker, service: Service, here: Path) -> None:
    before = families(api)["hub_config_info"].samples[0].labels["digest"]
    for name in ("config/systems/city.yaml", "config/routes/city.yaml"):
        (here / name).unlink()
    service.reload(lambda: working.settings_of(here))
    told = families(api)
    assert [sample.labels["digest"] for sample in told["hub_config_info"].samples] != [before]
    assert len(told["hub_config_info"].samples) == 1
    assert {sample.labels["system"] for sample in told["hub_queue_records"].samples} == {"local"}
