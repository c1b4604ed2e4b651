"""The documents of this repository, and what is shown in them."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_INLINE = re.compile(r"`([^`\n]+)`")


def name(page: Path) -> str:
    """Return a page's path from the root."""
    return page.relative_to(ROOT).as_posix()


def blocks(text: str) -> list[tuple[str, str]]:
    """Return the fenced blocks: language and content."""
    return _FENCE.findall(text)


def prose(text: str) -> str:
    """Return a page without its fenced blocks."""
    return _FENCE.sub("", text)


def typed(text: str) -> list[str]:
    """Return the lines of unmarked and shell blocks that somebody would type."""
    lines = [line for language, block in blocks(text) if language in ("", "sh", "bash", "console") for line in block.splitlines()]
    return [line.removeprefix("$ ") for line in lines]


def inline(text: str) -> list[str]:
    """Return what stands between single backticks outside blocks."""
    return _INLINE.findall(prose(text))


def tracked() -> Iterator[Path]:
    """Yield every file under version control, or every file of a tree that is under none."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode == 0 and listed.stdout:
        yield from (path for one in listed.stdout.split("\0") if one and (path := ROOT / one).is_file())
        return
    parts = ("hub", "adapters", "config", "mappings", "tests", "docs", "benchmarks", "requirements")
    yield from (path for part in parts for path in (ROOT / part).rglob("*") if path.is_file() and path.suffix != ".pyc")
