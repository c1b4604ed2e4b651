"""What a benchmark cannot measure it refuses at once, and says what it can."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.commands import ROOT

LETTERS = "there are a, b, c, d, e, f, g, h, i, j, k"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("benchmarks zz", f"no such letter: zz; {LETTERS}"),
        ("benchmarks a zz yy", f"no such letter: zz, yy; {LETTERS}"),
        ("benchmarks k", "what k measures needs --server"),
        ("benchmarks.backlog --sizes 10000,7499", "7499: the least is 7500"),
        ("benchmarks.backlog --sizes many", "'many' is no number"),
        ("benchmarks.report --sizes 0", "0: the least is 1"),
    ],
)
def test_it_says_what_there_is(words: str, says: str) -> None:
    told = subprocess.run([sys.executable, "-m", *words.split()], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (told.returncode, told.stdout) == (2, "")
    assert says in told.stderr
