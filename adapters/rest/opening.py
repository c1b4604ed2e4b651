"""Decides how an answer is read that holds encrypted content, or JSON as text: what that says takes its place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from adapters.kit.answer import Answer, json_tree, steps, value_at
from adapters.kit.seal import unsealed
from adapters.rest.options import JsonText, SealedAnswers
from hub.errors import InDoubt


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a text stands, what it holds (ValueError if it cannot be read), and the error's code and words then."""

    at: str
    read: Callable[[str], Any]
    code: str
    fault: str

    def trouble(self, status: int) -> InDoubt:
        """Return what it means that it cannot be read: whatever the far side did, it cannot be seen here."""
        return InDoubt(self.code, f"HTTP {status}, but what it holds at {self.at or 'its top'} {self.fault}")


class Opener:
    """Opens answers: first what is encrypted, then what is JSON as text, outer ones first."""

    def __init__(self, sealing: SealedAnswers | None, documents: Sequence[JsonText]) -> None:
        self._places = [_sealed(sealing)] if sealing else []
        self._places += [_Place(one.at, orjson.loads, "HUB-D-135", "is no JSON") for one in documents]

    def __call__(self, answer: Answer) -> Answer:
        """Return the opened answer; a place without text, as refusals often have it, stays as it is.

        An answer of good status that cannot be opened says so in its `trouble`: InDoubt HUB-D-134, or HUB-D-135 for JSON.
        """
        tree, content = json_tree(answer), answer.content
        for place in self._places:
            path = steps(place.at)
            text = value_at(tree, path)
            if not isinstance(text, str) or not text.strip():
                continue
            try:
                tree = _put(tree, path, place.read(text))
                content = orjson.dumps(tree)
            except (ValueError, orjson.JSONEncodeError):  # the latter: nested deeper than can be written again
                return self._torn(answer, content, place)
        return answer if content is answer.content else Answer(answer.status, answer.headers, content, charset="utf-8")

    @staticmethod
    def _torn(answer: Answer, content: bytes, place: _Place) -> Answer:
        """Return what could be opened; of another status than 2xx that status says enough."""
        trouble = place.trouble(answer.status) if 200 <= answer.status < 300 else None
        charset = answer.charset if content is answer.content else "utf-8"
        return Answer(answer.status, answer.headers, content, charset=charset, trouble=trouble)


def _sealed(options: SealedAnswers) -> _Place:
    return _Place(options.at, lambda text: _content(unsealed(options, text)), "HUB-D-134", "cannot be opened")


def _content(content: bytes) -> Any:
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        return content.decode("utf-8", errors="replace")


def _put(tree: Any, path: tuple[str, ...], value: Any) -> Any:
    if not path:
        return value
    if isinstance(tree, list):
        return [_put(one, path[1:], value) if str(at) == path[0] else one for at, one in enumerate(tree)]
    return {**tree, path[0]: _put(tree[path[0]], path[1:], value)}
