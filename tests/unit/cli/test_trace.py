"""`hub trace` tells a case readably: retries, late refusals, what waits for what."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hub.errors import Deferred, Rejected, Retryable
from hub.store import open_store, schema
from tests import configs, fakes, working

QUICK = configs.CITY + "retry: [1s, 1s]\n"


def test_retries_are_told_in_order_with_what_was_said(hub: Callable[..., Any], here: Path) -> None:
    configs.put(here, "config/systems/city.yaml", QUICK)
    fakes.far("city").will("A1", Retryable("HUB-D-113", "503", said="系统繁忙"), Deferred("HUB-D-108", "not sent", until=None))
    with working.at_work(here) as service:
        working.sync(service)
        working.until(lambda: len(fakes.far("city").taken) == 2)
        service.stop()
    lines = hub("trace", "A1").stdout.splitlines()
    tries = [line for line in lines if " 次 " in line]
    assert "未成，将重试  HUB-D-113  系统繁忙" in tries[0]
    assert "对方已收  回执 R1" in tries[1]
    assert not any("HUB-D-108" in line for line in lines)
    assert any("HUB-D-108" in line for line in hub("trace", "A1", "-v").stdout.splitlines())


def test_what_the_hub_says_of_a_try_is_said_in_chinese(hub: Callable[..., Any], here: Path) -> None:
    configs.put(here, "config/systems/city.yaml", configs.CITY + "retry: [1h]\n")
    fakes.far("city").will("A1", Retryable("HUB-D-113", "HTTP 503: the far side is down or busy"))
    with working.at_work(here) as service:
        working.sync(service)
        working.until(lambda: "第 1 次" in hub("trace", "A1").stdout)
        service.stop()
    told = "HUB-D-113  HTTP 503：对方停机或忙"
    assert told in hub("trace", "A1").stdout
    assert "在重试：HUB-D-113 HTTP 503：对方停机或忙" in hub("status").stdout
    assert "HTTP 503: the far side is down or busy" in hub("trace", "A1", "--lang", "en").stdout


def test_a_late_refusal_follows_the_try_that_was_taken(hub: Callable[..., Any], here: Path) -> None:
    working.exchanged(here)
    store = open_store(working.settings_of(here).store)
    at = int(datetime(2026, 1, 1, 16, 30, tzinfo=UTC).timestamp() * 1000)
    with store.writing() as connection:
        refused = {"state": "rejected", "stage": "feedback", "code": "HUB-E-121", "reason": "抽查退回", "changed_at": at}
        connection.execute(schema.delivery.update().where(schema.delivery.c.key == "A1").values(refused))
        connection.execute(schema.delivery.update().where(schema.delivery.c.key == "A1-1").values(state="parked"))
    store.close()
    done = hub("trace", "A1")
    text = done.stdout
    assert text.index("对方已收") < text.index("2026-01-02 00:30:00  事后被退回  HUB-E-121 抽查退回")
    assert "等 city-accept" in text
    assert "hub dead show" in done.stderr


def test_issues_of_the_mapping(hub: Callable[..., Any], here: Path) -> None:
    working.exchanged(here)
    text = hub("trace", "A2").stdout
    assert "HUB-M-103 applyer_name 申请人" in text
    assert "名字过长" not in text


def test_why_a_dead_letter_was_given_up_is_told_beside_its_issues(hub: Callable[..., Any], here: Path) -> None:
    working.exchanged(here)
    assert hub("dead", "cancel", "--code", "HUB-M-103", "--reason", "申请人撤回", "--yes").exit_code == 0
    text = hub("trace", "A2").stdout
    assert text.index("HUB-M-103 applyer_name 申请人") < text.index("申请人撤回")


def test_a_try_says_whether_it_sent_the_original_or_a_new_body(hub: Callable[..., Any], here: Path) -> None:
    fakes.far("city").will("A1", Rejected("HUB-D-115", "refused", said="编号不存在"))
    working.exchanged(here)
    assert hub("dead", "retry", "--code", "HUB-D-115", "--remap", "--yes", "--reason", "对方已登记").exit_code == 0
    hub("sync", "-q")
    told = json.loads(hub("trace", "A1", "--json").stdout)
    (again,) = told["replays"]
    lines = hub("trace", "A1").stdout.splitlines()
    first, made, second = [line for line in lines if " 次 " in line or "重新生成" in line][:3]
    assert ("HUB-D-115" in first, "〔原内容〕" in first) == (True, True)
    assert f"按映射 {again['mapping'][:8]} 重新生成内容: 对方已登记" in made
    assert f"〔新内容 {again['mapping'][:8]}〕" in second


def test_json_and_nothing_known(hub: Callable[..., Any], here: Path) -> None:
    working.exchanged(here)
    told = json.loads(hub("trace", "A1", "--json").stdout)
    assert ([one["route"] for one in told["deliveries"]], len(told["attempts"])) == (["city-accept", "city-process"], 2)
    done = hub("trace", "A9")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "HUB-X-111" in done.stderr
