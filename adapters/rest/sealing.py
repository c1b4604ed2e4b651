"""Decides how an answer is read whose content came encrypted."""

from __future__ import annotations

from typing import Any

import orjson

from adapters.kit.answer import Answer, json_tree, steps, value_at
from adapters.kit.seal import unsealed
from adapters.kit.templates import dumps
from adapters.rest.options import SealedAnswers
from hub.errors import InDoubt


class Opener:
    """Opens answers: the encrypted text at one place gives way to what it holds."""

    def __init__(self, options: SealedAnswers) -> None:
        self._options = options
        self._at = steps(options.at)

    def __call__(self, answer: Answer) -> Answer:
        """Return the opened answer; one without text there, as refusals often are, stays as it is.

        Raises InDoubt HUB-D-134 when the text cannot be opened: whatever the far side did, it cannot be read here.
        """
        tree = json_tree(answer)
        text = value_at(tree, self._at)
        if not isinstance(text, str) or not text:
            return answer
        try:
            content = unsealed(self._options, text)
        except ValueError as error:
            reason = f"HTTP {answer.status}, but what it holds at {self._options.at} cannot be opened"
            raise InDoubt("HUB-D-134", reason) from error
        return Answer(answer.status, answer.headers, dumps(_put(tree, self._at, _read(content))))


def _read(content: bytes) -> Any:
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
