"""Times as far sides write them, and how far a cursor may follow them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from adapters.kit.moments import CHINA, carries, latest_sane, moment, time_in, written

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
    ("text", "form"),
    [
        (None, "iso"),
        ("", "iso"),
        ("soon", "iso"),
        ("soon", "ms"),
        ("2016-13-01", "%Y-%m-%d"),
        ("0001-01-01 00:00:00", "%Y-%m-%d %H:%M:%S"),  # what .NET writes for no time: in the world's time it is before all years
        ("0001-01-01T00:00:00", "iso"),
        ("9999-12-31T23:59:59Z", "iso"),  # in China's time it is after all years
        ("1481590923000000000", "ms"),  # nanoseconds
        ("1e300", "s"),
        ("inf", "s"),
        ("nan", "s"),
    ],
)
def test_no_times(text: str | None, form: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        moment(text, form)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (datetime(2016, 12, 13), True),
        (datetime(2999, 1, 1), False),
        (datetime(2999, 1, 1, tzinfo=UTC), False),
        (datetime.max.replace(tzinfo=UTC), False),
        (datetime.now(CHINA) + timedelta(hours=8), True),
        (date(2016, 12, 13), True),
        (date(2999, 1, 1), False),
        ("2016-12-13 09:00:00", True),
        ("2999-12-31 00:00:00", False),
        ("待定", False),
        (7, True),
        (UUID(int=1), True),
    ],
)
def test_a_moment_far_ahead_carries_nothing(value: object, expected: bool) -> None:
    assert carries(value) is expected


def test_latest_sane_has_the_form_of_its_model() -> None:
    assert latest_sane("2016-12-01 00:00:00", MOMENT) == "2016-12-13 09:02:03"
    assert latest_sane("20161201", MOMENT) == "20161213"
    assert latest_sane(datetime(2016, 12, 1), MOMENT) == datetime(2016, 12, 13, 9, 2, 3)
    assert latest_sane(datetime(2016, 12, 1, tzinfo=UTC), MOMENT) == MOMENT
    assert latest_sane(date(2016, 12, 1), MOMENT) == date(2016, 12, 13)
    assert latest_sane("待定", MOMENT) is None
    assert latest_sane(None, MOMENT) is None


def test_a_limit_is_taken_at_its_word() -> None:
    at = MOMENT.astimezone(CHINA)
    assert carries(MOMENT, MOMENT) and carries(at.replace(tzinfo=None), MOMENT) and carries(f"{at:%Y%m%d%H%M%S}", MOMENT)
    later = at + timedelta(seconds=1)
    assert not any(carries(one, MOMENT) for one in (later, later.replace(tzinfo=None), f"{later:%Y-%m-%d %H:%M:%S}"))
    assert carries(at.date(), MOMENT) and not carries(at.date() + timedelta(days=1), MOMENT)


@pytest.mark.parametrize(
    ("text", "form", "found"),
    [
        ("2016-12-13 09:02:03", "%Y-%m-%d %H:%M:%S", MOMENT),
        ("2016/12/13 09:02:03", "%Y-%m-%d %H:%M:%S", MOMENT),
        ("2016-12-13T01:02:03Z", "%Y-%m-%d %H:%M:%S", MOMENT),
        ("20161213090203", "%Y%m%d%H%M%S", MOMENT),
        ("20161213090203", "%Y-%m-%d %H:%M:%S", None),  # a number: a version, unless the form says otherwise
        ("待定", "%Y-%m-%d %H:%M:%S", None),
        ("", "%Y-%m-%d %H:%M:%S", None),
    ],
)
def test_the_time_in_a_text(text: str, form: str, found: datetime | None) -> None:
    assert time_in(text, form) == found
