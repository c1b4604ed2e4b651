"""Decides what every code means to people: what happened, why, and what to do, in Chinese and in English."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Literal, TypeAlias

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


@cache
def entries() -> dict[str, Entry]:
    """Return all entries by code, read once from the YAML files of this package. Raises ValueError when a code stands twice."""
    found: dict[str, Entry] = {}
    for file in sorted(resources.files(__name__).iterdir(), key=lambda file: file.name):
        if file.name.endswith(".yaml"):
            for entry in _read(file.read_text("utf-8")):
                if entry.code in found:
                    raise ValueError(f"{entry.code} stands twice, the second time in {file.name}")
                found[entry.code] = entry
    return dict(sorted(found.items()))


def _read(source: str) -> list[Entry]:
    data = yaml.load(source, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)) or {}
    return [Entry(code, _text(code, texts["zh"]), _text(code, texts["en"])) for code, texts in data.items()]


def _text(code: str, parts: dict[str, str]) -> Text:
    try:
        return Text(**parts)
    except TypeError as error:
        raise ValueError(f"{code}: what, why, do and nothing else; quote a text that holds a comma or a colon") from error
