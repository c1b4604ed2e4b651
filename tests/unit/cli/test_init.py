"""`hub init` writes the shipped example, and never over what is there."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from hub.cli import init
from tests import configs


@pytest.fixture(autouse=True)
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Ship the small configuration as the example."""
    root = configs.write(tmp_path / "example")
    configs.put(root, "config/hub.env.example", "A=1\n")
    configs.put(root, "config/hub.env", "A=real secret\n")
    monkeypatch.setattr(init, "example", lambda: root)
    return root


def test_the_example_is_written_whole_and_works(hub: Any, tmp_path: Path, example: Path) -> None:
    site = tmp_path / "deep" / "site"
    done = hub("init", str(site))
    assert done.exit_code == 0
    assert (site / "mappings/city/accept.yaml").read_bytes() == (example / "mappings/city/accept.yaml").read_bytes()
    assert [step for step in ("config/hub.env", "hub check", "hub sandbox", "hub serve") if step not in done.stderr] == []
    configs.put(site, "records.json", "[]")
    assert hub("check", "-c", str(site)).exit_code == 0


def test_variables_come_from_the_example_file_and_are_the_owners_alone(hub: Any, tmp_path: Path) -> None:
    hub("init", str(tmp_path / "new"))
    file = tmp_path / "new/config/hub.env"
    assert file.read_text("utf-8") == "A=1\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_what_is_there_is_kept(hub: Any, tmp_path: Path) -> None:
    hub("init", str(tmp_path / "new"))
    mine = tmp_path / "new/config/hub.yaml"
    mine.write_text("mine", "utf-8")
    done = hub("init", str(tmp_path / "new"))
    assert (done.exit_code, done.stdout, mine.read_text("utf-8")) == (2, "", "mine")
    assert "HUB-X-103" in done.stderr


def test_force_overwrites_everything_but_the_secrets(hub: Any, tmp_path: Path) -> None:
    hub("init", str(tmp_path / "new"))
    (tmp_path / "new/config/hub.yaml").write_text("mine", "utf-8")
    (tmp_path / "new/config/hub.env").write_text("A=2\n", "utf-8")
    assert hub("init", str(tmp_path / "new"), "--force").exit_code == 0
    assert "name: test" in (tmp_path / "new/config/hub.yaml").read_text("utf-8")
    assert (tmp_path / "new/config/hub.env").read_text("utf-8") == "A=2\n"


def test_as_json(hub: Any, tmp_path: Path) -> None:
    told = json.loads(hub("init", str(tmp_path / "new"), "--json", "-q").stdout)
    assert "config/hub.yaml" in told["files"]


def test_a_directory_that_cannot_be_made(hub: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = hub("init", str(tmp_path / "file" / "site"))
    assert done.exit_code == 2
    assert "HUB-X-106" in done.stderr


def test_a_source_checkout_ships_its_own_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert (init.example() / "mappings").is_dir()
