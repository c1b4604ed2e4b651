"""Decides whether the store can hold a record as it is, and what of a far side's words; what cannot be held stops nothing else."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

import orjson

from hub.model import Json, Page, Record, Unreadable
from hub.store.acceptance import Owed

CODE = "HUB-S-190"
#: Most characters of a key, lane or row id (the store's columns), and of a revision.
LONGEST, LONGEST_REVISION = 255, 64
_WHY = "the store cannot hold it: a text with half a character or NUL, a number beyond 64 bits, or a key that is too long"


def page(page: Page) -> Page:
    """Return the page with records whose key or revision cannot be held turned into unreadable rows under a key that can."""
    if all(_fits(one.key) and _fits(one.revision, LONGEST_REVISION) for one in page.records) and all(
        _fits(one.key) for one in page.faults
    ):
        return page
    sound = tuple(one for one in page.records if _fits(one.key) and _fits(one.revision, LONGEST_REVISION))
    unsound = tuple(Unreadable(one.kind, identity(one.key), CODE, _WHY) for one in page.records if one not in sound)
    faults = tuple(one if _fits(one.key) else replace(one, key=identity(one.key)) for one in page.faults)
    return replace(page, records=sound, faults=(*faults, *unsound))


def data(data: Mapping[str, Json]) -> bytes | None:
    """Return a record's data as the bytes that are kept, None when they are no JSON (Python's own types, broken Unicode)."""
    try:
        return orjson.dumps(data)
    except TypeError:
        return None


def owed(owed: Sequence[Owed]) -> bool:
    """Tell whether the store can hold these deliveries."""
    return all(_fits(one.lane) and _fits(one.row) and (one.parent is None or _fits(one.parent[1])) for one in owed)


def fault(record: Record) -> Unreadable:
    """Return the account of a record that cannot be held."""
    return Unreadable(record.kind, record.key, CODE, _WHY)


def words(words: str | None, limit: int | None = None) -> str | None:
    """Return a far side's words without what a database cannot hold: NUL, half a surrogate pair, more than fits."""
    if not words:
        return None
    return words.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")[:limit]


def identity(text: str) -> str:
    """Return what identifies something as it is, or a digest of it where the store cannot hold it."""
    if _fits(text):
        return text
    return "digest " + hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _fits(text: object, longest: int = LONGEST) -> bool:
    return not isinstance(text, str) or (len(text) <= longest and "\x00" not in text and (text.isascii() or _whole(text)))


def _whole(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
