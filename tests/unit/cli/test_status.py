"""`hub status` names what is stuck, why, whom to ask and what mends it; and whether a hub works on the store."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa

from hub.cli import contacts, looking
from hub.settings.flow import RateSettings
from hub.store import Store, cursors, intake, open_store, quota, runs, schema, systems, workers
from hub.store.runs import RunState
from tests import configs, working

NOW = datetime.now(UTC)


@pytest.fixture
def store(here: Path) -> Any:
    working.exchanged(here)
    opened = open_store(working.settings_of(here).store)
    yield opened
    opened.close()


def needs(hub: Callable[..., Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(hub("status", "--json").stdout)["needs"]
    return found


def test_all_is_well(hub: Callable[..., Any]) -> None:
    done = hub("status")
    assert done.exit_code == 0
    assert "没有中枢在运行" in done.stdout
    assert "没有需要处理的事" in done.stdout
    assert needs(hub) == []


def test_dead_letters_name_the_cause_the_owner_of_the_data_and_the_command(hub: Callable[..., Any], here: Path) -> None:
    configs.put(
        here, "config/systems/local.yaml", configs.LOCAL.replace("title: 审批系统", "title: 审批系统\n    contact: 县信息股")
    )
    working.exchanged(here)
    done = hub("status")
    assert done.exit_code == 1
    line = next(line for line in done.stdout.splitlines() if "死信：" in line)
    assert "HUB-M-103 applyer_name：长度" in line
    assert "→ hub dead list --system city" in line
    assert "县信息股" in line  # our data: the city is not to blame
    assert "市大数据局" not in line


def test_a_feed_that_gives_too_little_is_told_with_whom_to_ask(hub: Callable[..., Any], here: Path) -> None:
    local = configs.LOCAL.replace("title: 审批系统", "title: 审批系统\n    contact: 县信息股")
    configs.put(here, "config/systems/local.yaml", local.rstrip(" ") + "    expect: {step: {at_least: 5, per: day}}\n")
    working.exchanged(here)
    store = open_store(working.settings_of(here).store)
    yesterday = NOW.astimezone(working.settings_of(here).timezone).date() - timedelta(days=1)
    with store.writing() as connection:
        intake.add(connection, "local", yesterday.toordinal() - 1, {"step": 0})
        intake.add(connection, "local", yesterday.toordinal(), {"step": 2})
        working.read_whole(connection, NOW - timedelta(days=1), NOW)
    store.close()
    (need,) = [one for one in needs(hub) if one["why"] == "HUB-S-191"]
    assert need["what"] == f"{yesterday:%m-%d} 只读到 2 条 step，应至少 5 条"
    assert (need["system"], need["contact"], need["waits"]) == ("local", "县信息股", False)
    assert "只读到 2 条 step" in hub("runs").stdout


def test_a_delivery_that_has_disappeared_is_told_with_the_run_that_accounted_for_it(hub: Callable[..., Any], here: Path) -> None:
    working.exchanged(here)
    assert [one for one in needs(hub) if one["why"] == "HUB-E-132"] == []
    store = open_store(working.settings_of(here).store)
    with store.writing() as connection:
        connection.execute(schema.delivery.delete().where(schema.delivery.c.key == "A1"))
    store.close()
    (need,) = [one for one in needs(hub) if one["why"] == "HUB-E-132"]
    assert (need["system"], need["command"].split(" -c ")[0]) == ("local", "hub runs --audit --source local")


def test_who_gave_sound_data_is_not_asked(hub: Callable[..., Any], here: Path) -> None:
    given = configs.LOCAL.replace("title: 审批系统", "title: 审批系统\n    contact: {contact}")
    configs.put(here, "config/systems/local.yaml", given.replace("{contact}", "县信息股"))
    town = given.replace("{contact}", "镇信息员").replace("system: local", "system: town").replace("records.json", "town.json")
    configs.put(here, "config/systems/town.yaml", town)
    configs.put(here, "town.json", '[{"kind": "case", "key": "B1", "data": {"BJBH": "B1", "SQRMC": "乙某某", "SXLX": "1"}}]')
    route = "{route: town-case, title: 乡镇, from: town, kind: case, mapping: city/accept, to: city/accept, lane: BJBH}"
    configs.put(here, "config/routes/town.yaml", f"version: 1\nroutes:\n  - {route}\n")
    working.exchanged(here)
    (dead,) = needs(hub)
    assert dead["contact"] == "县信息股"


def test_verdicts_that_cannot_be_fetched_are_told(hub: Callable[..., Any], store: Store, here: Path) -> None:
    late = configs.CITY.replace("MemoryAdapter", "LateMemoryAdapter").replace("options:", "feedback: {every: 5m}\n    options:")
    configs.put(here, "config/systems/city.yaml", late)
    with store.writing() as connection:
        cursors.put(connection, "feedback-failed:city", "HUB-D-110 refused the login", NOW)
    told = next(need for need in needs(hub) if need["why"] == "HUB-D-110 refused the login")
    assert (told["system"], told["contact"], told["command"]) == ("city", "市大数据局", "hub check --live city")
    assert told["word"] == "核查未取到"
    last, after = (looking.when(at, working.settings_of(here).timezone) for at in (NOW, NOW + timedelta(minutes=5)))
    assert told["what"] == f"{last} 轮询时，对方的核查结论没有全部取到；下次轮询（{after}）再取"


def test_what_the_far_side_refused_is_the_far_sides(hub: Callable[..., Any], store: Store) -> None:
    with store.writing() as connection:
        connection.execute(schema.delivery.update().values(state="dead", stage="send", code="HUB-D-115", reason="refused: 400"))
    refused = needs(hub)[0]
    assert (refused["system"], refused["contact"]) == ("city", "市大数据局")
    assert "HUB-D-115" in refused["why"]


def test_a_pause_by_a_person_and_one_by_the_hub(hub: Callable[..., Any], store: Store) -> None:
    with store.writing() as connection:
        systems.pause(connection, "city", "hub", NOW, code="HUB-D-110", reason="401")
        systems.pause(connection, "local", "王科长", NOW, reason="升级")
    told = {need["system"]: need for need in needs(hub) if "hub resume" in need["command"]}
    assert told["city"]["command"] == "hub check --live city && hub resume city"
    assert told["city"]["contact"] == "市大数据局"
    assert "HUB-D-110" in told["city"]["why"]
    assert told["local"]["command"] == "hub resume local"
    assert "王科长" in told["local"]["what"]


def test_a_target_that_is_down_tells_until_when_in_the_hubs_zone(hub: Callable[..., Any], here: Path) -> None:
    until = NOW + timedelta(hours=1)
    opened = open_store(working.settings_of(here).store)
    with opened.writing() as connection:
        systems.rest(connection, "city", 5, until, NOW, code="HUB-D-101", reason="cannot connect")
    opened.close()
    done = hub("status")
    assert done.exit_code == 4  # nothing for a person here, but a far side is unavailable
    assert looking.when(until, working.settings_of(here).timezone) in done.stdout
    assert "hub check --live city" in done.stdout
    assert "市大数据局" in done.stdout


def test_a_circuit_tells_since_when_until_when_and_why(hub: Callable[..., Any], store: Store) -> None:
    with store.writing() as connection:
        systems.rest(connection, "city", 5, NOW + timedelta(hours=1), NOW, code="HUB-D-101", reason="cannot connect")
    told = json.loads(hub("status", "--json").stdout)
    city = next(one for one in told["systems"] if one["system"] == "city")
    assert (city["circuit"], city["open"]) == ("open", False)
    (need,) = [one for one in told["needs"] if one["word"] == "熔断"]
    assert "起熔断" in need["what"] and "HUB-D-101" in need["why"] and need["waits"]
    assert need["command"] == "hub check --live city"
    with store.writing() as connection:
        connection.execute(schema.delivery.update().where(schema.delivery.c.key == "A1-1").values(state="pending"))
    (need,) = [one for one in needs(hub) if one["word"] == "熔断"]
    assert need["command"] == "hub hold list --pending --system city", "a login may go well while every message fails"


@pytest.mark.parametrize(
    ("lines", "word", "words"),
    [
        ('maintenance: [{from: "2000-01-01 00:00", to: "2999-01-01 00:00"}]', "关门", "维护时间，2999-01-01 00:00:00 开门"),
        ("rate: {day: 1}", "限速", "已到限速上限"),
    ],
)
def test_what_is_closed_or_at_its_rate_waits_by_itself(
    hub: Callable[..., Any], here: Path, lines: str, word: str, words: str
) -> None:
    working.exchanged(here)
    configs.put(here, "config/systems/city.yaml", configs.CITY.replace("    options:", f"    {lines}\n    options:"))
    store = open_store(working.settings_of(here).store)
    with store.writing() as connection:
        connection.execute(schema.delivery.update().where(schema.delivery.c.key == "A1-1").values(state="pending"))
        quota.count(connection, "city", RateSettings(day=1), working.settings_of(here).timezone, datetime.now(UTC))
    store.close()
    told = json.loads(hub("status", "--json").stdout)
    (need,) = [one for one in told["needs"] if one["word"] == word]
    assert need["what"].startswith(words) and need["waits"]


def test_a_source_that_could_not_be_read(hub: Callable[..., Any], store: Store) -> None:
    with store.writing() as connection:
        runs.ask(connection, "local", runs.Trigger.SCHEDULE, "schedule", NOW)
        run = runs.begin_next(connection, "local", NOW)
        assert run is not None
        runs.end(connection, run.id, runs.RunState.FAILED, NOW, code="HUB-S-301", reason="cannot connect")
        runs.skipped(connection, "local", "schedule", "overlap", NOW)  # tells nothing about the source
    unreadable = next(need for need in needs(hub) if need["system"] == "local")
    assert "HUB-S-301" in unreadable["why"]
    assert unreadable["command"] == "hub check --live local && hub sync local"
    assert "读取失败" in hub("status").stdout


def test_what_waits_for_approval_is_told_by_whose_and_blames_no_target(hub: Callable[..., Any], here: Path) -> None:
    configs.put(here, "config/routes/city.yaml", configs.ROUTES.replace("lane: BJBH}", "lane: BJBH, gate: 县审改办}"))
    working.exchanged(here)
    store = open_store(working.settings_of(here).store)
    with store.writing() as connection:
        connection.execute(schema.delivery.update().values(created_at=schema.delivery.c.created_at - 3_600_000))
    store.close()
    done = hub("status")
    assert done.exit_code == 1
    line = "city: 1 条等县审改办审批，最早一条已等 1 小时，后面还有 1 条跟着等 → hub"
    assert line in done.stdout and "hold list --system city" in done.stdout
    assert "条待人工" not in done.stdout and "对方慢" not in done.stdout
    (row,) = [line for line in done.stdout.splitlines() if "市平台" in line and "│" in line]
    assert "1 小时" not in row, "nothing is owed that a hub could bring there"
    assert "hub serve" not in [need["command"] for need in needs(hub)], "no hub could send what stands behind it"
    told = json.loads(hub("status", "--json").stdout)
    city = next(one for one in told["systems"] if one["system"] == "city")
    assert (city["gates"]["县审改办"]["count"], city["behind"]["县审改办"]["count"], "pending" in city["backlog"]) == (1, 1, False)


@pytest.mark.parametrize(
    ("state", "command"), [("held", "hub hold list --system city"), ("parked", "hub hold list --parked --system city")]
)
def test_what_waits_for_a_person_or_a_parent(hub: Callable[..., Any], store: Store, state: str, command: str) -> None:
    with store.writing() as connection:
        connection.execute(schema.delivery.update().where(schema.delivery.c.key == "A1-1").values(state=state))
    assert command in [need["command"] for need in needs(hub)]


def test_pending_without_a_hub_and_overdue_with_one(hub: Callable[..., Any], store: Store) -> None:
    old = int((NOW - timedelta(hours=2)).timestamp() * 1000)
    with store.writing() as connection:
        connection.execute(schema.delivery.update().where(schema.delivery.c.key == "A1-1").values(state="pending", created_at=old))
    assert needs(hub)[0]["command"] == "hub serve"
    with store.lease():
        told = needs(hub)
    assert "hub serve" not in [need["command"] for need in told]
    assert "hub hold list --pending --system city" in [need["command"] for need in told]


def test_what_is_tried_again_is_one_line_with_its_cause(hub: Callable[..., Any], store: Store) -> None:
    tried = {"state": "pending", "code": "HUB-D-118", "reason": "the far side is busy", "attempts": 1}
    with store.writing() as connection:
        connection.execute(schema.delivery.update().where(schema.delivery.c.key == "A1-1").values(tried))
    told = next(need for need in needs(hub) if "重试" in need["what"])
    assert told["what"] == "1 条在重试：HUB-D-118 the far side is busy"
    assert (told["command"], told["waits"]) == ("hub hold list --pending --system city", True)


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({"state": "delivered", "stage": None}, "正常"),
        ({"state": "dead", "stage": "send"}, "有死信"),
        ({"state": "held"}, "待人工"),
        ({"state": "parked"}, "等父记录"),
        ({"state": "pending", "code": "HUB-D-118", "reason": "busy"}, "重试中"),
    ],
)
def test_nothing_is_called_well_that_is_not(hub: Callable[..., Any], store: Store, changed: dict[str, Any], word: str) -> None:
    with store.writing() as connection:
        connection.execute(schema.delivery.update().where(schema.delivery.c.key != "A1-1").values(state="delivered", stage=None))
        connection.execute(schema.delivery.update().where(schema.delivery.c.key == "A1-1").values(changed))
    (row,) = [row for row in rows(hub("status").stdout) if row[0] == "city"]
    assert row[2] == word


def test_a_system_that_is_no_longer_configured_is_not_forgotten(hub: Callable[..., Any], store: Store, here: Path) -> None:
    for name in ("config/systems/city.yaml", "config/routes/city.yaml"):
        (here / name).unlink()
    assert [need["system"] for need in needs(hub)] == ["city"]


PLATFORMS = """
    datasets:
      cases: {title: 办件信息库, kinds: [case]}
      steps: {title: 过程库, kinds: [step], note: 推测}
    platforms:
      approval: {title: 网上审批平台, systems: [local]}
      exchange: {title: 数据交换平台, systems: [city], note: 推测}
    """


@pytest.fixture
def grouped(here: Path) -> None:
    configs.put(here, "config/hub.yaml", configs.HUB + PLATFORMS)


def rows(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.split("│")[1:-1]] for line in text.splitlines() if line.startswith("│")]


@pytest.mark.usefixtures("grouped")
def test_what_is_well_is_folded_into_its_platform(hub: Callable[..., Any], here: Path) -> None:
    working.exchanged(here)
    shown = rows(hub("status").stdout)
    assert [row[:3] for row in shown] == [
        ["网上审批平台", "1 个系统", "正常"],
        ["数据交换平台", "1 个系统", "1 个有事"],
        ["city", "市平台", "有死信"],
    ]
    assert [row[4] for row in shown] == ["", "1", "1"]
    assert [row[0] for row in rows(hub("status", "--all").stdout)] == ["网上审批平台", "local", "数据交换平台", "city"]


@pytest.mark.usefixtures("grouped")
def test_records_are_counted_by_dataset(hub: Callable[..., Any], here: Path) -> None:
    assert "办件信息库 0  过程库 0" in hub("status").stdout
    working.exchanged(here)
    assert "办件信息库 2  过程库 1" in hub("status").stdout
    told = json.loads(hub("status", "--json").stdout)
    assert [(one["name"], one["kinds"], one["records"]) for one in told["datasets"]] == [
        ("cases", ["local/case"], 2),
        ("steps", ["local/step"], 1),
    ]
    assert [(one["name"], one["systems"], one["note"]) for one in told["platforms"]][1] == ("exchange", ["city"], "推测")
    assert {one["system"]: one["platform"] for one in told["systems"]} == {"local": "approval", "city": "exchange"}


@pytest.mark.usefixtures("grouped")
def test_a_system_in_no_platform_is_shown(hub: Callable[..., Any], here: Path) -> None:
    configs.put(here, "config/hub.yaml", configs.HUB + PLATFORMS.replace("systems: [city]", "systems: []"))
    assert [row[0] for row in rows(hub("status", "--all").stdout)] == ["网上审批平台", "local", "未分组", "city"]


def test_a_push_that_was_not_taken_is_told_as_one(hub: Callable[..., Any], store: Store) -> None:
    with store.writing() as connection:
        run = runs.begin_push(connection, "local", NOW)
        runs.end(connection, run.id, RunState.FAILED, NOW, code="HUB-S-221", reason="line 1: the column 编号 is missing")
    (told,) = [need for need in needs(hub) if need["system"] == "local"]
    assert "推送读不懂" in told["what"]
    assert told["why"] == "HUB-S-221 第 1 行：缺少列 编号"
    assert told["command"].startswith("hub runs --source local")


def test_a_few_are_named_and_the_rest_counted() -> None:
    many = [SimpleNamespace(contact=f"乡镇{number}") for number in range(13)]
    assert contacts.whom("map", many[0], many) == "乡镇0、乡镇1、乡镇2 等 13 处"  # type: ignore[arg-type]
    assert contacts.whom("map", many[0], many[:2]) == "乡镇0、乡镇1"  # type: ignore[arg-type]


def test_workers_are_listed_and_unlike_ones_need_somebody(hub: Callable[..., Any], store: Store) -> None:
    def beat(name: str, version: str) -> None:
        with store.writing() as connection:
            workers.beat(connection, name, version=version, digest="d" * 64, host="h1", pid=7, holds=["deliver:city:0"])

    beat("a-1", "1.0")
    done = hub("status")
    assert "worker a-1  h1 pid 7  1.0 dddddddddddd  正在处理 1 项" in done.stdout
    before = needs(hub)
    beat("b-2", "2.0")
    first, *others = needs(hub)
    assert "HUB-E-142" in first["what"]
    assert first["command"].endswith("hub explain HUB-E-142")
    assert others == before
    with store.writing() as connection:
        connection.execute(sa.update(schema.worker).where(schema.worker.c.name == "b-2").values(seen_at=0))
    assert "b-2" in hub("status").stdout
    assert needs(hub) == before


def test_one_is_told_as_one_and_in_english_with_english_brackets(hub: Callable[..., Any], store: Store) -> None:
    def told(**changed: Any) -> str:
        with store.writing() as connection:
            connection.execute(schema.delivery.update().where(schema.delivery.c.key == "A1-1").values(**changed))
        return str(hub("--lang", "en", "status").stdout)

    parked = told(state="parked")
    assert "1 waits for its parent (" in parked
    assert "（" not in parked
    assert "1 is tried again: HUB-D-118 busy" in told(state="pending", code="HUB-D-118", reason="busy", attempts=1)
