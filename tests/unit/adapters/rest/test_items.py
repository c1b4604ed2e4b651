"""Times of a feed, as far sides write them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from adapters.rest.items import moment, written

MOMENT = datetime(2016, 12, 13, 1, 2, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("iso", "2016-12-13T09:02:03"),
        ("%Y-%m-%d %H:%M:%S", "2016-12-13 09:02:03"),
        ("ms", "1481590923000"),
        ("s", "1481590923"),
    ],
)
def test_there_and_back(form: str, text: str) -> None:
    assert moment(text, form) == MOMENT
    assert written(MOMENT, form) == text


def test_a_zone_that_is_written_counts() -> None:
    assert moment("2016-12-13T01:02:03Z", "iso") == MOMENT
    assert moment("2016-12-13T01:02:03+00:00", "iso") == MOMENT


@pytest.mark.parametrize(
    ("text", "form"), [(None, "iso"), ("", "iso"), ("soon", "iso"), ("soon", "ms"), ("2016-13-01", "%Y-%m-%d")]
)
def test_no_times(text: str | None, form: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        moment(text, form)
