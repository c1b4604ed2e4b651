"""Decides how a template in YAML becomes a request: a tree of values in which a closed set of placeholders is replaced."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

import orjson

from adapters.kit.answer import as_text, value_at
from adapters.kit.xmltext import elements
from hub.errors import Rejected
from hub.model import Message

#: Nothing stands there: an entry of an object or a list is left out, a text gets nothing.
MISSING: Any = type("Missing", (), {"__repr__": lambda self: "MISSING", "__bool__": lambda self: False})()


class Scope:
    """What placeholders see: one message, and values that belong to this one request."""

    __slots__ = ("message", "values")

    def __init__(self, message: Message | None = None, values: Mapping[str, Any] | None = None) -> None:
        self.message = message
        self.values = values or {}


Part = Callable[[Scope], Any]
_Getter = Callable[[Any], Any]

#: Placeholders that read the message. `body` and the values marked as trees take a path: `$body.a.b`.
MESSAGE: Mapping[str, _Getter] = {
    "body": lambda message: message.body,
    "key": lambda message: message.key,
    "operation": lambda message: message.operation.value,
    "batch": lambda message: message.batch,
    "kind": lambda message: message.kind,
    "lane": lambda message: message.lane,
    "endpoint": lambda message: message.endpoint,
    "idempotency_key": lambda message: message.idempotency_key,
    "time": lambda message: f"{message.created:%Y-%m-%dT%H:%M:%SZ}",
}
#: Names that hold a tree and take a path.
TREES = frozenset({"body", "items", "secret", "stamps"})
#: Names that some requests know and others do not.
ELSEWHERE = frozenset({"items", "cursor", "page", "token", "timestamp", "nonce", "secret", "content", "method", "path"})
_TOKEN = re.compile(r"\$\$|\$(json|xml|sealed)\(([a-z_]+)((?:\.[\w\-@]+)*)\)|\$([a-z_]+)((?:\.[\w\-@]+)*)|\$")


class Template:
    """A compiled template. `names`: the placeholders it uses; `constant`: it uses none."""

    __slots__ = ("constant", "names", "render")

    def __init__(self, render: Part, names: frozenset[str]) -> None:
        self.render = render
        self.names = names
        self.constant = not names

    def text(self, scope: Scope) -> str | None:
        """Return the rendered value as text, None when it is missing."""
        value = self.render(scope)
        return None if value is MISSING else as_text(value)


class Compiler:
    """Compiles templates that may use certain names; raises ValueError, with the names there are, on any other."""

    def __init__(self, names: Collection[str], *, seal: Callable[[bytes], str] | None = None) -> None:
        self._names = frozenset(names)
        self._seal = seal

    def compile(self, tree: Any, *, escape_xml: bool = False) -> Template:
        """Compile a tree of objects, lists and scalars. With `escape_xml`, values inside a longer text are escaped as XML."""
        used: set[str] = set()
        return Template(self._node(tree, used, escape_xml), frozenset(used))

    def _node(self, tree: Any, used: set[str], xml: bool) -> Part:
        if isinstance(tree, str):
            return self._text(tree, used, xml)
        if isinstance(tree, Mapping):
            return _object([(name, self._node(value, used, xml)) for name, value in tree.items()])
        if isinstance(tree, list | tuple):
            return _list([self._node(value, used, xml) for value in tree])
        return lambda scope: tree

    def _text(self, text: str, used: set[str], xml: bool) -> Part:
        whole = _TOKEN.fullmatch(text)
        pieces = self._pieces(text, used)
        if whole and len(pieces) == 1 and callable(pieces[0]) and not xml:
            return pieces[0]
        if not any(callable(piece) for piece in pieces):
            constant = "".join(piece for piece in pieces if isinstance(piece, str))
            return lambda scope: constant
        quote = elements if xml else as_text
        return lambda scope: "".join(piece if isinstance(piece, str) else _inner(piece(scope), quote) for piece in pieces)

    def _pieces(self, text: str, used: set[str]) -> list[str | Part]:
        pieces: list[str | Part] = []
        at = 0
        for found in _TOKEN.finditer(text):
            pieces.append(text[at : found.start()])
            pieces += self._token(found, text, used)
            at = found.end()
        return [piece for piece in [*pieces, text[at:]] if piece != ""]

    def _token(self, found: re.Match[str], text: str, used: set[str]) -> list[str | Part]:
        function, inner, inner_path, name, path = found.groups()
        if found[0] == "$$":
            return ["$"]
        if name is None and inner is None:
            raise ValueError("a $ of its own is written $$")
        self._known(inner or name, used)
        if function:
            return [self._function(function, _getter(inner, inner_path))]
        if path and name not in TREES:  # "$key.xml": the rest is plain text
            return [_getter(name, ""), path]
        return [_getter(name, path)]

    def _known(self, name: str, used: set[str]) -> None:
        if name not in self._names:
            # A name that is no misspelling may be part of a secret that was filled in here: it is not quoted.
            close = difflib.get_close_matches(name, [*self._names, *MESSAGE, *ELSEWHERE], n=1)
            asked = f"${name}" if close else "a placeholder of another name"
            raise ValueError(f"{asked} is not known here; known: {', '.join('$' + known for known in sorted(self._names))}")
        used.add(name)

    def _function(self, function: str, get: Part) -> Part:
        if function == "json":
            return lambda scope: Raw(dumps(get(scope)).decode())
        if function == "xml":
            return lambda scope: Raw(elements(None if (value := get(scope)) is MISSING else value))
        seal = self._seal
        if seal is None:
            raise ValueError("$sealed(...) needs seal: (cipher and key)")
        return lambda scope: Raw(seal(dumps(get(scope))))


class Raw(str):
    """Text that is finished: never escaped again."""

    __slots__ = ()


def _inner(value: Any, quote: Callable[[Any], str | None]) -> str:
    if value is MISSING:
        return ""
    return value if isinstance(value, Raw) else quote(value) or ""


def _getter(name: str, path: str) -> Part:
    read = MESSAGE.get(name)
    steps = tuple(path[1:].split(".")) if path else ()
    if read is None:
        get: Part = lambda scope: scope.values.get(name, MISSING)  # noqa: E731
    else:
        get = lambda scope: read(scope.message)  # noqa: E731
    if not steps:
        return get
    return lambda scope: MISSING if (value := value_at(get(scope), steps)) is None else value


def _object(entries: list[tuple[str, Part]]) -> Part:
    def render(scope: Scope) -> dict[str, Any]:
        return {name: value for name, part in entries if (value := part(scope)) is not MISSING}

    return render


def _list(parts: list[Part]) -> Part:
    return lambda scope: [value for part in parts if (value := part(scope)) is not MISSING]


def dumps(value: Any) -> bytes:
    """Return JSON as UTF-8; raises Rejected HUB-D-132 for what JSON cannot hold."""
    try:
        return orjson.dumps(None if value is MISSING else value, default=_plain)
    except TypeError as error:
        raise Rejected("HUB-D-132", f"the body cannot be written as JSON: {type(error.__cause__ or error).__name__}") from None


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, str):
        return str(value)
    raise TypeError
