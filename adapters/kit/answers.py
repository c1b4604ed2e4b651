"""Decides how an answer becomes an outcome: the system's own rules, then the protocol's table, then «not understood»."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Literal, Self

from pydantic import AliasChoices, Field, field_validator, model_validator

from adapters.kit import words
from adapters.kit.answer import Answer, json_tree, xml_tree
from adapters.kit.fields import Plain, Seconds
from adapters.kit.protocol import by_status
from hub.errors import Deferred, Failure, InDoubt, Misconfigured, Rejected, Retryable
from hub.model import Receipt, Taken
from hub.ports import Options, Outcome

__all__ = ["Answer", "AnswerCondition", "AnswerRule", "Expect", "Judge", "Means", "compiled", "judge"]


class Means(StrEnum):
    """What a matching answer means."""

    TAKEN = "taken"
    DUPLICATE = "duplicate"
    QUEUED = "queued"
    RETRY = "retry"
    REJECTED = "rejected"
    MISCONFIGURED = "misconfigured"


#: Due type of an answer. `data` is anything but an HTML page.
Expect = Literal["data", "json", "xml", "any"]
Condition = Callable[[Answer], bool]
Clock = Callable[[], datetime]

_SUCCESS = frozenset({Means.TAKEN, Means.DUPLICATE, Means.QUEUED})
_STATUS = re.compile(r"([1-5])xx|(\d{3})(?:-(\d{3}))?", re.IGNORECASE)


def _regex(value: str | None) -> str | None:
    if value is not None:
        try:
            re.compile(value)
        except re.error as error:
            raise ValueError(f"not a regular expression: {error}") from None
    return value


class AnswerCondition(Options):
    """What an answer must look like. Every condition given must hold.

    status: 200, "5xx", "400-404" or a list of these · fault: regular expression over the fault code · text: over the body ·
    path with one of equals, in, matches, present (default: present). Regular expressions are searched, not anchored.
    """

    status: Plain | list[Plain] | None = None
    fault: str | None = None
    text: str | None = None
    path: str | None = None
    equals: Plain | None = None
    among: list[Plain] | None = Field(default=None, validation_alias=AliasChoices("in", "among"), serialization_alias="in")
    matches: str | None = None
    present: bool | None = None

    _check_regex = field_validator("fault", "text", "matches")(_regex)

    @field_validator("status")
    @classmethod
    def _status_readable(cls, value: str | list[str] | None) -> str | list[str] | None:
        for entry in [value] if isinstance(value, str) else value or []:
            if _STATUS.fullmatch(entry) is None:
                raise ValueError(f"{entry!r} is no HTTP status; write 200, 5xx or 400-404")
        return value

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.status is None and self.fault is None and self.text is None and self.path is None:
            raise ValueError("a rule needs a condition: status, fault, text or path")
        tests = [name for name in ("equals", "among", "matches", "present") if getattr(self, name) is not None]
        if self.path is None and tests:
            raise ValueError(f"{tests[0]!r} needs a path")
        if len(tests) > 1:
            raise ValueError("a path takes one of equals, in, matches, present")
        return self

    @property
    def by_absence(self) -> bool:
        """Whether it holds because something is not there, which proves nothing of an answer that failed or cannot be read."""
        return self.present is False and self.status is None and self.fault is None


class AnswerRule(AnswerCondition):
    """One line of `answers:`; the first rule whose conditions hold decides what the answer means.

    reference, said: paths of the far side's number and words. after: when to come back, for retry. within: for queued, by when the
    verdict must be in (without it a queued message could be lost unseen).
    """

    means: Means
    reference: str | None = None
    said: str | None = None
    after: Seconds | None = None
    within: Seconds | None = None

    @model_validator(mode="after")
    def _durations_fit(self) -> Self:
        if (self.means is Means.QUEUED) != (self.within is not None):
            raise ValueError("means: queued needs within: (by when the verdict must be in), and nothing else takes it")
        if self.after is not None and self.means is not Means.RETRY:
            raise ValueError("after: belongs to means: retry")
        return self


def _statuses(value: str | list[str]) -> frozenset[int]:
    numbers: set[int] = set()
    for entry in [value] if isinstance(value, str) else value:
        found = _STATUS.fullmatch(entry)
        if found is None:  # cannot be: validated above
            continue
        first = int(found[1]) * 100 if found[1] else int(found[2])
        numbers.update(range(first, 1 + (first + 99 if found[1] else int(found[3] or first))))
    return frozenset(numbers)


def _at(rule: AnswerCondition, path: str) -> Condition:
    """Return the test of the value at a path."""
    if rule.equals is not None or rule.among is not None:
        wanted = frozenset(rule.among or () if rule.equals is None else [rule.equals])
        return lambda answer: answer.select(path) in wanted
    if rule.matches is not None:
        pattern = re.compile(rule.matches)
        return lambda answer: pattern.search(answer.select(path) or "") is not None
    wants = rule.present is not False
    return lambda answer: bool(answer.select(path)) is wants


def compiled(rule: AnswerCondition) -> Condition:
    """Return the test of one rule, cheapest condition first."""
    tests: list[Condition] = []
    if rule.status is not None:
        statuses = _statuses(rule.status)
        tests.append(lambda answer: answer.status in statuses)
    if rule.fault is not None:
        fault = re.compile(rule.fault)
        tests.append(lambda answer: answer.fault is not None and fault.search(answer.fault) is not None)
    if rule.path is not None:
        tests.append(_at(rule, rule.path))
    if rule.text is not None:
        text = re.compile(rule.text)
        tests.append(lambda answer: text.search(answer.readable) is not None)
    return tests[0] if len(tests) == 1 else lambda answer: all(test(answer) for test in tests)


class Judge:
    """Turns answers into outcomes by compiled rules; make one per endpoint and keep it.

    First match wins: (1) the rules, (2) the protocol's table, (3) unknown. A 2xx that no rule matches is taken, unless some rule
    says what `taken` or `queued` looks like: then silence is not consent, and the answer is not understood (HUB-D-118, retried).
    An HTML page is never read as success where data was due (HUB-D-117), whatever its 2xx status, nor is an answer with a
    `trouble`; failure rules still see both.
    """

    def __init__(
        self, rules: Sequence[AnswerRule] = (), *, expect: Expect = "data", fixed_path: bool = True, clock: Clock | None = None
    ) -> None:
        self._rules = tuple((rule, compiled(rule)) for rule in rules)
        self._declares_success = any(rule.means in (Means.TAKEN, Means.QUEUED) for rule in rules)
        self._expect = expect
        self._fixed_path = fixed_path
        self._clock = clock or (lambda: datetime.now(UTC))

    def __call__(self, answer: Answer) -> Outcome:
        """Return the receipt or the failure this answer means; never raises."""
        if answer.trouble is not None:
            return self.by_rule(answer, page=True) or answer.trouble
        page = self._expect != "any" and answer.is_html
        return self.by_rule(answer, page=page) or self._by_protocol(answer, page)

    def by_rule(self, answer: Answer, *, page: bool = False) -> Outcome | None:
        """Return what the first matching rule says, None when none matches. `page`: skip rules that mean success."""
        for rule, holds in self._rules:
            if page and rule.means in _SUCCESS:
                continue
            if holds(answer):
                return self._outcome(rule, answer)
        return None

    def _by_protocol(self, answer: Answer, page: bool) -> Outcome:
        status = answer.status
        if not 200 <= status < 300:
            heard, now = words.heard(answer), self._clock()
            return by_status(status, answer.headers, said=heard, now=now, fixed_path=self._fixed_path)
        if page:
            return Retryable("HUB-D-117", f"HTTP {status} with an HTML page where data was due", said=words.heard(answer))
        if not _is_of_type(answer, self._expect):
            return InDoubt("HUB-D-117", f"HTTP {status}, but the body is no readable {self._expect}", said=words.heard(answer))
        if self._declares_success:
            return Retryable("HUB-D-118", f"HTTP {status}: no rule understands the answer", said=words.heard(answer))
        return Receipt()

    def _outcome(self, rule: AnswerRule, answer: Answer) -> Outcome:
        heard = words.said(answer.select(rule.said) if rule.said else "")
        if rule.means in _SUCCESS:
            deadline = self._clock() + timedelta(seconds=rule.within) if rule.within else None
            return Receipt(Taken(rule.means.value), answer.select(rule.reference) if rule.reference else None, heard, deadline)
        return self._failure(rule, answer, heard or words.heard(answer))

    def _failure(self, rule: AnswerRule, answer: Answer, heard: str) -> Failure:
        fault = f", fault {words.said(answer.fault)}" if answer.fault else ""
        where = f"HTTP {answer.status}{fault}"
        if rule.means is Means.REJECTED:
            return Rejected("HUB-D-120", f"{where}: refused, says a rule", said=heard)
        if rule.means is Means.MISCONFIGURED:
            return Misconfigured("HUB-D-122", f"{where}: the set-up is wrong, says a rule", said=heard)
        if rule.after is None:
            return Retryable("HUB-D-121", f"{where}: try again, says a rule", said=heard)
        until = self._clock() + timedelta(seconds=rule.after)
        return Deferred("HUB-D-121", f"{where}: try again later, says a rule", until=until, said=heard)


def judge(rules: Sequence[AnswerRule], answer: Answer, *, expect: Expect = "data") -> Outcome:
    """Judge one answer; where many come, keep a Judge."""
    return Judge(rules, expect=expect)(answer)


def _is_of_type(answer: Answer, expect: Expect) -> bool:
    """Whether a body that is there can be read as declared; an empty one says nothing and is fine."""
    if expect in ("data", "any") or not answer.content.strip():
        return True
    return json_tree(answer) is not None if expect == "json" else xml_tree(answer) is not None
