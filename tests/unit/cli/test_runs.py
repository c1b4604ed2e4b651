"""`hub runs` lists runs with their accounts, newest first, in words and in the hub's zone."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hub.cli import exits, sync
from hub.store import open_store, runs, schema
from tests import configs, working


def test_none_yet(hub: Callable[..., Any]) -> None:
    done = hub("runs")
    assert (done.exit_code, done.stdout) == (0, "")
    assert "hub sync" in done.stderr


def test_accounts_and_failures(hub: Callable[..., Any], here: Path) -> None:
    working.exchanged(here)
    at = datetime(2026, 1, 1, 16, 30, tzinfo=UTC)
    store = open_store(working.settings_of(here).store)
    with store.writing() as connection:
        runs.ask(connection, "local", runs.Trigger.API, "api", at)
        run = runs.begin_next(connection, "local", at)
        assert run is not None
        runs.end(connection, run.id, runs.RunState.FAILED, at, code="HUB-S-301", reason="cannot connect")
    store.close()
    done = hub("runs")
    assert done.exit_code == 0
    assert "2026-01-02 00:30:00" in done.stdout  # the hub's zone is Asia/Shanghai
    assert "失败" in done.stdout
    assert "HUB-S-301 cannot connect" in done.stdout
    told = json.loads(hub("runs", "--source", "local", "--json").stdout)
    assert [(one["id"], one["adds_up"]) for one in told] == [(2, True), (1, True)]
    assert told[1]["read"] == told[1]["accepted"] == 3
    assert len(json.loads(hub("runs", "-n", "1", "--json").stdout)) == 1


def test_an_audit_tells_what_became_of_every_delivery(hub: Callable[..., Any], here: Path) -> None:
    working.exchanged(here)
    done = hub("runs", "--audit")
    assert (done.exit_code, "投递单 3 = 死信 1 + 已送达 2  账平" in done.stdout) == (0, True)
    (told,) = json.loads(hub("runs", "--audit", "--json").stdout)
    assert told["audit"] == {"adds_up": True, "owed": 3, "refused": 0, "silent": 0, "fates": {"delivered": 2, "dead": 1}}


def test_an_audit_that_does_not_add_up_is_a_finding(hub: Callable[..., Any], here: Path) -> None:
    working.exchanged(here)
    store = open_store(working.settings_of(here).store)
    with store.writing() as connection:
        connection.execute(schema.delivery.delete().where(schema.delivery.c.key == "A1"))
    store.close()
    done = hub("runs", "--audit")
    assert (done.exit_code, "账不平" in done.stdout, "HUB-E-132" in done.stdout) == (1, True, True)


def test_a_misspelt_source_is_told(hub: Callable[..., Any]) -> None:
    done = hub("runs", "--source", "locla")
    assert done.exit_code == 2
    assert "是不是 local" in done.stderr


def test_nobody_is_to_be_called_about_an_answer_that_only_lacks_a_rule(hub: Callable[..., Any], here: Path) -> None:
    configs.put(
        here, "config/systems/local.yaml", configs.LOCAL.replace("title: 审批系统", "title: 审批系统\n    contact: 县信息股")
    )
    assert "县信息股" in failed(hub, here, "HUB-S-401", "no page")
    reason = "HTTP 200: the far side answered, but no rule of feeds.case knows the answer; give feeds.case answers of its own"
    told = failed(hub, here, "HUB-S-409", reason)
    assert "feeds.case 没有规则认得这个应答" in told
    assert "联系: 县信息股" not in told


def failed(hub: Callable[..., Any], here: Path, code: str | None, reason: str) -> str:
    """Return what is told of a run that failed like this."""
    at = datetime(2026, 1, 1, 16, 30, tzinfo=UTC)
    store = open_store(working.settings_of(here).store)
    with store.writing() as connection:
        runs.ask(connection, "local", runs.Trigger.API, "api", at)
        run = runs.begin_next(connection, "local", at)
        assert run is not None
        runs.end(connection, run.id, runs.RunState.FAILED, at, code=code, reason=reason)
    store.close()
    return str(hub("runs", "-n", "1").stdout)


def test_what_the_hub_says_of_a_run_itself_is_said_in_chinese(hub: Callable[..., Any], here: Path) -> None:
    told = failed(hub, here, "HUB-S-320", "feed case (table BJ): SQRMC was text and is number")
    assert "feed case（表 BJ）：SQRMC 原是文本，现在是数字" in told
    assert "运行还没完，进程就没了" in failed(hub, here, None, "its process ended before the run did")
    assert "没能收下" in failed(hub, here, None, "it could not be kept")
    late = "missed 2 occurrence(s), the hub was not there; misfire: skip"
    assert "错过了 2 次，当时中枢不在；misfire：skip" in failed(hub, here, None, late)
    assert "上一次运行还在进行；overlap：skip" in failed(hub, here, None, "the run before is still at work; overlap: skip")


def test_a_run_that_agreed_to_a_changed_source_says_so_and_is_no_failure(hub: Callable[..., Any], here: Path) -> None:
    configs.write(here, records=configs.RECORDS[:2])
    working.exchanged(here)
    at = datetime.now(UTC)
    store = open_store(working.settings_of(here).store)
    with store.writing() as connection:
        runs.ask(connection, "local", runs.Trigger.CLI, "somebody", at, full=True)
        begun = runs.begin_next(connection, "local", at)
        assert begun is not None
        runs.end(
            connection, begun.id, runs.RunState.DONE, at, code="HUB-S-192", reason="feed case (table BJ): column SQRMC is gone"
        )
        agreed = runs.get(connection, begun.id)
    store.close()
    assert agreed is not None and sync.verdict([agreed], {}) == exits.FINDINGS
    assert "HUB-S-192 feed case（表 BJ）：少了列 SQRMC" in hub("runs").stdout
    assert "读取失败" not in hub("status").stdout
