"""The cursor and the meaning of times: nothing here needs a database."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.database.keyset import Position
from adapters.database.moments import earlier, over
from adapters.database.reading import LOCAL
from adapters.database.walking import Bookmark, dump, load
from hub.errors import SourceFailed

parts = st.one_of(
    st.none(), st.integers(), st.text(), st.datetimes(), st.datetimes(timezones=st.just(UTC)), st.dates(),
    st.decimals(allow_nan=False), st.uuids(), st.binary(),
)  # fmt: skip
positions = st.builds(Position, parts, st.lists(parts, min_size=1, max_size=3).map(tuple))
bookmarks = st.builds(Bookmark, parts, st.integers(0), st.booleans(), st.one_of(st.none(), positions))


@given(st.dictionaries(st.text(), bookmarks, max_size=3))
def test_cursor_says_again_what_it_was_told(places: dict[str, Bookmark]) -> None:
    assert load(dump(places)) == places


@pytest.mark.parametrize("cursor", ["page=7", "[]", '{"case": 3}', '{"case": [1]}', '{"case": [{"wrong": 1}, 0, false]}', "7"])
def test_foreign_cursor(cursor: str) -> None:
    with pytest.raises(SourceFailed) as caught:
        load(cursor)
    assert (caught.value.code, caught.value.misconfigured) == ("HUB-S-308", True)


def test_no_cursor_is_the_beginning() -> None:
    assert load(None) == {}


@pytest.mark.parametrize(
    ("value", "overlap", "expected"),
    [
        (datetime(2016, 12, 13, 9), timedelta(minutes=5), datetime(2016, 12, 13, 8, 55)),
        (datetime(2016, 12, 13, 9), 60, datetime(2016, 12, 13, 8, 59)),
        (date(2016, 12, 13), timedelta(minutes=5), date(2016, 12, 12)),
        ("2016-12-13 00:01:00", timedelta(minutes=5), "2016-12-12 23:56:00"),
        ("20161213000100", timedelta(minutes=5), "20161212235600"),
        ("待定", timedelta(minutes=5), "待定"),
        (100, 10, 90),
        (100, timedelta(minutes=5), 100),
        (Decimal(100), 10, Decimal(90)),
        (None, timedelta(minutes=5), None),
    ],
)
def test_earlier(value: object, overlap: int | timedelta, expected: object) -> None:
    assert earlier(value, overlap) == expected


def test_over_means_nothing_can_come_any_more() -> None:
    now = datetime.now(LOCAL)
    five = timedelta(minutes=5)
    assert over(now - timedelta(minutes=6), five, now)
    assert not over(now - timedelta(minutes=4), five, now)
    assert not over((now - timedelta(minutes=4)).replace(tzinfo=None), five, now)
    assert not over(f"{now:%Y-%m-%d %H:%M:%S}", 300, now)
    assert not over("待定", five, now)
    assert not over(now.date(), five, now)
    assert over(7, five, now)
    assert not over(None, five, now)
