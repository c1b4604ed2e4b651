"""Decides how files are named: closed placeholders, values that cannot leave their directory, names that repeat for a repeat."""

from __future__ import annotations

import hashlib
import string
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from urllib.parse import quote
from zoneinfo import ZoneInfo

from lxml import etree

from hub.model import Message

#: File names carry local time: people look for «yesterday's file».
_LOCAL = ZoneInfo("Asia/Shanghai")
_LONGEST = 100
#: Suffixes and beginnings of files that somebody is still writing.
UNFINISHED = (".part", ".tmp", ".temp", ".filepart", ".writing", ".crdownload", ".swp")
HIDDEN = (".", "~$")


def relative(path: str) -> str:
    """Return the path if it stays below its base directory. Raises ValueError otherwise."""
    if path.startswith("/") or ".." in path.split("/") or "\\" in path:
        raise ValueError("a path here is relative, uses / and never leaves its base directory")
    return path


def template(text: str, allowed: Collection[str], *, needs: Collection[str] = ()) -> str:
    """Return the text if it is a sound template: `{name}` of the allowed names only. Raises ValueError otherwise."""
    try:
        parts = list(string.Formatter().parse(text))
    except ValueError as error:
        raise ValueError(f"braces do not match: {error}") from None
    named = [name for _, name, _, _ in parts if name is not None]
    if any(spec or conversion for _, _, spec, conversion in parts):
        raise ValueError("a placeholder is a name in braces and nothing else")
    if unknown := sorted(set(named) - set(allowed)):
        raise ValueError(f"unknown placeholder {{{unknown[0]}}}; known: {', '.join(sorted(allowed))}")
    if missing := sorted(set(needs) - set(named)):
        raise ValueError(f"{{{missing[0]}}} must be in the name, else files would overwrite each other")
    return text


def safe(value: str) -> str:
    """Return a value as part of one file name: ASCII, no separator, no leading dot, at most 100 characters, injective."""
    quoted = quote(value, safe="")
    if quoted.startswith("."):
        quoted = "%2E" + quoted[1:]
    if len(quoted) <= _LONGEST:
        return quoted or "%"
    return f"{quoted[:60]}-{hashlib.sha256(value.encode()).hexdigest()[:32]}"


def window_id(messages: Sequence[Message]) -> str:
    """Return what identifies exactly these messages in this order, the same at every attempt."""
    digest = hashlib.sha256()
    for message in messages:
        digest.update(message.idempotency_key.encode() + b"\0")
    return digest.hexdigest()[:24]


def values(messages: Sequence[Message], *, single: bool) -> Mapping[str, str]:
    """Return every placeholder's value for a file of these messages; what differs between them is the first one's."""
    first = messages[0]
    local = first.created.astimezone(_LOCAL)
    found = {
        "id": first.idempotency_key if single else window_id(messages),
        "batch": first.batch,
        "endpoint": first.endpoint,
        "kind": first.kind,
        "key": first.key,
        "lane": first.lane,
        "operation": str(first.operation),
        "date": local.strftime("%Y%m%d"),
        "time": local.strftime("%H%M%S"),
        "count": str(len(messages)),
    }
    return {name: safe(value) for name, value in found.items()}


def path_of(text: str, messages: Sequence[Message], *, single: bool) -> str:
    """Return the path of the file that holds these messages, relative to the base directory."""
    return text.format_map(values(messages, single=single))


def shown(name: str) -> str:
    """Return a file's name fit for people and databases: bytes that are not UTF-8 are read as GB18030."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return name.encode("utf-8", "surrogateescape").decode("gb18030", "replace")
    return name


@cache
def is_xml_name(name: str) -> bool:
    """Say whether an element or attribute without namespace may be named so (XML 1.0, production Name)."""
    try:
        etree.Element(name)
    except ValueError:
        return False
    return not name.startswith("{")


def is_candidate(name: str) -> bool:
    """Say whether a name is that of a file nobody is still writing."""
    return not name.startswith(HIDDEN) and not name.lower().endswith(UNFINISHED)


def parent(path: str) -> str:
    """Return the directory part of a path, "." for none."""
    return path.rpartition("/")[0] or "."
