"""What a hub keeps in memory does not grow with what it did: the same statements for any length, nothing for each record."""

from __future__ import annotations

import gc
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from tests import fakes
from tests.exchanges import Site, case, site, step

#: A list in a statement, with the placeholders of either database.
LIST = re.compile(r"IN \((?:[^()]|\([^()]*\))*\)")
#: Records in the longest page, all of which go in one window.
LONGEST = 40
#: Runs of a hub that has just begun, and those after which it must not hold more; each of so many cases and steps.
FIRST, THEN, CASES = 30, 60, 25


@pytest.fixture
def here(store_url: str, tmp_path: Path) -> Iterator[Site]:
    fakes.forget()
    with site(tmp_path, store_url) as made:
        yield made


def test_pages_and_windows_of_any_length_are_asked_about_by_the_same_statements(here: Site) -> None:
    """A connection keeps those it prepared, each as big as its lists: with one for each length, tens of megabytes a connection."""
    seen: dict[str, set[str]] = defaultdict(set)

    def note(_connection: Any, _cursor: Any, statement: str, *_: object) -> None:
        seen[LIST.sub("IN (..)", statement)].add(statement)

    sa.event.listen(here.store.engine, "before_cursor_execute", note)
    for length in range(1, LONGEST + 1):
        records = [case(f"{length}-{number}") for number in range(length)]
        for page in (records, records):  # new, and known
            here.sync(*page)
            here.drain()
    assert [statement for statement, lengths in seen.items() if len(lengths) > 1] == []


def test_nothing_is_kept_in_memory_for_each_record_that_passed(here: Site) -> None:
    for number in range(FIRST):
        _work(here, number)
    gc.collect()
    before = sys.getallocatedblocks()
    for number in range(FIRST, FIRST + THEN):
        _work(here, number)
    gc.collect()
    assert here.taken() == []
    assert (sys.getallocatedblocks() - before) / (THEN * CASES * 2) < 0.25


def _work(here: Site, number: int) -> None:
    """Let new cases with a step each arrive over there, and let the far sides, which are part of the test, forget all of it."""
    keys = [f"{number}-{one}" for one in range(CASES)]
    here.later(seconds=1)
    here.sync(*(case(key) for key in keys), *(step(f"{key}-1", key) for key in keys))
    here.drain()
    assert len(here.taken()) == 2 * CASES
    for told in (here.side.arrived, here.side.taken, here.side.calls):
        told.clear()
    here.side.script.clear()
    here.source.records[:] = [here.source.records[0]] * len(here.source.records)
