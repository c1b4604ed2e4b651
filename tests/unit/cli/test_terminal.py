"""Commands that are told can be typed as they stand: they name the configuration the person named."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from hub.cli.terminal import Terminal, console
from tests import working


def screen(directory: Path, env_file: Path | None = None) -> Terminal:
    out = console(stderr=False, plain=True)
    return Terminal(directory, out, out, env_file)


def test_a_command_is_plain_where_the_configuration_is_found_without_saying(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert screen(Path()).command("hub dead show 3") == "hub dead show 3"
    assert screen(tmp_path).command("hub dead show 3") == "hub dead show 3"
    monkeypatch.setenv("HUB_CONFIG", str(tmp_path / "site"))
    assert screen(tmp_path / "site").command("hub dead show 3") == "hub dead show 3"


def test_a_command_names_the_configuration_and_its_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert screen(Path("my site")).command("hub status") == "hub status -c 'my site'"
    both = screen(Path("site"), Path("a.env")).command("hub check --live city && hub resume city")
    assert both == "hub check --live city -c site --env-file a.env && hub resume city -c site --env-file a.env"
    assert screen(Path("site")).command("恢复 config/systems/city.yaml") == "恢复 config/systems/city.yaml"


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (("status",), "hub dead list --system city"),
        (("status",), "hub serve"),
        (("dead", "list"), "hub dead show {group}"),
        (("dead", "show", "{dead}"), "hub dead retry {dead} --remap"),
        (("dead", "show", "{dead}"), "hub trace A2"),
        (("trace", "A2"), "hub dead retry {dead} --remap"),
        (("sync",), "hub status"),
    ],
)
def test_hints_lead_back_to_the_same_configuration(
    hub: Callable[..., Any], here: Path, monkeypatch: pytest.MonkeyPatch, asked: tuple[str, ...], told: str
) -> None:
    working.exchanged(here)
    monkeypatch.chdir(here.parent)
    listed = json.loads(hub("dead", "list", "--json").stdout)[0]
    dead, group = listed["sample"], listed["group"]
    done = hub(*(word.format(dead=dead) for word in asked))
    hint = told.format(dead=dead, group=group)
    assert f"{hint} -c {here}" in done.stdout + done.stderr


def test_a_bare_number_is_for_programs_and_not_for_a_person_who_was_told(tmp_path: Path) -> None:
    def shown(*, terminal: bool, quiet: bool = False) -> str:
        out = Console(file=io.StringIO(), force_terminal=terminal, color_system=None)
        Terminal(tmp_path, out, out, quiet=quiet).count(3)
        return str(out.file.getvalue())  # type: ignore[attr-defined]

    assert shown(terminal=False) == "3\n"
    assert shown(terminal=True) == ""
    assert shown(terminal=True, quiet=True) == "3\n"
