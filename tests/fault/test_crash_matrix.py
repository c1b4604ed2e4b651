"""Proves that the crash matrix says what is so: every row is played again, and all but its time must be what the page says."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.commands import ROOT
from tests.fault import matrix
from tests.fault.matrix import ROWS, Row
from tests.fault.scene import BLIND, TABLE, Cost

PLAYED = [
    pytest.param(row, store, id=f"{row.name}-{store}", marks=[pytest.mark.server] if store == "postgresql" else [])
    for row in ROWS
    for store in row.stores
]


@pytest.mark.parametrize(("row", "store"), PLAYED)
def test_a_row_is_what_the_page_says(row: Row, store: str) -> None:
    cost = matrix.play(row, store)
    assert cost.unfounded == 0, "something is held that was not on its way at a death"
    told = matrix.cells(row, store, cost)
    assert matrix.written()[told[0], store] == told


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_what_is_held_beyond_what_may_be_is_not_what_the_page_says(row: Row) -> None:
    for held in (row.held[0] - 1, row.held[1] + 1):
        told = matrix.cells(row, row.stores[0], Cost(0, {TABLE: 0, BLIND: 0}, held, 0, order_kept=True, seconds=0))
        assert matrix.written()[told[0], row.stores[0]] != told


def test_a_row_that_is_not_clean_is_explained() -> None:
    before, _, after = matrix.PAGE.read_text("utf-8").partition("## 不干净的行")
    rows = [line.strip("| \n").split(" | ") for line in before.splitlines() if re.match(r"\| \d", line)]
    unclean = {row[0] for row in rows if any(cell != "0" for cell in row[3:7]) or "yes" not in row[7]}
    explained = set(re.findall(r"^\* (\d+): ", after, re.MULTILINE))
    assert unclean == explained


def test_one_row_is_played_and_printed_alone(capsys: pytest.CaptureFixture[str]) -> None:
    before = matrix.PAGE.stat().st_mtime_ns
    matrix.main(["--row", "run-before"])
    assert capsys.readouterr().out.startswith("| 1 | 运行行提交前")
    assert matrix.PAGE.stat().st_mtime_ns == before


@pytest.mark.parametrize(
    ("words", "code", "says"), [("--help", 0, "--row ROW"), ("--row 99", 2, "no such row: 99; there are 1 to 31")]
)
def test_it_says_what_can_be_played_and_plays_nothing(words: str, code: int, says: str) -> None:
    command = [sys.executable, "-m", "tests.fault.matrix", *words.split()]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert told.returncode == code
    assert says in told.stdout + told.stderr


def test_the_page_has_every_row_and_no_other() -> None:
    assert {(f"{row.zh} · {row.en}", store) for row in ROWS for store in row.stores} == set(matrix.written())
