"""Decides what a twin remembers: every row it holds, and a count of everything that came in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any

Content = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Held:
    """One row a twin holds now: where it came in, its key there, and what it says."""

    endpoint: str
    row: str
    content: Content


@dataclass(frozen=True, slots=True)
class Rejection:
    """A verdict that came after the row was taken."""

    endpoint: str
    row: str
    batch: str
    reason: str


@dataclass(slots=True)
class _Entry:
    content: Content
    receipt: str


class Ledger:
    """What an HTTP twin holds and has counted. Thread-safe."""

    def __init__(self, prefix: str) -> None:
        self._lock = Lock()
        self._prefix = prefix
        self._rows: dict[tuple[str, str], _Entry] = {}
        self._rejections: list[Rejection] = []
        self._counts: Counter[str] = Counter()
        self._refused: Counter[str] = Counter()

    def count(self, name: str) -> None:
        """Count one event: requests, order_violations."""
        with self._lock:
            self._counts[name] += 1

    def refuse(self, reason: str) -> None:
        """Count one refusal by its reason (a code or a class, no personal data)."""
        with self._lock:
            self._refused[reason] += 1

    def find(self, endpoint: str, row: str) -> tuple[Content, str] | None:
        """Return what is held under that key and the receipt given for it."""
        with self._lock:
            entry = self._rows.get((endpoint, row))
            return (entry.content, entry.receipt) if entry else None

    def take(self, endpoint: str, row: str, content: Content) -> tuple[str, bool]:
        """Keep the row and return its receipt, and whether exactly this was held already (a duplicate)."""
        with self._lock:
            entry = self._rows.get((endpoint, row))
            if entry is None:
                self._counts["taken"] += 1
                entry = self._rows[endpoint, row] = _Entry(content, f"{self._prefix}{self._counts['taken']:010}")
                return entry.receipt, False
            same = entry.content == content
            self._counts["duplicates" if same else "updated"] += 1
            entry.content = content
            return entry.receipt, same

    def drop(self, endpoint: str, row: str) -> str | None:
        """Forget the row (operation D) and return its receipt, None when it was not held."""
        with self._lock:
            entry = self._rows.pop((endpoint, row), None)
            self._counts["deleted"] += entry is not None
            return entry.receipt if entry else None

    def reject_later(self, rejection: Rejection) -> None:
        """Note a verdict that is to be told when asked for."""
        with self._lock:
            self._rejections.append(rejection)

    def rejections(self, start: int = 0) -> list[Rejection]:
        """Return the late verdicts from number `start` on, oldest first."""
        with self._lock:
            return self._rejections[start:]

    def held(self) -> list[Held]:
        """Return every row held now."""
        with self._lock:
            return [Held(endpoint, row, entry.content) for (endpoint, row), entry in self._rows.items()]

    def stats(self) -> dict[str, Any]:
        """Return the counts so far: plain numbers, and `refused` by reason."""
        with self._lock:
            names = ("requests", "taken", "updated", "deleted", "duplicates", "order_violations")
            counts: dict[str, Any] = {name: self._counts[name] for name in names}
            return counts | {"held": len(self._rows), "refused": dict(self._refused), "late_rejections": len(self._rejections)}
