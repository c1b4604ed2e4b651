"""Systems, routes and endpoints that go while deliveries wait for them: nothing is lost, and everything says where it stands."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.engine import replay
from hub.errors import Rejected, Retryable
from hub.model import Judgement, Receipt, State, Taken, Verdict
from hub.store.scopes import Scope
from tests import configs, fakes, working
from tests.commands import Directory
from tests.exchanges import Site, case, city, site
from tests.fakes import far

#: The only route there is, with the endpoint it leads to.
ROUTE = """
    version: 1
    routes:
    - {{route: city-accept, title: 受理, from: local, kind: case, mapping: city/accept, to: {to}, lane: BJBH, row: project_no}}
    """
LATE = {"config/systems/city.yaml": city("LateMemoryAdapter", lines="feedback: {every: 1s}")}
NO_ROUTES = {"config/routes/city.yaml": "version: 1\nroutes: []\n"}


@pytest.fixture
def here(tmp_path: Path, store_url: str) -> Iterator[Site]:
    fakes.forget()
    with site(tmp_path, store_url, {"config/routes/city.yaml": ROUTE.format(to="city/accept")}) as made:
        yield made


def waiting(here: Site) -> None:
    """Leave three deliveries pending, as those of a target that is down."""
    here.sync(case("A"), case("B"), case("C"))
    assert set(here.states().values()) == {State.PENDING}


def test_a_system_whose_last_route_is_removed_is_sent_what_it_is_owed(here: Site) -> None:
    waiting(here)
    here.reconfigure(NO_ROUTES)
    with working.at_work(here.directory):
        working.until(lambda: set(here.states().values()) == {State.DELIVERED}, "all is delivered")
    assert sorted(here.taken()) == ["A", "B", "C"]
    here.reconfigure(NO_ROUTES)
    assert [system.name for system in here.exchange.sinks()] == [], "nothing is owed any more"


def test_a_dead_letter_of_a_route_that_is_gone_goes_again_while_a_hub_is_at_work(here: Site) -> None:
    """The system was owed nothing when the hub began."""
    here.reconfigure(LATE)
    here.side.will("A", Rejected("HUB-D-115", "refused"), Receipt(Taken.QUEUED))
    here.sync(case("A"))
    here.drain()
    here.reconfigure(NO_ROUTES)
    assert here.states() == {"A": State.DEAD}
    with working.at_work(here.directory) as service:
        replay.retry(service.exchange, Scope(system="city"), remap=False, actor="test", reason="it was mended")
        working.until(lambda: here.states() == {"A": State.ACCEPTED}, "it is sent")
        here.side.verdicts.append(Verdict("accept", "A", None, Judgement.CONFIRMED))
        working.until(lambda: here.states() == {"A": State.CONFIRMED}, "its verdict is read")


def test_a_verdict_is_asked_for_where_nothing_else_is_owed_and_no_route_is_left(here: Site) -> None:
    here.reconfigure(LATE)
    here.side.will("A", Receipt(Taken.QUEUED))
    here.sync(case("A"))
    here.drain()
    here.reconfigure(NO_ROUTES)
    assert (here.states(), [one.name for one in here.exchange.sinks()]) == ({"A": State.ACCEPTED}, ["city"])
    here.side.verdicts.append(Verdict("accept", "A", None, Judgement.CONFIRMED))
    with working.at_work(here.directory):
        working.until(lambda: here.states() == {"A": State.CONFIRMED}, "its verdict is read")
    here.reconfigure(NO_ROUTES)
    assert not here.exchange.sinks()


def test_what_waits_for_a_renamed_endpoint_dies_by_name_and_goes_by_the_present_route(here: Site) -> None:
    waiting(here)
    here.reconfigure(
        {"config/systems/city.yaml": city(endpoints="[received]"), "config/routes/city.yaml": ROUTE.format(to="city/received")}
    )
    here.sync(case("D"))
    here.drain()
    assert here.states() == {"A": State.DEAD, "B": State.DEAD, "C": State.DEAD, "D": State.DELIVERED}
    assert (here.one("A").code, here.one("A").reason) == ("HUB-D-125", "endpoint accept is no longer configured")
    replay.retry(here.exchange, Scope(code="HUB-D-125"), remap=True, actor="test", reason="renamed")
    here.drain()
    assert set(here.states().values()) == {State.DELIVERED}
    assert {message.endpoint for message in here.side.taken} == {"received"}


def test_an_endpoint_that_is_restored_takes_them_as_they_are(here: Site) -> None:
    waiting(here)
    here.reconfigure(
        {"config/systems/city.yaml": city(endpoints="[received]"), "config/routes/city.yaml": ROUTE.format(to="city/received")}
    )
    here.drain()
    here.reconfigure({"config/systems/city.yaml": city(), "config/routes/city.yaml": ROUTE.format(to="city/accept")})
    replay.retry(here.exchange, Scope(code="HUB-D-125"), remap=False, actor="test", reason="restored")
    here.drain()
    assert sorted(here.taken()) == ["A", "B", "C"]


# --- a system that is removed, as its operator sees it ---


@pytest.fixture
def removed(tmp_path: Path) -> Iterator[Directory]:
    """A directory whose target was down, and whose file has gone since: two deliveries wait for it, one is dead."""
    fakes.forget()
    configs.write(tmp_path)
    far("city").down = Retryable("HUB-D-101", "cannot connect")
    with working.at_work(tmp_path) as service:
        working.sync(service)
    far("city").down = None
    for name in ("config/systems/city.yaml", "config/routes/city.yaml"):
        (tmp_path / name).rename(tmp_path / Path(name).with_suffix(".away"))
    yield Directory(tmp_path)


def restore(directory: Directory) -> None:
    for away in (directory.path / "config").glob("*/*.away"):
        away.rename(away.with_suffix(".yaml"))


def test_a_removed_system_is_told_with_its_count_and_both_ways_out(removed: Directory) -> None:
    status = removed.run("status", code=1).stdout
    assert "is no longer configured, 3 deliveries are left" in status
    assert "restore config/systems/city.yaml" in status and "hub orphans cancel city" in status
    checked = removed.run("check").stdout
    assert "HUB-C-175" in checked and "2 deliveries wait for city/accept, which is not configured" in checked
    assert [(one["system"], one["endpoint"], one["count"]) for one in removed.told("orphans", "list", code=1)] == [
        ("city", "accept", 2), ("city", "process", 1)
    ]  # fmt: skip


def test_what_is_owed_to_a_removed_system_goes_on_when_it_is_back(removed: Directory) -> None:
    removed.run("sync", code=None)
    restore(removed)
    with working.at_work(removed.path) as service:
        working.sync(service)
        working.until(lambda: len(far("city").taken) == 2, "what could be mapped has arrived")
    assert removed.told("orphans", "list") == []


def test_what_is_owed_to_a_removed_system_is_given_up_with_a_reason(removed: Directory) -> None:
    assert removed.told("orphans", "cancel", "city", "--reason", "office closed", "--dry-run") == {"would_cancel": 3}
    assert removed.told("orphans", "cancel", "city", "--reason", "office closed", "--yes") == {"cancelled": 3}
    assert removed.told("orphans", "list") == []
    assert "no longer configured" not in removed.run("status", code=None).stdout
    assert "cancelled" in removed.run("trace", "A1", code=None).stdout
    assert "HUB-X-102" in removed.run("orphans", "cancel", "city", "--reason", "again", "--yes", code=2).stderr
