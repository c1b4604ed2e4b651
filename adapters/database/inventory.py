"""Decides what an endpoint's table holds, for reconciliation: every row's key and a digest of its business columns."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from adapters.database.connection import Connections
from adapters.database.exchange import fitting_form
from adapters.database.feeds import telling
from adapters.database.keyset import Keyset
from adapters.database.options import DatabaseOptions, Endpoint
from adapters.database.reading import LOCAL, Reading, digest, read
from adapters.database.tables import Shape, Tables
from adapters.database.targets import flagged
from adapters.database.walking import Now, walk
from adapters.database.writing import converter, moment
from hub.model import Entry, Operation, Window

_PAGE = 1000


def entries(options: DatabaseOptions, connections: Connections, window: Window) -> Iterator[Entry]:
    """Yield the rows written within the window (by `sync.time`; every row when there is none). Raises SourceFailed.

    Rows marked as deleted are left out. The digest covers `columns`, or else every column that is neither sync nor initial, as
    32 hexadecimal characters of BLAKE2b over sorted JSON {column: text}, empty values left out.
    """
    tables = Tables(connections, options.schema_)
    for name, endpoint in options.endpoints.items():
        with telling(f"inventory of {name}"):
            shape = tables.shape(*endpoint.table)
            keyset = Keyset(
                shape, endpoint.sync.time, endpoint.key, _PAGE, tuple(_conditions(shape, endpoint, connections, window))
            )
            business = _business(shape, endpoint)
        yield from _entries(name, endpoint, keyset, business, connections, options.max_field)


def _entries(
    name: str, endpoint: Endpoint, keyset: Keyset, business: list[str], connections: Connections, max_field: int
) -> Iterator[Entry]:
    shape = keyset.shape
    keys = [shape.column(part).shown for part in endpoint.key]
    bytes_as_text = frozenset(column.shown for column in shape.columns)

    def fetch(page: sa.Select[Any]) -> tuple[Any, dict[int, Any]]:
        with telling(f"inventory of {name}"):
            return connections.rows(page)[1], {}

    for walked in walk(keyset, Now(datetime.now(LOCAL), None), None, timedelta(0), fetch):  # all of it: nobody goes on from there
        found = read([column.shown for column in shape.columns], walked.rows, Reading(None, bytes_as_text, max_field=max_field))
        for data in found.data:
            yield Entry(name, "|".join(str(data[part]) for part in keys), business_digest({part: data[part] for part in business}))


def business_digest(data: dict[str, Any]) -> str:
    """Return the digest of a row's business columns; empty values do not count, numbers and texts that look alike are alike."""
    return digest({name: str(value) for name, value in sorted(data.items()) if value not in (None, "")})


def _business(shape: Shape, endpoint: Endpoint) -> list[str]:
    if endpoint.columns:
        return [shape.column(name).shown for name in endpoint.columns]
    sync = endpoint.sync
    declared = [sync.operation, sync.batch, sync.time, sync.source.column if sync.source else None, *endpoint.initial]
    aside = {shape.column(name).shown for name in declared if name}
    return [column.shown for column in shape.columns if column.shown not in aside]


def _conditions(shape: Shape, endpoint: Endpoint, connections: Connections, window: Window) -> Iterator[sa.ColumnElement[bool]]:
    sync = endpoint.sync
    if sync.operation:
        yield sa.not_(flagged(shape, sync.operation, [Operation.DELETE.value]))
    if sync.time:
        column = shape.element(sync.time)
        yield column >= _bound(shape, sync.time, window.since, connections.dialect)
        yield column < _bound(shape, sync.time, window.until, connections.dialect)


def _bound(shape: Shape, name: str, when: datetime, dialect: str) -> Any:
    column = shape.column(name)
    return converter(column.kind, dialect).one(fitting_form(column.textual, moment(when)) if column.textual else when)
