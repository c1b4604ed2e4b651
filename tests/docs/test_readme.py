"""The English and the Chinese README tell the same: headings, commands, links; and what they promise to exist does."""

from __future__ import annotations

import re

from hub import __version__
from hub.cli import COMMANDS
from tests.docs.pages import ROOT, blocks, inline, typed

ENGLISH = (ROOT / "README.md").read_text("utf-8")
CHINESE = (ROOT / "README.zh-CN.md").read_text("utf-8")
_LINK = re.compile(r"\]\(([^)]+)\)")


def test_both_have_the_same_headings() -> None:
    levels = [re.findall(r"^(#+) ", text, flags=re.MULTILINE) for text in (ENGLISH, CHINESE)]
    assert levels[0] == levels[1]


def test_both_show_the_same_blocks() -> None:
    shown = [[block for _, block in blocks(text)][1:] for text in (ENGLISH, CHINESE)]  # the first is the diagram, in its language
    assert shown[0] == shown[1]


def test_both_name_the_same_commands_and_files() -> None:
    assert set(inline(ENGLISH)) == set(inline(CHINESE))
    links = [sorted(link for link in _LINK.findall(text) if not link.startswith("README")) for text in (ENGLISH, CHINESE)]
    assert links[0] == links[1]


def test_it_is_short() -> None:
    assert ENGLISH.count("\n") <= 120


def test_the_wheel_it_names_is_this_version() -> None:
    assert f"gansu_exchange_hub-{__version__}-py3-none-any.whl" in "\n".join(typed(ENGLISH))


def test_the_changelog_names_every_command() -> None:
    changes = (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert set(COMMANDS) <= set(inline(changes))
    assert f"## [{__version__}]" in changes


def test_the_architecture_names_every_table_and_layer() -> None:
    from hub.store import schema

    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    assert set(re.findall(r"^\| `([a-z]+)` \| ", page, flags=re.MULTILINE)) == set(schema.metadata.tables)
    layers = re.findall(r'^  "(hub\.[a-z. |]+)",$', (ROOT / "pyproject.toml").read_text("utf-8"), flags=re.MULTILINE)
    named = [layer for line in layers for layer in line.split(" | ")]
    written = page.partition("## Layers")[2]
    places = [written.index(f"`{layer}`") for layer in named]
    assert len(named) > 10
    assert places == sorted(places)
