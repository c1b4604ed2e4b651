"""Decides whether a body is what its target (or a record what its source) promised, and lists everything that is not."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Any, cast

import jsonschema_rs
import orjson

from hub.documents import dotted
from hub.mapping import schema as schemas
from hub.mapping.encodings import ENCODINGS, Encoding, described
from hub.mapping.fitting import fitting
from hub.mapping.issues import UNLABELLED, Issue, Label, issue
from hub.model import Json

#: JSON Schema keyword -> the rule people see.
_RULES = {
    "required": "required", "type": "type", "enum": "enum", "const": "enum", "pattern": "pattern", "format": "format",
    "minLength": "length", "maxLength": "length", "minItems": "length", "maxItems": "length",
    "minimum": "range", "maximum": "range", "exclusiveMinimum": "range", "exclusiveMaximum": "range", "multipleOf": "range",
    "additionalProperties": "unknown", "unevaluatedProperties": "unknown",
}  # fmt: skip
_MOST_ISSUES = 200
_MOST_DEEP = 64


class Contract:
    """What one kind of data must look like: JSON Schema 2020-12, bytes, encoding. Build it from a schema without findings."""

    def __init__(self, name: str, schema: dict[str, Json]) -> None:
        self.name = name
        self.schema = schema
        self.title = str(schema.get("title", ""))
        self.digest = hashlib.sha256(orjson.dumps(schema, option=orjson.OPT_SORT_KEYS)).hexdigest()
        self.fields = {field.keys: field for field in schemas.fields(schema)}
        self._validator = schemas.validator(schema)
        self._valid = self._validator.is_valid
        self._fits: Callable[[Json], bool] = fitting(self.encoding, list(self.fields.values()), closed=self.closed)

    @property
    def encoding(self) -> Encoding:
        """Return the encoding of every field that names none of its own."""
        return ENCODINGS[self.schema.get("x-encoding", "utf-8")]

    @property
    def closed(self) -> bool:
        """Say whether fields outside the contract are refused."""
        return self.schema.get("additionalProperties") is False

    def field(self, path: tuple[str | int, ...] | str) -> schemas.Field | None:
        """Return what the contract says about a place; list positions in `path` may have any number."""
        parts = path.split(".") if isinstance(path, str) else path
        return self.fields.get(tuple("*" if isinstance(part, int) else part for part in parts))

    def label(self, path: tuple[str | int, ...] | str) -> Label:
        """Return the Chinese title of a field and the kind of personal data it holds, its own or of what is around it."""
        parts = tuple(path.split(".") if isinstance(path, str) else path)
        found = [field.schema for length in range(len(parts), 0, -1) if (field := self.field(parts[:length]))]
        personal = next((one["x-personal"] for one in found if "x-personal" in one), None)
        return Label(str(found[0].get("title", "")), personal, found[0].get("x-rule", "")) if found else UNLABELLED

    def check(self, data: Json) -> list[Issue]:
        """Return everything wrong with `data`, in the contract's order; an empty list when nothing is. Never raises.

        Inside fields the schema does not describe, only texts are looked at.
        """
        return [] if self.fits(data) else self._all(data)

    def fits(self, data: Json) -> bool:
        """Say quickly whether nothing is wrong with `data`; it may say no too often, never yes too often. Never raises."""
        try:
            return bool(self._valid(data) and self._fits(data))
        except (ValueError, TypeError, AttributeError, RecursionError):  # something that is not JSON is in it
            return False

    def _all(self, data: Json) -> list[Issue]:
        foreign: list[Issue] = []
        clean = self._cleaned(data, (), foreign)
        broken = {one.path for one in foreign}
        found = [one for one in self._schema_issues(clean) if one.path not in broken]
        return [*foreign, *found, *self._text_issues(clean)][:_MOST_ISSUES]

    def _schema_issues(self, data: Json) -> Iterator[Issue]:
        for error in self._validator.iter_errors(data):
            yield from self._issues(error, data)

    def _issues(self, error: jsonschema_rs.ValidationError, data: Json) -> Iterator[Issue]:
        keyword, path = error.kind.name, tuple(error.instance_path)
        if keyword == "required":
            path = (*path, cast("Any", error.kind).property)
            yield issue(dotted(path), "required", "is required and missing", None, self.label(path))
        elif keyword in {"additionalProperties", "unevaluatedProperties"}:
            for name in cast("Any", error.kind).unexpected:
                yield issue(dotted((*path, _safe(name))), "unknown", f"is no field of {self.name}", None)
        else:
            label = self.label(path)
            yield issue(dotted(path), _RULES.get(keyword, "schema"), _message(error), _at(data, path), label)

    def _cleaned(self, data: Json, path: tuple[str | int, ...], found: list[Issue]) -> Json:
        """Copy the structure (never the texts) without what JSON cannot hold; each such thing is an issue."""
        if len(path) > _MOST_DEEP:
            found.append(issue(dotted(path[:8]) + "…", "type", f"is nested deeper than {_MOST_DEEP}"))
            return None
        if isinstance(data, dict):
            return {str(key): self._cleaned(value, (*path, str(key)), found) for key, value in data.items()}
        if isinstance(data, (list, tuple)):
            return [self._cleaned(value, (*path, index), found) for index, value in enumerate(data)]
        if data is None or isinstance(data, (str, bool)) or (isinstance(data, (int, float)) and abs(data) < 1.7e308):
            return data
        found.append(
            issue(
                dotted(path),
                "type",
                f"is a value of type {type(data).__name__}, which JSON has no form for",
                None,
                self.label(path),
            )
        )
        return None

    def _text_issues(self, data: Json) -> Iterator[Issue]:
        for path, text in _texts(data):
            field = self.field(path)
            rules = field.schema if field else {}
            encoding = ENCODINGS[rules["x-encoding"]] if "x-encoding" in rules else self.encoding
            if not encoding.fits(text):
                characters = ", ".join(described(*one) for one in encoding.misfits(text))
                yield issue(dotted(path), "encoding", f"cannot be written in {encoding.name}: {characters}", text, self.label(path))
            limit = rules.get("x-max-bytes")
            if limit and (size := encoding.size(text)) > limit:
                message = f"takes {size} bytes in {encoding.name}, {limit} are allowed"
                yield issue(dotted(path), "bytes", message, text, self.label(path))


def _safe(name: str) -> str:
    """Shorten a field name that came with the data, and make it fit for logs."""
    return name[:64].encode("utf-8", "replace").decode()


def _message(error: jsonschema_rs.ValidationError) -> str:
    message = error.message.removeprefix("… ").replace("…", "the value")
    return message if len(message) <= 200 else f"{message[:200]}…"


def _at(data: Json, path: tuple[str | int, ...]) -> Json:
    for part in path:
        data = data[part]
    return data


def _texts(data: Json, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if isinstance(data, str):
        yield path, data
    elif isinstance(data, dict):
        for key, value in data.items():
            yield from _texts(value, (*path, key))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from _texts(value, (*path, index))
