"""Pages of deliveries: together they hold all that is asked for, and none looks further than it may."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from hub.model import State
from hub.store import listing, schema
from hub.store.views import Delivery
from tests import fakes
from tests.exchanges import Site, site

SYSTEMS = ["city", "town"]
STATES = ("delivered", "delivered", "delivered", "cancelled", "dead", "pending")
NUMBER = 300


@pytest.fixture
def here(store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    fakes.forget()
    monkeypatch.setattr(listing, "REACH", 40)
    with site(tmp_path, store_url) as made:
        with made.store.writing() as connection:
            connection.execute(sa.insert(schema.delivery), [row(number) for number in range(1, NUMBER + 1)])
        yield made


def row(number: int) -> dict[str, Any]:
    return {
        "id": number, "record_id": 1, "kind": "case", "route": "city-accept", "endpoint": "accept", "operation": "I", "attempts": 0,
        "spent": 0, "created_at": 1, "changed_at": 1, "due_at": 1, "batch": "B", "mapping": "m", "generation": 0, "doubtful": False,
        "partition": 0, "system": SYSTEMS[number % 20 == 0], "lane": f"L{number % 7}", "key": f"K{number}",
        "state": STATES[number % len(STATES)], "code": "HUB-D-115" if number % 70 == 1 else None,
    }  # fmt: skip


FILTERS: list[dict[str, Any]] = [
    {},
    {"code": "HUB-D-115"},
    {"code": "HUB-D-116"},
    {"system": "town"},
    {"states": [State.CANCELLED]},
    {"states": [State.DEAD]},
    {"states": [State.DEAD], "code": "HUB-D-115"},
    {"states": [State.DEAD, State.PENDING]},
    {"states": [State.HELD]},
    {"system": "town", "states": [State.DEAD]},
    {"system": "town", "states": [State.DEAD, State.PENDING], "code": "HUB-D-115"},
    {"lane": "L3"},
    {"lane": "L3", "system": "town"},
    {"lane": "L3", "code": "HUB-D-115"},
    {"system": "town", "states": [State.DELIVERED, State.PENDING]},
]


@pytest.mark.parametrize("limit", [1, 7, 1000])
@pytest.mark.parametrize("wanted", FILTERS)
def test_the_pages_together_hold_all_that_is_asked_for(here: Site, wanted: dict[str, Any], limit: int) -> None:
    found: list[Delivery] = []
    before, pages = None, 0
    with here.store.reading() as connection:
        while pages == 0 or before is not None:
            items, before = listing.page(connection, SYSTEMS, **wanted, before=before, limit=limit)
            assert len(items) <= limit
            found, pages = [*found, *items], pages + 1
            assert pages <= NUMBER
    assert [one.id for one in found] == [number for number in range(NUMBER, 0, -1) if meant(row(number), wanted)]
    few = wanted.get("states") == [State.HELD] or (wanted.get("system") == "town" and State.DEAD in wanted.get("states", []))
    led = not wanted or "lane" in wanted or few
    if limit == 1000:
        assert pages == (1 if led else -(-NUMBER // 40))


def meant(one: dict[str, Any], wanted: dict[str, Any]) -> bool:
    states = [state.value for state in wanted.get("states", [State(one["state"])])]
    return one["state"] in states and all(one[name] == value for name, value in wanted.items() if name != "states")
