"""`hub hold`: what waits for a person is counted, decided with a reason, and written into the journal."""

from __future__ import annotations

import getpass
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hub.errors import Rejected
from hub.store import Store, open_store, schema
from tests import configs, fakes, working


@pytest.fixture
def store(here: Path) -> Any:
    configs.put(here, "config/routes/city.yaml", configs.ROUTES.replace("lane: BJBH}", "lane: BJBH, gate: 县审改办}"))
    working.exchanged(here)
    opened = open_store(working.settings_of(here).store)
    yield opened
    opened.close()


def held(hub: Callable[..., Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(hub("hold", "list", "--json").stdout)
    return found


def test_a_gate_holds_until_somebody_releases(hub: Callable[..., Any], store: Store) -> None:
    (one,) = held(hub)
    assert (one["lane"], one["state"], one["approver"]) == ("A1", "held", "县审改办")
    listed = hub("hold", "list")
    assert (listed.exit_code, "等县审改办审批" in listed.stdout) == (1, True)
    assert hub("hold", "list", "--parked").exit_code == 0
    done = hub("hold", "release", str(one["id"]), "--by", "王某", "--reason", "已审批", "--yes")
    assert (done.exit_code, "1 条已放行" in done.stdout) == (0, True)
    hub("sync", "-q")
    assert [message.key for message in fakes.far("city").taken] == ["A1", "A1-1"]
    with store.reading() as connection:
        told = [(row.actor, row.action, row.count, row.reason) for row in connection.execute(schema.journal.select())]
    assert told == [("王某", "gate:approved", 1, "已审批")]
    told_by = [
        json.loads(hub(*words, "--json").stdout)["decisions"] for words in (("trace", "A1"), ("hold", "show", str(one["id"])))
    ]
    assert [[(made["actor"], made["gate"], made["approved"]) for made in all_] for all_ in told_by] == [
        [("王某", "县审改办", True)]
    ] * 2
    assert "县审改办  批准  王某: 已审批" in hub("trace", "A1").stdout


def test_what_stands_behind_an_approval_says_whose(hub: Callable[..., Any], store: Store) -> None:
    number = held(hub)[0]["id"]
    (one,) = json.loads(hub("hold", "list", "--pending", "--json").stdout)
    assert (one["key"], one["behind"]) == ("A1-1", {"id": number, "approver": "县审改办"})
    for told in (hub("hold", "list", "--pending"), hub("hold", "show", str(one["id"])), hub("trace", "A1")):
        assert f"等 #{number} 审批（县审改办）" in told.stdout and "待发" not in told.stdout
    assert f"waits for #{number}, which 县审改办 has to approve" in hub("--lang", "en", "trace", "A1").stdout
    with store.writing() as connection:
        connection.execute(schema.delivery.update().values(stage=None, code="HUB-D-104", reason="no answer").filter_by(id=number))
    assert f"等 #{number} 待人工" in hub("hold", "list", "--pending").stdout


def test_an_approval_is_the_offices_matter_and_not_the_far_sides(hub: Callable[..., Any], store: Store) -> None:
    number = held(hub)[0]["id"]
    listed = hub("hold", "list").stderr
    assert f"hub hold release|cancel {number} --by" in listed and "县审改办批准或不批准" in listed
    assert "deliver" not in listed and "对方" not in listed
    shown = hub("hold", "show", str(number)).stdout
    assert "审批单位: 县审改办" in shown and "市大数据局" not in shown
    with store.writing() as connection:
        connection.execute(schema.delivery.update().values(stage=None, code="HUB-D-104", reason="no answer").filter_by(id=number))
    assert f"与对方核实后：hub hold release|deliver|cancel {number}" in hub("hold", "list").stderr
    assert "市大数据局" in hub("hold", "show", str(number)).stdout


def test_a_refusal_is_told_with_its_reason(hub: Callable[..., Any], store: Store) -> None:
    number = str(held(hub)[0]["id"])
    assert json.loads(hub("hold", "cancel", number, "--reason", "依据不足", "--dry-run", "--json").stdout) == {"would_decide": 1}
    done = hub("hold", "cancel", "--case", "A1", "--by", "王某", "--reason", "依据不足", "--yes", "--json")
    assert json.loads(done.stdout) == {"decided": 1, "state": "cancelled"}
    assert held(hub) == []
    traced = hub("trace", "A1").stdout
    assert "县审改办  不批准  王某: 依据不足" in traced and traced.count("依据不足") == 1
    assert "未获批准：依据不足" in hub("hold", "show", number).stdout


def test_what_was_never_sent_cannot_be_called_delivered(hub: Callable[..., Any], store: Store) -> None:
    number = str(held(hub)[0]["id"])
    done = hub("hold", "deliver", number, "--reason", "核实", "--yes")
    assert (done.exit_code, "等县审改办审批" in done.stdout) == (1, True)
    assert [str(one["id"]) for one in held(hub)] == [number]


def test_what_is_in_doubt_may_be_called_delivered_by_the_login_name(hub: Callable[..., Any], store: Store) -> None:
    number = held(hub)[0]["id"]
    with store.writing() as connection:
        connection.execute(schema.delivery.update().values(stage=None, code="HUB-D-104", reason="no answer").filter_by(id=number))
    done = hub("hold", "deliver", str(number), "--reason", "核实", "--yes", "--json")
    assert json.loads(done.stdout) == {"decided": 1, "state": "delivered"}
    with store.reading() as connection:
        told = [(row.actor, row.action) for row in connection.execute(schema.journal.select())]
    assert told == [(getpass.getuser(), "held:delivered")]


def test_an_outdated_version_is_not_approved(hub: Callable[..., Any], store: Store, here: Path) -> None:
    """Somebody looked at version 1; version 2 came before they answered."""
    number = str(held(hub)[0]["id"])
    newer = [{"kind": "case", "key": "A1", "revision": "2", "data": {"BJBH": "A1", "SQRMC": "乙某某", "SXLX": "1"}}]
    configs.put(here, "records.json", json.dumps([*configs.RECORDS, *newer], ensure_ascii=False))
    hub("sync", "-q", "--full")
    done = hub("hold", "release", number, "--reason", "看过了", "--yes")
    assert (done.exit_code, "县审改办还没有审批，就来了更新的版本" in done.stdout) == (1, True)
    (now,) = held(hub)
    assert str(now["id"]) != number and fakes.far("city").taken == []


def test_show_tells_field_by_field_what_changes_and_masks_it(hub: Callable[..., Any], store: Store, here: Path) -> None:
    number = str(held(hub)[0]["id"])
    first = hub("hold", "show", number)
    assert "第一次发布" in first.stdout and "甲某某" not in first.stdout
    hub("hold", "release", number, "--reason", "已审批", "--yes")
    hub("sync", "-q")
    newer = [{"kind": "case", "key": "A1", "revision": "2", "data": {"BJBH": "A1", "SQRMC": "乙某某", "SXLX": "1"}}]
    configs.put(here, "records.json", json.dumps([*configs.RECORDS, *newer], ensure_ascii=False))
    hub("sync", "-q", "--full")
    (now,) = held(hub)
    shown = hub("hold", "show", str(now["id"])).stdout
    assert (
        "applyer_name 申请人: 甲** → 乙**" in shown
        and "project_no" not in shown.partition("与已发布的相比")[2].partition("原始记录")[0]
    )
    (part,) = json.loads(hub("hold", "show", str(now["id"]), "--json").stdout)["changed"]
    assert (part["first"], [(one["path"], one["old"], one["new"]) for one in part["fields"]]) == (
        False, [("applyer_name", "甲**", "乙**")],
    )  # fmt: skip


def test_what_waits_for_a_parent_that_was_given_up_can_be_given_up_by_name(hub: Callable[..., Any], here: Path) -> None:
    fakes.far("city").will("A1", Rejected("HUB-D-115", "refused"))
    working.exchanged(here)
    hub("dead", "cancel", "--code", "HUB-D-115", "--reason", "申请人撤回", "--yes")
    (parked,) = json.loads(hub("hold", "list", "--parked", "--json").stdout)
    for word in ("release", "deliver"):
        assert "不能这样处理" in hub("hold", word, str(parked["id"]), "--reason", "试", "--yes").stdout
    done = hub("hold", "cancel", str(parked["id"]), "--reason", "父记录已结案", "--yes", "--json")
    assert (done.exit_code, json.loads(done.stdout)) == (0, {"decided": 1, "state": "cancelled"})
    assert json.loads(hub("hold", "list", "--parked", "--json").stdout) == []


def many(store: Store, state: str, number: int, **changed: Any) -> None:
    """Add deliveries like the first one, each in a lane of its own."""
    with store.writing() as connection:
        like = connection.execute(schema.delivery.select().order_by(schema.delivery.c.id)).mappings().first()
        assert like is not None
        rows = [{**like, "id": 1000 + n, "lane": f"L{n}", "key": f"L{n}", "state": state, **changed} for n in range(number)]
        connection.execute(schema.delivery.insert(), rows)


def test_a_list_that_ends_at_its_limit_says_how_many_more_there_are(hub: Callable[..., Any], store: Store) -> None:
    many(store, "held", 117)
    for more in ((), ("--system", "city")):
        assert "另有 18 条没有列出：加 -n 118 全部列出" in hub("hold", "list", *more).stderr
        told = hub("hold", "list", "--json", *more)
        assert (len(json.loads(told.stdout)), "另有 18 条" in told.stderr) == (100, True)
        told = hub("hold", "list", "--json", "-n", "118", *more)
        assert (len(json.loads(told.stdout)), told.stderr) == (118, "")
    assert "100 listed, 18 more: -n 118 lists all" in hub("--lang", "en", "hold", "list").stderr


def test_of_what_is_pending_that_which_failed_comes_first(hub: Callable[..., Any], store: Store) -> None:
    """Whoever is told that three are tried again looks for those, not for the newest of a long backlog."""
    many(store, "pending", 3, stage="send", code="HUB-D-118", reason="busy")
    with store.writing() as connection:
        rows = [dict(row) for row in connection.execute(schema.delivery.select().filter_by(key="L0")).mappings()]
        newer = [{**row, "id": 2000 + n, "lane": f"M{n}", "key": f"M{n}"} for row in rows for n in range(10)]
        connection.execute(schema.delivery.insert(), [{**row, "code": None, "reason": None, "stage": None} for row in newer[:5]])
        connection.execute(schema.delivery.insert(), [{**row, "code": "HUB-D-108"} for row in newer[5:]])  # queued behind a failure
    told = hub("hold", "list", "--pending", "--system", "city", "-n", "4", "--json")
    assert [one["key"] for one in json.loads(told.stdout)] == ["L2", "L1", "L0", "M9"]
    assert "另有 10 条" in told.stderr


def test_a_reason_and_a_scope_are_demanded(hub: Callable[..., Any], store: Store) -> None:
    assert hub("hold", "release", "1").exit_code == 2
    assert "HUB-X-120" in hub("hold", "release", "--reason", "x").stderr
    assert "HUB-X-125" in hub("hold", "release", "1", "--reason", " ").stderr
    assert "HUB-X-125" in hub("hold", "release", "1", "--by", " ", "--reason", "x").stderr
    assert "HUB-X-121" in hub("hold", "release", "--system", "city", "--reason", "x").stderr


def test_show_masks(hub: Callable[..., Any], store: Store) -> None:
    done = hub("hold", "show", str(held(hub)[0]["id"]))
    assert done.exit_code == 0
    assert "甲某某" not in done.stdout
    assert "甲**" in done.stdout
