"""A worker's hands without the worker: empties some partitions of a system as a process of its own, and ends with the last message.

python -m tests.integration.draining DIRECTORY SYSTEM PARTITION...
"""

from __future__ import annotations

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from hub.engine import dispatch
from hub.engine.exchange import Exchange
from hub.settings import load
from hub.store import open_store, partitions
from tests.commands import DEADLINE, ROOT


def start(directory: Path, system: str, *numbers: int) -> subprocess.Popen[bytes]:
    """Start one such process."""
    words = [sys.executable, "-m", "tests.integration.draining", str(directory), system, *map(str, numbers)]
    return subprocess.Popen(words, cwd=ROOT)


def drained(exchange: Exchange, system: str, number: int) -> None:
    """Empty one partition, waiting whenever it has to."""
    with exchange.store.writing() as connection:
        holding = partitions.take(connection, f"deliver:{system}:{number}", exchange.owner, exchange.clock())
    with ThreadPoolExecutor(8) as pool:
        desk = dispatch.desk(exchange, holding, system, number, pool)
        ends = time.monotonic() + DEADLINE
        while (due := dispatch.drain(desk, stopping=lambda: time.monotonic() > ends)) is not None:
            time.sleep(max(0.0, (due - exchange.clock()).total_seconds()))


def main(directory: str, system: str, *numbers: str) -> None:
    """Empty these partitions side by side."""
    settings = load(Path(directory), env={})
    exchange = Exchange(settings, open_store(settings.store))
    with ThreadPoolExecutor(len(numbers)) as threads:
        list(threads.map(lambda number: drained(exchange, system, int(number)), numbers))
    exchange.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
