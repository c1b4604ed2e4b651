"""What the exchange-table protocols of a reader share: rows in pages, written back only once their page is durable.

The caller asks for the next page only when the last one is durable, so the write-back of a page stands after its `yield`. A reader
that dies in between has written nothing back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import sqlalchemy as sa

from adapters.database.children import SLICE, among
from adapters.database.connection import steadily
from adapters.database.feeds import Feeding, Found, telling
from adapters.database.keyset import RawRow
from adapters.database.reading import Unfit
from hub.model import Unreadable

_T = TypeVar("_T")


class Exchange:
    """A feed that is told what became of its rows."""

    def __init__(self, feeding: Feeding) -> None:
        self._feeding = feeding
        self._order = [*([feeding.feed.time] if feeding.feed.time else []), *feeding.feed.key]
        with telling(feeding.where):
            self._names = [column.name for column in feeding.shape.columns]
            self._keys = [self._place(name) for name in feeding.feed.key]
            self._sorted = feeding.shape.elements(self._order)

    def _place(self, name: str) -> int:
        return self._names.index(self._feeding.shape.column(name).name)

    def _in_transaction(self, work: Callable[[sa.Connection], _T]) -> _T:
        """Do the work in one transaction, up to three times while locks or the connection get in its way."""

        def once() -> _T:
            with self._feeding.connections.writing() as connection:
                found = work(connection)
                connection.commit()
                return found

        with telling(self._feeding.where):
            return steadily(once)

    def _found(self, rows: Sequence[RawRow], unread: dict[int, Unfit]) -> tuple[Found, dict[int, Unreadable]]:
        """Convert a page; also return its faults by the positions of their rows."""
        records, broken = self._feeding.judged(rows, unread)
        return Found(tuple(records.values()), tuple(fault for _, fault in sorted(broken.items())), None), broken

    def _key(self, row: RawRow) -> tuple[Any, ...]:
        return tuple(row[place] for place in self._keys)

    def _of(self, rows: Sequence[RawRow]) -> list[sa.ColumnElement[bool]]:
        """Return conditions that together name these rows, in slices a statement can take."""
        columns = self._feeding.shape.elements(self._feeding.feed.key)
        return [among(columns, [self._key(row) for row in rows[at : at + SLICE]]) for at in range(0, len(rows), SLICE)]


def fitting_form(textual: bool, value: Any) -> Any:
    """Return a time in the form of the national front-end tables when it goes into a text column, anything else as it is."""
    return value.isoformat(" ", "seconds") if textual and hasattr(value, "isoformat") else value
