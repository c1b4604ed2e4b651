"""A long time under load and faults: `python -m tests.fault.soak --minutes 10`. Ends by itself, with accounts that add up.

First one `hub serve` on SQLite, then several `hub worker` on PostgreSQL, each for so long. Without a server the second is left out,
and that is said.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from random import Random

import pytest

from hub.demo import neighbours
from hub.demo.neighbours import Neighbours
from tests.commands import Directory, one_way, shipped
from tests.fault.murder import Murder
from tests.fault.soak.alone import alone
from tests.fault.soak.soaking import Hub, Soak, prepare
from tests.fault.soak.together import PARTITIONS, together
from tests.servers import fresh_postgresql

#: How to make the hub that is soaked.
Making = Callable[[Directory, Murder, Random], AbstractContextManager[Hub]]


def soak_alone(minutes: float, seed: int) -> str:
    """Soak one `hub serve` for so long and return its account; raises AssertionError for anything that does not add up."""
    with _soaking(alone, seed, {}) as made:
        made.run(minutes * 60)
        return f"hub serve, SQLite: {made.told()}"


def soak_together(minutes: float, seed: int) -> str:
    """Soak workers on one PostgreSQL, as `soak_alone` does one hub; where there is no server, say so."""
    with ExitStack() as open_till_the_end:
        try:
            url = open_till_the_end.enter_context(fresh_postgresql())
        except pytest.skip.Exception as missing:
            return f"hub worker, PostgreSQL: left out, {missing}"
        made = open_till_the_end.enter_context(_soaking(together, seed, {"HUB_STORE": url}, PARTITIONS))
        made.run(minutes * 60)
        return f"hub worker, PostgreSQL: {made.told()}"


@contextmanager
def _soaking(making: Making, seed: int, more: Mapping[str, str], *changes: tuple[str, str]) -> Iterator[Soak]:
    """Yield a soak of the shipped example that has not begun, with the far sides in a process of their own."""
    with tempfile.TemporaryDirectory(prefix="hub-soak-") as path, ExitStack() as until_over:
        beside = Neighbours(neighbours.plan(Path(path) / "county", cases=60, seed=seed, faults=True))
        until_over.callback(beside.stop)
        beside.start(lambda made: None)
        directory = one_way(shipped(Path(path), {**beside.environment(), **more}))
        prepare(directory, *changes)
        murder, rng = Murder(directory, "local", Random(seed)), Random(seed)
        until_over.callback(murder.store.close)
        hub = until_over.enter_context(making(directory, murder, rng))
        yield Soak(hub, directory, beside, murder, rng)


def main() -> None:
    """Soak, and tell what was done, what arrived and what was held."""
    wishes = argparse.ArgumentParser(description=__doc__)
    wishes.add_argument("--minutes", type=float, default=10)
    wishes.add_argument("--seed", type=int, default=621125)
    wishes.add_argument("--only", choices=("alone", "together"))
    told = wishes.parse_args()
    for name, soak in (("alone", soak_alone), ("together", soak_together)):
        if told.only in (None, name):
            sys.stdout.write(f"{soak(told.minutes, told.seed)}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
