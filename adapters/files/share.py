"""Decides how bytes reach a directory and come from it, on disk or over SFTP, through fsspec: whole, or not at all."""

from __future__ import annotations

import fnmatch
import glob
import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Any

from adapters.files.names import parent
from adapters.files.trouble import UnreadableName, errors

_CHUNK = 1 << 20
_AHEAD = 64  # read requests under way at once over SFTP


@dataclass(frozen=True, slots=True)
class Stat:
    """A file as a listing shows it: name without directory, size in bytes, time of change in seconds since 1970."""

    name: str
    size: int
    mtime: float


class Files:
    """One connection to the share. Paths are relative to its root. Raises what the disk or the server raises."""

    def __init__(self, fs: Any, root: str, *, local: bool) -> None:
        self.fs = fs
        self.root = root.rstrip("/") or "/"
        self.local = local

    def at(self, path: str) -> str:
        """Return the full path."""
        return self.root if path == "." else f"{self.root.rstrip('/')}/{path}"

    def alive(self) -> bool:
        """Say whether the connection still stands, as far as this side knows."""
        if self.local:
            return True
        transport = self.fs.client.get_transport()
        return transport is not None and transport.is_active()

    def list(self, directory: str) -> list[Stat]:
        """Return the plain files of a directory. Raises FileNotFoundError when there is no such directory."""
        return [_stat(entry) for entry in self._entries(directory) if entry["type"] == "file"]

    def match(self, pattern: str, directory: str = ".") -> Iterator[str]:
        """Yield the paths of plain files that match, `*` not crossing a slash.

        Not fsspec's own glob: that passes over whatever it may not look into, and «not there» must be certain.
        """
        first, _, rest = pattern.partition("/")
        if not glob.has_magic(first):
            first = first if directory == "." else f"{directory}/{first}"
            if self.stat(first) is not None:
                yield from self.match(rest, first) if rest else [first]
            return
        for entry in self._entries(directory):
            name = _stat(entry).name
            path = name if directory == "." else f"{directory}/{name}"
            if entry["type"] == ("directory" if rest else "file") and fnmatch.fnmatchcase(name, first):
                yield from self.match(rest, path) if rest else [path]

    def _entries(self, directory: str) -> Sequence[dict[str, Any]]:
        try:
            entries: Sequence[dict[str, Any]] = self.fs.ls(self.at(directory), detail=True)
        except UnicodeDecodeError:
            raise UnreadableName from None
        if self.local and len(entries) == 1 and entries[0]["name"] == self.at(directory):
            raise NotADirectoryError(20, "not a directory")
        return entries

    def stat(self, path: str) -> Stat | None:
        """Return one file or directory, None if there certainly is none."""
        try:
            return _stat(self.fs.info(self.at(path)))
        except (FileNotFoundError, NotADirectoryError):
            return None

    def read(self, path: str, limit: int) -> bytes | None:
        """Return a file's bytes, None if there is none or it is larger than `limit`."""
        stat = self.stat(path)
        if stat is None or stat.size > limit:
            return None
        pieces: list[bytes] = []
        self.copy(path, pieces.append)
        return b"".join(pieces)

    def copy(self, path: str, out: Callable[[bytes], object]) -> None:
        """Hand a file's bytes to `out`, piece by piece."""
        with self.fs.open(self.at(path), "rb") as file:
            if not self.local:
                file.prefetch(file.stat().st_size, _AHEAD)
            while chunk := file.read(_CHUNK):
                out(chunk)

    def write_beside(self, path: str, content: bytes) -> str:
        """Write under a name of its own in the directory of `path`, safe on the disk; return that name. Makes directories."""
        directory, _, base = path.rpartition("/")
        temporary = f"{directory}/.{base}.{secrets.token_hex(4)}.part".lstrip("/")
        try:
            self._write(temporary, content)
        except FileNotFoundError:
            self._make(parent(path))
            self._write(temporary, content)
        return temporary

    def publish(self, temporary: str, path: str) -> None:
        """Give a written file its final name in one step, replacing one that has it."""
        if self.local:
            os.replace(self.at(temporary), self.at(path))  # noqa: PTH105 - fsspec's own mv falls back to copying
            _sync_directory(self.at(parent(path)))
        else:
            self._rename(self.at(temporary), self.at(path))

    def move(self, path: str, target: str) -> None:
        """Move a file, also over disks; makes the target's directory."""
        self._make(parent(target))
        self.fs.mv(self.at(path), self.at(target))

    def remove(self, path: str) -> None:
        """Delete a file."""
        self.fs.rm_file(self.at(path)) if self.local else self.fs.ftp.remove(self.at(path))

    def close(self) -> None:
        """Hang up."""
        if not self.local:
            self.fs.client.close()

    def _write(self, path: str, content: bytes) -> None:
        try:
            with self.fs.open(self.at(path), "wb") as file:
                if not self.local:
                    file.set_pipelined(True)  # one answer awaited in the end, not one for every 32 KB
                file.write(content)
                file.flush()
                if self.local:
                    os.fsync(file.fileno())
            self._confirm(path, len(content))
        except errors():
            with suppress(*errors()):
                self.remove(path)
            raise

    def _confirm(self, path: str, size: int) -> None:
        # A full SFTP server may only show at the size: pipelined writes report no error of their own.
        written = self.stat(path)
        if written is None or written.size != size:
            raise OSError(None, "the file is shorter than what was written")

    def _make(self, directory: str) -> None:
        """Make directories below the root, never the root itself: an unmounted disk must not be written to."""
        if self.stat(".") is None:
            raise FileNotFoundError(2, "no such directory")
        path = ""
        for part in directory.split("/"):
            path = f"{path}/{part}".lstrip("/")
            if self.stat(path) is None:
                self._make_one(path)

    def _make_one(self, path: str) -> None:
        try:
            os.mkdir(self.at(path)) if self.local else self.fs.ftp.mkdir(self.at(path))  # noqa: PTH102
        except OSError:
            # Somebody else may have made it meanwhile; over SFTP that is only a «failure».
            if self.stat(path) is None:
                raise

    def _rename(self, old: str, new: str) -> None:
        try:
            self.fs.ftp.posix_rename(old, new)
        except OSError as error:
            if "unsupported" not in str(error).lower():
                raise
            with suppress(FileNotFoundError):  # the plain rename of SFTP never replaces
                self.fs.ftp.remove(new)
            self.fs.ftp.rename(old, new)


