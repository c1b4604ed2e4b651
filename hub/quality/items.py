"""Decides whether items are the same everywhere (权力同源): rule C06 for a case, and the two lists against each other."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from hub.quality.bench import Bench, Found
from hub.quality.facts import Case, Item, Items, Main
from hub.quality.moments import earlier

#: Most digits of a version that counts as a number.
_LONGEST = 18


def listed(case: Case, bench: Bench) -> Iterator[Found]:
    """C06: the item is in the hall's list, in force, valid on the day of acceptance, and published."""
    main = case.main
    if main is None or not main.has("item"):
        return
    if bench.items.hall is not None:
        yield from _in_hall(main, bench.items.hall.get(main.item or "", []))
    if bench.items.published is not None and not any(one.in_force for one in bench.items.published.get(main.item or "", [])):
        yield "C06", "unpublished"


def _in_hall(main: Main, rows: list[Item]) -> Iterator[Found]:
    if not rows:
        yield "C06", "no-item"
    elif not any(one.in_force for one in rows):
        yield "C06", "not-in-force"
    elif not any(_valid(one, main) for one in rows):
        yield "C06", "not-valid"


def _valid(one: Item, main: Main) -> bool:
    """Say whether a row of the item covers the case: it is no older (a changed item may keep its row), and valid on that day."""
    if one.version and main.version and _number(main.version) > _number(one.version):
        return False
    return not earlier(main.accepted, one.valid_from) and not earlier(one.valid_to, main.accepted)


def _number(version: str) -> tuple[int, str]:
    """Return versions in their order: 2 before 10, whatever else they are called, endless digits included, behind the numbers."""
    return (int(version), "") if len(version) <= _LONGEST and version.isdecimal() else (sys.maxsize, version)


@dataclass(frozen=True, slots=True)
class Unlike:
    """One item that only one of the two lists has."""

    code: str
    name: str
    department: str
    state: str


@dataclass(frozen=True, slots=True)
class Sameness:
    """The hall's list against the published one; None where one of them is not known. `both` counts the items that agree."""

    unpublished: tuple[Unlike, ...]
    missing: tuple[Unlike, ...]
    both: int


def compare(items: Items) -> Sameness | None:
    """Return which items in force at the hall have no valid published code, and which published ones the hall does not have."""
    if items.hall is None or items.published is None:
        return None
    hall, published = _valid_codes(items.hall), _valid_codes(items.published)
    return Sameness(
        tuple(one for code, one in hall.items() if code not in published),
        tuple(one for code, one in published.items() if code not in hall),
        len(hall.keys() & published.keys()),
    )


def _valid_codes(rows: Mapping[str, list[Item]]) -> dict[str, Unlike]:
    found = {code: next((one for one in each if one.in_force), None) for code, each in sorted(rows.items())}
    return {
        code: Unlike(code, one.name or "", one.department or "", one.state or "") for code, one in found.items() if one is not None
    }
