"""Runs a command and watches how much memory it ever held."""

from __future__ import annotations

import json
import re
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.commands import DEADLINE, Directory

_PEAK = re.compile(r"^VmHWM:\s+(\d+) kB", re.MULTILINE)


@dataclass(frozen=True)
class Watched:
    """How a command ended. `peak`: MiB of memory it held at the most, as the kernel counts it."""

    code: int
    peak: int
    out: str
    err: str

    @property
    def told(self) -> Any:
        return json.loads(self.out)


def watched(directory: Directory, *arguments: str) -> Watched:
    """Run a command to its end. The high-water mark never falls, so that looking often enough is looking at the end."""
    out, err, peak = directory.path / "out.txt", directory.path / "err.txt", 0
    with out.open("w") as into, err.open("w") as errors:
        process = subprocess.Popen(
            directory.command(*arguments), env=directory.variables(), stdout=into, stderr=errors, cwd=directory.path
        )
    ends = time.monotonic() + DEADLINE
    try:
        while process.poll() is None:
            assert time.monotonic() < ends, f"hub {' '.join(arguments)} does not end: {err.read_text()[-2000:]}"
            peak = max(peak, _peak(process.pid))
            time.sleep(0.01)
    finally:
        process.kill()
        process.wait()
    return Watched(process.returncode, peak // 1024, out.read_text(), err.read_text())


def _peak(pid: int) -> int:
    try:
        found = _PEAK.search(Path(f"/proc/{pid}/status").read_text())
    except OSError:  # it ended in between
        return 0
    return int(found[1]) if found else 0
