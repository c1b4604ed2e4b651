"""Every invariant names its tests, the one of its name first, and all of them exist."""

from __future__ import annotations

import re

from tests.docs.pages import ROOT, typed
from tests.invariants import named

_ROW = re.compile(r"^\| (\d+) \|[^|]+\|([^|]+)\|$", re.MULTILINE)
_TEST = re.compile(r"`(test_\w+\.py)::(test_\w+)`")
_WRITTEN = re.compile(r"^def (test_\w+)\(", re.MULTILINE)
_PAGE = (ROOT / "docs/invariants.md").read_text("utf-8")
_LISTED = {int(number): _TEST.findall(tests) for number, tests in _ROW.findall(_PAGE)}


def test_each_invariant_begins_with_the_test_of_its_name() -> None:
    assert list(_LISTED) == list(range(1, 11))
    for number, tests in _LISTED.items():
        assert tests[0][1].startswith(f"test_invariant_{number}_"), number


def test_the_tests_exist() -> None:
    written = {
        (path.name, test) for path in (ROOT / "tests").rglob("test_*.py") for test in _WRITTEN.findall(path.read_text("utf-8"))
    }
    assert {one for tests in _LISTED.values() for one in tests} <= written


def test_the_command_it_shows_runs_every_test_it_names() -> None:
    assert typed(_PAGE) == ["make invariants"]
    assert "\t$(BIN)/python -m tests.invariants $(PYTEST)\n" in (ROOT / "Makefile").read_text("utf-8")
    told = [tuple(one.rpartition("/")[2].split("::")) for one in named(_PAGE)]
    assert set(told) == {one for tests in _LISTED.values() for one in tests}
    assert len(told) == len(set(told))
