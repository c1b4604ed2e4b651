"""When the far side says come back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from adapters.kit.protocol import LONGEST_WAIT, USUAL_WAIT, by_status
from hub.errors import Deferred, Retryable

NOW = datetime(2016, 12, 13, 1, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "wait"),
    [
        ("120", timedelta(seconds=120)),
        ("0", timedelta(seconds=1)),
        ("99999999999999999999", LONGEST_WAIT),
        ("Tue, 13 Dec 2016 01:05:00 GMT", timedelta(minutes=5)),
        ("Tue, 13 Dec 2016 09:05:00 +0800", timedelta(minutes=5)),
        ("Tue, 13 Dec 2016 00:00:00 GMT", timedelta(seconds=1)),
        ("Fri, 13 Dec 2115 00:00:00 GMT", LONGEST_WAIT),
        ("soon", USUAL_WAIT),
        ("-5", USUAL_WAIT),
        ("", USUAL_WAIT),
    ],
)
def test_retry_after(value: str, wait: timedelta) -> None:
    failure = by_status(429, {"retry-after": value}, now=NOW)
    assert isinstance(failure, Deferred)
    assert failure.until == NOW + wait


def test_a_503_is_deferred_only_when_it_names_a_time() -> None:
    assert isinstance(by_status(503, {"retry-after": "5"}, now=NOW), Deferred)
    assert isinstance(by_status(503, {}, now=NOW), Retryable)
    assert isinstance(by_status(500, {"retry-after": "5"}, now=NOW), Retryable)
