"""Makes failed deliveries go again, with the bytes they have or with bodies made anew; what a newer version overtook ends."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    case,
    exists,
    not_,
    or_,
    select,
    update,
)

from hub.model import FAILED, Operation, State
from hub.store import family, gate, outbox, partitions, presence, replays, schema
from hub.store.among import among
from hub.store.journal import write_journal
from hub.store.numbers import moment
from hub.store.remaking import Remade, put_body, selection
from hub.store.replays import Replay
from hub.store.scopes import Scope, meant
from hub.store.versions import same_record, there_is

_OURS = schema.delivery
#: Makes updates of these inserts, with bodies that say so.
AsUpdates: TypeAlias = Callable[[Connection, Sequence[int]], None]


def replayable(
    connection: Connection, scope: Scope, *, after: int, limit: int, states: Sequence[State] = tuple(FAILED)
) -> list[Any]:
    """Return failed deliveries of a scope above a number, oldest first, with their record's data and the body they have.

    Left out are those a newer version of which is over there, or may be.
    """
    if not scope:
        return []
    overtaken = _overtaken(outbox.in_flight(connection))
    return list(connection.execute(selection().where(*meant(scope, states), _OURS.c.id > after, not_(overtaken)).limit(limit)))


def replay_as_they_are(
    connection: Connection,
    scope: Scope,
    *,
    actor: str,
    reason: str,
    now: datetime,
    already: int = 0,
    as_updates: AsUpdates | None = None,
) -> int:
    """Make dead deliveries of a scope pending again with the bytes they have; those that never had a body stay dead.

    What was refused later never goes with the same bytes: see `replay_remade`; `already` counts those of the same decision.
    """
    if not scope:
        return 0
    retire(connection, scope, now)
    has_body = exists().where(schema.body.c.delivery_id == _OURS.c.id)
    reviving = update(_OURS).where(*meant(scope, (State.DEAD,)), has_body).values(revived(now))
    again = connection.execute(reviving.returning(_OURS.c.id, _OURS.c.attempts)).all()
    replays.write(connection, [Replay(row.id, now, actor, reason, row.attempts, None) for row in again])
    _second_inserts(connection, [row.id for row in again], as_updates)
    number = len(again) + already
    family.reunite(connection, now)
    write_journal(connection, actor, "retry", str(scope), number, reason, now)
    return number


def replay_remade(
    connection: Connection,
    remade: Sequence[Remade],
    *,
    actor: str,
    reason: str,
    now: datetime,
    as_updates: AsUpdates | None = None,
) -> int:
    """Make failed deliveries pending again with new bodies (a new generation: the far side must not mistake it for the old one)."""
    partitions.hold(connection, "deliver:")
    current = not_(_overtaken(outbox.in_flight(connection)))  # a newer version may have left while the bodies were made
    tried = [(one, _remake(connection, one, current, now)) for one in remade]
    again = [
        Replay(one.id, now, actor, reason, after, one.mapping if one.fresh else None) for one, after in tried if after is not None
    ]
    replays.write(connection, again)
    _second_inserts(connection, [one.delivery for one in again], as_updates)
    family.reunite(connection, now)
    return len(again)


def _remake(connection: Connection, one: Remade, current: ColumnElement[bool], now: datetime) -> int | None:
    """Return after how many tries it goes again, None when it does not."""
    values = {**revived(now), "mapping": one.mapping, "row": one.row, "batch": one.batch, "issues": None, "remade_at": moment(now)}
    values |= {"endpoint": one.endpoint} if one.endpoint else {}
    if one.gate:
        if gate.make_way(connection, one.id, moment(now)):
            return None
        values.update({name: str(value) for name, value in gate.standing(one.gate).items()})
    failed = _OURS.c.state.in_([state.value for state in FAILED])
    renewed = update(_OURS).where(_OURS.c.id == one.id, failed, current).values(generation=_OURS.c.generation + 1, **values)
    after: int | None = connection.execute(renewed.returning(_OURS.c.attempts)).scalar()
    if after is not None:
        put_body(connection, one.id, one.body)
    return after


def retire(connection: Connection, scope: Scope, now: datetime, states: Sequence[State] = tuple(FAILED)) -> None:
    """End deliveries a newer version of which is over there, or may be: sent now, they would put old data in its place.

    What waits at a gate is left to whom it waits for. No window opens until the transaction ends, so that none of what is left can
    be overtaken before it is pending.
    """
    if not scope:
        return
    partitions.hold(connection, "deliver:")
    overtaken = and_(not_(gate.at_gate()), _overtaken(outbox.in_flight(connection)))
    outdated = update(_OURS).where(*meant(scope, states), overtaken)
    connection.execute(outdated.values(state=State.SUPERSEDED.value, changed_at=moment(now)))


def _overtaken(flying: Collection[int]) -> ColumnElement[bool]:
    """Return the condition that a newer version was taken, is being sent now, or may have arrived."""
    newer = _OURS.alias("newer")
    there = or_(presence.arrived(newer), among(newer.c.id, flying))
    return there_is(newer, *same_record(newer, _OURS), newer.c.id > _OURS.c.id, there)


def _second_inserts(connection: Connection, again: Sequence[int], as_updates: AsUpdates | None) -> None:
    """Have inserts made updates that an earlier version goes before, or is over there: two inserts of one thing would collide."""
    if not again or as_updates is None:
        return
    second = presence.is_there(_OURS, same_record)
    # not by the index of what is open: PostgreSQL would go through all of it for each number
    pending = (_OURS.c.state.concat("") == State.PENDING.value, _OURS.c.operation == Operation.INSERT.value)
    if numbers := list(connection.execute(select(_OURS.c.id).where(among(_OURS.c.id, again), *pending, second)).scalars()):
        as_updates(connection, numbers)


def revived(now: datetime) -> dict[str, Any]:
    """Pending again from the first try on. What was refused later goes again as an update, or the deletion it was."""
    at = moment(now)
    again = and_(_OURS.c.state == State.REJECTED.value, _OURS.c.operation != Operation.DELETE.value)
    return {
        "operation": case((again, Operation.UPDATE.value), else_=_OURS.c.operation),
        "state": State.PENDING.value,
        "due_at": at,
        "changed_at": at,
        "spent": 0,
        "stage": None,
        "code": None,
        "reason": None,
    }
