"""How values are written in the files of config/."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hub.settings.schema import DeletesEntry, duration


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("30s", timedelta(seconds=30)),
        ("2m", timedelta(minutes=2)),
        ("6h", timedelta(hours=6)),
        ("7d", timedelta(days=7)),
        (timedelta(seconds=1), timedelta(seconds=1)),
    ],
)
def test_a_length_of_time(text: object, expected: timedelta) -> None:
    assert duration(text) == expected


@pytest.mark.parametrize("text", ["", "30", "s", "0s", "-1s", "1.5h", "30 s", "1h30m", "30S", "３０s", 30, None, ["30s"]])
def test_what_is_none(text: object) -> None:
    with pytest.raises(ValueError, match="for example 30s"):
        duration(text)


@pytest.mark.parametrize(("text", "expected"), [("5%", 0.05), ("0.5%", 0.005), ("100%", 1.0), ("0%", 0.0)])
def test_a_share(text: str, expected: float) -> None:
    assert DeletesEntry.model_validate({"at_most": text}).at_most == pytest.approx(expected)


@pytest.mark.parametrize("text", ["5", "101%", "-1%", "%", "5 %", 5, 0.05])
def test_what_is_no_share(text: object) -> None:
    with pytest.raises(ValueError, match="for example 5%"):
        DeletesEntry.model_validate({"at_most": text})
