"""Decides what the county's report counts: by department, by item, by rule, and what became of everything sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Any

from hub.model import State
from hub.quality.examining import Verdict
from hub.quality.items import Sameness
from hub.quality.moments import day
from hub.quality.rules import Rule, catalogue
from hub.settings import TermsSettings
from hub.store.views import Backlog

#: How deliveries are summed up for reconciliation (R01).
CLASSES: dict[str, frozenset[State]] = {
    "delivered": frozenset({State.DELIVERED}),
    "confirmed": frozenset({State.CONFIRMED}),
    "rejected": frozenset({State.REJECTED}),
    "dead": frozenset({State.DEAD}),
    "open": frozenset({State.PENDING, State.SENDING, State.ACCEPTED, State.HELD, State.PARKED}),
    "dropped": frozenset({State.CANCELLED, State.SUPERSEDED}),
}
_CLASS = {state.value: name for name, states in CLASSES.items() for state in states}


@dataclass(frozen=True, slots=True)
class Choice:
    """Which cases count: by the day of acceptance (else of application), by department. Nothing chosen: all."""

    since: date | None = None
    until: date | None = None
    department: str | None = None

    def takes(self, verdict: Verdict) -> bool:
        """Say whether a case is chosen."""
        if self.department is not None and verdict.department != self.department:
            return False
        if self.since is None and self.until is None:
            return True
        if verdict.accepted is None:
            return False
        accepted = day(verdict.accepted)
        return (self.since is None or accepted >= self.since) and (self.until is None or accepted <= self.until)


@dataclass(slots=True)
class Group:
    """The account of some cases. `failing`: rule -> cases; `lines`: (rule, line) -> cases; both count a case once."""

    name: str = ""
    cases: int = 0
    accepted: int = 0
    closed: int = 0
    blocked: int = 0
    failing: Counter[str] = field(default_factory=Counter)
    lines: Counter[tuple[str, str]] = field(default_factory=Counter)
    deliveries: Counter[tuple[str, str]] = field(default_factory=Counter)  # system, class

    def add(self, verdict: Verdict) -> None:
        """Count one case."""
        self.cases += 1
        self.accepted += verdict.accepted is not None
        self.closed += verdict.closed
        for system, state in verdict.standings:
            self.deliveries[system, _CLASS[state]] += 1
        if verdict.marks:
            self.blocked += verdict.blocked
            for rule in verdict.rules:
                self.failing[rule] += 1
            for line in verdict.lines:
                self.lines[line] += 1

    @property
    def open(self) -> int:
        """Return how many are not done."""
        return self.cases - self.closed

    @property
    def overdue(self) -> int:
        """Return how many are, or were done, too late."""
        return self.lines["T04", "overdue"] + self.lines["T04", "overdue-open"]

    @property
    def on_time(self) -> float | None:
        """Return the share of those done that were done in time."""
        return 1 - self.lines["T04", "overdue"] / self.closed if self.closed else None

    @property
    def idle(self) -> int:
        """Return how many were accepted and never worked on."""
        return self.lines["C01", "idle"]

    def share(self, rule: str) -> float:
        """Return the share of cases that fail a rule."""
        return self.failing[rule] / self.cases if self.cases else 0.0


@dataclass(frozen=True, slots=True)
class Late:
    """A system with more owed than the limit, or for longer (R02)."""

    system: str
    owed: int
    oldest: datetime


@dataclass(slots=True)
class Report:
    """The whole report. `unassigned` tells whether there are records that belong to no case."""

    total: Group = field(default_factory=Group)
    departments: dict[str, Group] = field(default_factory=dict)
    items: dict[tuple[str, str], Group] = field(default_factory=dict)  # department, item code
    unassigned: bool = False
    sameness: Sameness | None = None
    backlog: tuple[Late, ...] = ()
    parts: frozenset[str] = frozenset()

    def add(self, verdict: Verdict) -> None:
        """Count one case everywhere it belongs."""
        self.total.add(verdict)
        department = self.departments.setdefault(verdict.department, Group(verdict.department))
        department.add(verdict)
        self.items.setdefault((verdict.department, verdict.item), Group(verdict.item_name)).add(verdict)

    def unlooked(self) -> Iterator[str]:
        """Yield the rules nobody looked at, for the county keeps no such records."""
        for number, rule in catalogue().items():
            if rule.needs and not self.parts & set(rule.needs):
                yield number

    def systems(self) -> list[str]:
        """Return the systems anything was owed to."""
        return sorted({system for system, _ in self.total.deliveries})


def late(backlog: Mapping[str, Mapping[State, Backlog]], terms: TermsSettings, now: datetime) -> tuple[Late, ...]:
    """Return the systems whose backlog passes a limit (R02); what waits for a person is no backlog of the hub's."""
    found = []
    for system, states in sorted(backlog.items()):
        owed = [one for state, one in states.items() if _CLASS[state.value] == "open" and state is not State.HELD]
        if owed:
            one = Late(system, sum(each.count for each in owed), min(each.oldest for each in owed))
            if one.owed > terms.backlog or now - one.oldest > terms.oldest:
                found.append(one)
    return tuple(found)


def data(report: Report) -> dict[str, Any]:
    """Return a report as JSON data."""
    total = report.total
    return {
        **_group(total),
        "rules": [_rule(report, rule) for rule in catalogue().values()],
        "departments": [{"department": name, **_group(one)} for name, one in sorted(report.departments.items())],
        "items": [
            {"department": department, "item": code, "name": one.name, **_group(one)}
            for (department, code), one in sorted(report.items.items())
        ],
        "deliveries": {system: {name: total.deliveries[system, name] for name in CLASSES} for system in report.systems()},
        "backlog": [asdict(one) for one in report.backlog],
        "sameness": asdict(report.sameness) if report.sameness else None,
        "unassigned": report.unassigned,
    }


def _rule(report: Report, rule: Rule) -> dict[str, Any]:
    about = {"rule": rule.id, "title": rule.zh, "severity": rule.severity.value, "looked_at": rule.id not in set(report.unlooked())}
    lines = {name: report.total.lines[rule.id, name] for name in ("", *rule.lines)}
    return {**about, "cases": report.total.failing[rule.id], "share": report.total.share(rule.id), "lines": lines}


def _group(group: Group) -> dict[str, Any]:
    counts = {"cases": group.cases, "accepted": group.accepted, "closed": group.closed, "open": group.open}
    named = {"on_time": group.on_time, "overdue": group.overdue, "idle": group.idle, "fillers": group.failing["D03"]}
    return {**counts, **named, "blocked": group.blocked, "failing": dict(sorted(group.failing.items()))}
