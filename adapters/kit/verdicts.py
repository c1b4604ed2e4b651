"""Decides what a row of a far side's list says later about a message it took, and when it is a fault that it names none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from pydantic import Field

from adapters.kit import words
from adapters.kit.answer import Answer, as_text, json_selector, steps, value_at
from adapters.kit.answers import AnswerCondition, compiled
from hub.model import Json, Judgement, Unreadable, Verdict
from hub.ports import Options


class VerdictRule(AnswerCondition):
    """One line of `verdicts`: what a row says about the message it names. `said` is where the far side's words are."""

    means: Judgement
    said: str | None = None


class ByName(Options):
    """Which endpoint a row speaks of, when one list speaks of several: `names` are the far side's names for ours, at `at`."""

    at: str
    names: dict[str, str] = Field(min_length=1)


class VerdictReader:
    """Reads rows by rules, the first that matches decides. name: of the feedback; row, batch: where a row names the message."""

    def __init__(self, name: str, endpoint: str | ByName, row: str, batch: str | None, rules: Sequence[VerdictRule]) -> None:
        self._name = name
        self._endpoint = endpoint
        self._row, self._row_at = steps(row), row
        self._batch = steps(batch) if batch else None
        self._rules = [(rule, compiled(rule)) for rule in rules]

    def read(self, rows: Iterable[tuple[str, Mapping[str, Json]]]) -> tuple[tuple[Verdict, ...], tuple[Unreadable, ...]]:
        """Return what the rows say, in their order, and the faults among them; each row comes with what it is known by.

        A row no rule matches says nothing (yet). One that says something about nobody is a fault: a refusal may stand in it, and
        the cursor goes on past it.
        """
        found = [self._one(key, row) for key, row in rows]
        verdicts = tuple(one for one in found if isinstance(one, Verdict))
        return verdicts, tuple(one for one in found if isinstance(one, Unreadable))

    def _one(self, key: str, row: Mapping[str, Json]) -> Verdict | Unreadable | None:
        answer = Answer(200, select=json_selector(row))
        rule = next((rule for rule, holds in self._rules if holds(answer)), None)
        if rule is None:
            return None
        endpoint, name = self._about(answer), as_text(value_at(row, self._row))
        if not endpoint:
            return self._nobodys(key, f"names at {self._said_at} no interface that is among names")
        if not name:
            return self._nobodys(key, f"names no message at {self._row_at}")
        batch = as_text(value_at(row, self._batch)) if self._batch else None
        return Verdict(endpoint, name, batch or None, rule.means, words.said(answer.select(rule.said) if rule.said else ""))

    def _nobodys(self, key: str, reason: str) -> Unreadable:
        return Unreadable(self._name, key, "HUB-S-408", f"the row holds a verdict, but {reason}")

    @property
    def _said_at(self) -> str:
        return "" if isinstance(self._endpoint, str) else self._endpoint.at

    def _about(self, answer: Answer) -> str | None:
        if isinstance(self._endpoint, str):
            return self._endpoint
        return self._endpoint.names.get(answer.select(self._endpoint.at) or "")
