"""A feed that gives less than is expected is a finding, on working days, and not before it was watched for a whole period."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hub.engine import feeds, maintain
from hub.engine.feeds import Short
from hub.model import Unreadable
from tests import configs, fakes
from tests.exchanges import Site, case, site, step

#: A Thursday morning, on the day after the first that was watched; the Friday is a working day, the week-end is none.
THURSDAY = datetime(2016, 12, 15, 1, 0, tzinfo=UTC)


EXPECT = "    expect: {case: {at_least: 2, per: workday}, step: {per: week}}\n"


@pytest.fixture
def here(store_url: str, tmp_path: Path) -> Iterator[Site]:
    fakes.forget()
    local = configs.LOCAL.replace(", records: records.json", "").rstrip(" ") + EXPECT
    with site(tmp_path, store_url, {"config/systems/local.yaml": local}) as made:
        made.now = THURSDAY
        made.later(days=-1)
        look(made)
        made.later(days=1)
        yield made


def look(here: Site) -> list[Short]:
    """Do the chores, so that the hub has watched today, and return which feeds are short."""
    maintain.maintain(here.exchange)
    with here.store.reading() as connection:
        return feeds.short(connection, here.exchange.settings, here.now)


def gauge(here: Site, kind: str) -> float | None:
    return here.exchange.metrics.registry.get_sample_value("hub_feed_short", {"system": "local", "kind": kind})


def test_the_day_on_which_watching_began_is_no_whole_one_and_says_nothing(here: Site) -> None:
    assert look(here) == []
    assert (gauge(here, "case"), gauge(here, "step")) == (0, 0)


def test_rows_that_are_no_records_do_not_count_as_given(here: Site) -> None:
    for number in range(2):
        here.sync(Unreadable("case", f"{number}", "HUB-S-313", "has no time"), case("A") if number else step("A-1", "A"))
    here.later(days=1)
    assert [(one.kind, one.got) for one in look(here)] == [("case", 1)]


def test_a_working_day_with_too_few_is_a_finding_on_the_next_one_and_not_at_the_week_end(here: Site) -> None:
    assert look(here) == []
    here.sync(case("A"))
    here.later(days=1)  # Friday: Thursday gave one of two
    (one,) = look(here)
    assert (one.kind, one.got, one.at_least, str(one.first), str(one.last)) == ("case", 1, 2, "2016-12-15", "2016-12-15")
    assert gauge(here, "case") == 1
    here.sync(case("B"), case("C"))  # enough on the Friday
    assert (look(here), gauge(here, "case")) == ([], 0)
    here.later(days=2)  # Sunday
    assert look(here) == []
    here.later(days=1)  # Monday: the Friday was fine
    assert look(here) == []
    here.later(days=1)  # Tuesday: nothing came on Monday
    assert [(one.got, str(one.first)) for one in look(here)] == [(0, "2016-12-19")]


def test_rows_that_did_not_change_count_as_given(here: Site) -> None:
    look(here)
    here.sync(case("A"), case("B"))
    here.later(days=1)
    look(here)
    assert here.sync(full=True).unchanged == 2
    here.later(days=3)
    assert look(here) == []


def test_a_feed_that_gives_nothing_for_a_whole_week_is_a_finding(here: Site) -> None:
    here.later(days=4)  # Monday
    look(here)
    here.sync(case("A"), case("B"))
    here.later(days=7)
    assert ("step", 0) in {(one.kind, one.got) for one in look(here)}
    here.sync(step("A-1", "A"))
    assert "step" not in {one.kind for one in look(here)}
