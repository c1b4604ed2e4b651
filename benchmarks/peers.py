"""Decides how others do the same work: a plain script, dlt with a custom destination, and queues (Huey, Procrastinate).

Each reads the same rows, makes the same bodies by hand with the same checks, and hands them to the same far side; each is set up
as its own documentation says for durable work: Huey's SQLite with fsync, Procrastinate with PostgreSQL's synchronous commit. A
queue has one task a record for posts, and one task a batch for the exchange table, which is the best it can do there: nobody then
knows what became of a single record.
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, make_url, text

from benchmarks import mapping, plain
from benchmarks.scene import BATCH

#: Waits between tries where a peer knows retries: as many as a system of the hub has.
RETRIES, RETRY_SECONDS = 6, 30


@dataclass(frozen=True, slots=True)
class Work:
    """So many cases of a local database for one far side: the exchange table of a database, or an address that takes posts."""

    local: str
    target: str
    count: int
    in_flight: int
    root: Path  # an empty directory of its own
    queue: str  # where a queue lives: a PostgreSQL database of its own, or nothing

    @property
    def single(self) -> bool:
        """Whether the far side takes one record at a time."""
        return self.target.startswith("http:")

    def parts(self) -> Iterator[list[dict[str, Any]]]:
        """Yield the bodies, as many at a time as one call takes."""
        size = 1 if self.single else BATCH
        for page in plain.pages(self.local, plain.converter()):
            yield from (page[start : start + size] for start in range(0, len(page), size))


def script(work: Work) -> float:
    """Do it by a plain script, which writes nothing down. Returns seconds."""
    began = time.perf_counter()
    with plain.taker(work.target) as taker, ThreadPoolExecutor(work.in_flight) as pool:
        parts = work.parts()
        if not work.single:
            for part in parts:
                taker.take(part)
        while work.single and (some := list(itertools.islice(parts, 1000))):
            list(pool.map(taker.take, some))
    return time.perf_counter() - began


def dlt(work: Work) -> float:
    """Do it by a dlt pipeline with a custom destination. Returns seconds."""
    os.environ |= {
        "RUNTIME__DLTHUB_TELEMETRY": "false",
        "RUNTIME__LOG_LEVEL": "ERROR",
        "LOAD__WORKERS": str(work.in_flight),
        "NORMALIZE__DATA_WRITER__FILE_MAX_ITEMS": str(max(BATCH, work.count // (4 * work.in_flight))),
    }
    import dlt as library

    began = time.perf_counter()
    with plain.taker(work.target) as taker:
        many = 1 if work.single else BATCH

        @library.destination(batch_size=many, name="exchange", max_parallel_load_jobs=work.in_flight if work.single else 1)
        def exchange(items: Any, table: Any) -> None:
            taker.take(items)

        texts: Any = {name: {"data_type": "text"} for name in mapping.COLUMNS}  # left to itself it would make times of texts
        bodies = itertools.chain.from_iterable(work.parts())
        rows = library.resource(bodies, name="up_pro_accept", primary_key="row_guid", columns=texts)
        pipeline = library.pipeline("bench", destination=exchange, pipelines_dir=str(work.root))
        pipeline.run(rows).raise_on_failed_jobs()
    return time.perf_counter() - began


# --- queues ---


def huey(work: Work) -> float:
    """Do it by Huey on SQLite with fsync, its consumer a process of its own. Returns seconds."""
    with beside(consume, str(work.root), work.target, work.in_flight):
        queue, deliver = _huey(str(work.root), work.target)
        began = time.perf_counter()
        for part in work.parts():
            deliver(part)
        _until(lambda: queue.pending_count() == 0 and _arrived(work) == work.count)
        return time.perf_counter() - began


def _huey(root: str, target: str) -> tuple[Any, Callable[[list[dict[str, Any]]], Any]]:
    from huey import SqliteHuey  # type: ignore[import-untyped]

    queue, taker = SqliteHuey("bench", filename=f"{root}/huey.db", fsync=True, results=False), plain.taker(target)

    @queue.task(retries=RETRIES, retry_delay=RETRY_SECONDS)  # type: ignore[untyped-decorator]
    def deliver(part: list[dict[str, Any]]) -> None:
        taker.take(part)

    return queue, deliver


def consume(root: str, target: str, workers: int) -> None:
    """Work off the queue of Huey in that directory until told to stop."""
    queue, _ = _huey(root, target)
    queue.create_consumer(workers=workers, periodic=False, initial_delay=0.01, max_delay=0.1).run()


def procrastinate(work: Work) -> float:
    """Do it by Procrastinate on PostgreSQL, its worker a process of its own. Returns seconds."""
    import procrastinate as library

    app, deliver = _procrastinate(library.SyncPsycopgConnector, work.queue, work.target)
    with app.open():
        app.schema_manager.apply_schema()
        with beside(_work_off, work.queue, work.target, work.in_flight):
            began, parts = time.perf_counter(), work.parts()
            while some := list(itertools.islice(parts, 1000)):
                deliver.batch_defer(*({"part": part} for part in some))
            _until(lambda: _jobs(work.queue) == 0 and _arrived(work) == work.count)
            return time.perf_counter() - began


def _procrastinate(connector: Any, url: str, target: str) -> tuple[Any, Any]:
    import procrastinate as library

    app, taker = library.App(connector=connector(conninfo=_conninfo(url))), plain.taker(target)

    @app.task(name="deliver", retry=library.RetryStrategy(max_attempts=RETRIES, wait=RETRY_SECONDS))
    def deliver(part: list[dict[str, Any]]) -> None:
        taker.take(part)

    return app, deliver


def _work_off(url: str, target: str, workers: int) -> None:
    import procrastinate as library

    app, _ = _procrastinate(library.PsycopgConnector, url, target)
    app.run_worker(concurrency=workers, delete_jobs="successful")


def _conninfo(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def _jobs(url: str) -> int:
    return _count(url, "SELECT count(*) FROM procrastinate_jobs")


def _arrived(work: Work) -> int:
    if work.single:
        import httpx

        return int(httpx.get(f"{work.target}/seen").json()["rows"])
    return _count(work.target, "SELECT count(*) FROM up_pro_accept")


def _count(url: str, query: str) -> int:
    engine = create_engine(url)
    with engine.connect() as connection:
        number = int(connection.scalar(text(query)) or 0)
    engine.dispose()
    return number


@contextmanager
def beside(work: Callable[..., None], *arguments: object) -> Iterator[int]:
    """Run a function in a process beside this one until the block ends; yield its process number."""
    process = multiprocessing.get_context("spawn").Process(target=work, args=arguments)
    process.start()
    try:
        yield process.pid or 0
    finally:
        process.terminate()
        process.join()


def _until(done: Callable[[], bool]) -> None:
    while not done():
        time.sleep(0.05)
