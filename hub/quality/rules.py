"""Decides which data-quality rules there are: id, title, severity, meaning, place and origin, read from rules.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

import yaml

from hub.mapping import Severity


@dataclass(frozen=True, slots=True)
class Line:
    """What one rule tells apart: Chinese and English, and how bad it is."""

    zh: str
    en: str
    severity: Severity


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the catalogue. `lines` by name; the empty name is what mappings and contracts find."""

    id: str
    zh: str
    en: str
    severity: Severity
    meaning: str
    where: str
    origin: str
    needs: tuple[str, ...] = ()
    lines: Mapping[str, Line] = field(default_factory=dict)


@cache
def catalogue() -> Mapping[str, Rule]:
    """Return every rule by its id, in the order of the catalogue."""
    text = resources.files(__package__).joinpath("rules.yaml").read_text("utf-8")
    return {number: _rule(number, entry) for number, entry in yaml.safe_load(text).items()}


def _rule(number: str, entry: dict[str, Any]) -> Rule:
    severity = Severity(entry["severity"])
    lines = {
        name: Line(line["zh"], line["en"], Severity(line.get("severity", severity)))
        for name, line in entry.get("lines", {}).items()
    }
    title = entry["title"]
    texts = (entry["meaning"], entry["where"], entry["origin"])
    return Rule(number, title["zh"], title["en"], severity, *texts, tuple(entry.get("needs", ())), lines)


def severity(number: str, line: str) -> Severity:
    """Return how bad it is when that line of a rule is found."""
    return catalogue()[number].lines[line].severity
