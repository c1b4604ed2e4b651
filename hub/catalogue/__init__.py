"""Decides what every code means to people: what happened, why, and what to do, in Chinese and in English."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Literal, TypeAlias

import yaml

Language: TypeAlias = Literal["zh", "en"]


@dataclass(frozen=True, slots=True)
class Text:
    """One code in one language."""

    what: str
    why: str
    do: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One code: HUB-<area>-<number>."""

    code: str
    zh: Text
    en: Text

    def text(self, lang: str) -> Text:
        """Return the English text for `en`, else the Chinese one."""
        return self.en if lang == "en" else self.zh


def explain(code: str) -> Entry | None:
    """Return the entry of a code, None when there is none."""
    return entries().get(code)


def text(code: str, lang: str = "zh") -> str:
    """Return the one line that says what happened; empty when the code is unknown."""
    entry = explain(code)
    return entry.text(lang).what if entry else ""


def entries() -> dict[str, Entry]:
    """Return all entries by code."""
    return _all()[0]


def faults() -> list[str]:
    """Return what is wrong with the catalogue itself. Such entries are left out: they must never hide the error they explain."""
    return _all()[1]


@cache
def _all() -> tuple[dict[str, Entry], list[str]]:
    """Read the YAML files of this package, once."""
    found: dict[str, Entry] = {}
    wrong: list[str] = []
    for file in sorted(resources.files(__name__).iterdir(), key=lambda file: file.name):
        if not file.name.endswith(".yaml"):
            continue
        for code, texts in _read(file.read_text("utf-8"), file.name, wrong).items():
            if code in found:
                wrong.append(f"{file.name}: {code} stands in another file too")
            elif entry := _entry(code, texts):
                found[code] = entry
            else:
                wrong.append(f"{file.name}: {code} needs zh and en, each what, why, do; quote a text that holds a comma or a colon")
    return dict(sorted(found.items())), wrong


def _read(source: str, name: str, wrong: list[str]) -> dict[str, Any]:
    try:
        return yaml.load(source, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)) or {}
    except yaml.YAMLError as error:
        wrong.append(f"{name}: {error}")
        return {}


def _entry(code: str, texts: Any) -> Entry | None:
    try:
        return Entry(code, Text(**texts["zh"]), Text(**texts["en"]))
    except (TypeError, KeyError):
        return None
