"""Knows the tables as they are: which exist, their columns and unique keys; asked once and kept until something proves it stale."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from adapters.database.connection import Connections, name_over_there
from adapters.database.failures import Missing, Trouble, trouble


@dataclass(frozen=True, slots=True)
class Column:
    """One column: `name` for statements, `shown` as the database stores it."""

    name: str
    shown: str
    kind: sa.types.TypeEngine[Any]
    nullable: bool

    @property
    def textual(self) -> bool:
        """Tell whether it holds text."""
        return isinstance(self.kind, sa.String)


@dataclass(frozen=True, slots=True)
class Shape:
    """A table, view or query as it is.

    unique: the column names of every unique key, in lower case. asked: what the database says of a row beside its columns.
    """

    title: str
    clause: sa.FromClause
    columns: tuple[Column, ...]
    unique: frozenset[frozenset[str]] = frozenset()
    asked: tuple[sa.Label[Any], ...] = ()

    @property
    def selected(self) -> list[sa.ColumnElement[Any]]:
        """Return what is read of a row: its columns, and behind them what else it is asked."""
        return [*self.clause.c, *self.asked]

    @property
    def padded(self) -> frozenset[str]:
        """Return the columns of fixed width: PostgreSQL and Oracle fill their values with blanks, which belong to none of them."""
        return frozenset(column.shown for column in self.columns if isinstance(column.kind, sa.CHAR | sa.NCHAR))

    @property
    def bits(self) -> frozenset[str]:
        """Return MySQL's BIT columns."""
        return frozenset(column.shown for column in self.columns if isinstance(column.kind, mysql.BIT))

    def column(self, name: str) -> Column:
        """Return the column of that name: written alike, or else the only one that differs in case alone. Raises Missing."""
        alike = [column for column in self.columns if column.shown == name]
        found = alike or [column for column in self.columns if column.shown.lower() == name.lower()]
        if len(found) != 1:
            what = f"has {len(found)} columns" if found else "has no column"
            raise Missing(f"{self.title} {what} {name}")
        return found[0]

    def only(self, names: Iterable[str]) -> Shape:
        """Return this table with some of its columns, as if it had no others. Raises Missing."""
        assert isinstance(self.clause, sa.TableClause)
        columns = tuple(dict.fromkeys(self.column(name) for name in names))
        clause = sa.table(self.clause.name, *(sa.column(column.name) for column in columns), schema=self.clause.schema)
        return replace(self, clause=clause, columns=columns)

    def has(self, name: str) -> bool:
        """Tell whether there is such a column."""
        return any(column.shown.lower() == name.lower() for column in self.columns)

    def element(self, name: str) -> sa.ColumnElement[Any]:
        """Return the column for use in a statement; values pass to and from the driver untouched."""
        element: sa.ColumnElement[Any] = self.clause.c[self.column(name).name]
        return element

    def elements(self, names: Iterable[str]) -> list[sa.ColumnElement[Any]]:
        """Return several columns for use in a statement."""
        return [self.element(name) for name in names]


class Tables:
    """Looks tables up and keeps what it found. Thread-safe."""

    def __init__(self, connections: Connections, schema: str | None) -> None:
        self._connections = connections
        self._schema = schema
        self._known: dict[tuple[str, ...], Shape] = {}
        self._lock = Lock()

    def shape(self, *names: str) -> Shape:
        """Return the first of these tables that exists. Raises Missing when none does."""
        with self._lock:
            if names not in self._known:
                self._known[names] = self._reflected(names)
            return self._known[names]

    def query(self, text: str) -> Shape:
        """Return a query as if it were a table."""
        with self._lock:
            if (text,) not in self._known:
                self._known[(text,)] = self._asked(text)
            return self._known[(text,)]

    def forget(self) -> None:
        """Look everything up again at the next use."""
        with self._lock:
            self._known.clear()

    def _reflected(self, names: tuple[str, ...]) -> Shape:
        inspector = sa.inspect(self._connections.engine)
        for name in names:
            if (actual := self._actual(inspector, name)) is not None:
                return self._table(inspector, actual)
        where = f" in schema {self._schema}" if self._schema else ""
        raise Missing(f"there is no table {' or '.join(names)}{where}")

    def _actual(self, inspector: sa.Inspector, name: str) -> str | None:
        """Return the name as the database has it: written alike, or else the only one that differs in case alone."""
        every = {*inspector.get_table_names(self._schema), *inspector.get_view_names(self._schema)}
        alike = [other for other in every if other.lower() == name.lower()]
        if name in alike or len(alike) != 1:  # what is not listed may still be there: a synonym, a foreign table
            return name if name in alike or inspector.has_table(name, self._schema) else None
        return alike[0]

    def _table(self, inspector: sa.Inspector, name: str) -> Shape:
        try:
            columns = tuple(_column(inspector.dialect, found) for found in inspector.get_columns(name, self._schema))
            unique = _unique(inspector, name, self._schema)
        except sa.exc.DBAPIError as error:
            if trouble(error) is not Trouble.FORBIDDEN:
                raise
            return self._looked_at(name)
        clause = sa.table(name, *(sa.column(column.name) for column in columns), schema=self._schema)
        return Shape(f"table {name}", clause, columns, unique)

    def _looked_at(self, name: str) -> Shape:
        """Return a table or view as a SELECT shows it: MariaDB describes a view only to who may see its text (SHOW VIEW)."""
        engine = self._connections.engine
        bare = sa.table(name, schema=self._schema)
        with engine.connect() as connection:
            names = list(connection.execute(sa.select(sa.literal_column("*")).select_from(bare).where(sa.false())).keys())
        columns = tuple(Column(one, name_over_there(engine.dialect, one), sa.types.NullType(), True) for one in names)
        return Shape(f"table {name}", sa.table(name, *(sa.column(one) for one in names), schema=self._schema), columns)

    def _asked(self, text: str) -> Shape:
        engine = self._connections.engine
        inner = sa.text(text.replace(":", "\\:"))
        with engine.connect() as connection:
            result: sa.Result[Any] = connection.execute(
                sa.select(sa.literal_column("*")).select_from(_wrapped(inner, ())).where(sa.false())
            )
            names = list(result.keys())
        columns = tuple(Column(name, name_over_there(engine.dialect, name), sa.types.NullType(), True) for name in names)
        return Shape("the query", _wrapped(inner, names), columns)


def _wrapped(query: sa.TextClause, names: Iterable[str]) -> sa.FromClause:
    return query.columns(*(sa.column(name) for name in names)).subquery("feed")


def _column(dialect: sa.Dialect, found: Mapping[str, Any]) -> Column:
    name = str(found["name"])
    return Column(name, name_over_there(dialect, name), found["type"], bool(found.get("nullable", True)))


def _unique(inspector: sa.Inspector, name: str, schema: str | None) -> frozenset[frozenset[str]]:
    keys: list[Any] = [inspector.get_pk_constraint(name, schema).get("constrained_columns")]
    keys += [index["column_names"] for index in inspector.get_indexes(name, schema) if index.get("unique")]
    keys += [unique["column_names"] for unique in _constraints(inspector, name, schema)]
    return frozenset(frozenset(str(column).lower() for column in key) for key in keys if key)


def _constraints(inspector: sa.Inspector, name: str, schema: str | None) -> list[Any]:
    try:
        return list(inspector.get_unique_constraints(name, schema))
    except NotImplementedError:  # a view, or a dialect that tells them as indexes only
        return []
