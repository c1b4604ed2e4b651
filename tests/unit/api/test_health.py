"""Health pages: alive without asking anything, ready from one short look at the store, version."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from fastapi import FastAPI
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from hub.api import health
from hub.engine.service import Service
from hub.store import cursors, open_store, systems
from tests import configs, working
from tests.asgi import Asker


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pages(service: Service, clock: Clock) -> Asker:
    app = FastAPI()
    app.include_router(health.router(service, clock))
    return Asker(app)


def test_alive_and_version_ask_nothing(pages: Asker, service: Service) -> None:
    asked: list[str] = []
    event.listen(service.store.engine, "before_cursor_execute", lambda *call: asked.append(call[2]))
    assert pages.get("/livez").json() == {"status": "alive"}
    assert pages.get("/version").json()["name"] == "test"
    assert asked == []


def test_ready_names_its_checks_when_asked(pages: Asker, service: Service) -> None:
    now = service.exchange.clock()
    with service.store.writing() as connection:
        systems.pause(connection, "local", "test", now)
        systems.rest(connection, "city", 5, now + timedelta(hours=1), now, code="HUB-D-101", reason="cannot connect")
    assert pages.get("/readyz").json() == {"status": "ready"}
    told = pages.get("/readyz?verbose").json()
    assert told == {"status": "ready", "checks": {"store": "ok", "engine": "ok", "systems": {"city": "resting", "local": "paused"}}}


def test_ready_names_a_failing_poll_for_verdicts(tmp_path: Path, clock: Clock) -> None:
    late = configs.CITY.replace("MemoryAdapter", "LateMemoryAdapter").replace("options:", "feedback: {every: 5m}\n    options:")
    settings = working.settings_of(configs.write(tmp_path, {"config/systems/city.yaml": late}))
    store = open_store(settings.store)
    try:
        service, app = Service(settings, store, scheduled=False), FastAPI()
        app.include_router(health.router(service, clock))
        with store.writing() as connection:
            cursors.put(connection, "feedback-failed:city", "HUB-D-110 refused", service.exchange.clock())
        assert Asker(app).get("/readyz?verbose").json()["checks"]["feedback"] == {"city": "HUB-D-110"}
    finally:
        store.close()


def test_ready_is_remembered_for_two_seconds(pages: Asker, service: Service, clock: Clock) -> None:
    asked: list[str] = []
    event.listen(service.store.engine, "before_cursor_execute", lambda *call: asked.append(call[2]))
    pages.get("/readyz")
    once = len(asked)
    clock.now = 1.9
    pages.get("/readyz?verbose")
    assert len(asked) == once > 0
    clock.now = 2.1
    pages.get("/readyz")
    assert len(asked) == 2 * once


def test_not_ready_while_another_hub_works_on_the_store(pages: Asker, service: Service) -> None:
    service.exchange.lease.refused = True
    answer = pages.get("/readyz")
    assert (answer.status_code, answer.json()["checks"]["engine"]) == (503, ["lease"])


def test_not_ready_while_the_store_does_not_answer(pages: Asker, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(*_: object) -> None:
        raise OperationalError("SELECT", {}, Exception("no answer"))

    with monkeypatch.context() as broken:
        broken.setattr("hub.store.systems.standing", silent)
        answer = pages.get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (503, "not ready")
    clock.now = 3.0
    assert pages.get("/readyz").status_code == 200
