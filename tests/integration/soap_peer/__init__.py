"""A SOAP far side of another make: PHP's SoapServer behind PHP's own web server, on a free loopback port."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent


@functools.cache
def php() -> str:
    """Return the path of a PHP that has the soap extension; skip the test when there is none."""
    program = shutil.which("php")
    if program is None:
        pytest.skip("no PHP: `php` is not on PATH (Debian: php-cli php-soap)")
    modules = subprocess.run([program, "-m"], capture_output=True, text=True, check=True, timeout=60).stdout.split()
    if "soap" not in modules:
        pytest.skip("no SOAP peer: `php` has no soap extension (Debian: php-soap)")
    return program


class PhpPeer:
    """The running far side; what it holds is in a directory and outlives `stop`."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._process: subprocess.Popen[bytes] | None = None
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]

    def url(self, service: str) -> str:
        return f"http://127.0.0.1:{self.port}/{service}"

    def start(self) -> None:
        """Start and wait until it answers."""
        command = [php(), "-S", f"127.0.0.1:{self.port}", str(HERE / "server.php")]
        environment = {**os.environ, "HUB_PEER_DIR": str(self._home), "PHP_CLI_SERVER_WORKERS": "4"}
        quiet = subprocess.DEVNULL
        self._process = subprocess.Popen(command, env=environment, stdout=quiet, stderr=quiet, start_new_session=True, cwd=HERE)
        self._await(True)

    def stop(self) -> None:
        """Stop it and its workers, and wait until the port refuses."""
        if self._process is not None:
            os.killpg(self._process.pid, 9)
            self._process.wait(timeout=30)
            self._process = None
            self._await(False)

    def held(self) -> list[tuple[str, dict[str, Any]]]:
        """Return what it took, in order: (key, body)."""
        file = self._home / "held.jsonl"
        if not file.exists():
            return []
        entries = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        return [(entry["key"], entry["body"]) for entry in entries]

    def keys_given(self) -> list[str]:
        """Return the handshake keys it has given out."""
        file = self._home / "keys"
        return file.read_text().split() if file.exists() else []

    def forget_keys(self) -> None:
        """Let every key given out so far be refused."""
        (self._home / "keys").write_text("restarted\n")

    def offer(self, rows: list[dict[str, str]]) -> None:
        """Set the rows that listCases answers with."""
        (self._home / "rows.json").write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")

    def _await(self, answers: bool) -> None:
        deadline = time.monotonic() + 30
        while _connects(self.port) is not answers:
            if time.monotonic() > deadline:
                raise TimeoutError(f"the PHP peer is not {'up' if answers else 'down'}")
            time.sleep(0.02)


def _connects(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


@contextlib.contextmanager
def running(home: Path) -> Iterator[PhpPeer]:
    """Give a running peer and stop it afterwards."""
    peer = PhpPeer(home)
    peer.start()
    try:
        yield peer
    finally:
        peer.stop()
