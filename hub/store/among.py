"""Decides how a query asks for many numbers or keys: as one bound value, so that it is one statement however many there are.

An IN list has a placeholder for each of its values. Each length is a statement of its own to a database, every connection keeps the
last hundred or so it prepared, each as big as its list, and a driver takes the text of each apart again.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import orjson
from sqlalchemy import BigInteger, ColumnElement, Dialect, Integer, String, Text, bindparam
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import NullType, TypeDecorator, TypeEngine


class _Many(TypeDecorator[Collection[Any]]):
    """Numbers or texts as one value: an array in PostgreSQL, JSON in SQLite."""

    impl = Text
    cache_ok = True

    def __init__(self, numbers: bool) -> None:
        super().__init__()
        self.numbers = numbers

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(ARRAY(BigInteger() if self.numbers else String()) if _arrays(dialect) else Text())

    def process_bind_param(self, value: Collection[Any] | None, dialect: Dialect) -> Any:
        items = list(value or ())
        return items if _arrays(dialect) else orjson.dumps(items).decode()


def _arrays(dialect: Dialect) -> bool:
    return dialect.name == "postgresql"


class _Among(FunctionElement[Any]):  # no Boolean: SQLite would get `… = 1`, which no index answers
    type = NullType()
    inherit_cache = True


@compiles(_Among, "sqlite")
def _in_json(element: _Among, compiler: SQLCompiler, **named: Any) -> str:
    column, values = element.clauses
    return f"{compiler.process(column, **named)} IN (SELECT value FROM json_each({compiler.process(values, **named)}))"


@compiles(_Among, "postgresql")
def _in_array(element: _Among, compiler: SQLCompiler, **named: Any) -> str:
    column, values = element.clauses
    return f"{compiler.process(column, **named)} = ANY ({compiler.process(values, **named)})"


def among(column: ColumnElement[Any], values: Collection[int] | Collection[str]) -> ColumnElement[bool]:
    """Return the condition that a column of whole numbers or of texts has one of these values; of none, it never holds."""
    return _Among(column, bindparam(None, values, _Many(isinstance(column.type, Integer)), unique=True))
