"""Decides where a benchmark's output stands in the documentation: between the marks of its command, replaced as a whole."""

from __future__ import annotations

import re
from pathlib import Path

from benchmarks import markdown

DOCS = Path(__file__).parents[1] / "docs"
PAGES = (DOCS / "performance.md", DOCS / "scale.md")
_ABOUT = re.compile(r"^\d+ cores, Python .*", re.MULTILINE)


def put(command: str, output: str) -> Path:
    """Replace what stands between the marks of a command by what it printed; return the page. Raises KeyError without marks."""
    begin, end = f"<!-- measured: {command} -->\n", "<!-- end -->"
    for page in PAGES:
        before, mark, after = page.read_text(encoding="utf-8").partition(begin)
        if mark:
            said = f"`python -m benchmarks.{command}`: {_shown(output.strip())}\n"
            page.write_text(before + mark + said + end + after.partition(end)[2], encoding="utf-8")
            return page
    raise KeyError(command)


def _shown(output: str) -> str:
    """Return Markdown as it is, from the line about the machine on; what is for a terminal as a block below such a line."""
    about = _ABOUT.search(output)
    return output[about.start() :] if about else f"{markdown.about()}\n\n```\n{output}\n```"
