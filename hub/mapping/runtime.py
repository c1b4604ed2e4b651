"""Decides what generated mapping code does in the rare cases: failed conversions, missing codes, lists that are none."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Any

from hub.mapping.conditions import RUNTIME as CONDITIONS
from hub.mapping.conditions import word
from hub.mapping.issues import UNLABELLED, Issue, Label, issue
from hub.mapping.texts import text
from hub.mapping.times import ZONE
from hub.mapping.transforming import Bound, Unfit
from hub.model import Json

#: Most different gaps that are remembered, and the longest code that is remembered in clear.
_MOST_GAPS = 10_000
_LONGEST_CODE = 64
_COUNTING = Lock()  # several partitions map at once


@dataclass(frozen=True, slots=True)
class Coding:
    """A code table as a field uses it."""

    name: str
    targets: dict[str, str]
    gaps: Counter[tuple[str, str]]


def failed(issues: list[Issue], path: str, label: Label, value: Json, steps: tuple[Bound, ...]) -> None:
    """Record which step of `do:` could not convert `value`; found by taking the steps one after the other again."""
    for step in steps:
        try:
            value = step(value)
        except Unfit as error:
            issues.append(issue(path, step.transform.name, str(error), value, label))
            return
        except Exception as error:  # a transform's own bug must not take the record's other fields with it
            message = f"transform {step.transform.name} failed: {type(error).__name__}"
            issues.append(issue(path, step.transform.name, message, value, label))
            return
        if value is None or value == "":
            return


def coded(issues: list[Issue], path: str, label: Label, value: Json, coding: Coding) -> Json:
    """Translate what is no plain text: a number, or a list of codes. What has no code is an issue, and counted (invariant 5)."""
    if isinstance(value, list):
        made = [coded(issues, f"{path}[{index}]", label, one, coding) for index, one in enumerate(value)]
        return [one for one in made if one is not None]
    local = word(value)
    if local is not None and (found := coding.targets.get(local)) is not None:
        return found
    _count(coding, "(an object)" if local is None else local[:_LONGEST_CODE])
    issues.append(issue(path, "code", f"has no code in {coding.name}", local if local is not None else value, label))
    return None


def _count(coding: Coding, local: str) -> None:
    with _COUNTING:
        if len(coding.gaps) < _MOST_GAPS or (coding.name, local) in coding.gaps:
            coding.gaps[coding.name, local] += 1


def missing(issues: list[Issue], path: str, label: Label) -> None:
    """Record a required field that is empty."""
    issues.append(issue(path, "required", "is required and empty", None, label))


def not_listed(issues: list[Issue], path: str, label: Label, value: Json) -> None:
    """Record something that is no list where `each` needs one."""
    issues.append(issue(path, "type", "is no list at the source", value, label))


def not_an_object(issues: list[Issue], path: str, value: Json) -> None:
    """Record a list item that is no object where `each` needs its fields."""
    issues.append(issue(path, "type", "is no object at the source", value))


def joined(issues: list[Issue], path: str, label: Label, parts: list[Json], glue: str) -> str | None:
    """Write parts one after the other."""
    try:
        return glue.join([part if type(part) is str else text(part) for part in parts])
    except Unfit as error:
        issues.append(issue(path, "text", str(error), None, label))
        return None


def iso(time: datetime) -> str:
    """Write an aware time as ISO 8601 in Asia/Shanghai."""
    return time.astimezone(ZONE).isoformat(timespec="seconds")


#: The names generated code may use.
RUNTIME: dict[str, Any] = {
    **CONDITIONS,
    "failed": failed,
    "coded": coded,
    "missing": missing,
    "not_listed": not_listed,
    "not_an_object": not_an_object,
    "joined": joined,
    "iso": iso,
    "NO_LABEL": UNLABELLED,
}
