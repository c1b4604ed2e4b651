"""`hub store copy` makes a whole store elsewhere, beside nobody at work, and over nothing that is there."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hub.model import State
from hub.store import open_store, views
from tests import working


def test_a_copy_is_a_whole_store_and_its_target_is_used_from_then_on(hub: Callable[..., Any], here: Path, tmp_path: Path) -> None:
    working.exchanged(here)
    target = f"sqlite:///{tmp_path / 'copy.db'}"
    done = hub("store", "copy", target, "--json")
    told = json.loads(done.stdout)
    assert done.exit_code == 0
    assert told["tables"]["delivery"] == 3
    assert told["rows"] == sum(told["tables"].values())
    store = open_store(target)
    with store.reading() as connection:
        assert views.totals(connection)["city"] == {State.DELIVERED: 2, State.DEAD: 1}
    store.close()
    again = hub("store", "copy", target)
    assert again.exit_code == 2
    assert "HUB-T-105" in again.stderr


def test_a_hub_at_work_is_in_the_way(hub: Callable[..., Any], here: Path, tmp_path: Path) -> None:
    with working.at_work(here):
        refused = hub("store", "copy", f"sqlite:///{tmp_path / 'copy.db'}")
    assert refused.exit_code == 5
    assert "HUB-T-110" in refused.stderr


def test_the_new_address_goes_where_only_the_owner_reads_it(hub: Callable[..., Any], here: Path, tmp_path: Path) -> None:
    working.exchanged(here)
    told = hub("--lang", "en", "store", "copy", f"sqlite:///{tmp_path / 'copy.db'}").stdout
    assert "set HUB_STORE in config/hub.env" in told
