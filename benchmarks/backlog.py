"""Measures benchmark (d): memory, and the time to claim a window, from 10,000 to 1,000,000 pending deliveries.

    python -m benchmarks.backlog [--sizes 10000,100000,1000000]

Each size is a process of its own: it fills an outbox, then opens and closes windows of 500 as a deliverer does. Printed are the
growth of the resident set while claiming (MiB), and the median time (ms) to open a window; then the ratio of the largest to the
smallest. Fewer than 7,500 do not fill the fifteen windows that are claimed.
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from benchmarks.sizes import sizes
from hub.model import Operation, State
from hub.store import Store, acceptance, open_store, outbox, partitions, runs, settling
from hub.store.acceptance import Accepted, Owed
from hub.store.partitions import Holding
from hub.store.runs import Trigger
from hub.store.settling import Settled, Settlement

PAGE, WINDOW, WINDOWS = 5000, 500, 15
BODY = b'{"project_no":"' + b"x" * 900 + b'"}'


class Measured(NamedTuple):
    """What one size showed."""

    pending: int
    peak: float  # MiB
    claim: float  # ms


def main() -> None:
    """Measure each size in a process of its own and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=sizes(least=WINDOW * WINDOWS), default="10000,100000,1000000", help="pending deliveries")
    asked = parser.parse_args().sizes
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        found = [pool.apply(measure, (size,)) for size in asked]
    print(f"{'pending':>12}{'resident MiB':>16}{'claim ms':>12}")
    for one in found:
        print(f"{one.pending:>12,}{one.peak:>16.1f}{one.claim:>12.2f}")
    print(f"memory × {found[-1].peak / found[0].peak:.2f}, claim × {found[-1].claim / found[0].claim:.2f}, smallest to largest")


def measure(pending: int) -> Measured:
    """Fill an outbox with so many pending deliveries and claim windows from it."""
    with tempfile.TemporaryDirectory(prefix="hub-bench-") as name:
        store = open_store(f"sqlite:///{Path(name)}/hub.db")
        now = datetime.now(UTC)
        with store.writing() as connection:
            source = partitions.take(connection, "collect:local", "benchmark", now)
            holding = partitions.take(connection, "deliver:bench:0", "benchmark", now)
            run = runs.ask(connection, "local", Trigger.CLI, "benchmark", now)
        for start in range(0, pending, PAGE):
            _fill(store, source, run, range(start, min(start + PAGE, pending)), now)
        store.close()
        store = open_store(f"sqlite:///{Path(name)}/hub.db")
        times = [_claim(store, holding) for _ in range(WINDOWS)]
        store.close()
        return Measured(pending, _resident(), statistics.median(times) * 1000)


def _fill(store: Store, holding: Holding, run: int, numbers: range, now: datetime) -> None:
    accepted = [Accepted("case", f"{number:010}", "1", False, BODY, (_owed(number),)) for number in numbers]
    with store.writing() as connection:
        acceptance.write_page(
            connection,
            holding,
            source="local",
            run_id=run,
            accepted=accepted,
            cursor="x",
            counts={"read": len(numbers)},
            batch="B",
            now=now,
        )


def _owed(number: int) -> Owed:
    return Owed("bench", "accept", "accept", f"{number:010}", Operation.INSERT, mapping="-", body=BODY, state=State.PENDING)


def _claim(store: Store, holding: Holding) -> float:
    began = time.perf_counter()
    with store.writing() as connection:
        window = outbox.open_window(
            connection, holding, system="bench", partition=0, limit=WINDOW, heads_only=False, now=datetime.now(UTC)
        )
    seconds = time.perf_counter() - began
    assert window is not None
    settled = [
        Settled(one.message.id, 1, one.route, one.message.key, one.message.lane, Settlement(State.DELIVERED, "taken"))
        for one in window.opened
    ]
    with store.writing() as connection:
        settling.close_window(
            connection, holding, system="bench", window=window, settled=settled, parents=frozenset(), now=datetime.now(UTC)
        )
    return seconds


def _resident() -> float:
    """Return this process's resident set in MiB."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * 4096 / 2**20


if __name__ == "__main__":
    main()
