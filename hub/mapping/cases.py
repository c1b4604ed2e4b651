"""Decides whether a mapping does what its cases say, and tells the difference readably."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from hub.documents import dotted
from hub.mapping.issues import Issue, Severity
from hub.mapping.loading import MappingSet
from hub.mapping.mapping import Envelope, Mapping
from hub.mapping.spec import Case, EnvelopeSpec, ExpectedIssue
from hub.model import Json

#: When bodies of cases are made, unless the case says otherwise: 2016-12-13 09:00 in Zhangxian.
CASE_TIME = datetime(2016, 12, 13, 1, tzinfo=UTC)
#: What is said in the place of a value or an issue where there is none, and before the rule of an issue that is missed.
NOTHING, NO_ISSUE, ISSUE = "(nothing)", "no issue", "an issue"
#: The place of a difference that concerns all of what is sent.
WHOLE = "the body"


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where a body or the issues are not what the case expects."""

    path: str
    expected: str
    got: str

    def __str__(self) -> str:
        return f"{self.path}: expected {self.expected}, got {self.got}"


@dataclass(frozen=True, slots=True)
class CaseResult:
    """How one case went; it passed when there is no difference. Cases hold made-up data, so values are shown."""

    mapping: str
    case: str
    differences: tuple[Difference, ...] = ()

    @property
    def passed(self) -> bool:
        """Say whether the case came out as expected."""
        return not self.differences


def run_cases(mapping_set: MappingSet) -> list[CaseResult]:
    """Run every case of every mapping, in the order of names and files. Codes missing in made-up cases are not counted as gaps."""
    gaps = mapping_set.gaps.copy()
    results = [
        CaseResult(name, case.case, tuple(_run(mapping_set.mappings[name], case)))
        for name, cases in sorted(mapping_set.cases.items())
        if name in mapping_set.mappings
        for case in cases
    ]
    mapping_set.gaps.clear()
    mapping_set.gaps.update(gaps)
    return results


def _run(mapping: Mapping, case: Case) -> Iterator[Difference]:
    body, issues = mapping.apply(case.given, envelope(case.envelope))
    yield from _issues(issues, case)
    if case.exactly is not None:
        yield from _differences(case.exactly, body, (), exactly=True)
    if case.expect is not None:
        yield from _differences(case.expect, body, (), exactly=False)


def envelope(spec: EnvelopeSpec) -> Envelope:
    """Return the envelope of a case."""
    return Envelope(**{**spec.model_dump(), "time": spec.time or CASE_TIME})


def _issues(issues: list[Issue], case: Case) -> Iterator[Difference]:
    expected = case.issues or []
    for one in expected:
        if not any(_meets(issue, one) for issue in issues):
            yield Difference(one.path, f"{ISSUE} {one.rule or ''}".strip(), NOTHING)
    for issue in issues:
        if issue.severity is Severity.BLOCK and not any(_meets(issue, one) for one in expected):
            yield Difference(issue.path, NO_ISSUE, f"{issue.rule}: {issue.message}")


def _meets(issue: Issue, expected: ExpectedIssue) -> bool:
    wanted = expected.model_dump(exclude_none=True)
    return all(getattr(issue, name) == value for name, value in wanted.items())


def _differences(expected: Json, got: Json, path: tuple[str | int, ...], *, exactly: bool) -> Iterator[Difference]:
    if isinstance(expected, dict) and isinstance(got, dict):
        for name, value in expected.items():
            yield from _differences(value, got.get(name, NOTHING), (*path, name), exactly=exactly)
        if exactly:
            yield from (Difference(dotted((*path, name)), NOTHING, repr(got[name])) for name in got if name not in expected)
    elif isinstance(expected, list) and isinstance(got, list) and len(expected) == len(got):
        for index, (one, other) in enumerate(zip(expected, got, strict=True)):
            yield from _differences(one, other, (*path, index), exactly=exactly)
    elif expected != got or type(expected) is not type(got):
        yield Difference(dotted(path) or WHOLE, repr(expected), got if got is NOTHING else repr(got))
