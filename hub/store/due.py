"""Decides which messages of a partition may go next: those that are due, lane order kept (invariant 3), parents taken."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, FromClause, and_, bindparam, exists, func, literal, not_, or_, select
from sqlalchemy.sql import Select

from hub.model import TAKEN, State
from hub.store import schema
from hub.store.versions import there_is

_PENDING = State.PENDING.value
#: What blocks a lane behind it: not yet taken, and still meant to be. What is being sent is still pending.
_BLOCKING = [State.PENDING.value, State.HELD.value]
_TAKEN = [state.value for state in TAKEN]
_OURS = schema.delivery


def sendable(
    columns: Sequence[Any], *, system: str, partition: int, at: int, limit: int, heads_only: bool, urgent: bool = False
) -> Select[Any]:
    """Return the query for these columns of what may be sent at that moment, and of how many of its lane come `ahead` of each.

    The oldest come first, or what is `urgent`. `heads_only`: at most one message of a lane.
    """
    ours = _OURS
    query = (
        select(*columns, (literal(0) if heads_only else _ahead()).label("ahead"))
        .join_from(ours, schema.body, schema.body.c.delivery_id == ours.c.id)
        .where(ours.c.system == system, ours.c.partition == partition)
        .where(*may_go(heads_only=heads_only, urgent=urgent))
        .limit(limit)
    )
    if urgent:  # the sum keeps the index by due time out of it: it would read and sort the whole backlog for one window
        return query.where(schema.RANKED, ours.c.due_at + 0 <= at).order_by(ours.c.rank, ours.c.id)
    return query.where(ours.c.state == _PENDING, ours.c.due_at <= at, schema.OPEN).order_by(ours.c.due_at, ours.c.id)


def may_go(*, heads_only: bool, urgent: bool = False) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions that nothing stands before a delivery in its lane, and its parent is over there (see `sendable`)."""
    return not_(_blocked(heads_only, urgent)), or_(_OURS.c.parent_route.is_(None), _parent_taken(heads_only))


def _blocked(heads_only: bool, urgent: bool) -> ColumnElement[bool]:
    """An earlier message of the lane is still on its way and would not come before this one in the same window."""
    earlier = schema.delivery.alias("earlier")
    if heads_only:
        return _in_lane(earlier, _BLOCKING)
    after = [earlier.c.rank.is_(None), earlier.c.rank > _OURS.c.rank] if urgent else []
    return _in_lane(earlier, _BLOCKING, or_(earlier.c.state != _PENDING, earlier.c.due_at > _OURS.c.due_at, *after))


def before(earlier: FromClause) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions that a delivery stands before another in its lane."""
    return (earlier.c.system == _OURS.c.system, earlier.c.lane == _OURS.c.lane, earlier.c.id < _OURS.c.id)


def behind_held() -> ColumnElement[bool]:
    """Return the condition that something that waits for a person stands before a delivery in its lane."""
    return _in_lane(schema.delivery.alias("held"), [State.HELD.value])


def _in_lane(earlier: FromClause, states: Sequence[str], *also: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return the condition that something in one of these states stands before ours in its lane: looked up lane by lane.

    As a join, while its statistics lag behind a queue that has just filled, PostgreSQL would go through everything open for each
    that is due: seconds for one window.
    """
    state = earlier.c.state.concat("")  # the index of what is open does not fit: it knows no lanes
    return there_is(earlier, *before(earlier), state.in_(states), *also)


def _ahead() -> ColumnElement[int]:
    """How many of the lane are still to be sent before this one."""
    earlier = schema.delivery.alias("ahead")
    pending = earlier.c.state.concat("") == _PENDING
    return select(func.count()).where(*before(earlier), pending).correlate(_OURS).scalar_subquery()


def _parent_taken(heads_only: bool) -> ColumnElement[bool]:
    """The parent is over there, or comes earlier in the same window (whose lane stops if the parent fails)."""
    ours, parent = _OURS, schema.delivery.alias("parent")
    fine: ColumnElement[bool] = parent.c.state.in_(_TAKEN)
    if not heads_only:
        fine = or_(fine, and_(parent.c.state == _PENDING, parent.c.id < ours.c.id))
    return exists().where(
        parent.c.system == ours.c.system,
        parent.c.lane == ours.c.lane,
        parent.c.route == ours.c.parent_route,
        parent.c.key == ours.c.parent_key,
        fine,
    )


@functools.cache
def earliest() -> Select[Any]:
    """Return the query for when the earliest pending message `of_partition` `of_system` falls due.

    Made once: putting the query together would take as long as its answer.
    """
    mine = (_OURS.c.system == bindparam("of_system"), _OURS.c.partition == bindparam("of_partition"), _OURS.c.state == _PENDING)
    return select(_OURS.c.due_at).where(*mine, schema.OPEN, not_(behind_held())).order_by(_OURS.c.due_at).limit(1)
