"""What the pages show is there: links resolve, commands and codes exist, both READMEs say the same."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import typer.main

from hub import catalogue
from hub.cli import COMMANDS, app
from hub.cli.group import hoisted
from tests.docs.pages import PAGES, ROOT, blocks, inline, name, prose, typed

_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_FILE = re.compile(r"(?:hub|adapters|tests|benchmarks|docs|config|mappings|requirements)/[\w./-]+")
pytestmark = pytest.mark.parametrize("page", PAGES, ids=name)


def _anchors(page: Path) -> set[str]:
    headings = _HEADING.findall(prose(page.read_text("utf-8")))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_links_resolve(page: Path) -> None:
    for link in _LINK.findall(prose(page.read_text("utf-8"))):
        path, _, anchor = unquote(link).partition("#")
        if "://" in link:
            continue
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in _anchors(target), link


def test_files_it_names_exist(page: Path) -> None:
    for word in inline(page.read_text("utf-8")):
        if _FILE.fullmatch(word) and word.endswith((".py", ".toml", ".txt", ".csv")):
            assert (ROOT / word).exists(), word


def test_commands_in_blocks_parse(page: Path) -> None:
    for line in typed(page.read_text("utf-8")):
        if line.startswith("hub "):
            _resolve(line.split("#")[0], whole=True)


def test_commands_in_the_text_exist(page: Path) -> None:
    for word in inline(page.read_text("utf-8")):
        if re.match(r"hub [a-z]", word):
            _resolve(word, whole=False)


#: Commands the pages name to say that they are not there yet.
_LATER = {"reconcile"}


def _resolve(line: str, *, whole: bool) -> None:
    """Find the command of a line and all its options; a whole line must parse with its arguments, too."""
    switches = typer.main.get_command(app)._switches()  # type: ignore[attr-defined]
    words = hoisted(shlex.split(line)[1:], switches)
    while words and words[0].startswith("-"):
        words = words[2:] if switches[words[0]] else words[1:]
    if words[0] in _LATER:
        return
    assert words[0] in COMMANDS, line
    command: Any = COMMANDS[words[0]].load(words[0])
    rest = words[1:]
    if hasattr(command, "commands") and rest:
        assert rest[0] in command.commands, line
        command, rest = command.commands[rest[0]], rest[1:]
    known = {option for param in command.params for option in (*param.opts, *param.secondary_opts)}
    assert {word.split("=")[0] for word in rest if re.match(r"--?[a-z]", word)} <= known, line
    if whole:
        command.make_context(command.name, rest).close()


def test_make_targets_exist(page: Path) -> None:
    text = page.read_text("utf-8")
    shown = [line for line in [*typed(text), *inline(text)] if re.fullmatch(r"make [a-z-]+", line)]
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), flags=re.MULTILINE))
    assert {line.split()[1] for line in shown} <= targets


def test_codes_are_explained(page: Path) -> None:
    for code in set(re.findall(r"HUB-[A-Z]-\d{3}", page.read_text("utf-8"))):
        assert catalogue.explain(code), code


def test_diagrams_are_closed(page: Path) -> None:
    assert page.read_text("utf-8").count("\n```") == 2 * len(blocks(page.read_text("utf-8")))
