"""Which class an adapter's name means, and what is said of a name that means none."""

from __future__ import annotations

from importlib.metadata import EntryPoint

import pytest

from adapters.files import FilesAdapter
from hub import registry
from hub.errors import HubError


def offered(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    point = EntryPoint("pigeon", value, registry.ENTRY_POINT_GROUP)
    monkeypatch.setattr(registry, "entry_points", lambda group, name="pigeon": [point] if name == "pigeon" else [])


@pytest.mark.parametrize("name", ["files", "adapters.files:FilesAdapter"])
def test_built_in_and_by_module(name: str) -> None:
    assert registry.load(name) is FilesAdapter


def test_an_entry_point_adds_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    offered(monkeypatch, "adapters.files:FilesAdapter")
    assert "pigeon" in registry.names()
    assert registry.load("pigeon") is FilesAdapter


@pytest.mark.parametrize("value", ["no_such_module:Pigeon", "adapters.files:Pigeon"])
def test_an_entry_point_that_cannot_be_imported_is_told_as_such(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    offered(monkeypatch, value)
    with pytest.raises(HubError, match=r"HUB-C-121 .*cannot be imported"):
        registry.load("pigeon")


@pytest.mark.parametrize("name", ["no_such_module:Pigeon", "adapters.files:Pigeon", "adapters.files:", ":Pigeon"])
def test_a_module_that_offers_no_adapter(name: str) -> None:
    with pytest.raises(HubError, match="HUB-C-121"):
        registry.load(name)


def test_a_misspelt_name() -> None:
    with pytest.raises(HubError, match="did you mean files") as caught:
        registry.load("file")
    assert caught.value.code == "HUB-C-120"
