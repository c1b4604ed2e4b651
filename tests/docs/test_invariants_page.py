"""Every invariant names its tests, the one of its name first, and all of them exist."""

from __future__ import annotations

import re

from tests.docs.pages import ROOT

_ROW = re.compile(r"^\| (\d+) \|[^|]+\|([^|]+)\|$", re.MULTILINE)
_TEST = re.compile(r"`(test_\w+\.py)::(test_\w+)`")
_WRITTEN = re.compile(r"^def (test_\w+)\(", re.MULTILINE)
_LISTED = {int(number): _TEST.findall(tests) for number, tests in _ROW.findall((ROOT / "docs/invariants.md").read_text("utf-8"))}


def test_each_invariant_begins_with_the_test_of_its_name() -> None:
    assert list(_LISTED) == list(range(1, 11))
    for number, tests in _LISTED.items():
        assert tests[0][1].startswith(f"test_invariant_{number}_"), number


def test_the_tests_exist() -> None:
    written = {
        (path.name, test) for path in (ROOT / "tests").rglob("test_*.py") for test in _WRITTEN.findall(path.read_text("utf-8"))
    }
    assert {named for tests in _LISTED.values() for named in tests} <= written
