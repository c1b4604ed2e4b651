"""Decides what has a name in a push, and where it may stand: fields of its body, parameters, headers.

Everything is kept as bytes written one character each (Latin-1): a signature is over bytes, whatever they mean.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl

import orjson

from adapters.kit.answer import as_text, steps
from adapters.push.options import Feed
from hub.errors import Unauthentic
from hub.model import Push

#: Fields of a form, parameters, members of an object: nobody who pushes has more, and each costs time before it is proven.
MOST = 1000


def as_bytes(text: str, charset: str) -> str:
    """Return the bytes of a text, one character each; what the charset lacks can match no signature."""
    return text.encode(charset, "replace").decode("latin-1")


def form(query: str | bytes) -> dict[str, str]:
    """Return the fields of a form or query; of two with one name the last. Raises Unauthentic HUB-S-605 when there are too many."""
    text = query.decode("latin-1") if isinstance(query, bytes) else query
    try:
        return dict(parse_qsl(text, keep_blank_values=True, encoding="latin-1", max_num_fields=MOST))
    except ValueError:
        raise _too_many() from None


def _too_many() -> Unauthentic:
    return Unauthentic("HUB-S-605", f"more than {MOST} fields to be signed one by one")


class Named:
    """The named values of one request. What its body is, the configuration says and not the request: it might say it twice.

    The body is read when something in it is asked for. whole: it is signed as a whole, so that nothing can be missing in it; else a
    name of the record must stand in the body, for what stands beside it is signed and yet no part of the record. own: the names of
    the push itself (its time, number and signature), written as bytes.
    """

    def __init__(self, push: Push, charset: str, feed: Feed, *, whole: bool, own: frozenset[str]) -> None:
        self.query = form(push.query)
        self._headers = push.headers
        self._content, self._is_form = push.body, feed.format == "form"
        self._charset, self._whole, self._own = charset, whole, own
        self._record = _of_the_record(feed, charset)

    @cached_property
    def tree(self) -> Any:
        """The body read as JSON, None when it is none."""
        try:
            return orjson.loads(self._content)
        except orjson.JSONDecodeError:
            return None

    @cached_property
    def body(self) -> dict[str, str]:
        """The fields of a form, or the members of a JSON object."""
        return form(self._content) if self._is_form else dict(_members(self.tree, self._charset))

    def get(self, name: str) -> str:
        """Return the value of that name, empty when there is none."""
        exact = as_bytes(name, self._charset)
        beside = self.query.get(exact, self.header(name))
        if self._whole and beside is not None:
            return beside
        return self.body.get(exact, beside or "")

    def header(self, name: str) -> str | None:
        """Return the value of that header, None when there is none."""
        return self._headers.get(name.lower())

    def field(self, name: str) -> str:
        """Return the value of a name that is signed by itself.

        Raises Unauthentic HUB-S-605 when it is a name of the record and stands beside the body: nobody would miss it there.
        """
        exact = as_bytes(name, self._charset)
        if self.of_the_record(exact) and exact not in self.body and (exact in self.query or self.header(name) is not None):
            raise Unauthentic("HUB-S-605", f"{name} belongs to the record, and stands beside the body")
        return self.get(name)

    def of_the_record(self, exact: str) -> bool:
        """Tell whether a name, written as bytes, is one the record is made of; without `columns` every one is."""
        if self._whole:
            return False
        return exact not in self._own if self._record is None else exact in self._record

    def signed(self, name: str) -> str:
        """Return the value of that name among what `all` tells, empty when there is none there."""
        exact = as_bytes(name, self._charset)
        return self.body.get(exact, self.query.get(exact, ""))

    def all(self, but: str) -> list[tuple[str, str]]:
        """Return every parameter and field of the body but one."""
        found = {**self.query, **self.body}
        found.pop(as_bytes(but, self._charset), None)
        return list(found.items())


def _of_the_record(feed: Feed, charset: str) -> frozenset[str] | None:
    """Return the names in a body that records are made of; None where it may be any."""
    names = steps(feed.items)[:1] if feed.items else feed.columns
    return None if names is None else frozenset(as_bytes(name, charset) for name in names)


def _members(tree: Any, charset: str) -> Iterator[tuple[str, str]]:
    if not isinstance(tree, Mapping):
        return
    if len(tree) > MOST:
        raise _too_many()
    for name, value in tree.items():
        yield as_bytes(name, charset), as_bytes(as_text(value) or "", charset)
