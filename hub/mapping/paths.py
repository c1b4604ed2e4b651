"""Decides what a path of the mapping language means, as a Python expression for the generated code.

`a.b.c` goes into the record (inside `each`: into the item) · `/a.b` goes into the whole record from inside `each` · `.` is the item
itself · `$name` is a fact of the envelope. What is not there is None.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hub.documents import suggest
from hub.mapping.transforming import Unusable
from hub.model import Json

#: What `$name` may be: the fields of the envelope.
ENVELOPE = ("operation", "batch", "time", "key", "revision", "version", "kind", "system", "lane")


@dataclass(frozen=True, slots=True)
class Scope:
    """The names of the variables a path starts from, in generated code. `sure`: the item is known to be a mapping."""

    item: str = "d"
    root: str = "d"
    envelope: str = "e"  # empty: there is none
    sure: bool = True


def expression(path: str, scope: Scope) -> str:
    """Return the Python expression that fetches `path`. Raises Unusable for a path nobody could mean.

    >>> expression("BJBH", Scope()), expression("/BJBH", Scope("i")), expression("a.b", Scope())
    ("d.get('BJBH')", "d.get('BJBH')", "dig(d, ('a', 'b'))")
    """
    if path.startswith("$"):
        return _fact(path[1:], scope)
    if path == ".":
        return scope.item
    keys = tuple(path.removeprefix("/").split("."))
    if not all(keys) or any("[" in key for key in keys):
        raise Unusable(f"{path!r} is no path", "write a.b.c, without list positions", "HUB-M-201")
    rooted = path.startswith("/")
    start = scope.root if rooted else scope.item
    if len(keys) == 1 and (rooted or scope.sure):
        return f"{start}.get({keys[0]!r})"
    return f"dig({start}, {keys!r})"


def _fact(name: str, scope: Scope) -> str:
    if not scope.envelope:
        raise Unusable(f"${name} is not known here", code="HUB-M-201")
    if name not in ENVELOPE:
        raise Unusable(f"there is no ${name}", suggest(name, ENVELOPE), "HUB-M-201")
    return f"{scope.envelope}.time" if name == "time" else f"str({scope.envelope}.{name})"


def dig(value: Json, keys: tuple[str, ...]) -> Json:
    """Fetch something nested; None when it is not there.

    >>> dig({"a": {"b": 1}}, ("a", "b")), dig({"a": 2}, ("a", "b"))
    (1, None)
    """
    for key in keys:
        if not isinstance(value, (dict, Mapping)):
            return None
        value = value.get(key)
    return value
