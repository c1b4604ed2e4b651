"""Decides which bytes a configured request becomes for one message."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import quote, urlencode

from adapters.kit.answer import as_text
from adapters.kit.charset import encode, field_of, unencodable
from adapters.kit.http import Headers, header, headers
from adapters.kit.templates import Compiler, Scope, Template, dumps
from adapters.rest.paths import path_maker, tokens
from adapters.rest.shape import COMMON, Shape
from hub.errors import Rejected

_TYPES = {"json": "application/json", "form": "application/x-www-form-urlencoded", "xml": "application/xml", "text": "text/plain"}
# Everything but unreserved characters; blanks are left for the plus sign.
_UNSAFE = re.compile(rb"[^A-Za-z0-9_.~ -]+")


class Draft:
    """A request before it is signed and becomes bytes. `tree` is the JSON body, `form` the fields, `text` a text body."""

    __slots__ = ("body", "charset", "form", "headers", "method", "path", "query", "source", "text", "tree")

    def __init__(self, method: str, path: str, body: str, charset: str) -> None:
        self.method = method
        self.path = path
        self.body = body
        self.charset = charset
        self.query: dict[str, str] = {}
        self.headers: list[tuple[bytes, bytes]] = []
        self.tree: Any = None
        self.form: dict[str, str] = {}
        self.text = ""
        self.source: Any = None  # the record's body; only to name a field in an error

    def content(self) -> bytes:
        """Return the body's bytes; raises Rejected HUB-D-130 for a character the charset lacks."""
        if self.body == "json":
            raw = dumps(self.tree)
            return raw if self.charset == "utf-8" else encode(raw.decode(), self.charset, self.tree)
        if self.body == "form":
            return self._form().encode("ascii")
        return encode(self.text, self.charset, self.source) if self.body != "none" else b""

    def _form(self) -> str:
        try:
            return "&".join(
                f"{form_quoted(name, self.charset)}={form_quoted(value, self.charset)}" for name, value in self.form.items()
            )
        except UnicodeEncodeError as error:
            letter = error.object[error.start]
            field = field_of(letter, self.source) or field_of(letter, self.form)
            raise unencodable(letter, self.charset, field) from None

    def url(self) -> str:
        """Return the path with its parameters."""
        return f"{self.path}?{urlencode(self.query, quote_via=quote)}" if self.query else self.path

    def values(self) -> dict[str, str]:
        """Return all that has a name in the request: JSON members, headers, parameters, form fields; the last one wins."""
        tree = self.tree if isinstance(self.tree, Mapping) else {}
        named = {name: as_text(value) or "" for name, value in tree.items()}
        named.update({name.decode(): value.decode("latin-1") for name, value in self.headers})
        return {**named, **self.query, **self.form}


class Call:
    """One configured request, compiled: `draft` fills it for a scope. `names` are the placeholders it needs."""

    def __init__(
        self,
        shape: Shape,
        *,
        base_headers: Mapping[str, str],
        charset: str,
        seal: Callable[[bytes], str] | None = None,
        sealed: Sequence[str] = (),
        default: str | None = None,
    ) -> None:
        compiler = Compiler(type(shape).known | COMMON, seal=seal)
        self.method = shape.method
        tree = default if shape.template is None else shape.template
        self.body = "none" if tree is None else shape.form_of_body
        self.charset = shape.charset or charset
        self._seal, self._sealed = seal, tuple(sealed)
        self._template = compiler.compile(tree, escape_xml=self.body == "xml")
        self._path = path_maker(shape.path, compiler)
        self._query = {name: compiler.compile(value) for name, value in shape.query.items()}
        named = {name: compiler.compile(value) for name, value in {**base_headers, **shape.headers}.items()}
        self._fixed = headers(self._typed({name: part for name, part in named.items() if part.constant}))
        self._moving = {name: part for name, part in named.items() if not part.constant}
        self.names = _names([self._template, *self._query.values(), *self._moving.values(), *_path_parts(shape, compiler)])
        self.stamped = not self.names.isdisjoint(("timestamp", "nonce"))
        self.template_names = _top_names(tree) | set(shape.query) | set(named)

    def _typed(self, constant: Mapping[str, Template]) -> dict[str, str]:
        """Return the constant headers, with a Content-Type unless one is given."""
        given = {name: part.text(Scope()) or "" for name, part in constant.items()}
        if self.body == "none" or any(name.lower() == "content-type" for name in given):
            return given
        suffix = "" if self.body == "json" and self.charset == "utf-8" else f"; charset={self.charset}"
        return {"content-type": _TYPES[self.body] + suffix, **given}

    def draft(self, scope: Scope, extra: Headers = ()) -> Draft:
        """Return the request for this scope; raises Rejected when the record's values do not fit it."""
        draft = Draft(self.method, self._path(scope), self.body, self.charset)
        draft.headers = [*self._fixed, *extra]
        draft.source = scope.message.body if scope.message else None
        for name, part in self._moving.items():
            _add_header(draft, name, part.text(scope))
        for name, part in self._query.items():
            if (value := part.text(scope)) is not None:
                draft.query[name] = value
        self._fill(draft, scope)
        return draft

    def _fill(self, draft: Draft, scope: Scope) -> None:
        if self.body == "json":
            draft.tree = self._closed(self._template.render(scope))
        elif self.body == "form":
            tree = self._closed(self._template.render(scope))
            draft.form = {name: as_text(value) or "" for name, value in _fields(tree).items()}
        elif self.body != "none":
            draft.text = self._template.text(scope) or ""

    def _closed(self, tree: Any) -> Any:
        """Return the tree with the members that travel encrypted put so; one that is not there stays away."""
        seal = self._seal
        if seal is None or not self._sealed or not isinstance(tree, Mapping):
            return tree
        return {**tree, **{name: seal((as_text(tree[name]) or "").encode()) for name in self._sealed if name in tree}}


def form_quoted(text: str, charset: str) -> str:
    """Return text quoted for a form (WHATWG URL, application/x-www-form-urlencoded), much faster than urllib does on Chinese."""
    return _UNSAFE.sub(lambda found: _percent(found[0]), text.encode(charset)).replace(b" ", b"+").decode("ascii")


@lru_cache(maxsize=4096)  # the same few marks stand between all values of a JSON text
def _percent(run: bytes) -> bytes:
    return b"%" + run.hex("%").upper().encode()


def _fields(tree: Any) -> Mapping[str, Any]:
    if isinstance(tree, Mapping):
        return tree
    raise Rejected("HUB-D-132", "a form needs an object of fields")


def _add_header(draft: Draft, name: str, value: str | None) -> None:
    if value is None:
        return
    try:
        draft.headers.append(header(name, value))
    except (ValueError, UnicodeEncodeError):
        raise Rejected("HUB-D-132", f"the value for header {name} holds a character no header may hold") from None


def _names(parts: list[Template]) -> frozenset[str]:
    return frozenset(name for part in parts for name in part.names)


def _path_parts(shape: Shape, compiler: Compiler) -> list[Template]:
    return [compiler.compile(token) for token in tokens(shape.path)]


def _top_names(tree: Any) -> set[str]:
    """Return the names a body certainly has at its top; `*` when they come from the record."""
    if isinstance(tree, Mapping):
        return set(tree)
    return {"*"} if isinstance(tree, str) else set()
