"""Measures benchmark (i): how soon a hub that is started on a full outbox delivers, and what memory that takes.

    python -m benchmarks.starting [--sizes 1000,1000000] [--seconds 5] [--server URL]

For each size a store is filled with so many pending deliveries, `hub serve` is started on it, and a REST far side notes when the
first post came in. Printed are the seconds from the start of the process to that post, the resident set so many seconds later and
the most it ever was (MiB); then the ratios, largest to smallest.
"""

from __future__ import annotations

import argparse
import time
from contextlib import ExitStack
from typing import NamedTuple

from benchmarks import markdown, past, scene, tables
from benchmarks.far import far_side
from benchmarks.hubs import running, until
from hub.model import State
from hub.store import open_store


class Measured(NamedTuple):
    """What one size showed: seconds to the first delivery, MiB while delivering and at most."""

    first: float
    resident: float
    peak: float


def main() -> None:
    """Measure each size and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="1000,1000000", help="pending deliveries")
    parser.add_argument("--seconds", type=float, default=5, help="of delivering before the memory is looked at")
    parser.add_argument("--server", default="", help="SQLAlchemy URL of a PostgreSQL database; others are made beside it")
    options = parser.parse_args()
    sizes = [int(size) for size in options.sizes.split(",")]
    found = [_measure(size, options.seconds, options.server) for size in sizes]
    print(f"{markdown.about()}; {'PostgreSQL' if options.server else 'SQLite'}\n")
    names = ("first delivery, s", "resident, MiB", "at most, MiB")
    rows = [
        [name, *(f"{one[column]:,.2f}" for one in found), f"{found[-1][column] / found[0][column]:.2f}"]
        for column, name in enumerate(names)
    ]
    print(markdown.table(("", *(f"{size:,} pending" for size in sizes), "×"), rows))


def _measure(pending: int, seconds: float, server: str) -> Measured:
    with ExitStack() as stack:
        root = stack.enter_context(scene.directory())
        local, url = f"sqlite:///{root}/local.db", stack.enter_context(scene.database(server, root))
        far = stack.enter_context(far_side(0.005))
        scene.configure(root, local=local, store=url, sink=scene.to_rest(far.url))
        tables.fill(local, 0)
        scene.apart(_fill, url, pending)
        hub = stack.enter_context(running(root, "serve", ready=False))
        until(lambda: hub.alive() and far.seen().calls, "the first delivery", pause=0.02)
        time.sleep(seconds)
        return Measured(far.seen().first - hub.started, hub.resident(), hub.peak())


def _fill(url: str, pending: int) -> None:
    store = open_store(url)
    past.fill(store, pending, State.PENDING)
    store.close()


if __name__ == "__main__":
    main()
