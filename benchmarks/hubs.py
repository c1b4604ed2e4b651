"""Decides how a benchmark runs `hub` itself: as the process its users start, looked at from outside."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import httpx

_T = TypeVar("_T")
_ROOT = Path(__file__).parents[1]
_TICKS = os.sysconf("SC_CLK_TCK")
#: Seconds anything may take before a benchmark gives up.
PATIENCE = 1800.0


@dataclass(frozen=True, slots=True)
class Watched:
    """A process looked at from outside."""

    pid: int

    def resident(self) -> float:
        """Return its resident memory in MiB."""
        return self._memory("VmRSS")

    def peak(self) -> float:
        """Return the most resident memory it ever had, in MiB."""
        return self._memory("VmHWM")

    def processor(self) -> float:
        """Return the processor time it has used, in seconds."""
        fields = Path(f"/proc/{self.pid}/stat").read_text("ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def _memory(self, name: str) -> float:
        lines = Path(f"/proc/{self.pid}/status").read_text("ascii").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(name)) / 1024


@dataclass(frozen=True, slots=True)
class Running(Watched):
    """A hub at work: where it listens, and when it was started (seconds since 1970)."""

    process: subprocess.Popen[bytes]
    url: str
    started: float

    def alive(self) -> bool:
        """Return True; raises RuntimeError when the hub has left."""
        if (code := self.process.poll()) is not None:
            raise RuntimeError(f"the hub left with {code}")
        return True

    def ready(self) -> bool:
        """Tell whether it has begun to work. Raises as `alive`."""
        try:
            return self.alive() and httpx.get(f"{self.url}/readyz").status_code == 200
        except httpx.TransportError:
            return False


@contextmanager
def running(root: Path, *words: str, ready: bool = True, environment: Mapping[str, str] | None = None) -> Iterator[Running]:
    """Run `hub serve` or `hub worker` on a directory until the block ends; with `ready`, begin the block once it is."""
    port = _free_port()
    command = [sys.executable, "-m", "hub.cli", "--lang", "en", "-c", str(root), *words, "--port", str(port)]
    started = time.time()
    with (root / f"hub-{port}.log").open("w") as log:
        process = subprocess.Popen(command, cwd=_ROOT, env={**os.environ, **(environment or {})}, stdout=log, stderr=log)
    try:
        hub = Running(process.pid, process, f"http://127.0.0.1:{port}", started)
        if ready:
            until(hub.ready, "the hub is ready")
        yield hub
    finally:
        process.terminate()
        process.wait()


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def until(condition: Callable[[], _T], what: str, pause: float = 0.05) -> _T:
    """Wait until a condition is true and return what it gave; raises when it never is."""
    ends = time.monotonic() + PATIENCE
    while not (found := condition()):
        if time.monotonic() > ends:
            raise RuntimeError(f"not within {PATIENCE:.0f} s: {what}")
        time.sleep(pause)
    return found
