"""Hands out row numbers in blocks, inside the transaction that uses them, and takes many of them apart for one query each.

Numbers taken so are in commit order: a smaller delivery number was committed earlier. Lane order (invariant 3) rests on it.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import TypeVar

from sqlalchemy import Connection, select, update

from hub.store import dialect, schema

_T = TypeVar("_T")


def take(connection: Connection, name: str, count: int) -> int:
    """Return the first of `count` consecutive new numbers of that name; the row lock keeps others waiting until commit."""
    table = schema.sequence
    raised = update(table).where(table.c.name == name).values(next=table.c.next + count)
    if connection.execute(raised).rowcount == 0:
        dialect.ensure(connection, table, {"name": name, "next": 1})  # several may be the first at once
        connection.execute(raised)
    following: int = connection.execute(select(table.c.next).where(table.c.name == name)).scalar_one()
    return following - count


def parts(items: Iterable[_T], most: int) -> Iterator[list[_T]]:
    """Yield items in lists of at most so many, for what can be asked or done for only so many at once."""
    left = iter(items)
    while part := list(islice(left, most)):
        yield part


def moment(at: datetime) -> int:
    """Return an aware time as the store keeps it: whole milliseconds since 1970 UTC."""
    return int(at.timestamp() * 1000)


@functools.lru_cache(4096)
def instant(moment: int) -> datetime:
    """Return the aware UTC time of a stored moment."""
    return datetime.fromtimestamp(moment / 1000, UTC)
