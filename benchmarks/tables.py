"""Measures benchmark (b): cases from a local database into exchange tables, beside a plain script that does the same undurably.

    python -m benchmarks.tables [--cases 100000] [--rounds 3] [--bare] [--target URL] [--local URL] [--store URL]

Both sides read the same rows, make the same 30-field `up_pro_accept` body with the same checks, and upsert it in batches of 500
into the same table. The checks are those of the shipped mapping: lengths, codes, GBK, time order (T01) and the identity number's
check digit (F05, by python-stdnum on both sides). With `--bare` both leave T01 and F05 out, and the script GBK too.
The plain script is one loop: SELECT in pages, a hand-written function with a pydantic model, executemany, commit. Ours is the whole
path: cursor, records, outbox, windows, attempts, receipts, synchronous=FULL. The last line is the ratio.
All databases are SQLite files in a temporary directory unless given; exchange tables in life are MySQL or Oracle, so give a server.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Engine, Index, MetaData, String, Table, create_engine, insert

from benchmarks import mapping, plain, scene
from benchmarks.scene import BATCH
from hub.engine.progress import look
from hub.engine.service import serving
from hub.settings import load
from hub.store.runs import Trigger

_SOURCES = sorted({source for source, _, _ in mapping.COLUMNS.values() if source})


def main() -> None:
    """Run both sides in turn and print the ratio."""
    options = _options()
    with tempfile.TemporaryDirectory(prefix="hub-bench-") as name:
        directory = Path(name)
        local = options.local or f"sqlite:///{directory}/local.db"
        fill(local, options.cases)
        theirs, ours = [], []
        for number in range(options.rounds):
            target = empty(options.target or f"sqlite:///{directory}/plain{number}.db")
            theirs.append(_timed(lambda target=target: _plain(local, target, options.bare), options.cases))
            target = empty(options.target or f"sqlite:///{directory}/ours{number}.db")
            ours.append(
                _timed(lambda target=target, number=number: _hub(directory / str(number), local, target, options), options.cases)
            )
        _tell("plain script", statistics.median(theirs))
        _tell("hub, whole path", statistics.median(ours))
        print(f"the hub runs at {statistics.median(ours) / statistics.median(theirs):.2f} of the plain script")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--bare", action="store_true", help="without time order and identity numbers; the script without GBK too")
    for name, what in (("target", "exchange tables"), ("local", "local database"), ("store", "hub's store")):
        parser.add_argument(f"--{name}", default="", help=f"SQLAlchemy URL of the {what}")
    return parser.parse_args()


def _timed(work: Callable[[], Any], count: int) -> float:
    began = time.perf_counter()
    work()
    return count / (time.perf_counter() - began)


def _tell(name: str, rate: float) -> None:
    print(f"{name:<24}{rate:>10,.0f} cases/s")


# --- the two databases ---


def fill(url: str, cases: int | Sequence[int], day: int = 1) -> None:
    """Make the local database with so many cases, or with those of these numbers, the first one changed first, from that day on."""
    metadata = MetaData()
    table = local_table(metadata)
    names = [column.name for column in table.columns]
    numbers = range(cases) if isinstance(cases, int) else cases
    with _fresh(url, metadata).begin() as connection:
        rows = [dict(zip(names, _row(place, number, day), strict=True)) for place, number in enumerate(numbers)]
        if rows:
            connection.execute(insert(table), rows)


def local_table(metadata: MetaData) -> Table:
    """Return the table of the local database: the key, what a body is made of, and the time of the last change."""
    columns = [Column(source, String(1000)) for source in _SOURCES]
    table = Table("T_BJ", metadata, Column("BENCHID", String(10), primary_key=True), *columns, Column("GXSJ", String(19)))
    Index("IX_GXSJ", table.c.GXSJ, table.c.BENCHID)
    return table


def _fresh(url: str, metadata: MetaData) -> Engine:
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA journal_mode=WAL")
    metadata.drop_all(engine)
    metadata.create_all(engine)
    return engine


def _row(place: int, number: int, day: int) -> tuple[Any, ...]:
    changed = f"2016-12-{day + place // 86_400 % 20:02} {place // 3600 % 24:02}:{place // 60 % 60:02}:{place % 60:02}"
    return (*columns_of(number), changed)


def lane(number: int) -> str:
    """Return the case number of the row of that number."""
    return str(mapping.record(number)["BJBH"])


def columns_of(number: int) -> tuple[Any, ...]:
    """Return what the row of that number holds before the time of its last change."""
    record = mapping.record(number)
    return (f"{number:010}", *(record.get(source) for source in _SOURCES))


def empty(url: str) -> str:
    """Make the exchange table, empty, in that database; return its URL."""
    metadata = MetaData()
    columns = [Column(name, String(width), primary_key=name == "row_guid") for name, (_, width, _) in mapping.COLUMNS.items()]
    Table("up_pro_accept", metadata, *columns, mysql_engine="InnoDB", mysql_charset="utf8mb4", mysql_row_format="DYNAMIC")
    _fresh(url, metadata).dispose()
    return url


# --- the plain script ---


def _plain(local: str, target: str, bare: bool) -> None:
    with plain.taker(target) as taker:
        for bodies in plain.pages(local, plain.converter(bare=bare)):
            for start in range(0, len(bodies), BATCH):
                taker.take(bodies[start : start + BATCH])


# --- ours ---


def _hub(root: Path, local: str, target: str, options: argparse.Namespace) -> None:
    store = options.store or f"sqlite:///{root}/hub.db"
    scene.configure(root, local=local, store=store, sink=scene.to_table(target), checks=not options.bare)
    settings = load(root, env={})
    with serving(settings, scheduled=False) as service:
        run = service.ask("local", Trigger.CLI, "benchmark")
        while not (seen := look(service.exchange, [run])).quiet:
            time.sleep(0.5)
        assert seen.runs[0].accepted == options.cases and seen.owed == 0, seen


if __name__ == "__main__":
    main()
