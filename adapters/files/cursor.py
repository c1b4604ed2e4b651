"""Decides what a source of files remembers: which of the files that lie there are done, and how far the present one is read."""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64encode
from collections.abc import Iterable
from dataclasses import dataclass, field

from adapters.files.share import Stat
from hub.errors import SourceFailed

#: How many of the latest contents are remembered, to know a file that is delivered twice.
_CONTENTS = 100


@dataclass(slots=True)
class Place:
    """Where one feed stands.

    `done`: identity of each file that still lies there and is finished → whether it was bad. It holds no more entries than the
    directory has files. `contents`: name and digest of the latest files
    taken. `name`, `identity`, `row`: the file that is half read.
    """

    done: dict[str, bool] = field(default_factory=dict)
    contents: list[tuple[str, str]] = field(default_factory=list)
    name: str = ""
    identity: str = ""
    row: int = 0

    def keep_only(self, present: Iterable[str]) -> None:
        """Forget files that lie there no longer."""
        here = set(present)
        self.done = {identity: bad for identity, bad in self.done.items() if identity in here}

    def start(self, name: str, identity: str) -> int:
        """Begin or go on with a file; return how many of its rows are read already."""
        if self.identity != identity:
            self.row = 0
        self.name, self.identity = name, identity
        return self.row

    def finish(self, *, bad: bool) -> None:
        """Note that the present file is done."""
        self.done[self.identity] = bad
        self.name, self.identity, self.row = "", "", 0

    def took(self, name: str, digest: str) -> None:
        """Remember a content."""
        self.contents = [*self.contents, (_short(name), digest)][-_CONTENTS:]

    def knows(self, name: str, digest: str) -> bool:
        """Say whether a file was taken already: this content was the last under its name, or the last of all.

        Not «any earlier one»: a file may rightly go back to what it said before.
        """
        under_name = [content for known, content in self.contents if known == _short(name)]
        return digest in (under_name[-1:] + [content for _, content in self.contents[-1:]])


def identity(stat: Stat) -> str:
    """Return what tells one version of one file from any other: name, size, time of change."""
    return _short(f"{stat.name}\0{stat.size}\0{stat.mtime:.6f}")


def _short(text: str) -> str:
    return urlsafe_b64encode(hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=9).digest()).decode()


def dump(places: dict[str, Place]) -> str:
    """Return the cursor."""
    feeds = {
        kind: {"done": place.done, "contents": place.contents, "at": [place.name, place.identity, place.row]}
        for kind, place in places.items()
    }
    return json.dumps({"v": 1, "feeds": feeds}, ensure_ascii=True, separators=(",", ":"))


def load(cursor: str | None, kinds: Iterable[str]) -> dict[str, Place]:
    """Return the places a cursor tells of, fresh ones for other kinds. Raises SourceFailed HUB-S-208 if it is not ours."""
    try:
        told = json.loads(cursor)["feeds"] if cursor is not None else {}
        return {kind: _place(told[kind]) if kind in told else Place() for kind in kinds}
    except (ValueError, KeyError, TypeError) as error:
        raise SourceFailed("HUB-S-208", "the stored cursor is not one of this adapter", misconfigured=True) from error


def _place(told: dict[str, object]) -> Place:
    done, contents, at = told["done"], told["contents"], told["at"]
    if not (isinstance(done, dict) and isinstance(contents, list) and isinstance(at, list)):
        raise ValueError("not a place")
    return Place(dict(done), [(name, digest) for name, digest in contents], str(at[0]), str(at[1]), int(at[2]))
