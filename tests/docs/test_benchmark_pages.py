"""Each benchmark has its place in a page, and each place its benchmark."""

from __future__ import annotations

import re

import pytest

from benchmarks import pages
from benchmarks.__main__ import ALL

COMMANDS = [command for _, command in ALL]


def test_each_place_is_that_of_a_benchmark() -> None:
    marks = [mark for page in pages.PAGES for mark in re.findall("<!-- measured: (.*) -->", page.read_text(encoding="utf-8"))]
    assert sorted(marks) == sorted(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_it_says_what_was_measured_and_by_which_command(command: str) -> None:
    text = "".join(page.read_text(encoding="utf-8") for page in pages.PAGES)
    told = text.partition(f"<!-- measured: {command} -->\n")[2].partition("<!-- end -->")[0]
    assert told.startswith(f"`python -m benchmarks.{command}`: ")
    assert re.search(r"\d cores, Python 3", told)
