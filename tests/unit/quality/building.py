"""Builds cases for the rules: facts by the vocabulary's field names, times as people write them."""

from __future__ import annotations

from dataclasses import fields
from datetime import timedelta
from typing import Any

from hub.quality.bench import Bench
from hub.quality.facts import OF_A_CASE, Case, Item, Items
from hub.quality.judging import judge
from hub.quality.moments import kept
from hub.settings import PartSettings, TermsSettings
from hub.settings.vocabulary import MOMENTS, PARTS

CODES: dict[str, dict[str, frozenset[str]]] = {
    "case": {"instant": frozenset("1"), "committed": frozenset("2")},
    "step": {"taking_in": frozenset({"窗口受理"}), "finishing": frozenset({"办结"})},
    "result": {"refused": frozenset("N")},
    "material": {"filed": frozenset("2")},
    "evaluation": {"best": frozenset("5"), "done": frozenset({"03"}), "defaulted": frozenset("1")},
    "item": {"in_force": frozenset("A"), "free": frozenset("0")},
    "published": {"in_force": frozenset("1")},
}
PAIRS = {"first": frozenset("234"), "middle": frozenset("234"), "last": frozenset("2346"), "only": frozenset("2346")}
NOW = "2025-12-31 18:00:00"


def part(name: str, *without: str, source: str = "local", **codes: frozenset[str]) -> PartSettings:
    """Return a part that has every field of the vocabulary but those left out, under its own name."""
    paths = {one: one for one in PARTS[name].paths if one not in without}
    known = {**CODES.get(name, {}), **codes}
    return PartSettings(source, name, name, paths, known, pairs=PAIRS if name == "step" else {})


def fact(kind_of: str, of: PartSettings | None = None, /, **values: Any) -> Any:
    """Return one fact; what is not given is missing."""
    kind = OF_A_CASE[kind_of]
    given = {key: kept(value) if key in MOMENTS else value for key, value in values.items()}
    return kind(of or part(kind_of), *(given.pop(one.name, None) for one in fields(kind)[1:]))


def case(*facts: Any, number: str = "A1", **main: Any) -> Case:
    """Return a case with a main record (unless `main` is empty) and these facts."""
    made = Case(number)
    for one in ([fact("case", **main)] if main else []) + list(facts):
        made.add(one)
    return made


def item(code: str = "S1", of: str = "item", /, **values: Any) -> Item:
    """Return an item of the hall (or of what is published), in force unless said otherwise."""
    given = {key: kept(value) if key in MOMENTS else value for key, value in values.items()}
    base = {"code": code, "name": "某事项", "department": "某局", "state": "A" if of == "item" else "1", "version": None}
    return Item(part(of), **{**base, **given})


def bench(now: str = NOW, hall: list[Item] | None = None, published: list[Item] | None = None, **more: Any) -> Bench:
    """Return a bench at that time, with these lists of items."""
    lists = Items(_by_code(hall), _by_code(published))
    at = kept(now)
    assert at is not None
    limits = {name: more.pop(name) for name in ("idle", "near") if name in more}
    terms = TermsSettings(**{"read": timedelta(days=1), "fillers": frozenset({"无"}), **limits})
    return Bench(at, terms, more.pop("parts", frozenset(PARTS)), lists, **more)


def _by_code(rows: list[Item] | None) -> dict[str, list[Item]] | None:
    if rows is None:
        return None
    found: dict[str, list[Item]] = {}
    for one in rows:
        found.setdefault(one.code or "", []).append(one)
    return found


def found(made: Case, on: Bench | None = None, rule: str = "") -> set[str]:
    """Return what is found in a case as rule/line, of one rule if it is given."""
    return {f"{number}/{line}" for number, line in judge(made, on or bench()) if rule in ("", number)}
