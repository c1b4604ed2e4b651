"""`hub check` tells everything that is wrong, and with --live what every system says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hub.errors import Deferred, Misconfigured, Retryable, SourceFailed
from tests import configs
from tests.fakes import far


def test_a_right_configuration_is_exit_0(hub: Any) -> None:
    done = hub("check")
    assert (done.exit_code, done.stderr) == (0, "")
    assert "2 个系统，2 条路由，2 个映射，0 处警告" in done.stdout


def test_findings_have_place_code_hint_and_remedy_and_are_exit_2(hub: Any, here: Path) -> None:
    configs.put(here, "config/systems/city.yaml", configs.CITY.replace("contact:", "contct:"))
    configs.put(here, "config/routes/city.yaml", configs.ROUTES.replace("to: city/accept", "to: city/acept"))
    done = hub("check")
    assert done.exit_code == 2
    lines = done.stdout.splitlines()
    assert "routes[0].to HUB-C-141 the system 'city' has no endpoint 'acept'" in lines[0]  # the system's own finding hides it not
    assert lines[2] == "config/systems/city.yaml:5:1 contct HUB-C-106 unknown key 'contct' (did you mean contact?)"
    assert lines[3].startswith("    不认识的键 → ")
    assert lines[-1].startswith("2 处错误，0 处警告")


def test_other_commands_tell_findings_on_stderr(hub: Any, here: Path) -> None:
    configs.put(here, "config/hub.yaml", "version: 1\n")
    done = hub("preview", "city-accept")
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.count("HUB-C-107") == 3


def test_findings_as_json(hub: Any, here: Path) -> None:
    configs.put(here, "config/systems/city.yaml", configs.CITY.replace("contact:", "contct:"))
    done = hub("check", "--json", "--lang", "en")
    told = json.loads(done.stdout)
    assert (done.exit_code, told["ok"]) == (2, False)
    assert told["findings"] == [
        {
            "code": "HUB-C-106",
            "severity": "error",
            "file": "config/systems/city.yaml",
            "line": 5,
            "column": 1,
            "path": "contct",
            "message": "unknown key 'contct'",
            "hint": "did you mean contact?",
            "explanation": "unknown key",
        }
    ]


def test_warnings_pass_unless_strict(hub: Any, here: Path) -> None:
    configs.put(here, "config/systems/city.yaml", configs.CITY.replace("batch: 10}", "batch: 10, password: hunter2}"))
    done = hub("check")
    assert (done.exit_code, hub("check", "--strict").exit_code) == (0, 1)
    assert "HUB-C-160" in done.stdout
    assert "hunter2" not in done.stdout + done.stderr


def test_no_configuration_here(hub: Any, tmp_path: Path) -> None:
    done = hub("check", "-c", str(tmp_path))
    assert done.exit_code == 2
    assert "hub init" in done.stdout


def test_variables_come_from_the_named_file(hub: Any, here: Path, tmp_path: Path) -> None:
    configs.put(here, "config/systems/city.yaml", configs.CITY.replace("市大数据局", "${WHO}"))
    assert "HUB-C-131" in hub("check").stdout
    (tmp_path / "other.env").write_text("WHO=某科\n", "utf-8")
    assert hub("check", "--env-file", str(tmp_path / "other.env")).exit_code == 0


# --- live ---


def test_live_asks_every_system(hub: Any) -> None:
    done = hub("check", "--live", "--json")
    assert done.exit_code == 0
    assert [(one["system"], one["state"]) for one in json.loads(done.stdout)["live"]] == [("city", "ok"), ("local", "ok")]


def test_live_says_what_it_tried(hub: Any) -> None:
    """A far side may let the hub in and take nothing."""
    assert "只查了能否连接、登录，没有投递" in hub("check", "--live").stderr
    assert "nothing was delivered" in hub("--lang", "en", "check", "--live").stderr


def test_titles_are_text_whatever_they_look_like(hub: Any, here: Path) -> None:
    configs.put(here, "config/systems/city.yaml", configs.CITY.replace("title: 市平台", 'title: "[/市]:key:"'))
    assert "[/市]:key:" in hub("check", "--live").stdout


def test_a_system_that_is_down_is_exit_4_and_told_with_whom_to_call(hub: Any) -> None:
    far("city").down = Deferred("HUB-D-112", "closed until eight", until=None)
    done = hub("check", "--live")
    assert done.exit_code == 4
    assert "不可用" in done.stdout
    assert "HUB-D-112 closed until eight" in done.stdout
    assert "联系: 市大数据局" in done.stdout


def test_what_the_hub_says_of_a_system_is_chinese_on_a_chinese_screen_alone(hub: Any) -> None:
    far("city").down = Retryable("HUB-D-101", "cannot connect: Connection refused")
    assert "city: HUB-D-101 连不上：连接被拒绝" in hub("check", "--live").stdout
    assert "city: HUB-D-101 cannot connect: Connection refused" in hub("check", "--live", "--lang", "en").stdout
    assert json.loads(hub("check", "--live", "--json").stdout)["live"][0]["message"] == "cannot connect: Connection refused"


def test_an_unknown_system_is_refused_with_those_there_are(hub: Any) -> None:
    done = hub("check", "--live", "zzz", "--lang", "en")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "HUB-X-102 there is no system 'zzz' (systems: city, local)" in done.stderr


def test_a_system_that_refuses_us_is_exit_1(hub: Any) -> None:
    far("city").down = Misconfigured("HUB-D-110", "401")
    done = hub("check", "--live", "--json")
    assert done.exit_code == 1
    assert json.loads(done.stdout)["live"][0] | {"milliseconds": 0} == {
        "system": "city",
        "title": "市平台",
        "adapter": "tests.fakes:MemoryAdapter",
        "state": "refused",
        "milliseconds": 0,
        "code": "HUB-D-110",
        "message": "401",
        "contact": "市大数据局",
    }


def test_a_source_that_fails_is_told_too(hub: Any) -> None:
    far("local").down = SourceFailed("HUB-S-301", "no such table", misconfigured=True)  # type: ignore[assignment]
    assert hub("check", "--live").exit_code == 1
    far("local").down = SourceFailed("HUB-S-302", "no route to host")  # type: ignore[assignment]
    assert hub("check", "--live").exit_code == 4


def test_what_must_be_mended_outranks_what_may_pass(hub: Any) -> None:
    far("city").down = Misconfigured("HUB-D-110", "401")
    far("local").down = SourceFailed("HUB-S-302", "no route to host")  # type: ignore[assignment]
    done = hub("check", "--live", "--json")
    assert [one["state"] for one in json.loads(done.stdout)["live"]] == ["refused", "unavailable"]
    assert done.exit_code == 1


def test_live_of_some_systems_only(hub: Any) -> None:
    far("city").down = Misconfigured("HUB-D-110", "401")
    assert hub("check", "--live", "local").exit_code == 0


def test_live_of_an_unknown_system(hub: Any) -> None:
    done = hub("check", "--live", "ctiy")
    assert done.exit_code == 2
    assert "没有系统 'ctiy'（是不是 city？）" in done.stderr
