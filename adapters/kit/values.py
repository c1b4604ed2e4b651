"""Decides what `$body.x`, `$key`, `$secret.pwd` … in a configured value stand for, where whole values are wanted and not texts."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from adapters.kit.answer import value_at
from adapters.kit.templates import MISSING, Compiler, Scope
from hub.model import Json, Message

Value = Callable[[Scope], Json]

#: What takes a path and is no part of a message stands alone: never a secret in the middle of a text.
_OWN = re.compile(r"\$(item|secret)((?:\.[\w\-@]+)*)")


def compiled(spec: Json, roots: frozenset[str]) -> Value:
    """Return a function from a scope to the value; objects and lists are walked, what is missing is left out of them.

    Raises ValueError on a name that is not in `roots`.
    """
    if isinstance(spec, Mapping):
        fields = [(name, compiled(value, roots)) for name, value in spec.items()]
        return lambda scope: {name: value for name, part in fields if (value := part(scope)) is not MISSING}
    if isinstance(spec, list | tuple):
        items = [compiled(value, roots) for value in spec]
        return lambda scope: [value for part in items if (value := part(scope)) is not MISSING]
    own = _OWN.fullmatch(spec) if isinstance(spec, str) else None
    return _own(own[1], own[2]) if own and own[1] in roots else Compiler(roots).compile(spec).render


def _own(root: str, path: str) -> Value:
    steps = tuple(path[1:].split(".")) if path else ()
    return lambda scope: MISSING if (value := value_at(scope.values.get(root), steps)) is None else value


def extended(scope: Scope, **values: Any) -> Scope:
    """Return a scope that knows more."""
    return Scope(scope.message, {**scope.values, **values})


def scope_of(message: Message | None, **values: Any) -> Scope:
    """Return the scope of one call."""
    return Scope(message, values)
