"""Tells in which partitions something can be sent now, over all of them at once: asked each second, also while nothing happens."""

from __future__ import annotations

import functools
from collections.abc import Collection
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import CTE, ColumnElement, Connection, ScalarSelect, bindparam, func, select
from sqlalchemy.sql import Select

from hub.model import State
from hub.store import due, schema
from hub.store.numbers import moment

#: A partition of a system's deliveries.
Part: TypeAlias = tuple[str, int]
_OURS = schema.delivery
_WINDOW = schema.window


def fallen_due(connection: Connection, now: datetime) -> list[Part]:
    """Return the partitions in which something pending is due, whether or not it may be sent. A row of an index each."""
    return [(row.system, row.partition) for row in connection.execute(_fallen_due(), {"at": moment(now)})]


def sendable(connection: Connection, among: Collection[str], now: datetime) -> list[Part]:
    """Return the partitions of these systems in which a window would find something to send.

    The head of a lane alone counts: where that may not go nothing behind it may, and no adapter has to be opened to know.
    """
    if not among:
        return []
    rows = connection.execute(_sendable(), {"among": sorted(among), "at": moment(now)})
    return [(row.system, row.partition) for row in rows]


def standing(connection: Connection) -> list[Part]:
    """Return the partitions in which something is open. A row of an index each."""
    return [(row.system, row.partition) for row in connection.execute(_standing())]


def left_open(connection: Connection) -> list[Part]:
    """Return the partitions in which a window is open: its owner is sending it, or is gone."""
    open_ = select(_WINDOW.c.partition).where(_WINDOW.c.closed_at.is_(None)).distinct().order_by(_WINDOW.c.partition)
    names = (name.split(":") for name in connection.scalars(open_))
    return [(system, int(number)) for _, system, number in names]


@functools.cache
def _fallen_due() -> Select[Any]:
    part = _parts()
    return select(part.c.system, part.c.partition).where(_any(part)).order_by(part.c.system, part.c.partition)


@functools.cache
def _standing() -> Select[Any]:
    part = _parts()
    return select(part.c.system, part.c.partition)


@functools.cache
def _sendable() -> Select[Any]:
    part = _parts()
    mine = part.c.system.in_(bindparam("among", expanding=True))
    found = select(part.c.system, part.c.partition).where(mine, _any(part, *due.may_go(heads_only=True)))
    return found.order_by(part.c.system, part.c.partition)


def _parts() -> CTE:
    """Return the partitions in which something is open: two steps into the index for each, however much is open in it."""
    first = _OURS.alias("first")
    part = select(first.c.system, first.c.partition).where(first.c.id == _first()).cte("part", recursive=True)
    beside, beyond, following = _OURS.alias("beside"), _OURS.alias("beyond"), _OURS.alias("following")
    ours = select(beside.c.id).where(beside.c.system == part.c.system, beside.c.partition > part.c.partition, schema.OPEN)
    others = select(beyond.c.id).where(beyond.c.system > part.c.system, schema.OPEN)
    # In two words: of one comparison of both columns SQLite would take the first one into the index alone.
    step = func.coalesce(
        ours.order_by(beside.c.partition).limit(1).correlate(part).scalar_subquery(),
        others.order_by(beyond.c.system, beyond.c.partition).limit(1).correlate(part).scalar_subquery(),
    )
    return part.union_all(select(following.c.system, following.c.partition).join_from(part, following, following.c.id == step))


def _first() -> ScalarSelect[int]:
    return select(_OURS.c.id).where(schema.OPEN).order_by(_OURS.c.system, _OURS.c.partition).limit(1).scalar_subquery()


def _any(part: CTE, *also: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return the condition that something pending of a partition is due, and meets these conditions.

    A scalar subquery: of a plain EXISTS PostgreSQL makes a join with everything that is pending.
    """
    mine = (_OURS.c.system == part.c.system, _OURS.c.partition == part.c.partition)
    fallen = (_OURS.c.state == State.PENDING.value, _OURS.c.due_at <= bindparam("at"), schema.OPEN)
    first = select(_OURS.c.id).where(*mine, *fallen, *also).order_by(_OURS.c.due_at, _OURS.c.id).limit(1)
    return first.correlate(part).scalar_subquery().is_not(None)
