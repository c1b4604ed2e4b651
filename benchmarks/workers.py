"""Measures benchmark (k): what each further `hub worker` on one PostgreSQL store brings.

    python -m benchmarks.workers --server URL [--workers 1,2,4] [--partitions 8] [--posts 20000] [--rows 200000] [--ms 5]

The outbox is filled with so many pending deliveries in as many lanes before the workers are started; all of them, the far side and
PostgreSQL share this machine. Two far sides: one that takes one record a call and `ms` milliseconds for it, so that workers wait
for it (each partition has four calls in flight), and one that takes 500 a call at once, so that they wait for the processor alone.
Counted is from the first call the far side saw to the last, so that starting up does not count. Beside stands `hub serve` on the
same store. Printed are records a second, and how many times that is of one worker.
"""

from __future__ import annotations

import argparse
import os
from contextlib import ExitStack
from typing import Any

from benchmarks import markdown, past, scene, tables
from benchmarks.far import FarSide, far_side
from benchmarks.hubs import running, until
from hub.model import State
from hub.store import open_store


def main() -> None:
    """Measure each number of workers with each far side and print the table."""
    options = _options()
    numbers = [0, *(int(number) for number in options.workers.split(","))]
    flight = 4 * options.partitions
    found: dict[str, list[float]] = {}
    for name, count, milliseconds, batch in (
        (f"one a call, {options.ms:g} ms", options.posts, options.ms, 1),
        ("500 a call, at once", options.rows, 0, 500),
    ):
        found[name] = []
        for number in numbers:
            with far_side(milliseconds / 1000) as far:
                sink = scene.to_rest(far.url, in_flight=flight, batch=batch)
                found[name].append(_once(options, far, sink, number, count))
            print(f"{name}, {number or 'hub serve'}: {markdown.rate(found[name][-1])}", flush=True)
    print(f"\n{markdown.about()}; PostgreSQL; {options.partitions} partitions, {os.cpu_count()} cores for all processes together\n")
    head = ("records/s", "hub serve", *(f"{number} worker{'s' * (number > 1)}" for number in numbers[1:]))
    print(markdown.table(head, [_row(name, rates) for name, rates in found.items()]))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True, help="SQLAlchemy URL of a PostgreSQL database; others are made beside it")
    parser.add_argument("--workers", default="1,2,4")
    for name, number in (("partitions", 8), ("posts", 20_000), ("rows", 200_000)):
        parser.add_argument(f"--{name}", type=int, default=number)
    parser.add_argument("--ms", type=float, default=5, help="a call of the far side that takes one record")
    return parser.parse_args()


def _row(name: str, rates: list[float]) -> list[str]:
    alone = rates[1]
    return [name, markdown.rate(rates[0]), *(f"{markdown.rate(rate)} (× {rate / alone:.2f})" for rate in rates[1:])]


def _once(options: argparse.Namespace, far: FarSide, sink: dict[str, Any], workers: int, count: int) -> float:
    with ExitStack() as stack:
        root = stack.enter_context(scene.directory())
        local, url = f"sqlite:///{root}/local.db", stack.enter_context(scene.database(options.server, root))
        scene.configure(root, local=local, store=url, sink=sink, partitions=options.partitions)
        tables.fill(local, 0)
        scene.apart(_fill, url, count, options.partitions)
        command = "worker" if workers else "serve"
        hubs = [stack.enter_context(running(root, command, ready=False)) for _ in range(max(1, workers))]
        until(lambda: all(hub.alive() for hub in hubs) and far.seen().rows >= count, "everything has arrived", pause=0.2)
        seen = far.seen()
        assert seen.rows == count, f"{seen.rows - count} came twice"
        return count / (seen.last - seen.first)


def _fill(url: str, count: int, partitions: int) -> None:
    store = open_store(url)
    past.fill(store, count, State.PENDING, partitions=partitions, versions=1)
    store.close()


if __name__ == "__main__":
    main()
