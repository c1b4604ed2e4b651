"""Decides how names in braces inside an address are found and filled, so that no value can change where it leads."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import quote

from adapters.kit.templates import Compiler, Scope
from hub.errors import Rejected

_BRACES = re.compile(r"\{([^{}]*)\}")


def names_in(path: str) -> list[str]:
    """Return the names in braces: `/cases/{body.no}` gives `body.no`."""
    return _BRACES.findall(path)


def tokens(path: str) -> list[str]:
    """Return the names as placeholders."""
    return [f"${name}" for name in names_in(path)]


def path_maker(path: str, compiler: Compiler) -> Callable[[Scope], str]:
    """Compile a path; filling it raises Rejected HUB-D-132 when a value is empty or would climb to another address."""
    fixed = _BRACES.split(path)[::2]
    parts = [(name, compiler.compile(f"${name}")) for name in names_in(path)]
    if not parts:
        return lambda scope: path

    def fill(scope: Scope) -> str:
        pieces = [fixed[0]]
        for (name, part), rest in zip(parts, fixed[1:], strict=True):
            pieces += [_segment(name, part.text(scope)), rest]
        return "".join(pieces)

    return fill


def _segment(name: str, value: str | None) -> str:
    if not value or value in (".", ".."):
        raise Rejected("HUB-D-132", f"the address needs a value for {{{name}}}, and this record has none that fits")
    return quote(value, safe="")
