"""`hub hold`: what waits for a person is counted, decided with a reason, and written into the journal."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hub.store import Store, open_store, schema
from tests import configs, fakes, working


@pytest.fixture
def store(here: Path) -> Any:
    configs.put(here, "config/routes/city.yaml", configs.ROUTES.replace("lane: BJBH}", "lane: BJBH, gate: true}"))
    working.exchanged(here)
    opened = open_store(working.settings_of(here).store)
    yield opened
    opened.close()


def held(hub: Callable[..., Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(hub("hold", "list", "--json").stdout)
    return found


def test_a_gate_holds_until_somebody_releases(hub: Callable[..., Any], store: Store) -> None:
    (one,) = held(hub)
    assert (one["lane"], one["state"]) == ("A1", "held")
    assert hub("hold", "list").exit_code == 1
    assert hub("hold", "list", "--parked").exit_code == 0
    done = hub("hold", "release", str(one["id"]), "--reason", "已审批", "--yes")
    assert (done.exit_code, "1 条已放行" in done.stdout) == (0, True)
    hub("sync", "-q")
    assert [message.key for message in fakes.far("city").taken] == ["A1", "A1-1"]
    with store.reading() as connection:
        told = [(row.action, row.count, row.reason) for row in connection.execute(schema.journal.select())]
    assert told == [("held:pending", 1, "已审批")]


@pytest.mark.parametrize(("word", "state"), [("deliver", "delivered"), ("cancel", "cancelled")])
def test_the_other_two_ends(hub: Callable[..., Any], store: Store, word: str, state: str) -> None:
    number = held(hub)[0]["id"]
    dry = hub("hold", word, str(number), "--reason", "核实", "--dry-run", "--json")
    assert json.loads(dry.stdout) == {"would_decide": 1}
    done = hub("hold", word, "--case", "A1", "--reason", "核实", "--yes", "--json")
    assert json.loads(done.stdout) == {"decided": 1, "state": state}
    assert held(hub) == []


def test_a_reason_and_a_scope_are_demanded(hub: Callable[..., Any], store: Store) -> None:
    assert hub("hold", "release", "1").exit_code == 2
    assert "HUB-X-120" in hub("hold", "release", "--reason", "x").stderr
    assert "HUB-X-121" in hub("hold", "release", "--system", "city", "--reason", "x").stderr


def test_show_masks(hub: Callable[..., Any], store: Store) -> None:
    done = hub("hold", "show", str(held(hub)[0]["id"]))
    assert done.exit_code == 0
    assert "甲某某" not in done.stdout
    assert "甲**" in done.stdout
