"""A feed that gives less than is expected is a finding, on working days, and never for what the hub itself did not read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hub.engine import feeds, maintain
from hub.engine.feeds import Short
from hub.model import Unreadable
from hub.store import runs
from hub.store.runs import RunState
from tests import configs, fakes
from tests.exchanges import Site, case, site, step
from tests.pushing import SECRET

#: A Thursday morning, on the day after the first that was watched; the Friday is a working day, the week-end is none.
THURSDAY = datetime(2016, 12, 15, 1, 0, tzinfo=UTC)


EXPECT = "    expect: {case: {at_least: 2, per: workday}, step: {per: week}}\n"
#: What a township pushes by itself.
TOWN = f"""
    version: 1
    system: town
    title: 武阳镇
    adapter: push
    schemas: {{case: local/case}}
    options:
      auth: {{type: standard-webhooks, secret: {SECRET}}}
      feeds: {{case: {{columns: {{办件号: BJBH}}, key: [BJBH]}}}}
    expect: {{case: {{at_least: 2, per: day}}}}
    """


def local(*ticks: int) -> str:
    """Return the YAML of a source that is read at these hours of each day."""
    source = configs.LOCAL.replace(", records: records.json", "").replace("*/5 *", f"0 {','.join(map(str, ticks))}")
    return source.rstrip(" ") + EXPECT


@pytest.fixture
def here(store_url: str, tmp_path: Path) -> Iterator[Site]:
    """Open a hub that reads once a day, in the hour of its first look."""
    fakes.forget()
    with site(tmp_path, store_url, {"config/systems/local.yaml": local(9)}) as made:
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
    here.sync()
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
    here.later(days=6)
    here.sync()
    here.later(days=1)
    assert ("step", 0) in {(one.kind, one.got) for one in look(here)}
    here.sync(step("A-1", "A"))
    assert "step" not in {one.kind for one in look(here)}


# --- what the hub itself did not read ---


def test_a_day_on_which_the_hub_was_away_says_nothing_about_the_source(here: Site) -> None:
    here.later(days=1)
    assert look(here) == []  # on Thursday it did not run at all
    here.sync()
    here.later(days=3)  # Monday: on Friday it read, and there was nothing; nor was there what it missed at the week-end
    here.sync()
    assert [(one.kind, one.got, str(one.first)) for one in look(here)] == [("case", 0, "2016-12-16")]


def test_a_day_on_which_every_run_failed_says_nothing_about_the_source(here: Site) -> None:
    for state in (RunState.FAILED, RunState.INTERRUPTED):
        run = here.begin()
        with here.store.writing() as connection:
            runs.end(connection, run.id, state, here.now)
    here.later(days=1)
    assert look(here) == []


def test_what_the_hub_came_too_late_for_counts_with_what_it_reads_afterwards(here: Site) -> None:
    """At 15:00 on Thursday the hub was away: what the source had until midnight is read on Friday."""
    here.reconfigure({"config/systems/local.yaml": local(9, 15)})
    here.sync(case("A"))
    here.later(days=1)
    assert look(here) == []  # nobody knows yet
    here.sync(case("B"))
    assert look(here) == []


def test_what_is_not_made_up_for_once_the_hub_is_back_is_a_finding(here: Site) -> None:
    here.reconfigure({"config/systems/local.yaml": local(9, 15)})
    here.sync(case("A"))
    here.later(days=1)
    here.sync()
    assert [(one.kind, one.got) for one in look(here)] == [("case", 1)]


def test_a_run_that_went_on_into_the_next_day_counts_with_the_one_after_it(here: Site) -> None:
    run = here.begin()
    here.later(hours=20)  # Friday, 05:00
    with here.store.writing() as connection:
        runs.end(connection, run.id, RunState.DONE, here.now)
    assert look(here) == []
    here.later(hours=4)
    here.sync()
    assert [(one.kind, one.got) for one in look(here)] == [("case", 0)]


def test_a_source_nobody_reads_by_schedule_is_judged_after_the_next_run(here: Site) -> None:
    here.reconfigure({"config/systems/local.yaml": local(9).replace('    schedule: {cron: "0 9 * * *"}\n', "")})
    here.sync(case("A"))
    here.later(days=1)
    assert look(here) == []
    here.sync()
    assert [(one.kind, one.got) for one in look(here)] == [("case", 1)]


def test_what_could_not_be_pushed_since_the_hub_was_away_is_no_finding(here: Site) -> None:
    here.reconfigure({"config/systems/town.yaml": TOWN})
    look(here)
    here.later(hours=15)  # Friday, 00:00
    _watch(here, hours=24)
    assert [(one.system, one.got) for one in look(here)] == [("town", 0)]
    _watch(here, hours=10)
    here.later(hours=1)  # away from ten to eleven
    _watch(here, hours=13)
    assert [one for one in look(here) if one.system == "town"] == []


def _watch(here: Site, hours: int) -> None:
    for _ in range(hours):
        look(here)
        here.later(hours=1)
