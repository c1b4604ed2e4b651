"""Proves that the crash matrix says what is so: every row is played again, and all but its time must be what the page says."""

from __future__ import annotations

import pytest

from tests.fault import matrix
from tests.fault.matrix import ROWS, Row

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


def test_the_page_has_every_row_and_no_other() -> None:
    assert {(f"{row.zh} · {row.en}", store) for row in ROWS for store in row.stores} == set(matrix.written())
