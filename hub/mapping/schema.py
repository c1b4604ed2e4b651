"""Decides what may stand in a contract: JSON Schema 2020-12 with our few `x-` keywords, and every misspelt keyword found."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import jsonschema_rs

from hub.documents import Document, suggest
from hub.mapping.encodings import ENCODINGS
from hub.mapping.masking import Personal
from hub.model import Finding, Json

Keys = tuple[str, ...]

#: Ours: what JSON Schema cannot say.
OURS = ("x-encoding", "x-max-bytes", "x-personal", "x-replace", "x-rule", "x-note")
_SUBSCHEMA = {
    "additionalProperties", "contains", "else", "if", "items", "not", "propertyNames", "then", "unevaluatedItems",
    "unevaluatedProperties",
}  # fmt: skip
_SUBSCHEMAS = {"$defs", "dependentSchemas", "patternProperties", "properties"}
_LISTS = {"allOf", "anyOf", "oneOf", "prefixItems"}
_PLAIN = {
    "$anchor", "$comment", "$id", "$ref", "$schema", "const", "contentEncoding", "contentMediaType", "default", "dependentRequired",
    "deprecated", "description", "enum", "examples", "exclusiveMaximum", "exclusiveMinimum", "format", "maxContains", "maximum",
    "maxItems", "maxLength", "maxProperties", "minContains", "minimum", "minItems", "minLength", "minProperties", "multipleOf",
    "pattern", "readOnly", "required", "title", "type", "uniqueItems", "writeOnly",
}  # fmt: skip
_KEYWORDS = _SUBSCHEMA | _SUBSCHEMAS | _LISTS | _PLAIN
_ANY_JSON = ["string", "number", "boolean", "null", "array", "object"]
#: Beyond these no whole number can be written as JSON by everybody (64 bits); Oracle's NUMBER(38) can hold some.
_RANGE = {"minimum": -(2**63), "maximum": 2**64 - 1}
_TYPED = {"type", "$ref", "enum", "const", "allOf", "anyOf", "oneOf", "not", "if"}


def inner(schema: Json) -> Iterator[tuple[tuple[str | int, ...], Json]]:
    """Yield every schema inside `schema`, itself first, each with its path in the document."""
    stack: list[tuple[tuple[str | int, ...], Json]] = [((), schema)]
    while stack:
        path, one = stack.pop()
        yield path, one
        if isinstance(one, dict):
            stack.extend(((*path, *step), child) for step, child in _children(one))


def _children(schema: dict[str, Json]) -> Iterator[tuple[tuple[str | int, ...], Json]]:
    for keyword, value in reversed(schema.items()):
        if keyword in _SUBSCHEMA:
            yield (keyword,), value
        elif keyword in _SUBSCHEMAS and isinstance(value, dict):
            yield from (((keyword, name), child) for name, child in value.items())
        elif keyword in _LISTS and isinstance(value, list):
            yield from (((keyword, index), child) for index, child in enumerate(value))


def tightened(schema: Json) -> Json:
    """Return the schema with «any JSON» where no type is given, and numbers bounded: what is not JSON must not slip through."""
    if not isinstance(schema, dict):
        return schema
    made = dict(schema)
    for keyword, value in schema.items():
        if keyword in _SUBSCHEMA:
            made[keyword] = tightened(value)
        elif keyword in _SUBSCHEMAS and isinstance(value, dict):
            made[keyword] = {name: tightened(child) for name, child in value.items()}
    if not _TYPED & made.keys():
        made["type"] = _ANY_JSON
    return {**_RANGE, **made} if {"number", "integer"} & set(_listed(made.get("type"))) else made


def _listed(value: Json) -> list[Json]:
    return value if isinstance(value, list) else [value]


# --- what is wrong with a contract ---


def findings(document: Document) -> list[Finding]:
    """Return everything wrong with a contract or source schema file."""
    schema = document.data
    if not isinstance(schema, dict):
        return [Finding("HUB-M-214", "a contract is a mapping with type, properties, …", document.place())]
    found = [one for path, part in inner(schema) for one in _part_findings(path, part, document)]
    return found + _meta_findings(schema, document)


def _part_findings(path: tuple[str | int, ...], part: Json, document: Document) -> Iterator[Finding]:
    if not isinstance(part, dict):
        return
    for keyword in part:
        if keyword.startswith("x-") and keyword not in OURS:
            hint = suggest(keyword, OURS)
            yield Finding("HUB-M-214", f"unknown keyword {keyword}", document.place((*path, keyword)), hint, warning=not hint)
        elif not keyword.startswith("x-") and keyword not in _KEYWORDS:
            yield Finding("HUB-M-214", f"unknown keyword {keyword}", document.place((*path, keyword)), suggest(keyword, _KEYWORDS))
    yield from _value_findings(path, part, document)


def _value_findings(path: tuple[str | int, ...], part: dict[str, Json], document: Document) -> Iterator[Finding]:
    allowed: dict[str, list[str]] = {"x-encoding": list(ENCODINGS), "x-personal": [one.value for one in Personal]}
    for keyword, values in allowed.items():
        if keyword in part and part[keyword] not in values:
            message = f"{keyword} is one of {', '.join(values)}"
            yield Finding("HUB-M-214", message, document.place((*path, keyword)), suggest(str(part[keyword]), values))
    limit = part.get("x-max-bytes", 1)
    if not isinstance(limit, int) or isinstance(limit, bool) or limit < 1:
        yield Finding("HUB-M-214", "x-max-bytes is a whole number from 1", document.place((*path, "x-max-bytes")))
    yield from _our_findings(path, part, document)
    pattern = part.get("pattern")
    if isinstance(pattern, str) and (why := _bad_pattern(pattern)):
        yield Finding("HUB-M-214", why, document.place((*path, "pattern")))


def _our_findings(path: tuple[str | int, ...], part: dict[str, Json], document: Document) -> Iterator[Finding]:
    if "x-replace" in part and not (part["x-replace"] is False if path else isinstance(part["x-replace"], str)):
        message = "x-replace of a field can only be false" if path else "x-replace names a code table"
        yield Finding("HUB-M-214", message, document.place((*path, "x-replace")))
    if not re.fullmatch(r"[A-Z]{1,3}\d{2,3}", str(part.get("x-rule", "F01"))):
        yield Finding("HUB-M-214", "x-rule is the number of a rule, such as F07", document.place((*path, "x-rule")))


def _bad_pattern(pattern: str) -> str:
    try:
        jsonschema_rs.Draft202012Validator({"pattern": pattern})
    except (jsonschema_rs.ValidationError, ValueError):
        return "the pattern is no regular expression"
    return ""


def _meta_findings(schema: dict[str, Json], document: Document) -> list[Finding]:
    try:
        validator(schema)
    except jsonschema_rs.ValidationError as error:
        where = tuple(error.instance_path)
        message = re.sub(r"\s+", " ", error.message)[:160]
        return [Finding("HUB-M-214", f"this is not JSON Schema: {message}", document.place(where))]
    except (ValueError, jsonschema_rs.ReferencingError) as error:
        return [Finding("HUB-M-214", f"this is not JSON Schema: {str(error)[:160]}", document.place())]
    return []


def validator(schema: Json) -> jsonschema_rs.Draft202012Validator:
    """Compile a schema; error texts of the validator never quote values. Raises jsonschema_rs.ValidationError, ValueError."""
    return jsonschema_rs.Draft202012Validator(
        tightened(schema), validate_formats=True, ignore_unknown_formats=False, offline=True, mask="…"
    )


# --- fields ---


@dataclass(frozen=True, slots=True)
class Field:
    """One place of the data a schema describes: its keys (`*` for list items), and its schema with references followed."""

    keys: Keys
    schema: dict[str, Json]
    required: bool = False


def fields(schema: dict[str, Json]) -> Iterator[Field]:
    """Yield every field a schema names through properties, items and local references, depth first, at most 12 deep."""
    yield from _fields(schema, schema, ())


def _fields(schema: Json, root: dict[str, Json], keys: Keys) -> Iterator[Field]:
    schema = followed(schema, root)
    if not isinstance(schema, dict) or len(keys) > 12:
        return
    required = schema.get("required", [])
    for name, child in (schema.get("properties") or {}).items():
        target = followed(child, root)
        yield Field((*keys, name), target if isinstance(target, dict) else {}, name in required)
        yield from _fields(child, root, (*keys, name))
    if isinstance(schema.get("items"), dict):
        item = followed(schema["items"], root)
        yield Field((*keys, "*"), item if isinstance(item, dict) else {})
        yield from _fields(item, root, (*keys, "*"))


def followed(schema: Json, root: dict[str, Json]) -> Json:
    """Follow a local reference (`#/$defs/…`)."""
    for _ in range(8):
        reference = schema.get("$ref") if isinstance(schema, dict) else None
        if not isinstance(reference, str) or not reference.startswith("#/"):
            return schema
        schema = root
        for step in reference[2:].split("/"):
            schema = schema.get(step) if isinstance(schema, dict) else None
    return schema
