"""Runs every test that docs/invariants.md names: `make invariants`, or `python -m tests.invariants` with pytest's options."""

from __future__ import annotations

import re
import sys

import pytest

from tests.docs.pages import ROOT

_NAMED = re.compile(r"`(test_\w+\.py)::(test_\w+)`")


def named(page: str) -> list[str]:
    """Return the tests a page names, as pytest is told them. Raises ValueError for one that is not there, or is twice."""
    return [f"{_file(file, test)}::{test}" for file, test in dict.fromkeys(_NAMED.findall(page))]


def _file(name: str, test: str) -> str:
    written = f"\ndef {test}("
    paths = [path for path in (ROOT / "tests").rglob(name) if written in path.read_text("utf-8")]
    if len(paths) != 1:
        raise ValueError(f"{name}::{test} is in {len(paths)} files")
    return paths[0].relative_to(ROOT).as_posix()


if __name__ == "__main__":
    sys.exit(pytest.main([*sys.argv[1:], *named((ROOT / "docs" / "invariants.md").read_text("utf-8"))]))
