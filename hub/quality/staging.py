"""Decides how the records of all kinds come together case by case without being held in memory: sorted in a file of their own."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from types import TracebackType

import orjson

from hub.quality.reading import Row

_TABLES = """
PRAGMA journal_mode=OFF;
PRAGMA synchronous=OFF;
CREATE TABLE fact (number TEXT, part INTEGER, content BLOB);
CREATE TABLE application (what TEXT, writer TEXT, number TEXT);
CREATE TABLE praise (what TEXT, number TEXT);
"""


class Staging:
    """A file in a directory the caller removes. It holds dates, codes and digests; no name and no number of a person."""

    def __init__(self, directory: Path) -> None:
        self._connection = sqlite3.connect(directory / "facts.db", isolation_level=None)
        self._connection.executescript(_TABLES)

    def __enter__(self) -> Staging:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._connection.close()

    def add(self, part: int, rows: Iterable[Row]) -> None:
        """Add the rows of one part, given by its position in the configuration."""
        packed = ((row.number, part, orjson.dumps((row.facts, row.marks, row.standings))) for row in rows)
        self._many("INSERT INTO fact VALUES (?, ?, ?)", packed)

    def applied(self, told: Iterable[tuple[str, str, str]]) -> None:
        """Add what was applied for, by which system it was written, and under which case number."""
        self._many("INSERT INTO application VALUES (?, ?, ?)", told)

    def praised(self, told: Iterable[tuple[str, str]]) -> None:
        """Add evaluations with the best level: where and in which minute, and of which case."""
        self._many("INSERT INTO praise VALUES (?, ?)", told)

    def _many(self, statement: str, rows: Iterable[tuple[object, ...]]) -> None:
        self._connection.execute("BEGIN")
        self._connection.executemany(statement, rows)
        self._connection.execute("COMMIT")

    def twice(self) -> frozenset[str]:
        """Return the cases whose application was written by more than one system."""
        same = "SELECT what FROM application GROUP BY what HAVING COUNT(DISTINCT writer) > 1"
        return self._numbers(f"SELECT number FROM application WHERE what IN ({same})")

    def in_bulk(self, count: int) -> frozenset[str]:
        """Return the cases praised together with at least so many others in one place and minute."""
        many = "SELECT what FROM praise GROUP BY what HAVING COUNT(*) >= ?"
        return self._numbers(f"SELECT number FROM praise WHERE what IN ({many})", count)

    def _numbers(self, query: str, *values: object) -> frozenset[str]:
        return frozenset(number for (number,) in self._connection.execute(query, values))

    def cases(self) -> Iterator[tuple[str, list[tuple[int, Row]]]]:
        """Yield every case number with its rows, each with the position of its part."""
        found = self._connection.execute("SELECT number, part, content FROM fact ORDER BY number, part")
        for number, rows in groupby(found, key=lambda row: row[0]):
            yield number, [(part, Row(number, *orjson.loads(content))) for _, part, content in rows]
