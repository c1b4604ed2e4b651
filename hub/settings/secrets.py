"""Decides which secrets stand in plain text in a file that people copy, send around and commit."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from pydantic import BaseModel, SecretStr

from hub.model import Json
from hub.settings.files import Files, Read

Way: TypeAlias = tuple[str | int, ...]

#: An address that carries no user and no password: hidden with the others of its option, but no secret.
_OPEN = re.compile(r"(?i)[a-z0-9+.-]+://(?!.*(@|pass|pwd|secret|token|key))")


def warn(files: Files, read: Read[Any], value: object, path: Way) -> None:
    """Add a warning for every secret inside `value` (validated options) that its file, from `path` on, has in plain text."""
    for place in literal(value, _written(read, path), path):
        warn_at(files, read, place)


def warn_at(files: Files, read: Read[Any], path: Way) -> None:
    """Add the warning for the secret at `path`."""
    place = read.place(*path)
    hint = "move it to config/hub.env or a file and write ${NAME} or ${file:PATH} here"
    files.add("HUB-C-160", f"{place.path} is a secret and stands here in plain text", place, hint, warning=True)


def guard(files: Files, read: Read[Any], value: object, path: Way) -> None:
    """Refuse secrets by which others are known here and which everybody can read in their file, once others can reach the hub.

    Defaults are printed too: the shipped ones are the sandbox's, and who forgets to set the variable would let anybody in.
    """
    if files.hub is None or not files.hub.entry.http.for_others:
        return
    for place in _secrets(value, _written(read, path), path, _printed):
        where, listen = read.place(*place), files.hub.entry.http.listen
        message = f"{where.path} can be read in this file, and the hub listens on {listen}: anybody could push as this system"
        files.add("HUB-C-156", message, where, "write ${NAME} without a default, and set it in config/hub.env")


def _written(read: Read[Any], path: Way) -> Json:
    found: Json = read.written.data
    for part in path:
        found = found.get(str(part)) if isinstance(found, Mapping) else None
    return found


def _printed(secret: str, written: str) -> bool:
    return secret in written


def _open(secret: str, written: str) -> bool:
    return "${" not in written and not _OPEN.match(written)


def literal(value: object, written: Json, path: Way = ()) -> Iterator[Way]:
    """Yield the paths of secrets written out: `value` is what was validated, `written` the text before variables were filled in."""
    yield from _secrets(value, written, path, _open)


def _secrets(value: object, written: Json, path: Way, meant: Callable[[str, str], bool]) -> Iterator[Way]:
    """Yield the paths of the secrets that, with the text they were written as, are `meant`."""
    if isinstance(value, SecretStr):
        if isinstance(written, str) and written and meant(value.get_secret_value(), written):
            yield path
        return
    if isinstance(value, list | tuple) and len(value) == 1 and not isinstance(written, list):
        yield from _secrets(value[0], written, path, meant)  # a single one may stand without its list
    for key, inner in _parts(value):
        if isinstance(written, Mapping) and key in written:
            yield from _secrets(inner, written[str(key)], (*path, key), meant)
        elif isinstance(written, list) and isinstance(key, int) and key < len(written):
            yield from _secrets(inner, written[key], (*path, key), meant)


def _parts(value: object) -> Iterator[tuple[str | int, object]]:
    if isinstance(value, BaseModel):
        yield from ((about.alias or name, getattr(value, name)) for name, about in type(value).model_fields.items())
    elif isinstance(value, Mapping):
        yield from ((str(key), inner) for key, inner in value.items())
    elif isinstance(value, list | tuple):
        yield from enumerate(value)
