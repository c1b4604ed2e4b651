"""Global options work before and after the command; help imports no command; errors become exit codes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from hub.cli import COMMANDS, exits, lang
from hub.cli.group import hoisted
from hub.errors import (
    ConfigurationError,
    Deferred,
    Fenced,
    HubError,
    InDoubt,
    LeaseHeld,
    Misconfigured,
    Rejected,
    Retryable,
    SourceFailed,
    StoreUnfit,
)
from hub.model import Finding
from tests import configs

SWITCHES = {"--json": False, "-q": False, "-v": False, "-c": True, "--config": True, "--lang": True}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["check"], ["check"]),
        (["--json", "check"], ["--json", "check"]),
        (["check", "--json"], ["--json", "check"]),
        (["check", "--live", "-c", "dir", "city"], ["-c", "dir", "check", "--live", "city"]),
        (["check", "--config=dir"], ["--config=dir", "check"]),
        (["check", "-vv"], ["-vv", "check"]),
        (["dead", "list", "--limit", "5", "-q"], ["-q", "dead", "list", "--limit", "5"]),
        (["explain", "--", "--json"], ["explain", "--", "--json"]),
        (["check", "-c"], ["-c", "check"]),
    ],
)
def test_global_options_are_taken_after_the_command_too(given: list[str], expected: list[str]) -> None:
    assert hoisted(given, SWITCHES) == expected


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigurationError([Finding("HUB-C-130", "x")]), 2),
        (HubError("HUB-X-102", "x"), 2),
        (StoreUnfit("HUB-T-101", "x"), 2),
        (LeaseHeld("HUB-E-102", "x"), 5),
        (Fenced("p"), 5),
        (Retryable("HUB-D-101", "x"), 4),
        (InDoubt("HUB-D-104", "x"), 4),
        (Deferred("HUB-D-112", "x", until=None), 4),
        (Misconfigured("HUB-D-110", "x"), 2),
        (Rejected("HUB-D-115", "x"), 1),
        (SourceFailed("HUB-S-101", "x"), 4),
        (SourceFailed("HUB-S-101", "x", misconfigured=True), 2),
    ],
)
def test_an_error_has_an_exit_code(error: HubError, code: int) -> None:
    assert exits.of(error) == code


def run(*arguments: str, cwd: Path | None = None, **env: str) -> subprocess.CompletedProcess[str]:
    """Run `hub` as its own process, in Chinese and without colour unless told."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("HUB_")}
    root = str(Path(__file__).parents[3])
    everything = {**clean, "PYTHONPATH": root, "COLUMNS": "200", **env}
    command = [sys.executable, "-m", "hub.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=everything, timeout=60, check=False)


def test_help_lists_commands_and_exit_codes_and_imports_none_of_them() -> None:
    script = """
import sys
from hub.cli import app
try:
    app(["--help"], prog_name="hub")
except SystemExit:
    pass
heavy = {"pydantic", "sqlalchemy", "hub.settings", "hub.mapping", "hub.cli.check", "croniter", "httpx"} & set(sys.modules)
sys.exit(f"imported: {heavy}" if heavy else 0)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert "check" in done.stdout
    for code, (zh, _) in exits.TABLE.items():
        assert f"{code}  {zh}" in done.stdout


def test_language_follows_option_and_environment() -> None:
    assert "Exit codes" in run("--lang", "en", "--help").stdout
    assert "Exit codes" in run("--help", HUB_LANG="en").stdout
    assert "退出码" in run("--lang", "zh", "--help", HUB_LANG="en").stdout


def test_version() -> None:
    done = run("-V")
    assert (done.returncode, done.stdout.split()[0]) == (0, "hub")


def test_a_misspelt_command_is_a_usage_error_with_a_suggestion() -> None:
    done = run("chekc")
    assert (done.returncode, done.stdout) == (2, "")
    assert "check" in done.stderr


def test_an_unknown_option_is_a_usage_error() -> None:
    done = run("check", "--nonsense")
    assert (done.returncode, done.stdout) == (2, "")


def test_an_error_goes_to_stderr_with_its_remedy() -> None:
    done = run("explain", "HUB-C-9")
    assert (done.returncode, done.stdout) == (2, "")
    assert "HUB-X-101" in done.stderr
    assert "没有这个代码" in done.stderr


def test_an_error_is_json_when_json_is_asked_for() -> None:
    done = run("explain", "HUB-C-9", "--json")
    assert json.loads(done.stderr)["error"]["code"] == "HUB-X-101"


BROKEN = """
import sys
from hub.cli import COMMANDS, app, group
sys.modules["broken"] = type(sys)("broken")
def register(typer_app):
    @typer_app.command("broken")
    def broken() -> None:
        raise RuntimeError("张三 secret")
sys.modules["broken"].register = register
COMMANDS["broken"] = group.Command("broken", "坏", "broken")
app(sys.argv[1:], prog_name="hub")
"""


def test_a_bug_names_its_place_and_quotes_nothing() -> None:
    command = [sys.executable, "-c", BROKEN, "broken"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "HUB-X-100" in done.stderr
    assert "RuntimeError" in done.stderr
    assert "secret" not in done.stderr
    assert "Traceback" not in done.stderr
    told = subprocess.run([*command, "-v"], capture_output=True, text=True, timeout=60, check=False)
    assert "Traceback" in told.stderr


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_loads_and_leaves_the_global_options_alone(name: str) -> None:
    command = COMMANDS[name].load(name)
    everything = [command, *getattr(command, "commands", {}).values()]
    taken = {option for one in everything for param in one.params for option in param.opts}
    assert not taken & {
        "-c",
        "--config",
        "--env-file",
        "-o",
        "--output",
        "--json",
        "-q",
        "-v",
        "--log-level",
        "--no-color",
        "--lang",
    }


def test_an_interrupt_is_exit_130() -> None:
    script = BROKEN.replace('RuntimeError("张三 secret")', "KeyboardInterrupt")
    done = subprocess.run([sys.executable, "-c", script, "broken"], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (130, "")


def test_help_of_a_command_points_to_the_global_options() -> None:
    done = run("check", "--help")
    assert (done.returncode, "hub --help" in done.stdout, "<bool>" in done.stdout.split("--help")[0]) == (0, True, False)


def test_an_adapter_may_stand_beside_the_configuration(tmp_path: Path) -> None:
    site = configs.write(tmp_path / "site", {"config/systems/city.yaml": configs.CITY.replace("tests.fakes", "our_adapters")})
    (site / "our_adapters.py").write_text("from tests.fakes import MemoryAdapter\n__all__ = ['MemoryAdapter']\n", "utf-8")
    done = run("check", "-c", str(site), cwd=tmp_path)
    assert done.returncode == 0, done.stdout


def test_a_closed_pipe_ends_quietly() -> None:
    command = f"{sys.executable} -m hub.cli explain | head -1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout.count("\n"), done.stderr) == (1, "")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_described_in_chinese(name: str) -> None:
    lang.speak(lang.ZH)
    command = COMMANDS[name].load(name)
    for one in [command, *getattr(command, "commands", {}).values()]:
        assert re.search("[一-鿿]", one.help or ""), one.name
