"""Runs `hub` in this process against a small configuration whose systems live in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest
from typer.testing import CliRunner

from hub.cli import app, lang
from tests import configs, fakes

Result: TypeAlias = "object"
Hub: TypeAlias = Callable[..., "object"]


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No variable of the caller's (a test runner sets COLUMNS), no far side of another test; the language as it was."""
    for name in ("HUB_LANG", "HUB_CONFIG", "HUB_LOG_FORMAT", "NO_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    fakes.forget()
    yield
    lang.speak(lang.ZH)


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """Return a directory with the small configuration."""
    return configs.write(tmp_path / "site")


@pytest.fixture
def hub(here: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., object]:
    """Return a function that runs `hub -c <here> …`, in <here>, and returns the result: exit_code, stdout, stderr."""
    monkeypatch.chdir(here)

    def run(*arguments: str, stdin: str | None = None) -> object:
        return CliRunner().invoke(app, ["-c", str(here), *arguments], input=stdin, prog_name="hub")

    return run
