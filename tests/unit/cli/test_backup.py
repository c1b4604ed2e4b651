"""`hub backup` makes one file that is a whole store, also beside a hub at work, and overwrites nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hub.model import State
from hub.store import open_store, views
from tests import working


def test_a_backup_made_at_work_is_a_whole_store(hub: Callable[..., Any], here: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    with working.at_work(here) as service:
        working.sync(service)
        done = hub("backup", str(copy), "--json")
    assert (done.exit_code, json.loads(done.stdout)["bytes"]) == (0, copy.stat().st_size)
    assert copy.stat().st_mode & 0o077 == 0
    store = open_store(f"sqlite:///{copy}")
    with store.reading() as connection:
        assert views.totals(connection)["city"] == {State.DELIVERED: 2, State.DEAD: 1}
    store.close()


def test_nothing_is_overwritten(hub: Callable[..., Any], tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.write_text("mine")
    assert hub("backup", str(there)).exit_code == 2
    assert there.read_text() == "mine"
    assert hub("backup", str(tmp_path / "no" / "dir")).exit_code == 2
