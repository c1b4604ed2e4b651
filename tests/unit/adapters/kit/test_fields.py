"""Durations in options."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from adapters.kit.fields import Plain, Seconds


@pytest.mark.parametrize(
    ("written", "value"), [("500ms", 0.5), ("30s", 30), ("2m", 120), ("1h", 3600), ("1.5h", 5400), ("7d", 604800), (5, 5)]
)
def test_durations(written: Any, value: float) -> None:
    assert TypeAdapter(Seconds).validate_python(written) == value


@pytest.mark.parametrize("written", ["soon", "5", "5 y", "-1s", 0, "0s"])
def test_no_durations(written: Any) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Seconds).validate_python(written)


@pytest.mark.parametrize(("written", "text"), [(200, "200"), (True, "true"), ("0621125", "0621125"), (1.5, "1.5")])
def test_plain(written: Any, text: str) -> None:
    assert TypeAdapter(Plain).validate_python(written) == text
