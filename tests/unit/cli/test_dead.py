"""`hub dead`: grouped by cause, one by one with masks, retried only with a scope and after a count."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hub.engine import maintain
from hub.engine.exchange import Exchange
from hub.store import Store, open_store, schema, workers
from tests import configs, fakes, working


@pytest.fixture
def store(here: Path) -> Any:
    working.exchanged(here)
    opened = open_store(working.settings_of(here).store)
    yield opened
    opened.close()


def sample(hub: Callable[..., Any]) -> str:
    return str(json.loads(hub("dead", "list", "--json").stdout)[0]["sample"])


def test_none(hub: Callable[..., Any]) -> None:
    done = hub("dead", "list")
    assert (done.exit_code, done.stdout) == (0, "")
    assert json.loads(hub("dead", "list", "--json").stdout) == []


def test_groups_with_remedy_and_the_next_command(hub: Callable[..., Any], store: Store) -> None:
    done = hub("dead", "list")
    assert done.exit_code == 1
    assert "applyer_name：长度" in done.stdout
    assert "映射" in done.stdout
    assert "长度超出限制 →" in done.stdout
    assert "hub dead show" in done.stderr
    assert "hub dead show" not in done.stdout


def test_one_by_one(hub: Callable[..., Any], store: Store) -> None:
    one = json.loads(hub("dead", "list", "--each", "--json").stdout)[0]
    assert (one["lane"], one["state"], one["code"]) == ("A2", "dead", "HUB-M-103")
    assert "A2" in hub("dead", "list", "--code", "HUB-M-103").stdout


def test_a_list_that_ends_at_its_limit_says_how_many_more_there_are(hub: Callable[..., Any], store: Store) -> None:
    with store.writing() as connection:
        like = connection.execute(schema.delivery.select().filter_by(state="dead")).mappings().first()
        assert like is not None
        rows = [{**like, "id": 1000 + n, "key": f"L{n}", "lane": f"L{n}"} for n in range(117)]
        connection.execute(schema.delivery.insert(), rows)
    for words in (("--each",), ("--code", "HUB-M-103"), ("--each", "--system", "city", "--json")):
        assert "另有 18 条没有列出：加 -n 118 全部列出" in hub("dead", "list", *words).stderr
        assert "没有列出" not in hub("dead", "list", *words, "-n", "118").stderr
    with store.writing() as connection:
        connection.execute(schema.delivery.update().values(stage="send", code="HUB-D-115").filter_by(key="L0"))
    assert "另有 1 条没有列出：加 -n 2 全部列出" in hub("dead", "list", "-n", "1").stderr


def test_a_misspelt_system_is_told(hub: Callable[..., Any]) -> None:
    done = hub("dead", "list", "--system", "ctiy")
    assert done.exit_code == 2
    assert "是不是 city" in done.stderr


def test_show_masks_personal_data_on_both_sides(hub: Callable[..., Any], store: Store) -> None:
    number = sample(hub)
    done = hub("dead", "show", number)
    assert done.exit_code == 0
    assert "名字过长" not in done.stdout
    assert "名***" in done.stdout or "名*" in done.stdout
    assert f"hub dead retry {number} --remap" in done.stderr
    assert "名字过长" not in hub("dead", "show", number, "--json").stdout


def test_show_names_whose_fault_it_is(hub: Callable[..., Any], store: Store, here: Path) -> None:
    named = configs.LOCAL.replace("title: 审批系统", "title: 审批系统\n    contact: 县信息股")
    configs.put(here, "config/systems/local.yaml", named)
    number = sample(hub)
    ours = hub("dead", "show", number).stdout
    assert ("联系: 县信息股" in ours, "市大数据局" in ours) == (True, False)  # our data: the city is not to blame
    with store.writing() as connection:
        connection.execute(schema.delivery.update().values(state="dead", stage="send", code="HUB-D-115", reason="refused: 400"))
    theirs = hub("dead", "show", number).stdout
    assert ("联系: 市大数据局" in theirs, "县信息股" in theirs) == (True, False)


def test_unmask_shows_all_and_is_written_into_the_journal(hub: Callable[..., Any], store: Store) -> None:
    assert "名字过长的某某某" in hub("dead", "show", sample(hub), "--unmask").stdout
    with store.reading() as connection:
        assert [row.action for row in connection.execute(schema.journal.select())] == ["unmask"]


def test_what_no_mark_is_left_for_is_masked_whole(hub: Callable[..., Any], store: Store, here: Path) -> None:
    number = sample(hub)
    for name in ("config/systems/city.yaml", "config/routes/city.yaml"):
        (here / name).unlink()
    told = json.loads(hub("dead", "show", number, "--json").stdout)
    assert all(value.endswith("***") for value in told["data"].values())


def test_an_unknown_number_is_exit_2(hub: Callable[..., Any]) -> None:
    done = hub("dead", "show", "99")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "HUB-X-111" in done.stderr


def test_retry_needs_a_scope_and_somebody_to_ask(hub: Callable[..., Any], store: Store) -> None:
    assert "HUB-X-120" in hub("dead", "retry").stderr
    done = hub("dead", "retry", "--system", "city")
    assert done.exit_code == 2
    assert "HUB-X-121" in done.stderr


def test_retry_counts_first_and_no_means_no(hub: Callable[..., Any], store: Store) -> None:
    dry = hub("dead", "retry", "--code", "HUB-M-103", "--dry-run", "--json")
    assert (dry.exit_code, json.loads(dry.stdout)) == (0, {"would_retry": 1, "samples": [3]})
    declined = hub("dead", "retry", "--code", "HUB-M-103", stdin="n\n")
    assert declined.exit_code == 0
    assert "涉及 1 条" in declined.stderr
    assert hub("dead", "list").exit_code == 1


def test_what_never_had_a_body_stays_dead_until_mapped_anew(hub: Callable[..., Any], store: Store) -> None:
    done = hub("dead", "retry", "--case", "A2", "--yes")
    assert done.exit_code == 1
    assert "--remap" in done.stdout


def test_what_is_still_not_mapped_says_the_new_cause(hub: Callable[..., Any], store: Store, here: Path) -> None:
    number = sample(hub)
    stricter = configs.CONTRACT_ACCEPT.replace("maxLength: 6", "maxLength: 20, pattern: '^[0-9]+$'")
    configs.put(here, "mappings/contracts/city/accept.yaml", stricter)
    done = hub("dead", "retry", number, "--remap", "--yes")
    assert done.exit_code == 1
    assert "1 条仍映射不出（applyer_name：样式）：hub dead show" in done.stdout
    assert "加 --remap" not in done.stdout
    (one,) = json.loads(hub("dead", "list", "--each", "--json").stdout)
    assert (one["code"], one["reason"]) == ("HUB-M-107", "applyer_name: pattern")
    assert [issue["rule"] for issue in one["issues"]] == ["pattern"]
    assert "applyer_name：样式" in hub("dead", "list").stdout


def test_what_the_far_side_refused_keeps_its_words_and_tells_the_new_issues(
    hub: Callable[..., Any], store: Store, here: Path
) -> None:
    number = sample(hub)
    with store.writing() as connection:
        refused = {"stage": "send", "code": "HUB-D-115", "reason": "refused", "issues": None}
        connection.execute(schema.delivery.update().where(schema.delivery.c.id == int(number)).values(**refused))
    assert "1 条仍映射不出（applyer_name：长度）" in hub("dead", "retry", number, "--remap", "--yes").stdout
    (one,) = json.loads(hub("dead", "list", "--each", "--json").stdout)
    assert (one["stage"], one["code"], one["reason"]) == ("send", "HUB-D-115", "refused")
    assert [issue["rule"] for issue in one["issues"]] == ["length"]


def test_the_way_out_of_wrong_data_is_the_source(hub: Callable[..., Any], store: Store) -> None:
    told = hub("dead", "show", sample(hub)).stderr
    assert "数据在来源改好，会自动再送；改了映射或代码表，才用 hub dead retry" in told
    assert "重试：" not in told


def test_list_show_mend_retry_deliver(hub: Callable[..., Any], store: Store, here: Path) -> None:
    configs.put(here, "mappings/contracts/city/accept.yaml", configs.CONTRACT_ACCEPT.replace("maxLength: 6", "maxLength: 20"))
    done = hub("dead", "retry", sample(hub), "--remap", "--yes", "--reason", "放宽长度", "--json")
    assert (done.exit_code, json.loads(done.stdout)) == (0, {"retried": 1, "still_unmappable": 0})
    assert hub("sync", "-q").exit_code == 0
    assert [message.key for message in fakes.far("city").taken] == ["A1", "A1-1", "A2"]
    with store.reading() as connection:
        assert [row.reason for row in connection.execute(schema.journal.select())] == ["放宽长度"]


def test_an_empty_case_means_none_and_not_every_one(hub: Callable[..., Any], store: Store) -> None:
    dry = hub("dead", "cancel", "--system", "city", "--case", "", "--reason", "不再报送", "--dry-run", "--json")
    assert json.loads(dry.stdout) == {"would_cancel": 0, "samples": []}


def test_cancel_ends_them_with_a_reason(hub: Callable[..., Any], store: Store) -> None:
    assert hub("dead", "cancel", "--system", "city").exit_code == 2  # no reason
    assert "HUB-X-120" in hub("dead", "cancel", "--reason", "不再报送").stderr
    assert "HUB-X-125" in hub("dead", "cancel", sample(hub), "--reason", " ", "--yes").stderr
    dry = hub("dead", "cancel", "--code", "HUB-M-103", "--reason", "不再报送", "--dry-run", "--json")
    assert json.loads(dry.stdout) == {"would_cancel": 1, "samples": [3]}
    done = hub("dead", "cancel", sample(hub), "--reason", "不再报送", "--yes")
    assert (done.exit_code, "1 条已结案" in done.stdout) == (0, True)
    assert hub("dead", "list").exit_code == 0
    with store.reading() as connection:
        assert [(row.action, row.reason) for row in connection.execute(schema.journal.select())] == [("cancel", "不再报送")]


def test_what_was_never_read_is_not_told_to_be_retried(hub: Callable[..., Any], store: Store) -> None:
    with store.writing() as connection:
        connection.execute(
            schema.delivery.update().values(state="dead", stage="source", code="HUB-S-222", reason="a.xlsx: is no workbook")
        )
    done = hub("dead", "list")
    assert "a.xlsx：不是工作簿" in done.stdout
    assert "hub dead cancel" in done.stderr
    assert "hub dead retry" not in done.stderr
    assert "hub dead cancel" in hub("dead", "show", sample(hub)).stderr


def group(hub: Callable[..., Any]) -> str:
    return str(json.loads(hub("dead", "list", "--json").stdout)[0]["group"])


def test_a_group_is_shown_by_the_name_that_the_list_gives(hub: Callable[..., Any], store: Store) -> None:
    name = group(hub)
    assert name in hub("dead", "list").stdout
    done = hub("dead", "show", name)
    assert (done.exit_code, "A2" in done.stdout, f"hub dead retry {name} --remap" in done.stderr) == (0, True, True)
    told = json.loads(hub("dead", "show", name, "--json").stdout)
    assert (told["group"], told["count"], [one["key"] for one in told["deliveries"]]) == (name, 1, ["A2"])


def test_a_group_is_retried_by_its_name(hub: Callable[..., Any], store: Store, here: Path) -> None:
    configs.put(here, "mappings/contracts/city/accept.yaml", configs.CONTRACT_ACCEPT.replace("maxLength: 6", "maxLength: 20"))
    assert json.loads(hub("dead", "retry", group(hub), "--dry-run", "--json").stdout) == {"would_retry": 1, "samples": [3]}
    assert json.loads(hub("dead", "retry", group(hub), "--remap", "--yes", "--json").stdout)["retried"] == 1
    with store.reading() as connection:
        (noted,) = connection.execute(schema.journal.select())
    assert noted.scope.startswith("groups=g")


def test_a_group_that_is_gone_and_what_is_no_name_are_told(hub: Callable[..., Any], store: Store) -> None:
    gone = hub("dead", "retry", "g00000000", "--yes")
    assert (gone.exit_code, "HUB-X-111" in gone.stderr) == (2, True)
    wrong = hub("dead", "show", "city")
    assert (wrong.exit_code, "既不是编号也不是组" in wrong.stderr) == (2, True)


def test_purge_forgets_what_was_to_be_sent_and_keeps_the_fact(hub: Callable[..., Any], store: Store) -> None:
    with store.writing() as connection:
        refused = {"state": "dead", "stage": "send", "code": "HUB-D-115", "reason": "refused"}
        connection.execute(schema.delivery.update().where(schema.delivery.c.key == "A1").values(**refused))
    name = next(one["group"] for one in json.loads(hub("dead", "list", "--json").stdout) if one["code"] == "HUB-D-115")
    done = hub("dead", "purge", name, "--reason", "申请人撤回", "--yes", "--json")
    assert (done.exit_code, json.loads(done.stdout)) == (0, {"purged": 1, "bodies": 1, "records": 0})
    (told,) = [one for one in json.loads(hub("trace", "A1", "--json").stdout)["deliveries"] if one["key"] == "A1"]
    assert (told["state"], told["reason"]) == ("cancelled", "申请人撤回")
    with store.reading() as connection:
        assert [row.action for row in connection.execute(schema.journal.select())] == ["purge"]


def test_a_group_that_is_shown_offers_one_of_its_letters(hub: Callable[..., Any], store: Store) -> None:
    name = group(hub)
    done = hub("--lang", "en", "dead", "show", name)
    assert f"one of them: hub dead show {sample(hub)};" in done.stderr
    assert f"hub dead show {name}" not in done.stderr


def test_a_hub_at_work_that_has_not_loaded_the_mended_files_is_told_of(hub: Callable[..., Any], store: Store, here: Path) -> None:
    configs.put(here, "mappings/contracts/city/accept.yaml", configs.CONTRACT_ACCEPT.replace("maxLength: 6", "maxLength: 20"))

    def told(digest: str | None) -> str:
        with store.writing() as connection:
            connection.execute(schema.worker.delete())
            connection.execute(schema.delivery.update().where(schema.delivery.c.key == "A2").values(state="dead", stage="map"))
            if digest:
                workers.beat(connection, "east-1", version="1", digest=digest, host="h", pid=1, holds=())
        with store.lease():
            return str(hub("dead", "retry", "--case", "A2", "--remap", "--yes").stderr)

    assert f"pid {os.getpid()} 用的还不是这些文件" in told(None)  # a hub that serves alone
    exchange = Exchange(working.settings_of(here), store)
    maintain.sweep(exchange)
    assert "SIGHUP" not in told(None)
    configs.put(here, "mappings/contracts/city/accept.yaml", configs.CONTRACT_ACCEPT.replace("maxLength: 6", "maxLength: 21"))
    assert f"pid {os.getpid()} 用的还不是这些文件" in told(None)
    exchange.close()
    assert "east-1 用的还不是这些文件" in told("d" * 64)
    assert "SIGHUP" not in told(working.settings_of(here).digest)
    assert "SIGHUP" not in hub("dead", "retry", "--case", "A2", "--remap", "--yes").stderr
