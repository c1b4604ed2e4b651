"""Exchange-table protocols: claims of several readers, write-back once the page is safe, confirmations. Three databases."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from hub.errors import SourceFailed
from hub.model import Page
from tests.databases import adapter, ddl, engine, keys, make, records, rows, run

ROOT = Path(__file__).parents[2]
STEPS = """
CREATE TABLE EA_JC_STEP (
  projid VARCHAR(50), sn INTEGER, maketime {datetime} NOT NULL, content {blob}, signstate VARCHAR(2) NOT NULL,
  token VARCHAR(32), claimed_at {datetime}, error VARCHAR(60), PRIMARY KEY (projid, sn)
)"""
CLAIM = {
    "status": "signstate",
    "new": ["0"],
    "taken": "1",
    "failed": "2",
    "claimed": "99",
    "token": "token",
    "time": "claimed_at",
    "error": "error",
}
FEED = {"table": "EA_JC_STEP", "key": ["projid", "sn"], "time": "maketime", "page": 10, "text_bytes": "gbk"}
WITH_TOKEN = {**FEED, "claim": CLAIM}
WITHOUT_TOKEN = {**FEED, "claim": {name: value for name, value in CLAIM.items() if name != "token"}}
SINGLE = {**FEED, "claim": {"status": "signstate", "failed": "2", "error": "error"}}


def fill(one: sa.Engine, count: int, content: bytes = b"x") -> None:
    sql = "INSERT INTO EA_JC_STEP (projid, sn, maketime, content, signstate) VALUES (:p, :n, '2016-12-13 09:00:00', :c, '0')"
    run(one, sql, *({"p": f"P{n // 7:04d}", "n": n, "c": content} for n in range(count)))


def states(one: sa.Engine) -> dict[str, int]:
    return dict(rows(one, "SELECT signstate, count(*) FROM EA_JC_STEP GROUP BY signstate"))  # type: ignore[arg-type]


@pytest.mark.parametrize("feed", [WITH_TOKEN, WITHOUT_TOKEN, SINGLE], ids=["token", "no token", "single reader"])
def test_page_is_written_back_only_when_the_next_is_asked_for(database_url: str, feed: dict[str, Any]) -> None:
    with engine(database_url) as over_there, adapter(database_url, feeds={"step": feed}) as subject:
        ddl(over_there, STEPS)
        fill(over_there, 15)
        reading = subject.read(None)
        assert len(next(reading).records) == 10
        assert "1" not in states(over_there), "nothing is written back before the page is durable"
        assert len(next(reading).records) == 5
        assert states(over_there)["1"] == 10
        assert list(reading) == []
        assert states(over_there) == {"1": 15}
        assert keys(list(subject.read(None))) == []


def test_protocol_columns_are_no_data(database_url: str) -> None:
    with engine(database_url) as over_there, adapter(database_url, feeds={"step": WITH_TOKEN}) as subject:
        ddl(over_there, STEPS)
        fill(over_there, 1)
        (record,) = records(list(subject.read(None)))
    assert set(record.data) == {"projid", "sn", "maketime", "content"}


def test_unreadable_row_is_written_back_as_failed_with_its_reason(database_url: str) -> None:
    with engine(database_url) as over_there, adapter(database_url, feeds={"step": WITH_TOKEN}) as subject:
        ddl(over_there, STEPS)
        fill(over_there, 3)
        run(over_there, "UPDATE EA_JC_STEP SET content = :c WHERE sn = 1", {"c": b"\xff\xff"})
        pages = list(subject.read(None))
        assert keys(pages) == ["P0000|0", "P0000|2"]
        assert [fault.key for page in pages for fault in page.faults] == ["P0000|1"]
        (row,) = rows(over_there, "SELECT signstate, error FROM EA_JC_STEP WHERE sn = 1")
        assert row[0] == "2"
        assert row[1].startswith("HUB-S-311 ")


@pytest.mark.parametrize("feed", [WITH_TOKEN, WITHOUT_TOKEN], ids=["token", "no token"])
def test_reader_that_died_between_claim_and_write_back(database_url: str, feed: dict[str, Any]) -> None:
    with engine(database_url) as over_there, adapter(database_url, feeds={"step": feed}) as subject:
        ddl(over_there, STEPS)
        fill(over_there, 10)
        reading = subject.read(None)
        first = next(reading)
        reading.close()  # as a process that is killed: nothing is written back
        assert states(over_there) == {"99": 10}
        assert keys(list(subject.read(None))) == [], "a fresh claim is respected"
        run(over_there, "UPDATE EA_JC_STEP SET claimed_at = '2016-12-13 09:00:00'")  # long ago
        again = list(subject.read(None))
        assert records(again) == list(first.records), "the same rows in the same revisions"
        assert states(over_there) == {"1": 10}


READ_AND_HANG = """
import json, sys
from tests.databases import make
reading = make(sys.argv[1], feeds={"step": json.loads(sys.argv[2])}).read(None)
print(len(next(reading).records), flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("feed", [WITH_TOKEN, WITHOUT_TOKEN, SINGLE], ids=["token", "no token", "single reader"])
def test_reader_killed_between_claim_and_write_back_loses_nothing(database_url: str, feed: dict[str, Any]) -> None:
    with engine(database_url) as over_there, adapter(database_url, feeds={"step": feed}) as subject:
        ddl(over_there, STEPS)
        fill(over_there, 10)
        command = [sys.executable, "-c", READ_AND_HANG, database_url, json.dumps(feed)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT) as reader:
            assert reader.stdout is not None
            assert reader.stdout.readline() == b"10\n"
            reader.kill()
        assert "1" not in states(over_there)
        run(over_there, "UPDATE EA_JC_STEP SET claimed_at = '2016-12-13 09:00:00'")
        assert len(keys(list(subject.read(None)))) == 10
        assert states(over_there) == {"1": 10}


@pytest.mark.parametrize("feed", [WITH_TOKEN, WITHOUT_TOKEN], ids=["token", "no token"])
def test_write_back_leaves_alone_what_another_reader_took_over(database_url: str, feed: dict[str, Any]) -> None:
    with engine(database_url) as over_there, adapter(database_url, feeds={"step": feed}) as subject:
        ddl(over_there, STEPS)
        fill(over_there, 2)
        reading = subject.read(None)
        next(reading)
        run(over_there, "UPDATE EA_JC_STEP SET signstate = '0', maketime = '2016-12-13 10:00:00' WHERE sn = 1")  # a new version
        assert keys(list(reading)) == ["P0000|1"]
        assert states(over_there) == {"1": 2}


def test_single_reader_does_not_hide_a_newer_version(database_url: str) -> None:
    with engine(database_url) as over_there, adapter(database_url, feeds={"step": SINGLE}) as subject:
        ddl(over_there, STEPS)
        fill(over_there, 2)
        reading = subject.read(None)
        next(reading)
        run(over_there, "UPDATE EA_JC_STEP SET maketime = '2016-12-13 10:00:00' WHERE sn = 1")
        assert keys(list(reading)) == ["P0000|1"]


@pytest.mark.parametrize("feed", [WITH_TOKEN, WITHOUT_TOKEN], ids=["token", "no token"])
def test_two_readers_at_once_lose_and_double_nothing(database_url: str, feed: dict[str, Any]) -> None:
    together = threading.Barrier(2, timeout=30)

    def read_all() -> list[str]:
        with adapter(database_url, feeds={"step": {**feed, "page": 7}}) as subject:
            together.wait()
            return keys(list(subject.read(None)))

    with engine(database_url) as over_there:
        ddl(over_there, STEPS)
        fill(over_there, 400)
        with ThreadPoolExecutor(2) as pool:
            one, other = (future.result(timeout=90) for future in [pool.submit(read_all), pool.submit(read_all)])
        left = states(over_there)
    assert len(one) + len(other) == len({*one, *other}), "a row was read twice"
    assert len({*one, *other}) == 400
    assert left == {"1": 400}


def test_taken_rows_can_be_removed(database_url: str) -> None:
    feed = {**FEED, "claim": {**CLAIM, "remove": True}}
    with engine(database_url) as over_there, adapter(database_url, feeds={"step": feed}) as subject:
        ddl(over_there, STEPS)
        fill(over_there, 12)
        run(over_there, "UPDATE EA_JC_STEP SET content = :c WHERE sn = 1", {"c": b"\xff\xff"})
        list(subject.read(None))
        assert states(over_there) == {"2": 1}


def test_claim_time_in_a_text_column(database_url: str) -> None:
    with engine(database_url) as over_there, adapter(database_url, feeds={"step": WITH_TOKEN}) as subject:
        ddl(over_there, STEPS.replace("claimed_at {datetime}", "claimed_at VARCHAR(19)"))
        fill(over_there, 2)
        reading = subject.read(None)
        next(reading)
        reading.close()
        assert keys(list(subject.read(None))) == []
        run(over_there, "UPDATE EA_JC_STEP SET claimed_at = '2016-12-13 09:00:00'")
        assert len(keys(list(subject.read(None)))) == 2


def test_status_that_cannot_be_changed_does_not_read_for_ever(database_url: str) -> None:
    with engine(database_url) as over_there, adapter(database_url, feeds={"step": SINGLE}) as subject:
        ddl(over_there, STEPS)
        fill(over_there, 1)
        reading = subject.read(None)
        next(reading)
        run(over_there, "UPDATE EA_JC_STEP SET signstate = '7'")  # somebody else's state: not ours to change
        with pytest.raises(SourceFailed) as caught:
            next(reading)
    assert caught.value.code == "HUB-S-309"


# --- confirmation in a sister table ---

SISTER = (
    "CREATE TABLE provinceinfosync (unid VARCHAR(36) PRIMARY KEY, type VARCHAR(2), updatetime {datetime}, fromareacode VARCHAR(12))"
)
INFO = "CREATE TABLE provinceinfo (unid VARCHAR(36) PRIMARY KEY, createtime {datetime}, fromareacode VARCHAR(12), content {blob})"
CONFIRM = {
    "table": "provinceinfosync",
    "by": {"unid": "unid"},
    "set": {"type": "1", "updatetime": "$now", "fromareacode": {"column": "fromareacode"}},
}
CONFIRMED = {"table": "provinceinfo", "key": "unid", "time": "createtime", "page": 3, "text_bytes": "gbk", "confirm": CONFIRM}


def inform(one: sa.Engine, *unids: str, content: bytes = b"<Case/>") -> None:
    sql = "INSERT INTO provinceinfo VALUES (:u, '2016-12-13 09:00:00', '621100', :c)"
    run(one, sql, *({"u": unid, "c": content} for unid in unids))


@pytest.fixture
def sister(database_url: str) -> Iterator[sa.Engine]:
    with engine(database_url) as over_there:
        ddl(over_there, INFO)
        ddl(over_there, SISTER)
        yield over_there


def confirmed(one: sa.Engine) -> set[str]:
    return {row[0] for row in rows(one, "SELECT unid FROM provinceinfosync WHERE type = '1' AND updatetime IS NOT NULL")}


def test_reader_confirms_by_inserting(database_url: str, sister: sa.Engine) -> None:
    with adapter(database_url, feeds={"info": CONFIRMED}) as subject:
        inform(sister, *"ABCDE")
        reading = subject.read(None)
        assert keys([next(reading)]) == ["A", "B", "C"]
        assert confirmed(sister) == set()
        assert keys([next(reading)]) == ["D", "E"]
        assert confirmed(sister) == set("ABC")
        assert list(reading) == []
        assert rows(sister, "SELECT DISTINCT fromareacode FROM provinceinfosync") == [("621100",)]
        inform(sister, "0")  # an old time, a small key: still unread
        assert keys(list(subject.read(None))) == ["0"]


def test_another_reader_confirmed_first(database_url: str, sister: sa.Engine) -> None:
    with adapter(database_url, feeds={"info": CONFIRMED}) as subject:
        inform(sister, *"ABC")
        reading = subject.read(None)
        next(reading)
        run(sister, "INSERT INTO provinceinfosync (unid, type, updatetime) VALUES ('B', '1', '2016-12-13 09:00:00')")
        assert list(reading) == []
        assert confirmed(sister) == set("ABC")


def test_rows_without_time_are_met_once_a_run_and_stand_in_nobodys_way(database_url: str, sister: sa.Engine) -> None:
    with adapter(database_url, feeds={"info": CONFIRMED}) as subject:
        inform(sister, *"PQRS", content=b"\xff")
        inform(sister, *"ABCD", *"TUVW", content=b"\xff")
        inform(sister, "E", "X")
        run(sister, "UPDATE provinceinfo SET createtime = NULL WHERE unid > 'O'")
        pages = list(islice(subject.read(None), 20))
    assert sorted(keys(pages)) == ["E", "X"]
    assert sorted(fault.key for page in pages for fault in page.faults) == sorted("ABCDPQRSTUVW")


def test_unreadable_rows_are_confirmed_as_declared_or_met_again(database_url: str, sister: sa.Engine) -> None:
    inform(sister, "A", "C")
    inform(sister, "B", content=b"\xff\xff")
    with adapter(database_url, feeds={"info": CONFIRMED}) as subject:
        assert faults(list(subject.read(None))) == ["B"]
        assert faults(list(subject.read(None))) == ["B"]
        assert confirmed(sister) == {"A", "C"}
    with adapter(database_url, feeds={"info": {**CONFIRMED, "confirm": {**CONFIRM, "failed": {"type": "9"}}}}) as subject:
        assert faults(list(subject.read(None))) == ["B"]
        again = list(subject.read(None))
        assert (keys(again), faults(again)) == ([], [])
        assert rows(sister, "SELECT type FROM provinceinfosync WHERE unid = 'B'") == [("9",)]


def faults(pages: list[Page]) -> list[str]:
    return [fault.key for page in pages for fault in page.faults]


def test_no_claim_without_the_means(database_url: str) -> None:
    for claim in ({**CLAIM, "time": None}, {"status": "signstate"}, {"status": "signstate", "failed": "2", "token": "token"}):
        with pytest.raises(ValueError, match="claim"):
            make(database_url, feeds={"step": {**FEED, "claim": claim}})
