"""Every sentence and hint with which a command refuses to go on is said in Chinese on a Chinese screen."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest

import hub
from hub.catalogue.answers import refusal

GIVES = {"HubError", "LeaseHeld", "StoreUnfit", "Unknown"}
#: Where a command can be refused; what HTTP alone answers is English by its nature.
PLACES = ("cli/*.py", "demo/*.py", "store/*.py", "engine/service.py", "sandbox/street.py", "api/server.py", "registry.py")
#: Hints that come from elsewhere.
HINTS = ("did you mean city?", "systems: city", "sources: city", "configured: a, b", "departments: a", "known: a", "one of a, b")
#: Names of options, commands, files and formats.
NAMES = re.compile(
    r"--\w+(?:-\w+)*|hub( [a-z]+)+|[\w/]+\.(yaml|txt)|\b(lane|SQLite|PostgreSQL|JSON|UTF|Schema|operation|http|pg_dump|city)\b"
)


def sentences() -> Iterator[str]:
    """Yield every sentence and hint of the source, with 7 where it names anything."""
    home = Path(hub.__path__[0])
    for path in (path for place in PLACES for path in home.glob(place)):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in GIVES:
                hints = [one.value for one in node.keywords if one.arg == "hint"]
                yield from (text for one in (*node.args[1:2], *hints) for text in _written(one))


def _written(said: ast.expr) -> Iterator[str]:
    if isinstance(said, ast.BoolOp):
        yield from (text for one in said.values for text in _written(one))
    elif isinstance(said, ast.Constant):
        yield str(said.value)
    elif isinstance(said, ast.JoinedStr):
        yield from map("".join, product(*([str(one.value)] if isinstance(one, ast.Constant) else ["7"] for one in said.values)))


def test_there_are_many() -> None:
    assert len(set(sentences())) > 60


@pytest.mark.parametrize("english", sorted({*sentences(), *HINTS}))
def test_a_refusal_is_said_in_chinese(english: str) -> None:
    said = refusal(english, "zh") or english
    assert not re.search(r"[A-Za-z]{3}", NAMES.sub("", said)), said
    assert refusal(english, "en") == english
