"""`hub pause` and `hub resume`: remembered, with a name and a reason."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hub.store import open_store, schema, systems
from tests import configs, fakes, working


def test_a_paused_system_gets_nothing_until_resumed(hub: Callable[..., Any], here: Path) -> None:
    configs.write(here, records=configs.RECORDS[:2])
    assert "已暂停" in hub("pause", "city", "--reason", "对方升级").stdout
    assert hub("sync", "-q").exit_code == 4
    assert fakes.far("city").arrived == []
    assert json.loads(hub("resume", "city", "--json").stdout) == {"system": "city", "paused": False, "owed": 2}
    assert hub("sync", "-q").exit_code == 0
    store = open_store(working.settings_of(here).store)
    with store.reading() as connection:
        assert not systems.standing(connection, "city").paused
        journal = [(row.action, row.reason) for row in connection.execute(schema.journal.select())]
    store.close()
    assert journal == [("pause", "对方升级"), ("resume", "-")]


def test_a_misspelt_system_is_2(hub: Callable[..., Any]) -> None:
    done = hub("pause", "ctiy")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "是不是 city" in done.stderr
