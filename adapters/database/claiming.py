"""The exchange-table protocol with a status column: how rows are claimed, given up for lost, and written back."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from adapters.database.children import SLICE, among
from adapters.database.clock import database_now
from adapters.database.exchange import Exchange, fitting_form
from adapters.database.feeds import Feeding, Found, telling
from adapters.database.keyset import RawRow
from adapters.database.options import Claim
from adapters.database.reading import Unfit
from adapters.database.targets import flagged
from adapters.database.walking import Bookmark
from adapters.database.writing import converter
from hub.errors import SourceFailed
from hub.model import Unreadable

#: Dialects whose SELECT with a limit can lock what it finds. SQLite lets one writer in at a time and needs no locks.
_LOCKS = frozenset({"mysql", "postgresql"})


class ClaimingReader(Exchange):
    """Reads rows whose status says new: claims a page, yields it, writes back what became of it."""

    def __init__(self, feeding: Feeding, claim: Claim) -> None:
        super().__init__(feeding)
        self._claim = claim
        shape = feeding.shape
        with telling(feeding.where):
            self._status = shape.column(claim.status)
            self._new = sa.and_(flagged(shape, claim.status, claim.new), *feeding.conditions)
            for name in (claim.token, claim.time, claim.error):
                if name:
                    shape.column(name)
        _fenced(claim, feeding)

    def pages(self, start: Bookmark | None) -> Iterator[Found]:
        """Yield pages until no row is new. `start` is not needed: the table itself knows what was read."""
        while True:
            token = uuid.uuid4().hex
            taken = self._in_transaction(lambda connection, token=token: self._take(connection, token))  # type: ignore[misc]
            if taken is None:
                return
            rows, unread = self._rows(taken, token)
            if rows:
                found, broken = self._found(rows, unread)
                yield found
                self._write_back(rows, broken, token)

    def _take(self, connection: sa.Connection, token: str) -> Sequence[RawRow] | None:
        """Claim the next rows and return their place in the order.

        None when there are none left; empty when another reader was quicker with all of them.
        """
        now = database_now(connection)
        candidates = self._candidates(connection, now)
        if not candidates:
            return None
        if self._claim.claimed is not None and self._mark(connection, candidates, now, token) == 0:
            return []
        return candidates

    def _candidates(self, connection: sa.Connection, now: Any) -> Sequence[RawRow]:
        statement = sa.select(*self._sorted).where(self._free(now)).order_by(*self._sorted).limit(self._feeding.feed.page)
        if self._claim.claimed is not None and self._feeding.connections.dialect in _LOCKS:
            statement = statement.with_for_update(skip_locked=_skips_locked(connection))
        return connection.execute(statement).all()

    def _rows(self, taken: Sequence[RawRow], token: str) -> tuple[list[RawRow], dict[int, Unfit]]:
        """Read what was claimed, after the claim is committed: a value the driver cannot give must not undo it."""
        rows: list[RawRow] = []
        unread: dict[int, Unfit] = {}
        for condition in self._mine(taken, token):
            statement = sa.select(*self._feeding.shape.selected).where(condition).order_by(*self._sorted)
            more, broken = self._feeding.fetch(statement, self._sorted)
            unread |= {len(rows) + at: unfit for at, unfit in broken.items()}
            rows += more
        if taken and not rows:
            raise SourceFailed("HUB-S-309", f"{self._feeding.where}: claimed rows cannot be found again; is the token cut?")
        return rows, unread

    def _mine(self, taken: Sequence[RawRow], token: str) -> list[sa.ColumnElement[bool]]:
        if not taken:
            return []
        if self._claim.token is not None:
            return [self._feeding.shape.element(self._claim.token) == token]
        keys = [row[-len(self._keys) :] for row in taken]
        columns = self._feeding.shape.elements(self._feeding.feed.key)
        return [among(columns, keys[at : at + SLICE]) for at in range(0, len(keys), SLICE)]

    def _free(self, now: Any) -> sa.ColumnElement[bool]:
        """New, or claimed so long ago that whoever claimed it must be gone."""
        claim, shape = self._claim, self._feeding.shape
        if claim.claimed is None or claim.time is None:
            return self._new
        column = shape.column(claim.time)
        limit = converter(column.kind, self._feeding.connections.dialect).one(fitting_form(column.textual, now - claim.stale))
        claimed = flagged(shape, claim.status, [claim.claimed])
        stale = sa.and_(claimed, shape.element(claim.time) < limit, *self._feeding.conditions)
        return sa.or_(self._new, stale)

    def _mark(self, connection: sa.Connection, rows: Sequence[RawRow], now: Any, token: str) -> int:
        claim = self._claim
        values = {claim.status: claim.claimed, str(claim.time): now, **({claim.token: token} if claim.token else {})}
        keys = [row[-len(self._keys) :] for row in rows]
        columns = self._feeding.shape.elements(self._feeding.feed.key)
        marked = 0
        for at in range(0, len(keys), SLICE):
            # the condition is asked again: without SKIP LOCKED another reader may have been quicker
            change = self._update(values).where(among(columns, keys[at : at + SLICE]), self._free(now))
            marked += connection.execute(change).rowcount
        return marked

    def _update(self, values: dict[str, Any]) -> sa.Update:
        shape = self._feeding.shape
        assert isinstance(shape.clause, sa.TableClause)
        return sa.update(shape.clause).values(
            {shape.column(name).name: self._fitting(name, value) for name, value in values.items()}
        )

    def _fitting(self, name: str, value: Any) -> Any:
        column = self._feeding.shape.column(name)
        if value is None:
            return None
        return converter(column.kind, self._feeding.connections.dialect).one(fitting_form(column.textual, value))

    # --- write-back ---

    def _write_back(self, rows: Sequence[RawRow], broken: dict[int, Unreadable], token: str) -> None:
        good = [row for at, row in enumerate(rows) if at not in broken]
        bad = [(rows[at], f"{fault.code} {fault.reason}") for at, fault in sorted(broken.items())]
        written = self._in_transaction(lambda connection: self._settle(connection, good, bad, token))
        if written == 0 and self._claim.claimed is None:
            raise SourceFailed(
                "HUB-S-309", f"{self._feeding.where}: the status of the rows just read cannot be changed; they would come again"
            )

    def _settle(self, connection: sa.Connection, good: Sequence[RawRow], bad: Sequence[tuple[RawRow, str]], token: str) -> int:
        written = sum(self._finish(connection, these, good, token) for these in self._of(good))
        if self._claim.failed is None:
            return written
        for row, reason in bad:
            values: dict[str, Any] = {self._claim.status: self._claim.failed}
            if self._claim.error:
                values[self._claim.error] = self._short(reason)
            written += self._change(connection, self._update(values), self._of([row])[0], [row], token)
        return written

    def _finish(self, connection: sa.Connection, these: sa.ColumnElement[bool], rows: Sequence[RawRow], token: str) -> int:
        assert isinstance(self._feeding.shape.clause, sa.TableClause)
        if self._claim.remove:
            return self._change(connection, sa.delete(self._feeding.shape.clause), these, rows, token)
        return self._change(connection, self._update({self._claim.status: self._claim.taken}), these, rows, token)

    def _change(
        self,
        connection: sa.Connection,
        change: sa.Update | sa.Delete,
        these: sa.ColumnElement[bool],
        rows: Sequence[RawRow],
        token: str,
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
            place = self._place(feed.time)
            latest = max((row[place] for row in rows if row[place] is not None), default=None)
            if latest is not None:
                yield sa.or_(shape.element(feed.time).is_(None), shape.element(feed.time) <= latest)

    def _short(self, reason: str) -> str:
        length = getattr(self._feeding.shape.column(str(self._claim.error)).kind, "length", None)
        return reason[:length] if length else reason


def _fenced(claim: Claim, feeding: Feeding) -> None:
    """Refuse a claim that two readers could win at once."""
    if claim.claimed is not None and claim.token is None and feeding.connections.dialect not in {*_LOCKS, "sqlite"}:
        raise SourceFailed("HUB-S-303", f"{feeding.where}: `claim` needs `token` on this database", misconfigured=True)


def _skips_locked(connection: sa.Connection) -> bool:
    """MariaDB knows SKIP LOCKED since 10.6, MySQL since 8; PostgreSQL has long known it."""
    dialect: Any = connection.dialect
    if dialect.name == "postgresql":
        return True
    return bool(dialect.server_version_info >= ((10, 6) if dialect.is_mariadb else (8,)))
