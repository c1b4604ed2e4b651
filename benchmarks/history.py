"""Measures benchmark (g): the cost of a record when the store is new, and when it is full of what was delivered before.

    python -m benchmarks.history [--rows 10000,100000,1000000] [--load 10000] [--rounds 3] [--server URL]

For each size a store is filled with so many deliveries and what belongs to them (records, bodies, windows, attempts, runs). Then a
fixed load is accepted and delivered to a target inside the process that takes batches of 500 at once: new objects; new versions of
the latest 3,000, as a county changes the cases it works on; new versions of objects from all over the history. Printed are
microseconds a record, median of rounds, and what each look at the store takes that a hub or its operator makes again and again
(ms); then the ratios, largest to smallest. A million rows are 2.4 GB.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection

from benchmarks import markdown, past, scene, tables
from hub.engine import dispatch, look, maintain, progress
from hub.engine.collect import collect
from hub.engine.exchange import Exchange
from hub.settings import load
from hub.store import cursors, groups, objects, open_store, outbox, partitions, runs, views, waiting
from hub.store.runs import Trigger

#: So many objects are changed "lately": the same work whatever the history.
LATELY = 3_000


class Measured(NamedTuple):
    """What one size showed: names and figures, microseconds a record and milliseconds a look."""

    costs: dict[str, float]
    looks: dict[str, float]
    size: float  # GB


def main() -> None:
    """Measure each size in a process of its own and print the tables."""
    options = _options()
    sizes = sorted(int(size) for size in options.rows.split(","))
    # what there is no disk for fails at once
    largest_first = {size: scene.apart(measure, size, options.load, options.rounds, options.server) for size in reversed(sizes)}
    found = [largest_first[size] for size in sizes]
    store = "PostgreSQL" if options.server else "SQLite"
    print(f"{markdown.about()}; {store}; {options.load:,} records, median of {options.rounds}; "
          f"stores of {', '.join(f'{one.size:.2f}' for one in found)} GB\n")  # fmt: skip
    head = (*(f"{size:,} rows" for size in sizes), "×")
    print(markdown.table(("µs a record", *head), _rows([one.costs for one in found], 1)), end="\n\n")
    print(markdown.table(("ms a look", *head), _rows([one.looks for one in found], 2)))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", default="10000,100000,1000000", help="sizes of the history, in deliveries")
    parser.add_argument("--load", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--server", default="", help="SQLAlchemy URL of a PostgreSQL database; others are made beside it")
    return parser.parse_args()


def _rows(found: Sequence[dict[str, float]], digits: int) -> list[list[str]]:
    return [[name, *(f"{one[name]:,.{digits}f}" for one in found), f"{found[-1][name] / found[0][name]:.2f}"] for name in found[0]]


def measure(rows: int, count: int, rounds: int, server: str) -> Measured:
    """Fill a store with so many rows of history and put the load through it."""
    with ExitStack() as stack:
        root = stack.enter_context(scene.directory())
        url = stack.enter_context(scene.database(server, root))
        local = f"sqlite:///{root}/local.db"
        scene.configure(root, local=local, store=url, sink=scene.to_nowhere())
        tables.fill(local, 0)
        store = open_store(url)
        past.fill(store, rows)
        store.close()  # SQLite brings everything into the file, so that each size begins alike
        store = open_store(url)
        stack.callback(store.close)
        exchange = Exchange(load(root, env={}), store)
        stack.callback(exchange.close)
        found = [_round(exchange, root, rows, count, number) for number in range(rounds)]
        costs = {name: statistics.median(one[name] for one in found) for name in found[0]}
        with store.reading() as connection:
            size = views.store_bytes(connection) / 1e9
        return Measured(costs, _look(exchange), size)


def _round(exchange: Exchange, root: Path, rows: int, count: int, number: int) -> dict[str, float]:
    old, dice = rows // past.VERSIONS, random.Random(number)
    loads = {
        "new": list(range(10**9 + number * count, 10**9 + (number + 1) * count)),
        "changed lately": dice.sample(range(old - LATELY, old), LATELY),
        "changed anywhere": dice.sample(range(old), min(old, count)),
    }
    costs: dict[str, float] = {}
    for day, (name, numbers) in enumerate(loads.items(), 1 + len(loads) * number):
        tables.fill(f"sqlite:///{root}/local.db", numbers, day=day)
        working = time.process_time()
        accept, deliver = _accept(exchange), _deliver(exchange)
        working = time.process_time() - working
        maintain.maintain(exchange)  # as a hub does all the time: else the looks would find what it left undone
        seconds = {"accept": accept, "deliver": deliver, "both": accept + deliver, "of it the hub's processor": working}
        costs |= {f"{name}: {step}": spent / len(numbers) * 1e6 for step, spent in seconds.items()}
    return costs


def _accept(exchange: Exchange) -> float:
    with exchange.store.writing() as connection:
        holding = partitions.take(connection, "collect:local", exchange.owner, exchange.clock())
        cursors.drop(connection, "source:local")
        runs.ask(connection, "local", Trigger.CLI, "benchmark", exchange.clock())
        run = runs.begin_next(connection, "local", exchange.clock())
    assert run is not None
    began = time.perf_counter()
    collect(exchange, holding, run, stopping=lambda: False, wake=lambda: None)
    return time.perf_counter() - began


def _deliver(exchange: Exchange) -> float:
    with exchange.store.writing() as connection:
        holding = partitions.take(connection, "deliver:bench:0", exchange.owner, exchange.clock())
    with ThreadPoolExecutor(1) as pool:
        desk = dispatch.desk(exchange, holding, "bench", 0, pool)
        began = time.perf_counter()
        dispatch.drain(desk, stopping=lambda: False)
        return time.perf_counter() - began


def _look(exchange: Exchange) -> dict[str, float]:
    """Return how long each look takes, in ms, median of five."""

    def reading(ask: Callable[[Connection], object]) -> Callable[[], object]:
        def once() -> object:
            with exchange.store.reading() as connection:
                return ask(connection)

        return once

    looks: dict[str, Callable[[], object]] = {
        "what there is to do (each second)": reading(lambda one: look.work(one, exchange)),
        "an idle partition": reading(lambda one: outbox.next_due(one, system="bench", partition=0)),
        "an idle source": reading(lambda one: runs.unfinished(one, "local")),
        "all chores (every 10 s)": lambda: maintain.maintain(exchange),
        "progress": lambda: progress.look(exchange, [1]),
        "backlog": reading(lambda one: waiting.apart(one, views.backlog(one))),
        "dead letters by cause": reading(groups.unfolded),
        "objects ever read": reading(objects.read),
        "latest runs": reading(lambda one: runs.latest(one, limit=10, source="local")),
        "last good run": reading(lambda one: runs.last_done(one, "local")),
        "latest deliveries": reading(lambda one: views.deliveries(one, limit=100)),
        "one case": reading(lambda one: views.life(one, ["bench"], tables.lane(7))),
    }
    return {name: statistics.median(_timed(ask) for _ in range(5)) * 1000 for name, ask in looks.items()}


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
