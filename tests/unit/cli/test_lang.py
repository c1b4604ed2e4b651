"""The language is known before anything is parsed."""

from __future__ import annotations

import pytest

from hub.cli.lang import chosen


@pytest.mark.parametrize(
    ("arguments", "env", "expected"),
    [
        ([], {}, "zh"),
        (["check", "--lang", "en"], {}, "en"),
        (["--lang=en"], {}, "en"),
        (["--lang", "zh"], {"HUB_LANG": "en"}, "zh"),
        ([], {"HUB_LANG": "en_GB"}, "en"),
        (["--lang"], {}, "zh"),
        ([], {"HUB_LANG": "fr"}, "zh"),
    ],
)
def test_chosen(arguments: list[str], env: dict[str, str], expected: str) -> None:
    assert chosen(arguments, env) == expected
