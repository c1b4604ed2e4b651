"""The HTTP application of a hub that has run once and does not work any more: nothing moves while a test looks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.api.server import build
from hub.engine.service import Service
from hub.store import open_store
from tests import configs, fakes, working
from tests.asgi import Asker


@pytest.fixture(autouse=True)
def alone() -> None:
    """No far side of another test."""
    fakes.forget()


@pytest.fixture
def here(tmp_path: Path) -> Path:
    return configs.write(tmp_path / "site")


@pytest.fixture
def service(here: Path) -> Iterator[Service]:
    working.exchanged(here)
    settings = working.settings_of(here)
    store = open_store(settings.store)
    yield Service(settings, store, scheduled=False)
    store.close()


@pytest.fixture
def api(service: Service, here: Path) -> Asker:
    return Asker(build(service, lambda: working.settings_of(here), service.exchange.settings.http))
