"""Proves that a broken configuration is told whole, with place and remedy, and that nothing runs on it."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.commands import DEADLINE, Directory, shipped, until

#: file -> what is spoilt in it.
SPOILT = {
    "config/hub.yaml": [('division: "621125"', "division: 621125\ndivison: x")],
    "config/systems/gateway.yaml": [("contact: 甘肃省政务服务平台 网关对接组", "contct: 数据科"), ("read: 30s", "read: soon")],
    "config/systems/social.yaml": [("in_flight: 2", "in_flight: 0")],
    "config/routes/province.yaml": [("to: province/special", "to: province/specal")],
    "config/routes/social.yaml": [("equals: SB", "equal: SB")],
    "mappings/province/accept.yaml": [("project_no: BJBH", "projet_no: BJBH")],
}
PLACE = re.compile(r"(?P<file>(config|mappings)/\S+\.(yaml|csv)):(?P<line>\d+)(:\d+)? (?P<path>\S+ )?(?P<code>HUB-[CM]-\d{3}) .+")


@pytest.fixture
def spoilt(tmp_path: Path) -> Directory:
    directory = shipped(tmp_path)
    for name, replaced in SPOILT.items():
        directory.change(name, *replaced)
    return directory


def test_all_findings_at_once_each_with_its_place_and_remedy(spoilt: Directory) -> None:
    done = spoilt.run("check", code=2)
    lines = done.stdout.splitlines()
    places = [(number, match) for number, line in enumerate(lines) if (match := PLACE.fullmatch(line))]
    assert {match["file"] for _, match in places} == set(SPOILT)
    assert all(lines[number + 1].startswith("    ") and "→" in lines[number + 1] for number, _ in places), "no remedy"
    assert "did you mean contact?" in done.stdout and "did you mean special?" in done.stdout
    assert re.fullmatch(r"\d+ errors, 0 warnings; see hub explain CODE", lines[-1])


def test_a_file_that_cannot_be_read_is_not_told_again_by_all_who_name_its_system(tmp_path: Path) -> None:
    directory = shipped(tmp_path)
    directory.change("config/systems/gateway.yaml", ("adapter: rest", "adapter: rest\ntitle: 又一个"))
    done = directory.run("check", code=2)
    assert [match["code"] for line in done.stdout.splitlines() if (match := PLACE.fullmatch(line))] == ["HUB-C-103"]


def test_the_same_as_data(spoilt: Directory) -> None:
    findings: list[dict[str, Any]] = json.loads(spoilt.run("check", "--json", code=2).stdout)["findings"]
    assert {finding["file"] for finding in findings} == set(SPOILT)
    assert all(finding["line"] and finding["code"] and finding["explanation"] for finding in findings)
    for finding in findings:
        assert (spoilt.path / finding["file"]).read_text("utf-8").splitlines()[finding["line"] - 1].strip()


@pytest.mark.parametrize("command", [("sync",), ("serve", "--no-http"), ("status",), ("preview", "gateway-accept")])
def test_nothing_runs_on_it(spoilt: Directory, command: tuple[str, ...]) -> None:
    done = spoilt.run(*command, code=2)
    assert len(PLACE.findall(done.stderr)) >= len(SPOILT)
    assert not (spoilt.path / "var").exists()


def test_a_running_hub_keeps_the_old_one(tmp_path: Path) -> None:
    """SIGHUP with bad files: told in the log, all of them; the hub works on."""
    directory = shipped(tmp_path)
    directory.change("config/systems/local.yaml", ('cron: "*/5 * * * *"', 'cron: "0 0 1 1 *"'))
    process = directory.start("serve", "--no-http")
    try:
        _says(directory, process, "zhangxian serves")
        for name, replaced in SPOILT.items():
            directory.change(name, *replaced)
        process.send_signal(signal.SIGHUP)
        _says(directory, process, "accept.yaml:11")
        process.terminate()
        process.communicate(timeout=DEADLINE)
    finally:
        process.kill()
        process.communicate()
    _, _, log = (tmp_path / "hub.log").read_text().partition("zhangxian serves")
    assert process.returncode == 143
    assert {match[0] for match in PLACE.findall(log)} == set(SPOILT)


def _says(directory: Directory, process: subprocess.Popen[str], word: str) -> None:
    def said() -> bool:
        assert process.poll() is None, (directory.path / "hub.log").read_text()
        return word in (directory.path / "hub.log").read_text()

    until(said, f"hub serve says {word!r}")
