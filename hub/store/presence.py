"""Decides what of an object is over there when a delivery's turn comes: whether it goes as an insert or as an update."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, and_, case, exists, func, not_, or_, select

from hub.model import TAKEN, Operation, Stage, State, Taken
from hub.store import schema
from hub.store.among import among
from hub.store.versions import same_object, same_record, there_is

_PENDING, _DELETE = State.PENDING.value, Operation.DELETE.value
_TAKEN = [state.value for state in TAKEN]
_OURS = schema.delivery


def groundless(connection: Connection, rows: Sequence[Any]) -> list[int]:
    """Return the updates of these rows of which no earlier version is, or will before them be, over there."""
    updates = [row.id for row in rows if row.operation == Operation.UPDATE.value and not row.doubtful]
    if not updates:
        return []
    ours = _OURS
    grounded = or_(is_there(ours, same_object), refused_later(ours))
    bare = list(connection.execute(select(ours.c.id).where(among(ours.c.id, updates), not_(grounded))).scalars())
    return [number for number in bare if not _moved(connection, number)] if bare else []


def second(connection: Connection, rows: Sequence[Any]) -> list[int]:
    """Return the inserts of these rows of which an earlier version is over there, or will before them be."""
    inserts = [row.id for row in rows if row.operation == Operation.INSERT.value and not row.doubtful]
    if not inserts:
        return []
    there = select(_OURS.c.id).where(among(_OURS.c.id, inserts), is_there(_OURS, same_object))
    return list(connection.execute(there).scalars())


def outdated(connection: Connection, rows: Sequence[Any]) -> list[int]:
    """Return those of these rows, tried before, a newer version of which has arrived from the lane their record is in now."""
    tried = [row.id for row in rows if row.attempts]
    if not tried:
        return []
    newer = _OURS.alias("newer")
    elsewhere = and_(newer.c.id > _OURS.c.id, newer.c.lane != _OURS.c.lane, arrived(newer))
    overtaken = there_is(newer, *same_record(newer, _OURS), elsewhere)
    return list(connection.execute(select(_OURS.c.id).where(among(_OURS.c.id, tried), overtaken)).scalars())


def arrived(version: FromClause) -> ColumnElement[bool]:
    """Return the condition that a version is over there, or may be: taken, refused later, or left in doubt."""
    in_doubt = and_(version.c.state == State.HELD.value, version.c.stage.is_distinct_from(Stage.GATE.value))
    taken = [version.c.state == state.value for state in TAKEN]  # no IN list goes with many rows
    return or_(*taken, refused_later(version), in_doubt, doubted(version))


def is_there(ours: FromClause, same: Callable[[FromClause, FromClause], list[ColumnElement[bool]]]) -> ColumnElement[bool]:
    """Return the condition that an earlier version of a delivery is over there, or comes before it, and is not deleted since.

    `same` tells which deliveries are versions of one, as `versions` does. A deletion that was refused has deleted nothing.
    """
    earlier, deletion = (_OURS.alias("earlier") for _ in range(2))
    comes = [*_TAKEN, _PENDING]
    there = and_(earlier.c.operation != _DELETE, or_(earlier.c.state.in_(comes), refused_later(earlier)))
    gone = and_(deletion.c.operation == _DELETE, deletion.c.state.in_(comes))

    def newest(version: FromClause, condition: ColumnElement[bool]) -> ColumnElement[int]:
        query = select(func.coalesce(func.max(version.c.id), 0)).where(*same(version, ours), version.c.id < ours.c.id, condition)
        return query.correlate(ours).scalar_subquery()

    return newest(earlier, there) > newest(deletion, gone)


def _moved(connection: Connection, number: int) -> bool:
    """Tell whether an earlier version of this delivery is over there from another lane: its record's lane has changed since."""
    ours, earlier = _OURS, _OURS.alias("earlier")
    now, before = schema.record.alias("now"), schema.record.alias("before")
    joined = ours.join(now, now.c.id == ours.c.record_id).join(
        before, and_(*(before.c[name] == now.c[name] for name in ("source", "kind", "key")), before.c.id < now.c.id)
    )
    taken = earlier.c.state.in_(_TAKEN)
    there = and_(earlier.c.operation != _DELETE, or_(taken, refused_later(earlier)))
    gone = and_(earlier.c.operation == _DELETE, taken)
    newest = [func.max(case((condition, earlier.c.id), else_=0)) for condition in (there, gone)]
    of_it = and_(earlier.c.record_id == before.c.id, earlier.c.route == ours.c.route)
    found = connection.execute(select(*newest).select_from(joined.join(earlier, of_it)).where(ours.c.id == number)).one()
    return int(found[0] or 0) > int(found[1] or 0)


def refused_later(delivery: FromClause) -> ColumnElement[bool]:
    """Return the condition that a delivery was taken once and refused later: its row is over there, whatever became of it since."""
    told = exists().where(schema.verdict.c.delivery_id == delivery.c.id)
    return or_(delivery.c.stage.is_not_distinct_from(Stage.FEEDBACK.value), told)


def doubted(delivery: FromClause) -> ColumnElement[bool]:
    """Return the condition that a delivery may be over there without having been taken: any of its attempts was left in doubt."""
    tried = schema.attempt
    unsure = or_(tried.c.outcome == "in-doubt", tried.c.outcome == Taken.QUEUED.value)  # no IN list goes with many rows
    return or_(delivery.c.doubtful, exists().where(tried.c.delivery_id == delivery.c.id, unsure))
