"""Decides what a row of a far side's list says later about a message it took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import Field

from adapters.kit import words
from adapters.kit.answer import Answer, as_text, json_selector, steps, value_at
from adapters.kit.answers import AnswerCondition, compiled
from hub.model import Json, Judgement, Verdict
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
    """Reads rows by rules, the first that matches decides. row, batch: where a row names the message."""

    def __init__(self, endpoint: str | ByName, row: str, batch: str | None, rules: Sequence[VerdictRule]) -> None:
        self._endpoint = endpoint
        self._row = steps(row)
        self._batch = steps(batch) if batch else None
        self._rules = [(rule, compiled(rule)) for rule in rules]

    def __call__(self, row: Mapping[str, Json]) -> Verdict | None:
        """Return what the row says; None when it names no message of ours or no rule matches: nothing is said (yet)."""
        answer = Answer(200, select=json_selector(row))
        rule = next((rule for rule, holds in self._rules if holds(answer)), None)
        name = as_text(value_at(row, self._row))
        endpoint = self._about(answer)
        if rule is None or not name or not endpoint:
            return None
        batch = as_text(value_at(row, self._batch)) if self._batch else None
        return Verdict(endpoint, name, batch or None, rule.means, words.said(answer.select(rule.said) if rule.said else ""))

    def _about(self, answer: Answer) -> str | None:
        if isinstance(self._endpoint, str):
            return self._endpoint
        return self._endpoint.names.get(answer.select(self._endpoint.at) or "")
