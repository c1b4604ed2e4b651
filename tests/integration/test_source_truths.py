"""What is read from a real database through the whole hub: nothing is skipped, and the cursor stays before what is not durable."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from adapters.database.walking import Bookmark, dump
from hub.model import State
from hub.store.runs import RunState
from tests.databases import ddl, run
from tests.feeding import County, Opened, ago, county

#: Columns of keys under which «a» and «A» are one, as each database has them.
LOOSE = {
    "sqlite": "VARCHAR(20) COLLATE NOCASE",
    "postgresql": "VARCHAR(20) COLLATE loose",
    "mysql": "VARCHAR(20) COLLATE utf8mb4_general_ci",
}
#: Columns of times that know no fraction of a second.
SECONDS = {"sqlite": "VARCHAR(19)", "postgresql": "TIMESTAMP(0)", "mysql": "DATETIME"}


def of(url: str, kinds: dict[str, str]) -> str:
    return kinds[sa.make_url(url).get_backend_name()]


# --- equal times ---


def test_rows_of_one_time_are_read_across_the_borders_of_pages_and_of_runs(opened: Opened) -> None:
    here, moment = opened(), ago(seconds=20)
    here.write(*((f"K{n}", f"v{n}", moment) for n in (7, 3, 1, 4, 0, 8, 2, 9, 6, 5)))
    here.read(pages=2)
    here.read()
    here.write(("K33", "late", moment), ("A", "first", moment))
    here.read()
    assert here.arrived() == {**{f"K{n}": f"v{n}" for n in range(10)}, "K33": "late", "A": "first"}


def test_a_row_of_the_last_time_comes_long_after_it(opened: Opened) -> None:
    here, moment = opened(), ago(days=3)
    here.write(*((f"K{n}", f"v{n}", moment) for n in range(3)))
    here.read()
    here.write(("A", "late", moment))
    here.read()
    assert here.arrived()["A"] == "late"


def test_two_changes_within_a_second_of_a_column_that_knows_no_fraction(database_url: str, tmp_path: Path) -> None:
    moment = ago(seconds=3).replace(microsecond=0)
    with county(tmp_path, database_url, kinds={"time": of(database_url, SECONDS)}) as here:
        here.write(("A", "1", moment), ("B", "1", moment))
        here.read()
        here.change("A", "2", moment)
        here.read()
        assert here.arrived() == {"A": "2", "B": "1"}


def test_a_row_without_a_time_is_told_and_comes_once_it_has_one(opened: Opened) -> None:
    here = opened()
    here.write(*((f"K{n}", f"v{n}", ago(minutes=9)) for n in range(4)), ("NONE", "v", None))
    first = here.read()
    assert (first.read, first.accepted, first.rejected) == (5, 4, 1)
    assert (here.hub.one("NONE").state, here.hub.one("NONE").code) == (State.DEAD, "HUB-S-313")
    here.change("NONE", "now", ago(minutes=1))
    here.read()
    assert here.arrived()["NONE"] == "now"


@pytest.mark.parametrize("page", [1, 2, 3])
def test_keys_the_database_takes_for_alike_are_all_read(database_url: str, tmp_path: Path, page: int) -> None:
    """They differ in case, accents or blanks behind, and stand at the border of a page."""
    keys, moment = ["a", "A", "b", "É", "é", "b ", "B", "e", "c"], ago(minutes=9)
    with county(tmp_path, database_url, kinds={"key": "VARCHAR(20)", "pk": ""}, feed={"page": page}) as here:
        _retype(here, of(database_url, LOOSE))
        here.write(*((key, f"v{n}", moment) for n, key in enumerate(keys)))
        assert here.read().state is RunState.DONE
        assert here.arrived() == {key: f"v{n}" for n, key in enumerate(keys)}


def _retype(here: County, kind: str) -> None:
    """Make the table of cases anew, without a unique key and with a loose comparison of its keys."""
    if here.there.dialect.name == "postgresql":
        run(here.there, "CREATE COLLATION loose (provider = icu, locale = 'und-u-ks-level1', deterministic = false)")
    run(here.there, f"DROP TABLE {here.name('BJ')}")
    ddl(here.there, f"CREATE TABLE {{BJ}} ({{BJBH}} {kind}, {{SQRMC}} VARCHAR(6), {{GXSJ}} {{datetime}})")


def test_a_key_that_is_not_unique_is_refused_by_name(opened: Opened) -> None:
    here, moment = opened(kinds={"pk": ""}), ago(minutes=9)
    here.write(*(("K", f"v{n}", moment) for n in range(110)))
    ended = here.read()
    assert (ended.state, ended.code) == (RunState.FAILED, "HUB-S-309")
    assert "table BJ" in str(ended.reason) and "key is not unique" in str(ended.reason)


def test_keys_sort_by_the_databases_own_order(opened: Opened) -> None:
    keys = ["Z10", "a2", "Z9", "_", "é", "漳县-1", "0621", "-7", "B", "b1"]
    here, moment = opened(feed={"page": 1}), ago(minutes=9)
    here.write(*((key, key[:6], moment) for key in keys))
    here.read()
    assert here.arrived() == {key: key[:6] for key in keys}


# --- times ahead, clocks set back ---


@pytest.mark.parametrize("ahead", [{"hours": 1}, {"hours": 23}, {"days": 400}], ids=["hour", "day", "years"])
def test_a_row_stamped_ahead_hides_nothing_that_is_written_after_it(opened: Opened, ahead: dict[str, float]) -> None:
    """One counter's clock is ahead: what all others write after its row is stamped before it."""
    here, moment = opened(), ago(**{unit: -number for unit, number in ahead.items()})
    here.write(("A", "v", ago(minutes=2)), ("AHEAD", "v", moment))
    here.read()
    here.write(("B", "v", ago(seconds=50)))
    here.read()
    here.change("B", "w", ago(seconds=1))
    here.read()
    assert here.arrived() == {"A": "v", "AHEAD": "v", "B": "w"}


