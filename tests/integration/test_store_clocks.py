"""A store whose times lie years ahead, since the clock was wrong: nothing waits for them to come."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from hub.engine import maintain, schedule
from hub.errors import Deferred, Retryable
from hub.model import State
from tests import fakes
from tests.exchanges import Site, case, site

YEARS = timedelta(days=365 * 9)


@pytest.fixture
def here(tmp_path: Path, store_url: str) -> Iterator[Site]:
    """A hub that begins with its clock nine years ahead."""
    fakes.forget()
    with site(tmp_path, store_url) as made:
        made.now += YEARS
        yield made


def test_what_was_accepted_in_the_future_is_sent_once_the_clock_is_right(here: Site) -> None:
    here.sync(case("A"), case("B"))
    here.now -= YEARS
    here.drain()
    assert here.taken() == [], "due in nine years"
    maintain.sweep(here.exchange)
    here.drain()
    assert sorted(here.taken()) == ["A", "B"]


def test_a_clock_that_is_put_right_while_the_hub_works_is_noticed(here: Site) -> None:
    maintain.sweep(here.exchange)
    here.sync(case("A"))
    here.side.will("A", Retryable("HUB-D-103", "busy"))
    here.drain()
    here.now -= YEARS
    maintain.sweep(here.exchange)
    here.drain()
    assert here.taken() == ["A"]


def test_a_target_that_was_down_in_the_future_is_tried_now(here: Site) -> None:
    here.side.down = Retryable("HUB-D-101", "cannot connect")
    here.sync(case("A"))
    here.drain()
    here.side.down = None
    here.now -= YEARS
    maintain.sweep(here.exchange)
    here.drain()
    assert here.taken() == ["A"]


def test_a_long_wait_that_a_right_clock_began_is_kept(here: Site) -> None:
    here.sync(case("A"))
    here.side.will("A", Deferred("HUB-D-113", "later", until=here.now + timedelta(days=40)))
    here.drain()
    due = here.column("due_at", "A")
    here.later(minutes=5)
    maintain.sweep(here.exchange)
    assert here.column("due_at", "A") == due and here.states() == {"A": State.PENDING}


def test_a_schedule_that_was_kept_in_the_future_is_kept_again(here: Site) -> None:
    schedule.fall_due(here.exchange)
    here.later(minutes=6)
    assert schedule.fall_due(here.exchange) == ["local"]
    here.now -= YEARS
    assert schedule.fall_due(here.exchange) == []
    here.later(minutes=6)
    assert schedule.fall_due(here.exchange) == ["local"]
