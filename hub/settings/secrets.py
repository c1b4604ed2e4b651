"""Decides which secrets stand in plain text in a file that people copy, send around and commit."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from pydantic import BaseModel, SecretStr

from hub.model import Json
from hub.settings.files import Files, Read

Way: TypeAlias = tuple[str | int, ...]

#: An address that carries no user and no password: hidden with the others of its option, but no secret.
_OPEN = re.compile(r"(?i)[a-z0-9+.-]+://(?!.*(@|pass|pwd|secret|token|key))")


def warn(files: Files, read: Read[Any], value: object, path: Way) -> None:
    """Add a warning for every secret inside `value` (validated options) that its file, from `path` on, has in plain text."""
    written = read.written.data
    for part in path:
        written = written.get(part) if isinstance(written, Mapping) else None
    for place in literal(value, written, path):
        warn_at(files, read, place)


def warn_at(files: Files, read: Read[Any], path: Way) -> None:
    """Add the warning for the secret at `path`."""
    place = read.place(*path)
    hint = "move it to config/hub.env or a file and write ${NAME} or ${file:PATH} here"
    files.add("HUB-C-160", f"{place.path} is a secret and stands here in plain text", place, hint, warning=True)


def literal(value: object, written: Json, path: Way = ()) -> Iterator[Way]:
    """Yield the paths of secrets written out: `value` is what was validated, `written` the text before variables were filled in."""
    if isinstance(value, SecretStr):
        if isinstance(written, str) and written and "${" not in written and not _OPEN.match(written):
            yield path
        return
    if isinstance(value, list | tuple) and len(value) == 1 and not isinstance(written, list):
        yield from literal(value[0], written, path)  # a single one may stand without its list
    for key, inner in _parts(value):
        if isinstance(written, Mapping) and key in written:
            yield from literal(inner, written[str(key)], (*path, key))
        elif isinstance(written, list) and isinstance(key, int) and key < len(written):
            yield from literal(inner, written[key], (*path, key))


def _parts(value: object) -> Iterator[tuple[str | int, object]]:
    if isinstance(value, BaseModel):
        yield from ((about.alias or name, getattr(value, name)) for name, about in type(value).model_fields.items())
    elif isinstance(value, Mapping):
        yield from ((str(key), inner) for key, inner in value.items())
    elif isinstance(value, list | tuple):
        yield from enumerate(value)
