"""Objects come out of the store whole, whatever the page; on SQLite and on PostgreSQL alike."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hub.store import history, open_store
from tests.unit.quality.storing import Stored


@pytest.fixture
def stored(store_url: str) -> Iterator[Stored]:
    store = open_store(store_url)
    try:
        yield Stored(store)
    finally:
        store.close()


@pytest.mark.parametrize("page", [1, 2, 3, 4, 1000])
def test_versions_stay_together_across_pages(stored: Stored, monkeypatch: pytest.MonkeyPatch, page: int) -> None:
    monkeypatch.setattr(history, "PAGE", page)
    written = {
        key: [stored.record("case", key, {}) for _ in range(times)] for key, times in (("b", 3), ("a", 1), ("c", 2), ("甲", 4))
    }
    stored.record("step", "a", {})
    stored.record("case", "a", {}, source="other")
    for versions in written.values():
        for old in versions[:-1]:
            stored.delivery(old, "superseded")
        stored.delivery(versions[-1], "delivered", system="city")
        stored.delivery(versions[-1], "dead", system="province")
    found = {one.newest.key: one for one in history.objects(stored.store, "local", "case")}
    assert {key: [version.id for version in one.versions] for key, one in found.items()} == written
    assert all(
        {(one.system, one.state) for one in each.standings} == {("city", "delivered"), ("province", "dead")}
        for each in found.values()
    )


def test_nothing_at_all(stored: Stored) -> None:
    assert list(history.objects(stored.store, "local", "case")) == []
    with stored.store.reading() as connection:
        assert history.first_run(connection, "local") == 0


def test_the_first_run_of_a_source(stored: Stored) -> None:
    stored.record("case", "a", {}, run=7)
    stored.record("case", "b", {}, run=9)
    stored.record("case", "b", {}, run=3, source="other")
    with stored.store.reading() as connection:
        assert history.first_run(connection, "local") == 7


def test_a_verdict_that_came_later_does_not_make_a_delivery_late(stored: Stored) -> None:
    """What counts is when it was taken: the far side may think about it for days."""
    stored.delivery(stored.record("case", "a", {}), "confirmed", took=200_000, taken=60)
    (one,) = history.objects(stored.store, "local", "case")
    (standing,) = one.standings
    assert standing.changed_at - standing.created_at == 60_000
