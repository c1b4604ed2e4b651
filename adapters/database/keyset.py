"""Decides in which order rows are read and how the next page is asked for: always by (time, key), never by counting rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import sqlalchemy as sa

from adapters.database.tables import Shape

RawRow: TypeAlias = Sequence[Any]
#: Most rows that may share one place in the order; a key that is unique but for case and accents never comes near it.
TIED = 100


@dataclass(frozen=True, slots=True)
class Position:
    """A row's place in the order (time, key), in the driver's own types."""

    time: Any
    key: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Keyset:
    """Pages over a table in the order (time, key). `time` may be absent: then the key alone is the order."""

    shape: Shape
    time: str | None
    key: tuple[str, ...]
    limit: int
    where: tuple[sa.ColumnElement[bool], ...] = ()

    @property
    def order(self) -> list[sa.ColumnElement[Any]]:
        """Return the columns of the order."""
        return self.shape.elements([*([self.time] if self.time else []), *self.key])

    def page(self, after: Position | None, since: Any = None, *, ahead: int = 0) -> sa.Select[Any]:
        """Return the statement of the next page: strictly after a position, or from `since` on (that time included).

        `ahead` more rows are asked for, to see whether this page is the last.
        """
        conditions = [*self.where]
        if after is not None:
            conditions += _after(self.order, [*([after.time] if self.time else []), *after.key])
        elif since is not None and self.time:
            conditions.append(self.shape.element(self.time) >= since)
        return sa.select(*self.shape.selected).where(*conditions).order_by(*self.order).limit(self.limit + ahead)

    def tied(self, place: Position) -> sa.Select[Any]:
        """Return the statement of the rows the database takes for the same place, at most one more than TIED."""
        values = [*([place.time] if self.time else []), *place.key]
        alike = (column == value for column, value in zip(self.order, values, strict=True))
        return sa.select(*self.shape.selected).where(*self.where, *alike).order_by(*self.order).limit(TIED + 1)

    def latest(self, limit: Any = None) -> sa.Select[Any]:
        """Return the statement of the latest time, not beyond `limit`."""
        column = self.shape.element(str(self.time))
        return sa.select(sa.func.max(column)).where(*self.where, *([] if limit is None else [column <= limit]))

    def until(self, limit: Any) -> Keyset:
        """Return the same order without what comes after a time; None: without anything."""
        column = self.shape.element(str(self.time))
        return replace(self, where=(*self.where, sa.false() if limit is None else column <= limit))

    def earliest(self) -> sa.Select[Any]:
        """Return the statement of the earliest time."""
        return sa.select(sa.func.min(self.shape.element(str(self.time)))).where(*self.where)

    def count(self, since: Any) -> sa.Select[Any]:
        """Return the statement that counts the rows from a time on."""
        return (
            sa.select(sa.func.count())
            .select_from(self.shape.clause)
            .where(*self.where, self.shape.element(str(self.time)) >= since)
        )

    def positions(self) -> tuple[int, tuple[int, ...]]:
        """Return where time (-1: none) and key stand in a row."""
        names = [column.name for column in self.shape.columns]
        time = names.index(self.shape.column(self.time).name) if self.time else -1
        return time, tuple(names.index(self.shape.column(part).name) for part in self.key)

    def at(self, row: RawRow) -> Position:
        """Return a row's place."""
        time, key = self.positions()
        return Position(row[time] if time >= 0 else None, tuple(row[place] for place in key))

    def missing_order(self) -> list[sa.ColumnElement[bool]]:
        """Return the conditions under which a row has no place in the order, so that no page would ever show it."""
        names = [*([self.time] if self.time else []), *self.key]
        found: list[sa.ColumnElement[bool]] = [
            self.shape.element(name).is_(None) for name in names if self.shape.column(name).nullable
        ]
        if self.time and self.shape.column(self.time).textual:
            found.append(self.shape.element(self.time) == "")
        return found


def _after(columns: Sequence[sa.ColumnElement[Any]], values: Sequence[Any]) -> Iterator[sa.ColumnElement[bool]]:
    """(a, b) > (x, y) written out, since few databases use an index for the short form; a >= x helps them find it."""
    yield columns[0] >= values[0]
    yield sa.or_(
        *(
            sa.and_(*(columns[before] == values[before] for before in range(place)), columns[place] > values[place])
            for place in range(len(columns))
        )
    )
