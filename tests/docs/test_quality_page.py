"""The page of data-quality rules says what the catalogue in the code says: every rule, every line, nothing else."""

from __future__ import annotations

import re

from hub.mapping import Severity
from hub.quality import catalogue
from hub.settings.vocabulary import PARTS
from tests.docs.pages import ROOT

PAGE = (ROOT / "docs" / "quality.zh-CN.md").read_text("utf-8")
_WORDS = {Severity.BLOCK: "不合格", Severity.WARN: "提醒"}


def rows(title: str) -> list[list[str]]:
    section = PAGE.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]
    table = [line for line in section.splitlines() if line.startswith("| ")][1:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table]


def test_the_page_lists_the_catalogue() -> None:
    expected = [[one.id, one.zh, _WORDS[one.severity], one.meaning, one.where, one.origin] for one in catalogue().values()]
    assert rows("规则") == expected


def test_the_page_lists_every_line() -> None:
    expected = [
        [f"`{rule.id}/{name}`", line.zh, _WORDS[line.severity]]
        for rule in catalogue().values()
        for name, line in rule.lines.items()
    ]
    assert rows("情形") == expected


def test_the_page_names_every_part() -> None:
    assert re.findall(r"^\| `([a-z]+)` \|", PAGE, flags=re.MULTILINE) == list(PARTS)
