"""Measures benchmark (e): memory and time of the data-quality report, from 10,000 to 100,000 cases.

    python -m benchmarks.report [--sizes 10000,100000]

Each size is a process of its own: it fills a store with made-up cases, every record with one delivery, and judges them all as
`hub quality` does. Printed are the peak resident set (MiB) and the processor time a case; then the ratios, largest to smallest.
"""

from __future__ import annotations

import argparse
import gc
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import orjson

from benchmarks.sizes import sizes
from hub.model import Operation, State
from hub.quality import Report, lists, verdicts
from hub.sandbox.flaws import Rates
from hub.sandbox.generator import cases
from hub.settings import Settings, load
from hub.store import Store, acceptance, open_store, partitions, runs
from hub.store.acceptance import Accepted, Owed
from hub.store.partitions import Holding
from hub.store.runs import Trigger

PAGE = 5000
#: table -> kind, as the shipped configuration reads them
KINDS = {"T_BJ": "case", "T_BZ": "step", "T_TBCX": "special", "T_CL": "material", "T_JG": "result", "T_SF": "fee"}


class Measured(NamedTuple):
    """What one size showed."""

    cases: int
    records: int
    peak: float  # MiB
    each: float  # µs a case


def main() -> None:
    """Measure each size in a process of its own and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=sizes(least=1), default="10000,100000", help="cases")
    asked = parser.parse_args().sizes
    with tempfile.TemporaryDirectory(prefix="hub-bench-") as name:
        found = [_in_two(name, size) for size in asked]
    print(f"{'cases':>12}{'records':>12}{'peak MiB':>12}{'µs a case':>12}")
    for one in found:
        print(f"{one.cases:>12,}{one.records:>12,}{one.peak:>12.1f}{one.each:>12.0f}")
    print(f"memory × {found[-1].peak / found[0].peak:.2f}, time a case × {found[-1].each / found[0].each:.2f}, smallest to largest")


def _in_two(directory: str, size: int) -> Measured:
    """Fill in one process and measure in another, so that the filling does not count."""
    url = f"sqlite:///{directory}/{size}.db"
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        records = pool.apply(fill, (url, size))
        return pool.apply(measure, (url, size, records))


def fill(url: str, size: int) -> int:
    """Put so many made-up cases into a store; return how many records they are."""
    store, now, total = open_store(url), datetime.now(UTC), 0
    with store.writing() as connection:
        source = partitions.take(connection, "collect:local", "benchmark", now)
        run = runs.ask(connection, "local", Trigger.CLI, "benchmark", now)
    rows = _rows(size)
    while page := list(islice(rows, PAGE)):
        _write(store, source, run, page, now)
        total += len(page)
    store.close()
    return total


def _rows(size: int) -> Iterator[Accepted]:
    for case in cases(size, seed=1, rates=Rates.none()):
        for table, kind in KINDS.items():
            for row in case.rows[table]:
                key = row["BJBH"] if table == "T_BJ" else row["ID"]
                owed = Owed("bench", kind, kind, case.number, Operation.INSERT, mapping="-", body=b"{}", state=State.DELIVERED)
                yield Accepted(kind, key, "1", False, orjson.dumps(row), (owed,))


def _write(store: Store, source: Holding, run: int, page: list[Accepted], now: datetime) -> None:
    about = {"source": "local", "run_id": run, "cursor": "x", "counts": {"read": len(page)}, "batch": "B", "now": now}
    with store.writing() as connection:
        acceptance.write_page(connection, source, accepted=page, **about)


def measure(url: str, size: int, records: int) -> Measured:
    """Judge every case of a store as the shipped configuration says."""
    quality, store = _shipped().quality, open_store(url)
    assert quality is not None
    gc.set_threshold(200_000)  # as `hub quality` does
    began, report = time.process_time(), Report()
    for verdict in verdicts(store, quality, datetime.now(UTC), lists(store, quality)):
        report.add(verdict)
    seconds = time.process_time() - began
    assert report.total.cases == size
    return Measured(size, records, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, seconds / size * 1e6)


def _shipped() -> Settings:
    return load(Path(__file__).parents[1], env={})


if __name__ == "__main__":
    main()
