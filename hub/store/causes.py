"""Decides which dead letters have one cause, and what the group of them is called: a short name instead of many words."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, and_, func

from hub.model import Stage
from hub.store.schema import delivery

if TYPE_CHECKING:
    from hub.store.groups import DeadGroup

#: What the name of a group looks like: never like the number of a delivery.
NAME = re.compile(r"g[0-9a-f]{8}")
#: Codes whose reasons tell the place in a file or a push, and how that names a row.
_PLACED = re.compile(r"HUB-S-(2|6)\d\d")
ROW = re.compile(r", (?:row|line|item) \d+(?=[,:])|(?<=: )(?:row|line) \d+: ")


@dataclass(frozen=True, slots=True)
class Cause:
    """What the dead letters of one group have in common; `rows`: they are rows of one file, and each reason names its own."""

    name: str
    system: str
    stage: str
    code: str
    reason: str
    rows: bool = False

    def holds(self) -> ColumnElement[bool]:
        """Return the condition that a failed delivery has this cause."""
        ours, reason = delivery.c, func.coalesce(delivery.c.reason, "")
        same = _but_for_rows(reason, self.reason) if self.rows else reason == self.reason
        alike = (func.coalesce(ours.stage, "") == self.stage, func.coalesce(ours.code, "") == self.code)
        return and_(ours.system == self.system, *alike, same)


def of(group: DeadGroup) -> Cause:
    """Return the cause of a group."""
    rows = _by_rows(group.stage, group.code) and ROW.search(group.reason) is not None
    return Cause(group.group, group.system, group.stage, group.code, group.reason, rows)


def name(system: str, stage: str, code: str, reason: str) -> str:
    """Return what the group of dead letters with this cause is called: g and 8 hex digits, the same in every store.

    >>> name("city", "send", "HUB-D-115", "refused: #")
    'gdc3e8b3f'
    """
    kept = ROW.sub("", reason) if _by_rows(stage, code) else reason
    digest = hashlib.blake2b("\0".join((system, stage, code, kept)).encode(), digest_size=4)
    return f"g{digest.hexdigest()}"


def folded(groups: Iterable[DeadGroup]) -> list[DeadGroup]:
    """Return the groups with the rows of one file that have one fault in one group, which tells the first row, most first."""
    found: dict[str, list[DeadGroup]] = {}
    for one in groups:
        found.setdefault(one.group, []).append(one)
    return sorted((_one(same) for same in found.values()), key=lambda one: -one.count)


def _one(same: Sequence[DeadGroup]) -> DeadGroup:
    first = min(same, key=lambda one: one.sample)
    return replace(first, count=sum(one.count for one in same), oldest=min(one.oldest for one in same))


def _by_rows(stage: str, code: str) -> bool:
    return stage == Stage.SOURCE.value and _PLACED.fullmatch(code) is not None


def _but_for_rows(column: ColumnElement[str], reason: str) -> ColumnElement[bool]:
    """Return the condition that a reason differs by the number of a row alone.

    SQLite's LIKE takes `A.csv` and `a.csv` for alike: what stands before and behind is compared once more.
    """
    before, behind = ROW.split(reason, maxsplit=1)[0], ROW.split(reason)[-1]
    starts = func.substr(column, 1, len(before)) == before
    ends = func.substr(column, func.length(column) - len(behind) + 1) == behind
    return and_(column.like(_pattern(reason), escape="\\"), starts, ends)


def _pattern(reason: str) -> str:
    """Return the LIKE pattern of reasons that differ by the number of a row alone."""
    plain = re.sub(r"([\\%_])", r"\\\1", reason)
    return ROW.sub(lambda row: re.sub(r"\d+", "%", row[0]), plain)
