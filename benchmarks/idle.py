"""Measures benchmark (j): what a hub costs while nothing happens, with the shipped configuration of 28 systems.

    python -m benchmarks.idle [--seconds 120] [--settle 330] [--server URL] [--worker]

The far sides are those of the sandbox, in a process of their own, without faults and without news. The hub reads everything once,
gets `settle` seconds to deliver it, until the five minutes that each run reads again hold nothing any more, and is then looked at
from outside: its processor time and its resident set, beside a consumer of Huey with four threads on an empty queue. With
`--server` the store is a PostgreSQL database, and the transactions it sees are counted; with `--worker` too, the hub is one `hub
worker` instead of `hub serve`.
"""

from __future__ import annotations

import argparse
import multiprocessing
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

import httpx
from sqlalchemy import NullPool, create_engine, make_url, text

from benchmarks import markdown, peers, scene
from benchmarks.hubs import Watched, running
from hub.sandbox.street import Plan, Ports, Sandbox
from hub.settings import load

_ROOT = Path(__file__).parents[1]


def main() -> None:
    """Measure both sides and print the table."""
    options = _options()
    rows = [_hub(options)]
    with ExitStack() as stack:
        root = stack.enter_context(scene.directory())
        consumer = stack.enter_context(peers.beside(peers.consume, str(root), "http://127.0.0.1:9", 4))
        time.sleep(3)
        rows.append(_row("Huey consumer, 4 threads", Watched(consumer), options.seconds, None))
    print(f"{markdown.about()}; {options.seconds:.0f} s\n")
    print(markdown.table(("idle", "processor, % of a core", "resident, MiB", "transactions/s"), rows))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=120, help="that are looked at")
    parser.add_argument(
        "--settle",
        type=float,
        default=330,
        help="seconds to read and deliver what there is, past the overlap of 5 minutes",
    )
    parser.add_argument("--server", default="", help="SQLAlchemy URL of a PostgreSQL database; others are made beside it")
    parser.add_argument("--worker", action="store_true", help="one `hub worker` instead of `hub serve`")
    return parser.parse_args()


def _hub(options: argparse.Namespace) -> list[str]:
    with ExitStack() as stack:
        root = stack.enter_context(scene.directory())
        url = stack.enter_context(scene.database(options.server, root))
        for part in ("config", "mappings"):
            shutil.copytree(_ROOT / part, root / part, ignore=shutil.ignore_patterns("hub.env"))
        environment = {**stack.enter_context(_sandbox(root / "county")), "HUB_STORE": url}
        command = "worker" if options.worker else "serve"
        hub = stack.enter_context(running(root, command, environment=environment))
        sources = [one.name for one in load(root, env=environment).readable()]
        for source in sources:
            httpx.post(f"{hub.url}/api/v1/runs", json={"source": source}).raise_for_status()
        time.sleep(options.settle)
        count = _counting(options.server, url) if options.server else None
        return _row(f"hub {command}, shipped configuration", hub, options.seconds, count)


def _row(name: str, one: Watched, seconds: float, count: Callable[[], int] | None) -> list[str]:
    used, counted = one.processor(), count() if count else 0
    time.sleep(seconds)
    share = (one.processor() - used) / seconds
    return [name, f"{share:.2%}", f"{one.resident():.1f}", f"{(count() - counted) / seconds:.1f}" if count else "–"]


def _counting(server: str, url: str) -> Callable[[], int]:
    """Return what counts the transactions a database has seen; it looks from another database, so that it is not counted."""
    engine = create_engine(server, poolclass=NullPool)
    query = text("SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = :name")

    def count() -> int:
        with engine.connect() as connection:
            return int(connection.scalar(query, {"name": make_url(url).database}) or 0)

    return count


@contextmanager
def _sandbox(directory: Path) -> Iterator[Mapping[str, str]]:
    """Run the far sides of the shipped configuration in a process of their own; yield the variables the hub finds them by."""
    spawning = multiprocessing.get_context("spawn")
    mine, theirs = spawning.Pipe()
    process = spawning.Process(target=_live, args=(theirs, directory))
    process.start()
    theirs.close()  # a process that dies is noticed
    try:
        yield mine.recv()
    finally:
        mine.send(None)
        process.join()


def _live(pipe: Connection, directory: Path) -> None:
    with Sandbox(Plan(directory, cases=40, faults="none", ports=Ports.free(), alive=None)) as sandbox:
        pipe.send(dict(sandbox.environment()))
        pipe.recv()


if __name__ == "__main__":
    main()