def test_a_cursor_that_stands_ahead_of_the_databases_clock_reads_all_once(opened: Opened) -> None:
    """The clock over there was set back, or an earlier version of this program followed a row that was stamped ahead."""
    here, ahead = opened(), ago(hours=-6)
    mark = str(ahead) if here.there.dialect.name == "sqlite" else ahead
    here.write(("A", "v", ago(hours=3)), ("B", "v", ago(minutes=2)))
    here.cursor = dump({"case": Bookmark(mark)})
    assert [here.read().read, here.read().read] == [2, 1]
    assert here.arrived() == {"A": "v", "B": "v"}


# --- late commits ---


def test_what_is_committed_late_is_read_within_the_overlap(server_url: str, tmp_path: Path) -> None:
    """Transaction A takes its time first, and is committed after what B wrote later was read."""
    with county(tmp_path, server_url) as here, here.there.connect() as slow:
        slow.execute(sa.text(here.inserting), {"key": "A", "name": "slow", "time": str(ago(minutes=4))})
        here.write(("B", "quick", ago(seconds=30)))
        here.read()
        assert here.arrived() == {"B": "quick"}
        slow.commit()
        here.read()
        assert here.arrived() == {"A": "slow", "B": "quick"}


def test_an_update_that_is_committed_late_is_read_within_the_overlap(server_url: str, tmp_path: Path) -> None:
    with county(tmp_path, server_url) as here, here.there.connect() as slow:
        here.write(("A", "old", ago(minutes=3)))
        slow.execute(sa.text(here.changing), {"key": "A", "name": "new", "time": str(ago(minutes=2))})
        here.write(("B", "quick", ago(seconds=30)))
        here.read()
        slow.commit()
        here.read()
        assert here.arrived() == {"A": "new", "B": "quick"}


def test_what_is_committed_later_than_the_overlap_waits_for_its_next_change_or_a_full_run(opened: Opened) -> None:
    """The limit of the promise, as the documents say it."""
    here = opened()
    here.write(("B", "quick", ago(seconds=30)))
    here.read()
    here.write(("A", "slow", ago(minutes=20)), ("C", "slow", ago(minutes=21)))
    here.read()
    assert here.arrived() == {"B": "quick"}
    here.change("A", "again", ago(seconds=1))
    here.read()
    assert here.arrived() == {"A": "again", "B": "quick"}
    assert here.read(full=True).unchanged == 2
    assert here.arrived() == {"A": "again", "B": "quick", "C": "slow"}


# --- changes while pages are read ---


def test_a_row_that_moves_while_pages_are_read_is_not_lost(opened: Opened) -> None:
    here = opened(feed={"page": 2})
    here.write(*((f"K{n}", "1", ago(minutes=50 - n)) for n in range(8)))
    here.during = [
        lambda: here.change("K7", "2", ago(seconds=2)),  # it stood on a page that was still to come
        lambda: here.change("K0", "2", ago(seconds=1)),  # it was read already
    ]
    here.read()
    here.read()
    assert here.arrived() == {f"K{n}": "2" if n in (0, 7) else "1" for n in range(8)}


def test_a_row_that_moves_between_two_halves_of_a_broken_walk_is_not_lost(opened: Opened) -> None:
    here = opened(feed={"page": 2})
    here.write(*((f"K{n}", "1", ago(minutes=50 - n)) for n in range(8)))
    here.read(pages=2)
    here.change("K1", "2", ago(seconds=2))
    here.change("K7", "2", ago(seconds=1))
    here.read()
    here.read()
    assert here.arrived() == {f"K{n}": "2" if n in (1, 7) else "1" for n in range(8)}
