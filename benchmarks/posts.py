"""Measures benchmark (c): single REST posts out of the outbox, beside a bare loop over httpx at the same concurrency.

    python -m benchmarks.posts [--posts 20000] [--rounds 3] [--in-flight 4]

The far side is one asyncio process that reads a request and says 200. The bare loop serialises the same bodies and posts them with
one httpx.Client from so many threads; it writes nothing down. Ours empties an outbox filled before: windows opened and closed in
SQLite (synchronous=FULL), lanes kept, answers judged, receipts stored. The last line is the ratio.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import orjson

from benchmarks import mapping, scene, tables
from benchmarks.far import far_side
from hub.engine import dispatch
from hub.engine.collect import collect
from hub.engine.exchange import Exchange
from hub.settings import load
from hub.store import open_store, partitions, runs, views
from hub.store.runs import Trigger


def main() -> None:
    """Run both sides in turn and print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, number in (("posts", 20_000), ("rounds", 3), ("in-flight", 4)):
        parser.add_argument(f"--{name}", type=int, default=number)
    options = parser.parse_args()
    bare, ours = [], []
    with far_side() as far:
        for _ in range(options.rounds):
            bare.append(_bare(far.url, options.posts, options.in_flight))
            ours.append(_hub(far.url, options.posts, options.in_flight))
    print(f"{'bare httpx loop':<24}{statistics.median(bare):>10,.0f} posts/s")
    print(f"{'hub, out of the outbox':<24}{statistics.median(ours):>10,.0f} posts/s")
    print(f"the hub runs at {statistics.median(ours) / statistics.median(bare):.2f} of the bare loop")


# --- the bare loop ---


def _bare(url: str, count: int, threads: int) -> float:
    bodies = [{name: record.get(source) for name, (source, _, _) in mapping.COLUMNS.items()} for record in mapping.records(count)]
    headers = {"Content-Type": "application/json"}
    with httpx.Client() as client:

        def post(part: list[dict[str, Any]]) -> None:
            for body in part:
                answer = client.post(f"{url}/accept", content=orjson.dumps(body), headers=headers)
                assert answer.status_code == 200 and answer.json()["code"] == "200"

        began = time.perf_counter()
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(post, [bodies[start::threads] for start in range(threads)]))
    return count / (time.perf_counter() - began)


# --- ours ---


def _hub(url: str, count: int, threads: int) -> float:
    with tempfile.TemporaryDirectory(prefix="hub-bench-") as name:
        root = Path(name)
        local = f"sqlite:///{root}/local.db"
        tables.fill(local, count)
        store_url = f"sqlite:///{root}/hub.db"
        scene.configure(root, local=local, store=store_url, sink=scene.to_rest(url, in_flight=threads), checks=False)
        settings = load(root, env={})
        store = open_store(settings.store)
        exchange = Exchange(settings, store)
        _accept(exchange)
        with store.writing() as connection:
            holding = partitions.take(connection, "deliver:bench:0", exchange.owner, exchange.clock())
        with ThreadPoolExecutor(threads) as pool:
            desk = dispatch.desk(exchange, holding, "bench", 0, pool)
            began = time.perf_counter()
            dispatch.drain(desk, stopping=lambda: False)
            seconds = time.perf_counter() - began
        with store.reading() as connection:
            assert not views.backlog(connection), "everything was taken"
        exchange.close()
        store.close()
        return count / seconds


def _accept(exchange: Exchange) -> None:
    with exchange.store.writing() as connection:
        holding = partitions.take(connection, "collect:local", exchange.owner, exchange.clock())
        runs.ask(connection, "local", Trigger.CLI, "benchmark", exchange.clock())
        run = runs.begin_next(connection, "local", exchange.clock())
    assert run is not None
    collect(exchange, holding, run, stopping=lambda: False, wake=lambda: None)


if __name__ == "__main__":
    main()
