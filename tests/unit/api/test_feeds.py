"""Which feeds give too little is told of their system, and of no other."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from hub.engine.service import Service
from hub.store import intake
from tests import configs, working
from tests.asgi import Asker


def test_a_system_tells_which_feeds_give_too_little(api: Asker, service: Service, here: Path) -> None:
    configs.put(here, "config/systems/local.yaml", configs.LOCAL.rstrip(" ") + "    expect: {step: {at_least: 5, per: day}}\n")
    service.exchange.settings = working.settings_of(here)
    now = service.exchange.clock()
    yesterday = now.astimezone(service.exchange.settings.timezone).date() - timedelta(days=1)
    with service.store.writing() as connection:
        intake.add(connection, "local", yesterday.toordinal() - 1, {"step": 0})
        intake.add(connection, "local", yesterday.toordinal(), {"step": 2})
        working.read_whole(connection, now - timedelta(days=1), now)
    (short,) = api.get("/api/v1/systems/local").json()["short"]
    assert short == {"kind": "step", "got": 2, "at_least": 5, "first": str(yesterday), "last": str(yesterday)}
    assert api.get("/api/v1/systems/city").json()["short"] == []
