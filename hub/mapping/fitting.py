"""Decides how the common case is proven fast: every text of a body fits its target's encoding and its limits in bytes."""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby
from typing import Any

from hub.mapping.encodings import ENCODINGS, Encoding
from hub.mapping.schema import Field
from hub.model import Json


def fitting(encoding: Encoding, fields: list[Field], *, closed: bool) -> Callable[[Json], bool]:
    """Compile `fits(body) -> bool` for a contract's encoding and fields. It may say no too often, never yes too often.

    The body is of the contract's types already; `closed`: it has no other fields. All texts are encoded at once.
    """
    plain = closed and all(field.schema.get("type") == "string" and len(field.keys) == 1 for field in fields)
    gathered = "body.values()" if plain else "[v for v in body.values() if type(v) is str]"
    lines = ["def fits(body):", f"    texts = {gathered}", *_deeper(fields)]
    lines += ["    try: ''.join(texts).encode(CODEC)", "    except UnicodeEncodeError: return False"]
    lines += ["    if UNSURE(''.join(texts)): return False"] if encoding.unsure else []
    lines += [line for field in fields for line in _limits(field, encoding)]
    names: dict[str, Any] = {"CODEC": encoding.name, "UNSURE": encoding.unsure and encoding.unsure.search, "gather": gather}
    exec("\n".join([*lines, "    return True"]), names)
    fits: Callable[[Json], bool] = names["fits"]
    own = [(field.keys, ENCODINGS[field.schema["x-encoding"]]) for field in fields if "x-encoding" in field.schema]
    limited = [
        (field.keys, limit, ENCODINGS[field.schema.get("x-encoding", encoding.name)])
        for field in fields
        if len(field.keys) > 1 and (limit := field.schema.get("x-max-bytes"))
    ]
    if own or limited:
        return lambda body: fits(body) and _each_fits(body, own) and _each_short(body, limited)
    return fits


def _deeper(fields: list[Field]) -> list[str]:
    """Gather the texts below the first level, where there can be any."""
    tops = [key for key, _ in groupby(field.keys[0] for field in fields if len(field.keys) > 1 or _may_nest(field))]
    return [f"    gather(body.get({key!r}), texts)" for key in dict.fromkeys(tops)]


def _may_nest(field: Field) -> bool:
    kinds = field.schema.get("type", "object")
    return bool({"object", "array"} & {*([kinds] if isinstance(kinds, str) else kinds)})


def _limits(field: Field, encoding: Encoding) -> list[str]:
    limit = field.schema.get("x-max-bytes")
    longest = field.schema.get("maxLength")
    own = ENCODINGS[field.schema.get("x-encoding", encoding.name)]
    if not limit or len(field.keys) > 1 or (longest is not None and longest * own.width <= limit):
        return []
    size = f"len(v.encode({own.name!r}, 'replace'))"
    return [
        f"    v = body.get({field.keys[0]!r})",
        f"    if type(v) is str and len(v) > {limit // own.width} and {size} > {limit}: return False",
    ]


def gather(value: Json, texts: list[str]) -> None:
    """Append every text inside `value`."""
    if isinstance(value, dict):
        for one in value.values():
            gather(one, texts)
    elif isinstance(value, list):
        for one in value:
            gather(one, texts)
    elif type(value) is str:
        texts.append(value)


def _found(value: Json, keys: tuple[str, ...]) -> list[str]:
    if not keys:
        return [value] if isinstance(value, str) else []
    if keys[0] == "*":
        return [text for one in value for text in _found(one, keys[1:])] if isinstance(value, list) else []
    return _found(value.get(keys[0]), keys[1:]) if isinstance(value, dict) else []


def _each_fits(body: Json, own: list[tuple[tuple[str, ...], Encoding]]) -> bool:
    return all(encoding.fits(text) for keys, encoding in own for text in _found(body, keys))


def _each_short(body: Json, limited: list[tuple[tuple[str, ...], int, Encoding]]) -> bool:
    return all(encoding.size(text) <= limit for keys, limit, encoding in limited for text in _found(body, keys))
