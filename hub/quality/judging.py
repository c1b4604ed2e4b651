"""Decides by which rules a case is judged: each is a pure function of the case and the bench."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

from hub.quality import course, items, outcome, times
from hub.quality.bench import Bench, Found
from hub.quality.facts import Case

Rule: TypeAlias = Callable[[Case, Bench], Iterator[Found]]
RULES: tuple[Rule, ...] = (
    times.order, times.steps, times.specials, times.promise, course.whole, course.kind, course.pairs, outcome.result, outcome.fees,
    items.listed, outcome.materials, outcome.evaluations, outcome.twice, outcome.same_times,
)  # fmt: skip


def judge(case: Case, bench: Bench) -> set[Found]:
    """Return everything the rules find in one case, each once."""
    return {found for rule in RULES for found in rule(case, bench)}
