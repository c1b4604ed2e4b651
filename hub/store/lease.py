"""Decides who works on a store that is a file, and what anybody who holds a lease can be asked."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hub.errors import LeaseHeld


class Lease:
    """The right to work on a store. One like this ends with its process, and cannot be lost before.

    `refused`: somebody else has it now, so nothing new may be taken; `lost`: for good, and who has it. `since`: when it was taken
    again, in ticks; until then others may have worked here.
    """

    refused: bool = False
    since: float = 0.0
    lost: LeaseHeld | None = None

    def look(self) -> None:
        """Make sure that `refused` and `lost` say how things are now."""


@contextmanager
def of_file(path: Path) -> Iterator[Lease]:
    """Hold the lease of a file until the block ends. Raises LeaseHeld HUB-T-110 at once when another process has it."""
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.seek(0)
            raise LeaseHeld("HUB-T-110", f"another hub works on this store ({file.read().strip() or path.name})") from error
        file.truncate(0)
        file.write(f"pid {os.getpid()}")
        file.flush()
        yield Lease()


def holder_of_file(path: Path) -> str | None:
    """Return who holds the lease of a file, None when nobody does. Takes nothing itself."""
    if not path.exists():
        return None
    with path.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return file.read().strip() or path.name
    return None
