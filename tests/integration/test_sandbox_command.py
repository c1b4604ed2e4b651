"""`hub sandbox` as a process of its own: says where everything is, lives, and stops cleanly."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

REPOSITORY = Path(__file__).parents[2]


@contextmanager
def running(directory: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    command = [
        sys.executable,
        "-m",
        "hub.cli",
        "sandbox",
        "--lang",
        "en",
        "--cases",
        "30",
        "--dir",
        str(directory),
        "--port",
        "0",
        *options,
    ]
    process = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def told(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout
    text = ""
    for line in process.stdout:
        text += line
        if line == "}\n":
            return dict(json.loads(text))
    raise AssertionError(f"it ended after saying {text!r}")


@pytest.mark.parametrize(("number", "left_with"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_it_runs_until_told_to_stop(tmp_path: Path, number: signal.Signals, left_with: int) -> None:
    with running(tmp_path, "--json", "--grow", "0") as process:
        said = told(process)
        assert httpx.get(said["addresses"]["control"]).json()["gateway"]["requests"] == 0
        assert said["environment"]["LOCAL_URL"].endswith("/approval.db") and (tmp_path / "approval.db").exists()
        process.send_signal(number)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == left_with
    assert errors.endswith("The sandbox has stopped.\n")


def test_its_county_grows(tmp_path: Path) -> None:
    with running(tmp_path, "--grow", "0.05", "--faults", "none") as process:
        assert process.stderr and process.stdout
        lines = [next(process.stdout) for _ in range(8)]  # there are more: one variable a line
        assert any(re.fullmatch(r"10 new cases, [1-5] corrected\.\n", line) for line in process.stderr)
    assert all(line.startswith("export ") and "=" in line for line in lines)
