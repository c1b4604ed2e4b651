"""Decides which rows of other tables belong to a record, and puts them into its data as lists."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from adapters.database.connection import Connections
from adapters.database.failures import Missing
from adapters.database.options import Children, Feed
from adapters.database.reading import Reading, Rows, Unfit, read
from adapters.database.tables import Shape, Tables

#: Most keys in one IN list; Oracle takes a thousand.
SLICE = 500


def attach(feed: Feed, connections: Connections, tables: Tables, page: Rows, key: Sequence[str], how: Reading) -> None:
    """Add every declared list of children to a page's data, one query per list and slice of keys.

    A child that cannot be read makes its record unreadable: half a list would be sent as if it were whole.
    """
    for name, children in feed.children.items():
        shape = tables.shape(children.table)
        parent = [_named(page, column) for column in children.parent or key]
        owners, values = _owners(page, parent)
        for data in page.data:
            data[name] = []
        for owner, child, unfit in _rows(shape, children, connections, values, how):
            for index in owners.get(owner, ()):
                if unfit is not None:
                    page.broken.setdefault(index, unfit)
                else:
                    page.data[index][name].append(child)


def _named(page: Rows, column: str) -> str:
    found = [name for name in page.data[0] if name.lower() == column.lower()] if page.data else [column]
    if not found:
        raise Missing(f"the feed has no column {column}, which `children` refer to")
    return found[0]


def _owners(page: Rows, parent: Sequence[str]) -> tuple[dict[tuple[str, ...], list[int]], list[tuple[Any, ...]]]:
    """Return which rows of the page have a key, written as text, and the keys as they are."""
    places: dict[tuple[str, ...], list[int]] = defaultdict(list)
    values: dict[tuple[str, ...], tuple[Any, ...]] = {}
    for index, data in enumerate(page.data):
        key = tuple(data[name] for name in parent)
        text = tuple(map(str, key))
        places[text].append(index)
        values[text] = key
    return places, list(values.values())


def _rows(
    shape: Shape, children: Children, connections: Connections, owners: list[tuple[Any, ...]], how: Reading
) -> Iterator[tuple[tuple[str, ...], dict[str, Any], Unfit | None]]:
    keys = [shape.column(name).shown for name in children.key]
    how = replace(how, bits=shape.bits, padded=shape.padded)
    for start in range(0, len(owners), SLICE):
        within = among(shape.elements(children.key), owners[start : start + SLICE])
        statement = sa.select(*shape.clause.c).where(within).order_by(*shape.elements(children.order))
        found = read([column.shown for column in shape.columns], connections.rows(statement)[1], how)
        for index, data in enumerate(found.data):
            yield tuple(str(data[name]) for name in keys), data, found.broken.get(index)


def among(columns: Sequence[sa.ColumnElement[Any]], keys: Sequence[Sequence[Any]]) -> sa.ColumnElement[bool]:
    """Return the condition that a row has one of these keys."""
    if len(columns) == 1:
        return columns[0].in_([key[0] for key in keys])
    return sa.tuple_(*columns).in_([tuple(key) for key in keys])
