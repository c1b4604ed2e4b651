"""A rate is never passed in any stretch of its period, is made use of, and is remembered in little room however large it is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import orjson
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from hub.settings.flow import RateSettings
from hub.store import Store, open_store, quota, schema
from hub.store.quota import SLACK

START = datetime(2016, 12, 13, 1, 0, 0, 7_000, tzinfo=UTC)
SECOND, MINUTE = 1000, 60_000


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    made = open_store(f"sqlite:///{tmp_path_factory.mktemp('quota')}/hub.db")
    yield made
    made.close()


def granted(store: Store, rate: RateSettings, tries: list[int]) -> tuple[list[int], int]:
    """Ask for a call at each of these milliseconds; return when it was granted, and how many bytes it took to remember."""
    found: list[int] = []
    with store.writing() as connection:
        for at in tries:
            now = START + timedelta(milliseconds=at)
            until = quota.take(connection, "city", rate, UTC, now)
            found += [at] if until is None else []
            assert until is None or until > now
        size = len(connection.scalar(sa.select(schema.quota.c.called)) or b"")
        connection.rollback()
    return found, size


def plainly(limits: list[tuple[int, int]], tries: list[int]) -> list[int]:
    """Grant call by call, by all the times there ever were."""
    found: list[int] = []
    for at in tries:
        if all(sum(one > at - period - SLACK for one in found) < most for most, period in limits):
            found.append(at)
    return found


gaps = st.lists(st.sampled_from([0, 0, 1, 3, 17, 90, 100, 101, 400, 990, 1000, 1101, 7_000, 59_000]), min_size=1, max_size=150)


@examples(max_examples=60)
@given(gaps, st.sampled_from([None, 1, 3, 40]), st.sampled_from([None, 1, 5, 60]))
def test_a_small_rate_is_kept_to_the_millisecond(store: Store, steps: list[int], second: int | None, minute: int | None) -> None:
    limits = [(most, period) for most, period in ((second, SECOND), (minute, MINUTE)) if most]
    if not limits:
        return
    tries = [sum(steps[:number]) for number in range(len(steps))]
    assert granted(store, RateSettings(second, minute), tries)[0] == plainly(limits, tries)


@examples(max_examples=25)
@given(
    st.lists(st.sampled_from([0, 0, 0, 1, 5, 30, 450]), min_size=250, max_size=400),
    st.sampled_from([None, 61, 90]), st.sampled_from([100, 130]), st.integers(1, 5),
)  # fmt: skip
def test_a_large_rate_is_never_passed_and_made_use_of(
    store: Store, steps: list[int], second: int | None, minute: int, slow: int
) -> None:
    tries = [slow * sum(steps[:number]) for number in range(len(steps))]
    found, _ = granted(store, RateSettings(second, minute), tries)
    for most, period in [(minute, MINUTE), *([(second, SECOND)] if second else [])]:
        assert max(sum(start <= one < start + period + SLACK for one in found) for start in found) <= most
    assert found[: min(minute, second or minute)] == tries[: min(minute, second or minute)]


def test_what_is_full_is_free_again_as_it_passes_and_not_all_at_once(store: Store) -> None:
    tries = [*range(0, 150_000, 40)]  # 1,500 a minute are wanted
    found, size = granted(store, RateSettings(minute=1000), tries)
    assert max(sum(start <= one < start + MINUTE for one in found) for start in found) <= 1000
    assert len(found) >= 2_650
    assert size < 1000


@pytest.mark.parametrize("rate", [RateSettings(second=100), RateSettings(second=500, minute=20_000), RateSettings(minute=60)])
def test_what_is_remembered_fits_into_a_page(store: Store, rate: RateSettings) -> None:
    assert granted(store, rate, [*range(0, 4_000, 2)])[1] < 1500


def test_a_small_rate_is_shared_with_a_version_that_knows_times_alone(store: Store) -> None:
    """While an upgrade is rolled out, workers of both write the same row."""
    rate, at = RateSettings(second=3), int(START.timestamp() * 1000)
    with store.writing() as connection:
        quota.count(connection, "city", rate, UTC, START)
        assert orjson.loads(connection.scalar(sa.select(schema.quota.c.called)) or b"") == [at]
        for theirs in ([at], [at, at + 1], [at, at + 1, at + 2]):
            connection.execute(sa.update(schema.quota).values(called=orjson.dumps(theirs)))
            assert quota.look(connection, "city", rate, UTC, START + timedelta(milliseconds=5)).calls == 3 - len(theirs)
        connection.rollback()
