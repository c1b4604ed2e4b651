"""Every run is recounted as it ends: what it accounts for lies in the store, each in a state, each failure with a reason."""

from __future__ import annotations

import logging

import pytest
import sqlalchemy as sa

from hub.errors import Rejected
from hub.model import State, Unreadable
from hub.store import audit, runs, schema
from hub.store.audit import Audit
from hub.store.runs import Run
from tests.exchanges import Site, case, step


def recount(here: Site, run: Run) -> Audit:
    with here.store.reading() as connection:
        again = runs.get(connection, run.id)
        assert again is not None
        found = audit.audit(connection, again)
    assert found is not None
    return found


def broken(here: Site) -> float | None:
    return here.exchange.metrics.registry.get_sample_value("hub_run_equation_broken_total", {"system": "local"})


def test_a_run_adds_up_whatever_became_of_its_records(here: Site) -> None:
    here.side.will("A", Rejected("HUB-D-115", "refused"))
    unreadable = Unreadable("case", "row 7", "HUB-S-220", "a.csv, row 7: too few columns")
    too_long, unwanted = case("C", name="名字太长了的某某"), step("B-2", "B", state="9")
    run = here.sync(case("A"), case("B"), too_long, step("B-1", "B"), unwanted, unreadable)
    here.drain()
    found = recount(here, run)
    assert found.fates == {State.DEAD: 2, State.DELIVERED: 2}
    assert (found.owed, found.refused, found.silent, found.adds_up) == (run.deliveries, 1, 0, True)
    assert broken(here) == 0


def test_runs_are_recounted_each_by_itself(here: Site) -> None:
    first, second = here.sync(case("A"), case("B")), here.sync(case("A", "2"))
    assert [recount(here, run).owed for run in (first, second)] == [2, 1]


def test_a_delivery_that_disappears_breaks_the_account(here: Site) -> None:
    run = here.sync(case("A"), case("B"))
    with here.store.writing() as connection:
        connection.execute(sa.delete(schema.delivery).where(schema.delivery.c.key == "B"))
    assert not recount(here, run).adds_up


def test_a_failure_without_a_reason_breaks_the_account(here: Site) -> None:
    run = here.sync(case("A"))
    with here.store.writing() as connection:
        connection.execute(sa.update(schema.delivery).values(state="dead"))
    found = recount(here, run)
    assert (found.silent, found.adds_up) == (1, False)


def test_an_account_that_does_not_add_up_is_counted_and_said_loudly(
    here: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """T1 loses a delivery, as a bug would."""
    monkeypatch.setattr("hub.store.acceptance._write_deliveries", lambda *_: 0)
    with caplog.at_level(logging.ERROR):
        here.sync(case("A"))
    assert broken(here) == 1
    assert "does not add up" in caplog.text


def test_a_run_an_older_program_began_cannot_be_recounted(here: Site) -> None:
    run = here.sync(case("A"))
    with here.store.writing() as connection:
        connection.execute(sa.update(schema.run).values(first_record=None))
        again = runs.get(connection, run.id)
        assert again is not None
        assert audit.audit(connection, again) is None
