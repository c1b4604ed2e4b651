"""Decides how a row is written in each dialect: one upsert where the database has a safe one, UPDATE then INSERT elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.dialects import mysql, postgresql, sqlite

from adapters.database.tables import Shape

_Change: TypeAlias = sa.Insert | sa.Update | sa.Delete
_CONFLICT: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


#: The values of a list of rows, column by column, under the names the statements bind.
Columns: TypeAlias = Mapping[str, Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Compiled:
    """A statement as the driver takes it: SQL, and the bound names in the order of its marks (`named`: the driver's own names)."""

    sql: str
    order: tuple[str, ...]
    named: tuple[str, ...] | None

    def parameters(self, columns: Columns) -> list[Any]:
        """Return one set of parameters for each row."""
        rows = list(zip(*(columns[name] for name in self.order), strict=True))
        return rows if self.named is None else [dict(zip(self.named, row, strict=True)) for row in rows]


class Writing:
    """The statement that writes a list of rows; with `instead`, it is an UPDATE and `instead` inserts the rows it did not find.

    Statements are compiled once and handed to the driver as they are: SQLAlchemy's own treatment of every row's parameters would
    double the time, and there is nothing for it to do, since the values are converted already.
    """

    def __init__(self, statement: _Change, instead: _Change | None = None) -> None:
        self._statements = [statement] if instead is None else [statement, instead]
        self._compiled: list[Compiled] = []

    def execute(self, connection: sa.Connection, columns: Columns) -> None:
        """Write the rows, in order."""
        if not self._compiled:
            self._compiled = [_compiled(statement, connection.dialect) for statement in self._statements]
        first = self._compiled[0].parameters(columns)
        if len(self._compiled) == 1:
            connection.exec_driver_sql(self._compiled[0].sql, first)
            return
        for update, insertion in zip(first, self._compiled[1].parameters(columns), strict=True):
            if connection.exec_driver_sql(self._compiled[0].sql, update).rowcount == 0:
                connection.exec_driver_sql(self._compiled[1].sql, insertion)


def _compiled(statement: _Change, dialect: sa.Dialect) -> Compiled:
    found: Any = statement.compile(dialect=dialect)
    if found.positional:
        return Compiled(found.string, tuple(found.positiontup), None)
    order = tuple(found.binds)
    return Compiled(found.string, order, tuple(found.escaped_bind_names.get(name, name) for name in order))


def bound(name: str) -> str:
    """Return the name under which a key's value is bound in a WHERE; a column's own name is taken by SET."""
    return f"key of {name}"


def insert(shape: Shape, names: Sequence[str]) -> Writing:
    """Return a plain INSERT of these columns."""
    return Writing(_insert(shape, names))


def remove(shape: Shape, key: Sequence[str]) -> Writing:
    """Return a DELETE by key."""
    return Writing(sa.delete(_table(shape)).where(*_is_key(shape, key)))


def upsert(shape: Shape, names: Sequence[str], key: Sequence[str], dialect: str) -> Writing:
    """Return what inserts a row, or changes the row that has its key.

    SQLite and PostgreSQL: ON CONFLICT, when the key is unique over there. MariaDB and MySQL: ON DUPLICATE KEY UPDATE, when no other
    unique key is written too, since it would change the row that collides with any of them. Oracle, 达梦 and tables without a
    unique key: UPDATE, then INSERT when no row was there.
    """
    rest = [name for name in names if name not in key]
    unique = frozenset(name.lower() for name in key) in shape.unique
    if unique and dialect in _CONFLICT:
        return Writing(_on_conflict(shape, names, key, rest, dialect))
    if unique and dialect == "mysql" and rest and not _other_unique(shape, names, key):
        return Writing(_on_duplicate(shape, names, rest))
    changed: dict[str, Any] = {name: sa.bindparam(name) for name in rest or key}
    update = sa.update(_table(shape)).where(*_is_key(shape, key)).values(changed)
    return Writing(update, _insert(shape, names))


def _table(shape: Shape) -> sa.TableClause:
    assert isinstance(shape.clause, sa.TableClause)
    return shape.clause


def _insert(shape: Shape, names: Sequence[str]) -> sa.Insert:
    return sa.insert(_table(shape)).values({name: sa.bindparam(name) for name in names})


def _is_key(shape: Shape, key: Sequence[str]) -> list[sa.ColumnElement[bool]]:
    return [shape.clause.c[name] == sa.bindparam(bound(name)) for name in key]


def _on_conflict(shape: Shape, names: Sequence[str], key: Sequence[str], rest: Sequence[str], dialect: str) -> sa.Insert:
    base = _CONFLICT[dialect](_table(shape)).values({name: sa.bindparam(name) for name in names})
    columns = [shape.clause.c[name] for name in key]
    if not rest:
        done: sa.Insert = base.on_conflict_do_nothing(index_elements=columns)
        return done
    changed: sa.Insert = base.on_conflict_do_update(index_elements=columns, set_={name: base.excluded[name] for name in rest})
    return changed


def _on_duplicate(shape: Shape, names: Sequence[str], rest: Sequence[str]) -> sa.Insert:
    base = mysql.insert(_table(shape)).values({name: sa.bindparam(name) for name in names})
    return base.on_duplicate_key_update({name: base.inserted[name] for name in rest})


def _other_unique(shape: Shape, names: Sequence[str], key: Sequence[str]) -> bool:
    written = {name.lower() for name in names}
    own = frozenset(name.lower() for name in key)
    return any(unique != own and unique <= written for unique in shape.unique)
