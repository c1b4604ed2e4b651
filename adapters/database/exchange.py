"""The exchange-table protocols of a reader: a status column that is claimed and written back, or a sister table that confirms.

Nothing is written back before its page is durable: the caller asks for the next page only then, so the write-back of a page stands
after its `yield`. A reader that dies in between leaves claimed rows, which are claimed again once they are stale.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from adapters.database.children import SLICE, among
from adapters.database.clock import database_now
from adapters.database.connection import fetched, steadily
from adapters.database.failures import OF_THE_ROW, trouble
from adapters.database.feeds import Feeding, Found, RawRow, Reader, TimedReader, telling
from adapters.database.keyset import Keyset, Position
from adapters.database.options import Claim, Confirm, Copied
from adapters.database.targets import flagged
from adapters.database.writing import converter
from hub.errors import SourceFailed
from hub.model import Unreadable


def reader(feeding: Feeding) -> Reader:
    """Return how this feed is read."""
    if feeding.feed.claim is not None:
        return ClaimingReader(feeding, feeding.feed.claim)
    if feeding.feed.confirm is not None:
        return ConfirmingReader(feeding, feeding.feed.confirm)
    return TimedReader(feeding)


class _Exchange:
    """What both protocols share: rows in pages, converted, then told what became of them."""

    def __init__(self, feeding: Feeding) -> None:
        self._feeding = feeding
        self._where = f"feed {feeding.kind}"
        self._order = [*([feeding.feed.time] if feeding.feed.time else []), *feeding.feed.key]
        with telling(self._where):
            names = [column.name for column in feeding.shape.columns]
            self._keys = [names.index(feeding.shape.column(name).name) for name in feeding.feed.key]

    def _in_transaction(self, work: Callable[[sa.Connection], Any]) -> Any:
        """Do the work in one transaction, up to three times while locks or the connection get in its way."""

        def once() -> Any:
            with self._feeding.connections.writing() as connection:
                found = work(connection)
                connection.commit()
                return found

        with telling(self._where):
            return steadily(once)

    def _found(self, rows: Sequence[RawRow]) -> tuple[Found, set[int]]:
        """Convert a page; also return the positions of its faults."""
        with telling(self._where):
            records, faults = self._feeding.records(rows)
        broken = {fault.key for fault in faults}
        return Found(tuple(records), tuple(faults), None), {at for at, row in enumerate(rows) if self._feeding.key_of(row) in broken}

    def _key(self, row: RawRow) -> tuple[Any, ...]:
        return tuple(row[place] for place in self._keys)

    def _of(self, rows: Sequence[RawRow]) -> list[sa.ColumnElement[bool]]:
        """Return conditions that together name these rows, in slices a statement can take."""
        columns = self._feeding.shape.elements(self._feeding.feed.key)
        return [among(columns, [self._key(row) for row in rows[at : at + SLICE]]) for at in range(0, len(rows), SLICE)]


class ClaimingReader(_Exchange):
    """Reads rows whose status says new: claims a page, yields it, writes back what became of it."""

    def __init__(self, feeding: Feeding, claim: Claim) -> None:
        super().__init__(feeding)
        self._claim = claim
        shape = feeding.shape
        with telling(self._where):
            self._status = shape.column(claim.status)
            self._new = flagged(shape, claim.status, claim.new)
            for name in (claim.token, claim.time, claim.error):
                if name:
                    shape.column(name)
            self._sorted = shape.elements(self._order)

    def pages(self, start: Position | None) -> Iterator[Found]:
        """Yield pages until no row is new. `start` is not needed: the table itself knows what was read."""
        while True:
            token = uuid.uuid4().hex
            rows = self._in_transaction(lambda connection, token=token: self._take(connection, token))
            if rows is None:
                return
            if rows:
                found, broken = self._found(rows)
                yield found
                self._write_back(rows, broken, found.faults, token)

    def _take(self, connection: sa.Connection, token: str) -> Sequence[RawRow] | None:
        """Claim the next rows; None when there are none left, empty when another reader was quicker."""
        now = database_now(connection)
        candidates = self._candidates(connection, now)
        if not candidates:
            return None
        if self._claim.claimed is None:
            return candidates
        if self._claim.token is None:
            self._mark(connection, candidates, now, None)
            return self._current(connection, candidates)
        self._mark(connection, candidates, now, token)
        mine = self._feeding.shape.element(self._claim.token) == token
        return fetched(connection, sa.select(*self._feeding.shape.clause.c).where(mine).order_by(*self._sorted))[1]

    def _candidates(self, connection: sa.Connection, now: Any) -> Sequence[RawRow]:
        statement = sa.select(*self._feeding.shape.clause.c).where(self._free(now)).order_by(*self._sorted)
        statement = statement.limit(self._feeding.feed.page)
        if self._claim.claimed is not None and connection.dialect.name != "sqlite":  # SQLite lets one writer in at a time
            statement = statement.with_for_update(skip_locked=_skips_locked(connection))
        return fetched(connection, statement)[1]

    def _free(self, now: Any) -> sa.ColumnElement[bool]:
        """New, or claimed so long ago that whoever claimed it must be gone."""
        claim, shape = self._claim, self._feeding.shape
        if claim.claimed is None or claim.time is None:
            return self._new
        column = shape.column(claim.time)
        limit = converter(column.kind, self._feeding.connections.dialect).one(_as(column.textual, now - claim.stale))
        stale = sa.and_(flagged(shape, claim.status, [claim.claimed]), shape.element(claim.time) < limit)
        return sa.or_(self._new, stale)

    def _mark(self, connection: sa.Connection, rows: Sequence[RawRow], now: Any, token: str | None) -> None:
        claim = self._claim
        values = {claim.status: claim.claimed, str(claim.time): now, **({claim.token: token} if claim.token else {})}
        for these in self._of(rows):
            # the condition is asked again: without SKIP LOCKED another reader may have been quicker
            connection.execute(self._update(values).where(these, self._free(now)))

    def _current(self, connection: sa.Connection, rows: Sequence[RawRow]) -> Sequence[RawRow]:
        shape = self._feeding.shape
        found: list[RawRow] = []
        for these in self._of(rows):
            found += fetched(connection, sa.select(*shape.clause.c).where(these).order_by(*self._sorted))[1]
        return found

    def _update(self, values: dict[str, Any]) -> sa.Update:
        shape = self._feeding.shape
        assert isinstance(shape.clause, sa.TableClause)
        return sa.update(shape.clause).values({shape.column(name).name: self._fitting(name, value) for name, value in values.items()})

    def _fitting(self, name: str, value: Any) -> Any:
        column = self._feeding.shape.column(name)
        if value is None:
            return None
        return converter(column.kind, self._feeding.connections.dialect).one(_as(column.textual, value))

    # --- write-back ---

    def _write_back(self, rows: Sequence[RawRow], broken: set[int], faults: Sequence[Unreadable], token: str) -> None:
        good = [row for at, row in enumerate(rows) if at not in broken]
        bad = [row for at, row in enumerate(rows) if at in broken]
        reasons = {fault.key: f"{fault.code} {fault.reason}" for fault in faults}
        written = self._in_transaction(lambda connection: self._settle(connection, good, bad, reasons, token))
        if written == 0 and self._claim.claimed is None:
            raise SourceFailed("HUB-S-309", f"{self._where}: the status of the rows just read cannot be changed; they would come again")

    def _settle(
        self, connection: sa.Connection, good: Sequence[RawRow], bad: Sequence[RawRow], reasons: dict[str, str], token: str
    ) -> int:
        written = sum(self._finish(connection, these, good, token) for these in self._of(good))
        if self._claim.failed is None:
            return written
        for row in bad:
            values: dict[str, Any] = {self._claim.status: self._claim.failed}
            if self._claim.error:
                values[self._claim.error] = self._short(reasons[self._feeding.key_of(row)])
            written += self._change(connection, self._update(values), self._of([row])[0], [row], token)
        return written

    def _finish(self, connection: sa.Connection, these: sa.ColumnElement[bool], rows: Sequence[RawRow], token: str) -> int:
        assert isinstance(self._feeding.shape.clause, sa.TableClause)
        if self._claim.remove:
            return self._change(connection, sa.delete(self._feeding.shape.clause), these, rows, token)
        return self._change(connection, self._update({self._claim.status: self._claim.taken}), these, rows, token)

    def _change(
        self, connection: sa.Connection, change: sa.Update | sa.Delete, these: sa.ColumnElement[bool], rows: Sequence[RawRow], token: str
    ) -> int:
        return connection.execute(change.where(these, *self._still_ours(rows, token))).rowcount

    def _still_ours(self, rows: Sequence[RawRow], token: str) -> Iterator[sa.ColumnElement[bool]]:
        """A row its owner made new again meanwhile, or another reader took over, is left alone."""
        claim, shape, feed = self._claim, self._feeding.shape, self._feeding.feed
        if claim.claimed is not None:
            yield flagged(shape, claim.status, [claim.claimed])
            if claim.token:
                yield shape.element(claim.token) == token
            return
        yield self._new
        if feed.time:
            place = [column.name for column in shape.columns].index(shape.column(feed.time).name)
            latest = max((row[place] for row in rows if row[place] is not None), default=None)
            if latest is not None:
                yield sa.or_(shape.element(feed.time).is_(None), shape.element(feed.time) <= latest)

    def _short(self, reason: str) -> str:
        length = getattr(self._feeding.shape.column(str(self._claim.error)).kind, "length", None)
        return reason[:length] if length else reason


class ConfirmingReader(_Exchange):
    """Reads rows that have no row in a sister table yet, and confirms them by inserting one.

    Source of the form: the middle tables `provinceinfo` / `provinceinfosync` of Fujian's 省网上办事大厅.
    """

    def __init__(self, feeding: Feeding, confirm: Confirm) -> None:
        super().__init__(feeding)
        self._confirm = confirm
        with telling(self._where):
            self._sister = feeding.tables.shape(confirm.table)
            unread = sa.not_(sa.exists().where(*self._joined()).select_from(self._sister.clause))
            self._keyset = Keyset(feeding.shape, feeding.feed.time, feeding.feed.key, feeding.feed.page, (unread,))
            self._time, _ = self._keyset.positions()
            for name in (*confirm.values, *(confirm.failed or {})):
                self._sister.column(name)

    def _joined(self) -> list[sa.ColumnElement[bool]]:
        shape = self._feeding.shape
        return [self._sister.element(there) == shape.element(here) for there, here in self._confirm.on.items()]

    def pages(self, start: Position | None) -> Iterator[Found]:
        """Yield pages until every row is confirmed; a fault that is not confirmed is met once a run."""
        after: Position | None = None
        while True:
            with telling(self._where):
                rows = self._feeding.connections.rows(self._keyset.page(after))[1]
            if not rows:
                return
            after = Position(rows[-1][self._time] if self._time >= 0 else None, self._key(rows[-1]))
            found, broken = self._found(rows)
            yield found
            self._confirm_all(rows, broken)

    def _confirm_all(self, rows: Sequence[RawRow], broken: set[int]) -> None:
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
            with telling(self._where):
                there = self._feeding.connections.rows(sa.select(sa.literal(1)).select_from(self._sister.clause).where(*self._same(row)))[1]
            if not there:
                self._insert([row], values)

    def _same(self, row: RawRow) -> Iterator[sa.ColumnElement[bool]]:
        for there, here in self._confirm.on.items():
            yield self._sister.element(there) == self._value(row, here)

    def _insert_into(self, connection: sa.Connection, rows: Sequence[RawRow], values: dict[str, Any]) -> None:
        assert isinstance(self._sister.clause, sa.TableClause)
        now = database_now(connection)
        names = {**{there: Copied(column=here) for there, here in self._confirm.on.items()}, **values}
        parameters = [{self._sister.column(name).name: self._given(name, value, row, now) for name, value in names.items()} for row in rows]
        connection.execute(sa.insert(self._sister.clause), parameters)

    def _given(self, name: str, value: Any, row: RawRow, now: Any) -> Any:
        if isinstance(value, Copied):
            return self._value(row, value.column)
        column = self._sister.column(name)
        found = now if value == "$now" else value
        return converter(column.kind, self._feeding.connections.dialect).one(_as(column.textual, found))

    def _value(self, row: RawRow, name: str) -> Any:
        names = [column.name for column in self._feeding.shape.columns]
        return row[names.index(self._feeding.shape.column(name).name)]


def _as(textual: bool, value: Any) -> Any:
    """A time goes into a text column in the form of the national front-end tables."""
    return value.isoformat(" ", "seconds") if textual and hasattr(value, "isoformat") else value


def _skips_locked(connection: sa.Connection) -> bool:
    """MariaDB knows SKIP LOCKED since 10.6, MySQL since 8; PostgreSQL and Oracle have long known it."""
    dialect: Any = connection.dialect
    if dialect.name not in ("mysql", "mariadb"):
        return dialect.name in ("postgresql", "oracle")
    return bool(dialect.server_version_info >= ((10, 6) if dialect.is_mariadb else (8,)))
