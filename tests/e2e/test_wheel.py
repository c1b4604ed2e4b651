"""Proves that the built wheel is the whole product: example, demo and all, in an empty directory, without this checkout."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from tests.commands import DEADLINE, ROOT, Directory


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    into = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(into)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE)
    assert done.returncode == 0, done.stderr
    (built,) = into.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the interpreter of an environment with the wheel in it, which borrows its dependencies from ours."""
    home = tmp_path_factory.mktemp("venv")
    venv.create(home, with_pip=False)
    python = home / "bin" / "python"
    command = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps", "--no-index", str(wheel)]
    subprocess.run(command, check=True, capture_output=True, timeout=DEADLINE)
    (packages,) = home.glob("lib/python*/site-packages")
    (packages / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")  # after its own: the wheel's code comes first
    return python


@pytest.mark.slow
def test_the_wheel_holds_the_example_and_no_secret(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    shipped = {path.relative_to(ROOT).as_posix() for part in ("config", "mappings") for path in (ROOT / part).rglob("*")}
    files = {name for name in shipped if (ROOT / name).is_file() and not name.endswith("hub.env")}
    assert {name.removeprefix("hub/example/") for name in names if name.startswith("hub/example/")} == files
    assert not any(name.startswith(("tests/", "benchmarks/", "docs/")) or name.endswith("hub.env") for name in names)


@pytest.mark.slow
def test_it_works_in_an_empty_directory(installed: Path, tmp_path: Path) -> None:
    hub = installed.with_name("hub")
    assert hub.exists()
    directory = Directory(tmp_path, python=str(installed), source=None)
    origin = subprocess.run([installed, "-c", "import hub, adapters; print(hub.__file__, adapters.__file__)"], capture_output=True,
                            text=True, cwd=tmp_path, check=True, timeout=DEADLINE)  # fmt: skip
    assert all(path.startswith(str(installed.parents[1])) for path in origin.stdout.split())
    directory.run("init", str(tmp_path / "mine"))
    mine = Directory(tmp_path / "mine", python=str(installed), source=None)
    mine.run("check")
    mine.run("test")
    account = mine.told("demo", "--cases", "60", "--dir", str(tmp_path / "demo"))
    assert account["adds_up"] and sum(run["read"] for run in account["runs"]) > 60
    Directory(tmp_path / "demo", python=str(installed), source=None).run("status", code=None)
