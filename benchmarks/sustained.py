"""Measures benchmark (f): sustained work, from records that can be read to settled receipts, beside others that do the same.

    python -m benchmarks.sustained [--server URL] [--rows 50000] [--posts 10000] [--rounds 3] [--in-flight 4] [--sides hub,script,…]

Two far sides: an exchange table that takes batches of 500, and a REST address that takes one record a call. Local database,
exchange table, store and queue are SQLite files, or with `--server` databases of that PostgreSQL, made for it and dropped. Beside
the hub (the whole path: cursor, records, outbox, windows, receipts, synchronous=FULL) stand a plain script, dlt with a custom
destination, and a queue: Huey on SQLite with fsync, or Procrastinate on PostgreSQL. Each side runs in a process of its own.
Printed are tables of Markdown: records a second, the hub's rate as a multiple of the other's, and what each promises.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from contextlib import ExitStack

from sqlalchemy import func, select

from benchmarks import markdown, peers, scene, tables
from benchmarks.far import far_side
from benchmarks.peers import Work
from hub.engine.progress import look
from hub.engine.service import serving
from hub.model import State
from hub.settings import load
from hub.store import Store, schema
from hub.store.runs import Trigger

#: What each side is called, and what it promises as it is set up here; in the order of `_PROMISES`.
SIDES = {
    "hub": ("hub", "reads on, sends on", "kept", "dead letter of its own, with its reason", "asked, or held"),
    "script": ("plain script", "begins again", "not over calls in flight", "ends the script", "not told apart"),
    "dlt": ("dlt, custom destination", "its load goes on", "not over files", "ends the load", "sent again"),
    "huey": ("Huey, SQLite with fsync", "what was at work is lost", "no", "tried again, then dropped", "sent again"),
    "procrastinate": ("Procrastinate", "what was at work waits for a rescue", "no", "tried again, then failed", "sent again"),
}
_PROMISES = ("after kill −9", "order of a case", "a refused record", "in doubt")


def main() -> None:
    """Run all sides in turn and print the table."""
    options = _options()
    sides = options.sides.split(",") if options.sides else [name for name in SIDES if _fits(name, options.server)]
    batched = {name: _median(options, name, options.rows, single=False) for name in sides}
    posted = {name: _median(options, name, options.posts, single=True) for name in sides}
    store = "PostgreSQL" if options.server else "SQLite"
    print(f"\n{markdown.about()}; {store}; {options.rows:,} rows, {options.posts:,} posts, {options.in_flight} in flight\n")
    head = ("", "exchange table", "hub ×", "single posts", "hub ×")
    print(markdown.table(head, [_row(name, batched, posted) for name in sides]))
    print("\n" + markdown.table(("", *_PROMISES), [SIDES[name] for name in sides]))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, number in (("rows", 50_000), ("posts", 10_000), ("rounds", 3), ("in-flight", 4)):
        parser.add_argument(f"--{name}", type=int, default=number)
    parser.add_argument("--server", default="", help="SQLAlchemy URL of a PostgreSQL database; others are made beside it")
    parser.add_argument("--sides", default="", help=f"some of {','.join(SIDES)}")
    return parser.parse_args()


def _fits(name: str, server: str) -> bool:
    return name != ("huey" if server else "procrastinate")


def _row(name: str, batched: dict[str, float], posted: dict[str, float]) -> list[str]:
    cells = [SIDES[name][0]]
    for found in (batched, posted):
        cells += [markdown.rate(found[name]), f"{found['hub'] / found[name]:.2f}" if "hub" in found else "–"]
    return cells


def _median(options: argparse.Namespace, name: str, count: int, *, single: bool) -> float:
    rates = [_once(options, name, count, single=single) for _ in range(options.rounds)]
    print(f"{name:<16}{'posts' if single else 'rows':<8}{'  '.join(markdown.rate(rate) for rate in rates)}", flush=True)
    return statistics.median(rates)


def _once(options: argparse.Namespace, name: str, count: int, *, single: bool) -> float:
    with ExitStack() as stack:
        root = stack.enter_context(scene.directory())
        local, table, own = (stack.enter_context(scene.database(options.server, root)) for _ in range(3))
        tables.fill(local, count)
        target = stack.enter_context(far_side()).url if single else tables.empty(table)
        work = Work(local, target, count, options.in_flight, root, own)
        return count / scene.apart(_DOING[name], work)


def hub(work: Work) -> float:
    """Do it by the hub. Returns seconds."""
    sink = scene.to_rest(work.target, in_flight=work.in_flight) if work.single else scene.to_table(work.target)
    scene.configure(work.root, local=work.local, store=work.queue, sink=sink)
    with serving(load(work.root, env={}), scheduled=False) as service:
        began = time.time()
        run = service.ask("local", Trigger.CLI, "benchmark")
        while not look(service.exchange, [run]).quiet:
            time.sleep(0.1)
        number, ended = settled(service.store)
        assert number == work.count, number
        return ended - began


def settled(store: Store) -> tuple[int, float]:
    """Return how many deliveries are delivered, and the second since 1970 in which the last was."""
    ours = schema.delivery
    query = select(func.count(), func.max(ours.c.changed_at)).where(ours.c.state == State.DELIVERED.value)
    with store.reading() as connection:
        number, last = connection.execute(query).one()
    return number, (last or 0) / 1000


_DOING: dict[str, Callable[[Work], float]] = {
    "hub": hub,
    "script": peers.script,
    "dlt": peers.dlt,
    "huey": peers.huey,
    "procrastinate": peers.procrastinate,
}


if __name__ == "__main__":
    main()
