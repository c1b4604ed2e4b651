"""Every code people can meet is explained, completely and in both languages; and every explanation is of a code that exists."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import astuple
from pathlib import Path

import pytest

import hub
from hub import catalogue

ROOT = Path(hub.__file__).parent.parent
CODE = re.compile(r"HUB-[A-Z]-[0-9]{3}")
ENTRY = re.compile(rf"^({CODE.pattern}):", re.MULTILINE)
CHINESE = re.compile("[\u4e00-\u9fff]")
ENGLISH = re.compile("[a-z]{2}")


def used() -> dict[str, set[str]]:
    """Return every code in the program's source, with the files that name it."""
    found: dict[str, set[str]] = {}
    for package in ("hub", "adapters"):
        for path in sorted((ROOT / package).rglob("*.py")):
            for code in CODE.findall(path.read_text("utf-8")):
                found.setdefault(code, set()).add(path.relative_to(ROOT).as_posix())
    return found


def test_the_catalogue_itself_is_sound() -> None:
    assert catalogue.faults() == []


def test_no_code_is_explained_twice() -> None:
    """Two people who take the next free number at once would each be told the other's remedy."""
    written = [code for path in (ROOT / "hub" / "catalogue").glob("*.yaml") for code in ENTRY.findall(path.read_text("utf-8"))]
    assert sorted(code for code, times in Counter(written).items() if times > 1) == []


def test_every_code_in_the_source_is_explained() -> None:
    missing = {code: files for code, files in used().items() if catalogue.explain(code) is None}
    assert not missing


def test_every_explained_code_is_in_the_source() -> None:
    assert set(catalogue.entries()) <= set(used())


@pytest.mark.parametrize("entry", catalogue.entries().values(), ids=lambda entry: entry.code)
def test_an_entry_is_complete(entry: catalogue.Entry) -> None:
    assert CODE.fullmatch(entry.code)
    assert all(isinstance(text, str) and text.strip() for text in (*astuple(entry.zh), *astuple(entry.en)))
    assert all(CHINESE.search(text) for text in astuple(entry.zh))
    assert all(ENGLISH.search(text) for text in astuple(entry.en))


def test_text_is_the_one_line_in_either_language() -> None:
    assert catalogue.text("HUB-C-103") == "同一个键出现了两次"
    assert catalogue.text("HUB-C-103", "en") == "a key stands twice"
    assert catalogue.text("HUB-Z-999") == ""
    assert catalogue.explain("HUB-Z-999") is None