class Share:
    """Connections to one place, kept and lent out one at a time: a connection serves one thread. `name` tells people which."""

    def __init__(self, name: str, connect: Callable[[], Files]) -> None:
        self.name = name
        self._connect = connect
        self._idle: list[Files] = []
        self._lock = Lock()
        self._closed = False

    @contextmanager
    def lease(self) -> Iterator[Files]:
        """Lend a connection. After an error it is hung up, because nobody knows in what state it is."""
        files = self._take() or self._connect()
        try:
            yield files
        except BaseException:
            files.close()
            raise
        self._give_back(files)

    def close(self) -> None:
        """Hang up every idle connection; those lent out follow when they come back."""
        with self._lock:
            self._closed, idle, self._idle = True, self._idle, []
        for files in idle:
            files.close()

    def _take(self) -> Files | None:
        with self._lock:
            while self._idle:
                files = self._idle.pop()
                if files.alive():
                    return files
                files.close()
        return None

    def _give_back(self, files: Files) -> None:
        with self._lock:
            if not self._closed:
                self._idle.append(files)
                return
        files.close()


def _stat(entry: dict[str, Any]) -> Stat:
    changed = entry.get("mtime", 0)
    mtime = changed.timestamp() if isinstance(changed, datetime) else float(changed)
    return Stat(str(entry["name"]).rpartition("/")[2], int(entry["size"] or 0), mtime)


def _sync_directory(path: str) -> None:
    """Make a rename survive a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
