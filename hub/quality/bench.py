"""Decides what a case is judged against: the time, the limits, and what is known by looking across cases."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from hub.quality.facts import Items
from hub.quality.moments import Moment
from hub.settings import TermsSettings

#: rule id, line; the catalogue tells what it means and how bad it is
Found: TypeAlias = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Bench:
    """What is known besides the case itself: the time, the limits, the lists of items, which parts the county keeps at all.

    `twice` and `praised` are case numbers that were found by looking across cases.
    """

    now: Moment
    terms: TermsSettings
    parts: frozenset[str]
    items: Items = field(default_factory=Items)
    twice: frozenset[str] = frozenset()
    praised: frozenset[str] = frozenset()

    def knows(self, part: str) -> bool:
        """Say whether the county keeps such records."""
        return part in self.parts
