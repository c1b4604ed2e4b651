"""Decides what has a name in a push: fields of its body, parameters, headers; the body's own come first, for they become records.

Everything is kept as bytes written one character each (Latin-1): a signature is over bytes, whatever they mean.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl

import orjson

from adapters.kit.answer import as_text
from hub.model import Push


def as_bytes(text: str, charset: str) -> str:
    """Return the bytes of a text, one character each; what the charset lacks can match no signature."""
    return text.encode(charset, "replace").decode("latin-1")


def form(query: str | bytes) -> dict[str, str]:
    """Return the fields of a form or query; of two with one name the last."""
    text = query.decode("latin-1") if isinstance(query, bytes) else query
    return dict(parse_qsl(text, keep_blank_values=True, encoding="latin-1"))


def tree(body: bytes) -> Any:
    """Return a body read as JSON, None when it is none."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


class Named:
    """The named values of one request. What its body is, the configuration says and not the request: it might say it twice."""

    def __init__(self, push: Push, charset: str, *, is_form: bool) -> None:
        self.body = form(push.body) if is_form else dict(_members(tree(push.body), charset))
        self._query = form(push.query)
        self._headers = push.headers
        self._charset = charset

    def get(self, name: str) -> str:
        """Return the value of that name, empty when there is none."""
        exact = as_bytes(name, self._charset)
        return self.signed(name) if exact in self.body or exact in self._query else self._headers.get(name.lower(), "")

    def signed(self, name: str) -> str:
        """Return the value of that name among what `all` tells, empty when there is none there."""
        exact = as_bytes(name, self._charset)
        return self.body.get(exact, self._query.get(exact, ""))

    def all(self, but: str) -> list[tuple[str, str]]:
        """Return every parameter and field of the body but one."""
        found = {**self._query, **self.body}
        found.pop(as_bytes(but, self._charset), None)
        return list(found.items())


def _members(tree: Any, charset: str) -> Iterator[tuple[str, str]]:
    if isinstance(tree, Mapping):
        for name, value in tree.items():
            yield as_bytes(name, charset), as_bytes(as_text(value) or "", charset)
