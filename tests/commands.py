"""The `hub` command as a process of its own, in a directory with the shipped example: what users and service managers start."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
#: Seconds any one thing may take before a test fails; never what a test waits for when all is well.
DEADLINE = 240.0


@dataclass
class Directory:
    """A directory with `config/` and `mappings/`, the variables it needs, and the command line run in it."""

    path: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    python: str = sys.executable
    source: Path | None = ROOT  # where `hub` is imported from; None: it is installed

    def run(self, *arguments: str, code: int | None = 0) -> subprocess.CompletedProcess[str]:
        """Run one command to its end and demand its exit code (None: any)."""
        done = subprocess.run(
            self.command(*arguments), env=self.variables(), capture_output=True, text=True, timeout=DEADLINE, cwd=self.path
        )
        assert code is None or done.returncode == code, (
            f"hub {' '.join(arguments)} left with {done.returncode}: {done.stderr[-3000:]}"
        )
        return done

    def told(self, *arguments: str, code: int | None = 0) -> Any:
        """Run one command with --json and return what it says."""
        return json.loads(self.run(*arguments, "--json", code=code).stdout)

    def start(self, *arguments: str, fate: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """Start one command in a process group of its own; the caller ends it. Its stderr goes into `hub.log`.

        `fate`: what it meets, in the variables of `tests.fault.dying`.
        """
        words, variables = self.command(*arguments), {**self.variables(), **(fate or {})}
        if fate:
            words[words.index("hub.cli")] = "tests.fault.dying"
        with (self.path / "hub.log").open("a") as log:
            return subprocess.Popen(words, env=variables, stdout=subprocess.PIPE, stderr=log, text=True, cwd=self.path)

    def command(self, *arguments: str) -> list[str]:
        """Return the words of a command."""
        return [self.python, "-m", "hub.cli", "--lang", "en", "-c", str(self.path), *arguments]

    def variables(self) -> dict[str, str]:
        """Return the process environment: nothing of the test's own but where it finds programs."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "LANG") if name in os.environ}
        return {**kept, **({"PYTHONPATH": str(self.source)} if self.source else {}), **self.environment}

    def change(self, name: str, *replaced: tuple[str, str]) -> None:
        """Change text in one file; what is to be replaced must be there."""
        file = self.path / name
        text = file.read_text("utf-8")
        for old, new in replaced:
            assert old in text, f"{name} does not say {old!r}"
            text = text.replace(old, new)
        file.write_text(text, "utf-8")


#: What most tests of the hub itself need of the county: a source, exchange tables, a REST gateway and a SOAP service.
CORE = frozenset({"local", "province", "gateway", "social"})


def shipped(path: Path, environment: Mapping[str, str] | None = None, systems: frozenset[str] | None = CORE) -> Directory:
    """Copy the shipped example into `path`, with these systems and their routes only (None: all).

    A developer's own hub.env stays where it is.
    """
    for part in ("config", "mappings"):
        shutil.copytree(ROOT / part, path / part, ignore=shutil.ignore_patterns("hub.env"))
    for part in ("systems", "routes"):
        for file in (path / "config" / part).glob("*.yaml"):
            if systems is not None and file.stem not in systems:
                file.unlink()
    if systems is not None:
        _only(path / "config" / "hub.yaml", systems)
        _without_sources(path / "config" / "quality.yaml", systems)
    return Directory(path, environment or {})


def one_way(directory: Directory) -> Directory:
    """Leave only the routes that lead up from the approval system, none of them waiting for an approval: nothing comes back."""
    for file in (directory.path / "config" / "routes").glob("*.yaml"):
        read = yaml.safe_load(file.read_text("utf-8"))
        up = [
            {name: said for name, said in route.items() if name != "gate"} for route in read["routes"] if route["from"] == "local"
        ]
        if up:
            file.write_text(yaml.safe_dump({**read, "routes": up}, allow_unicode=True, sort_keys=False), "utf-8")
        else:
            file.unlink()
    return directory


def _only(file: Path, systems: frozenset[str]) -> None:
    """Take the other systems out of the platforms that name them, and what only they give out of the datasets."""
    read = {name: yaml.safe_load((file.parent / "systems" / f"{name}.yaml").read_text("utf-8")) for name in systems}
    kinds = {(name, kind) for name, one in read.items() for kind in one["options"].get("feeds", {})}
    known = {"systems": systems, "kinds": {*(kind for _, kind in kinds), *("/".join(pair) for pair in kinds)}}

    def kept(found: re.Match[str]) -> str:  # a system may have the name of a kind
        names = [name for name in found[2].replace(",", " ").split() if name in known[found[1]]]
        return f"{found[1]}: [{', '.join(names)}]"

    file.write_text(re.sub(r"(systems|kinds): \[([^]]*)\]", kept, file.read_text("utf-8")), "utf-8")


def _without_sources(file: Path, systems: frozenset[str]) -> None:
    """Take the other systems out of what the quality report reads."""
    head, _, text = file.read_text("utf-8").partition("\nsources:\n")
    blocks = re.split(r"^(?=  [a-z])", text, flags=re.MULTILINE)
    file.write_text(f"{head}\nsources:\n" + "".join(one for one in blocks if one.strip().partition(":")[0] in systems), "utf-8")


def until(condition: Callable[[], Any], what: str, within: float = DEADLINE) -> Any:
    """Poll a condition until it is true and return what it gave; fails when it never is."""
    ends = time.monotonic() + within
    while not (found := condition()):
        assert time.monotonic() < ends, f"never came true within {within:.0f} s: {what}"
        time.sleep(0.02)
    return found
