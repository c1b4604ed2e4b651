"""Measures benchmark (c): single REST posts out of the outbox, beside a bare loop over httpx at the same concurrency.

    python -m benchmarks.posts [--posts 20000] [--rounds 3] [--in-flight 4]

The far side is one asyncio process that reads a request and says 200. The bare loop serialises the same bodies and posts them with
one httpx.Client from so many threads; it writes nothing down. Ours empties an outbox filled before: windows opened and closed in
SQLite (synchronous=FULL), lanes kept, answers judged, receipts stored. The last line is the ratio.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import httpx
import orjson

from benchmarks import mapping, tables
from hub.engine import dispatch
from hub.engine.collect import collect
from hub.engine.exchange import Exchange
from hub.settings import load
from hub.store import open_store, partitions, runs, views
from hub.store.runs import Trigger

_ANSWER = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 14\r\n\r\n{"code":"200"}'


def main() -> None:
    """Run both sides in turn and print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, number in (("posts", 20_000), ("rounds", 3), ("in-flight", 4)):
        parser.add_argument(f"--{name}", type=int, default=number)
    options = parser.parse_args()
    far, url = _far_side()
    try:
        bare, ours = [], []
        for _ in range(options.rounds):
            bare.append(_bare(url, options.posts, options.in_flight))
            ours.append(_hub(url, options.posts, options.in_flight))
    finally:
        far.terminate()
        far.join()
    print(f"{'bare httpx loop':<24}{statistics.median(bare):>10,.0f} posts/s")
    print(f"{'hub, out of the outbox':<24}{statistics.median(ours):>10,.0f} posts/s")
    print(f"the hub runs at {statistics.median(ours) / statistics.median(bare):.2f} of the bare loop")


# --- the far side ---


def _far_side() -> tuple[Any, str]:
    spawning = multiprocessing.get_context("spawn")
    mine, theirs = spawning.Pipe()
    process = spawning.Process(target=_serve, args=(theirs,), daemon=True)
    process.start()
    return process, f"http://127.0.0.1:{mine.recv()}"


def _serve(pipe: Connection) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = next(int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
                await reader.readexactly(length)
                writer.write(_ANSWER)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def run() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


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
        configure(root, local, url, threads)
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


def configure(root: Path, local: str, url: str, in_flight: int) -> None:
    """Write a configuration whose one sink is a REST target that takes single posts."""
    tables.configure(root, local, f"sqlite:///{root}/unused.db", f"sqlite:///{root}/hub.db")
    tables.put(
        root,
        "config/systems/bench.yaml",
        f"""
        version: 1
        system: bench
        title: 接口
        adapter: rest
        in_flight: {in_flight}
        options:
          base_url: {url}
          in_flight: {in_flight}
          answers: [{{path: /code, equals: "200", means: taken}}]
          endpoints:
            accept: {{method: POST, path: /accept, idempotent: true}}
        """,
    )


if __name__ == "__main__":
    main()
