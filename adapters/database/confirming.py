"""The exchange-table protocol with a sister table: what has no row there is unread, and inserting one confirms it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from adapters.database.clock import database_now
from adapters.database.exchange import Exchange, fitting_form
from adapters.database.failures import OF_THE_ROW, trouble
from adapters.database.feeds import Feeding, Found, telling
from adapters.database.keyset import Keyset, Position, RawRow
from adapters.database.options import Confirm, Copied
from adapters.database.reading import unpadded
from adapters.database.walking import Bookmark
from adapters.database.writing import converter
from hub.errors import SourceFailed


class ConfirmingReader(Exchange):
    """Reads rows that have no row in a sister table yet, and confirms them by inserting one.

    Source of the form: the middle tables `provinceinfo` / `provinceinfosync` of Fujian's 省网上办事大厅.
    """

    def __init__(self, feeding: Feeding, confirm: Confirm) -> None:
        super().__init__(feeding)
        self._confirm = confirm
        with telling(self._feeding.where):
            self._sister = feeding.tables.shape(confirm.table)
            unread = sa.not_(sa.exists().where(*self._joined()).select_from(self._sister.clause))
            self._keysets = list(_keysets(feeding, unread))
            for name in (*confirm.values, *(confirm.failed or {})):
                self._sister.column(name)

    def _joined(self) -> list[sa.ColumnElement[bool]]:
        shape = self._feeding.shape
        return [self._sister.element(there) == shape.element(here) for there, here in self._confirm.by.items()]

    def pages(self, start: Bookmark | None) -> Iterator[Found]:
        """Yield pages until every row is confirmed; a fault that is not confirmed is met once a run."""
        for keyset in self._keysets:
            yield from self._pages(keyset)

    def _pages(self, keyset: Keyset) -> Iterator[Found]:
        after: Position | None = None
        while True:
            rows, unread = self._feeding.fetch(keyset.page(after), self._sorted)
            if not rows or keyset.at(rows[-1]) == after:
                return
            after = keyset.at(rows[-1])
            found, broken = self._found(rows, unread)
            yield found
            self._confirm_all(rows, broken)

    def _confirm_all(self, rows: Sequence[RawRow], broken: Collection[int]) -> None:
        confirm = self._confirm
        good = [row for at, row in enumerate(rows) if at not in broken]
        self._insert(good, confirm.values)
        if confirm.failed is not None:
            self._insert([row for at, row in enumerate(rows) if at in broken], {**confirm.values, **confirm.failed})

    def _insert(self, rows: Sequence[RawRow], values: dict[str, Any]) -> None:
        if not rows:
            return
        try:
            self._in_transaction(lambda connection: self._insert_into(connection, rows, values))
        except SourceFailed as error:
            if not isinstance(error.__cause__, sa.exc.DBAPIError) or trouble(error.__cause__) not in OF_THE_ROW or len(rows) == 1:
                raise
            self._one_by_one(rows, values)

    def _one_by_one(self, rows: Sequence[RawRow], values: dict[str, Any]) -> None:
        """Another reader confirmed some of them first: what is there already is confirmed."""
        for row in rows:
            with telling(self._feeding.where):
                there = self._feeding.connections.rows(
                    sa.select(sa.literal(1)).select_from(self._sister.clause).where(*self._same(row))
                )[1]
            if not there:
                self._insert([row], values)

    def _same(self, row: RawRow) -> Iterator[sa.ColumnElement[bool]]:
        for there, here in self._confirm.by.items():
            yield self._sister.element(there) == self._value(row, here)

    def _insert_into(self, connection: sa.Connection, rows: Sequence[RawRow], values: dict[str, Any]) -> None:
        assert isinstance(self._sister.clause, sa.TableClause)
        now = database_now(connection)
        names = {**{there: Copied(column=here) for there, here in self._confirm.by.items()}, **values}
        parameters = [
            {self._sister.column(name).name: self._given(name, value, row, now) for name, value in names.items()} for row in rows
        ]
        connection.execute(sa.insert(self._sister.clause), parameters)

    def _given(self, name: str, value: Any, row: RawRow, now: Any) -> Any:
        if isinstance(value, Copied):
            return self._value(row, value.column)
        column = self._sister.column(name)
        found = now if value == "$now" else value
        return converter(column.kind, self._feeding.connections.dialect).one(fitting_form(column.textual, found))

    def _value(self, row: RawRow, name: str) -> Any:
        shape, value = self._feeding.shape, row[self._place(name)]
        return unpadded(value) if shape.column(name).shown in shape.padded else value


def _keysets(feeding: Feeding, unread: sa.ColumnElement[bool]) -> Iterator[Keyset]:
    """Rows without time have no place among those with one: they are read after them, by key alone."""
    shape, feed, wanted = feeding.shape, feeding.feed, (*feeding.conditions, unread)
    if feed.time is None:
        yield Keyset(shape, None, feed.key, feed.page, wanted)
        return
    time = shape.element(feed.time)
    yield Keyset(shape, feed.time, feed.key, feed.page, (*wanted, time.is_not(None)))
    yield Keyset(shape, None, feed.key, feed.page, (*wanted, time.is_(None)))
