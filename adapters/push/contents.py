"""Decides which records the body of an authentic push holds: read as strictly as a file, whole or not at all."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import Any
from urllib.parse import parse_qsl

from adapters.files.encoding import check_encoding, check_mark, codec
from adapters.files.read_text import finite, named, no_constant
from adapters.files.readers import reader
from adapters.files.rows import BadFile, Row, Spoilt, record, unreadable
from adapters.kit.answer import Answer, declared, json_selector, steps, value_at
from adapters.kit.answers import Condition, compiled
from adapters.push.options import Feed
from hub.errors import PushRefused
from hub.model import Operation, Page, Push, Record

#: What a Content-Type may declare → what it is read with.
_CODECS = {
    **dict.fromkeys(("utf-8", "utf8"), "utf-8"),
    **dict.fromkeys(("gb18030", "gbk", "gb2312"), "gb18030"),
    **dict.fromkeys(("us-ascii", "ascii"), "ascii"),
}


class Contents:
    """Reads the bodies of one kind. `numbered`: pushes have numbers of their own, which stay when they are sent again."""

    def __init__(self, kind: str, feed: Feed, *, numbered: bool = True) -> None:
        self._kind, self._feed, self._numbered = kind, feed, numbered
        self._deleted: Condition | None = compiled(feed.deleted) if feed.deleted else None

    def page(self, push: Push, number: str) -> Page:
        """Return the records of the push of that number.

        Raises PushRefused, before anything is taken, when the body as a whole is not as configured.
        """
        try:
            self._as_declared(push)
            rows = list(islice(self._rows(push.body), self._feed.most + 1))
        except BadFile as reason:
            raise PushRefused(reason.code, reason.reason) from None
        if len(rows) > self._feed.most:
            raise PushRefused("HUB-S-611", f"more than {self._feed.most} records in one push", hint="send them in several")
        name = f"push {self._name(push.body, number)}"
        made = [record(self._feed, self._kind, row, name) if isinstance(row, Row) else row for row in rows]
        faults = tuple(unreadable(self._kind, name, one) for one in made if isinstance(one, Spoilt))
        return Page(tuple(self._judged(one) for one in made if isinstance(one, Record)), None, faults)

    def _name(self, body: bytes, number: str) -> str:
        """Return by what a row that is no record is known again, beside its place: no bytes that may tell the time of sending."""
        known = number.encode() if self._numbered or self._feed.format == "form" else body
        return hashlib.sha256(known).hexdigest()[:16]

    def _as_declared(self, push: Push) -> None:
        """Refuse a body that calls itself something else than the configuration does: one of both would read it wrongly."""
        told = declared(push.headers.get("content-type", ""))
        if told is not None and self._feed.format != "xlsx" and _CODECS.get(told.lower()) not in (self._codec, "ascii"):
            raise BadFile("HUB-S-220", f"declares the encoding {told[:30]}, but {self._feed.encoding} is configured")

    @property
    def _codec(self) -> str:
        return codec(self._feed.encoding)

    def _rows(self, body: bytes) -> Iterator[Row | Spoilt]:
        if self._feed.format == "json":
            return self._items(body)
        if self._feed.format == "form":
            return iter([named(self._feed, self._fields(body), "the form")])
        return reader(self._feed.format)(io.BytesIO(body), self._feed)

    def _items(self, body: bytes) -> Iterator[Row | Spoilt]:
        try:
            tree = json.loads(self._text(body), parse_constant=no_constant, parse_float=finite)
        except json.JSONDecodeError as error:
            raise BadFile("HUB-S-610", f"line {error.lineno}, column {error.colno}: no JSON") from None
        except (ValueError, RecursionError):
            raise BadFile("HUB-S-610", "no JSON: a number beyond all limits, or too deep") from None
        found = value_at(tree, steps(self._feed.items))
        items = [found] if isinstance(found, dict) else found
        if not isinstance(items, list):
            raise BadFile("HUB-S-610", f"neither a list nor an object at {self._feed.items or 'the top'}")
        return (self._item(item, f"item {number}") for number, item in enumerate(items, 1))

    def _item(self, item: Any, place: str) -> Row | Spoilt:
        return named(self._feed, item, place) if isinstance(item, dict) else Spoilt(place, "HUB-S-245", "no JSON object")

    def _fields(self, body: bytes) -> dict[str, Any]:
        try:
            pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, encoding=self._codec, errors="strict")
        except UnicodeDecodeError:
            raise BadFile("HUB-S-220", f"a field is not in {self._feed.encoding}; is the form in another encoding?") from None
        if len({name for name, _ in pairs}) < len(pairs):
            raise BadFile("HUB-S-610", "a field of the form stands twice")
        return dict(pairs)

    def _text(self, body: bytes) -> str:
        start = check_mark(body[:4], self._feed.encoding)
        check_encoding(io.BytesIO(body), self._feed.encoding)
        try:
            return body[start:].decode(self._codec)
        except UnicodeDecodeError as error:
            at = start + error.start
            raise BadFile("HUB-S-220", f"byte {at} is not in {self._feed.encoding}; is the body in another encoding?") from None

    def _judged(self, one: Record) -> Record:
        if self._deleted is not None and self._deleted(Answer(200, select=json_selector(one.data))):
            return replace(one, operation=Operation.DELETE)
        return one
