"""Decides which files of a directory are complete, and fetches one so that nobody can change it any more."""

from __future__ import annotations

import fnmatch
import hashlib
import json
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import IO

from adapters.files.cursor import identity
from adapters.files.names import is_candidate, shown
from adapters.files.options import Feed
from adapters.files.rows import BadFile
from adapters.files.share import Files, Stat

_MANIFEST_LIMIT = 64 << 20
#: Up to this size the copy of a file stays in memory.
_SPOOL = 4 << 20


@dataclass(frozen=True, slots=True)
class Found:
    """A file that lies there and may be complete, with what goes with it (manifest or marker)."""

    stat: Stat
    path: str
    identity: str
    companion: Stat | None


@dataclass(slots=True)
class Fetched:
    """A file's copy, which belongs to whoever asked for it and must be closed, and the digest of its content."""

    file: IO[bytes]
    digest: str


def listing(files: Files, feed: Feed) -> list[Found]:
    """Return the files of a feed in reading order, complete or not; those still being written by name are left out."""
    here = {stat.name: stat for stat in files.list(feed.directory)}
    companions = {companion_name(feed, name) for name in here}
    found = [
        Found(stat, _path(feed, name), identity(stat), _companion(feed, name, here))
        for name, stat in here.items()
        if fnmatch.fnmatchcase(shown(name), feed.pattern) and is_candidate(name) and name not in companions
    ]
    return sorted(found, key=lambda item: (item.stat.name,) if feed.order == "name" else (item.stat.mtime, item.stat.name))


def _path(feed: Feed, name: str) -> str:
    return name if feed.directory == "." else f"{feed.directory}/{name}"


def companion_name(feed: Feed, name: str) -> str:
    """Return the name of the manifest or marker that belongs to a file, even if it does not exist; empty if none is asked for."""
    if feed.ready.manifest is not None:
        return feed.ready.manifest.format(file=name)
    return name + feed.ready.marker if feed.ready.marker is not None else ""


def _companion(feed: Feed, name: str, here: Mapping[str, Stat]) -> Stat | None:
    return here.get(companion_name(feed, name))


def is_ready(found: Found, feed: Feed, now: float) -> bool:
    """Say whether a file is complete by its age or its companion. `now`: seconds since 1970."""
    if feed.ready.age is not None:
        return now - found.stat.mtime >= feed.ready.age
    return found.companion is not None


def fetch(files: Files, feed: Feed, found: Found, now: float) -> Fetched | None:
    """Copy a file; None when it turns out to be still growing, or not yet what its manifest says.

    Raises BadFile: HUB-S-224 when it is too large, HUB-S-225 when it has contradicted its manifest for longer than `patience`.
    """
    if found.stat.size > feed.largest:
        raise BadFile("HUB-S-224", f"has {found.stat.size} bytes; {feed.largest} are allowed")
    spool: IO[bytes] = tempfile.SpooledTemporaryFile(_SPOOL)  # noqa: SIM115 - handed to the caller, who closes it
    try:
        digests = _copy(files, feed, found, spool)
        if files.stat(found.path) != found.stat or not _as_promised(files, feed, found, digests, now):
            spool.close()
            return None
    except BaseException:
        spool.close()
        raise
    spool.seek(0)
    return Fetched(spool, digests["sha256"][:24])


def _copy(files: Files, feed: Feed, found: Found, spool: IO[bytes]) -> dict[str, str]:
    running = {name: hashlib.new(name, usedforsecurity=False) for name in {"sha256", feed.ready.digest}}

    def take(chunk: bytes) -> None:
        spool.write(chunk)
        for digest in running.values():
            digest.update(chunk)
        if spool.tell() > feed.largest:
            raise BadFile("HUB-S-224", f"has more than {feed.largest} bytes")

    files.copy(found.path, take)
    return {name: digest.hexdigest() for name, digest in running.items()}


def _as_promised(files: Files, feed: Feed, found: Found, digests: Mapping[str, str], now: float) -> bool:
    """Say whether the content is what the manifest says, if there is one."""
    if feed.ready.manifest is None or found.companion is None:
        return True
    told = files.read(_path(feed, found.companion.name), _MANIFEST_LIMIT)
    algorithm, value = promised(told or b"", feed.ready.digest)
    if value and digests.get(algorithm) == value:
        return True
    if now - max(found.stat.mtime, found.companion.mtime) < feed.ready.patience:
        return False
    what = f"its {algorithm} digest is not the one in {found.companion.name}" if value else f"{found.companion.name} has no digest"
    raise BadFile("HUB-S-225", what)


def promised(content: bytes, algorithm: str) -> tuple[str, str]:
    """Return algorithm and hex digest of a manifest: our JSON, or the first word of a line as `sha256sum` writes it."""
    try:
        told = json.loads(content)
        return str(told["digest"]["algorithm"]).lower(), str(told["digest"]["value"]).lower()
    except (ValueError, KeyError, TypeError):
        words = content.decode("ascii", "replace").split()
        value = words[0].lower() if words else ""
        return algorithm, value if value and all(letter in "0123456789abcdef" for letter in value) else ""


Clock = Callable[[], float]
