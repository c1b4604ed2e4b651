"""What a person may do to deliveries: each action has a scope, can be counted first, and is written into the journal."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Select,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    insert,
    not_,
    or_,
    select,
    update,
)

from hub.model import FAILED, Operation, State
from hub.store import family, gate, outbox, partitions, presence, renewal, replays, schema
from hub.store.causes import Cause
from hub.store.journal import write_journal
from hub.store.numbers import moment, parts
from hub.store.replays import Replay

_OURS = schema.delivery
#: Makes updates of these inserts, with bodies that say so.
AsUpdates: TypeAlias = Callable[[Connection, Sequence[int]], None]


@dataclass(frozen=True, slots=True)
class Scope:
    """Which deliveries are meant; every part given must hold. An empty scope means none, never all."""

    system: str | None = None
    code: str | None = None
    reason: str | None = None
    stage: str | None = None
    lane: str | None = None
    ids: tuple[int, ...] = ()
    everything: bool = False
    groups: tuple[Cause, ...] = ()  # what has one of these causes, beside what is named by `ids`

    def __bool__(self) -> bool:
        return any(getattr(self, part.name) for part in fields(self))

    def __str__(self) -> str:
        parts = {part.name: getattr(self, part.name) for part in fields(self) if getattr(self, part.name)}
        parts |= {"groups": ",".join(one.name for one in self.groups)} if self.groups else {}
        return " ".join(f"{name}={value}" for name, value in parts.items()) or "nothing"


@dataclass(frozen=True, slots=True)
class Remade:
    """A failed delivery that goes again with a body made anew from its record, in this batch."""

    id: int
    body: bytes
    mapping: str
    row: str | None
    batch: str
    gate: str | None = None  # whose approval its route needs: nobody has given it for these bytes yet
    fresh: bool = True  # made anew; False: the bytes it had, in another batch
    endpoint: str | None = None  # where its route leads now; None: where it was to go


def _meant(scope: Scope, states: Sequence[State]) -> list[Any]:
    parts: list[Any] = [_OURS.c.state.in_([state.value for state in states]), schema.OPEN]
    for name in ("system", "code", "reason", "stage", "lane"):
        if getattr(scope, name) is not None:  # an empty one fits nothing: it may be a variable nobody has set
            parts.append(_OURS.c[name] == getattr(scope, name))
    named: list[ColumnElement[bool]] = [_OURS.c.id.in_(scope.ids)] if scope.ids else []
    named += [one.holds() for one in scope.groups]
    return [*parts, or_(*named)] if named else parts


def count(connection: Connection, scope: Scope, states: Sequence[State] = tuple(FAILED)) -> int:
    """Return how many deliveries an action on this scope would touch."""
    if not scope:
        return 0
    return int(connection.scalar(select(func.count()).select_from(_OURS).where(*_meant(scope, states))) or 0)


def samples(connection: Connection, scope: Scope, states: Sequence[State] = tuple(FAILED), *, most: int = 5) -> list[int]:
    """Return the numbers of the first deliveries that an action on this scope would touch."""
    if not scope:
        return []
    query = select(_OURS.c.id).where(*_meant(scope, states)).order_by(_OURS.c.id).limit(most)
    return list(connection.execute(query).scalars())


def replayable(
    connection: Connection, scope: Scope, *, after: int, limit: int, states: Sequence[State] = tuple(FAILED)
) -> list[Any]:
    """Return failed deliveries of a scope above a number, oldest first, with their record's data and the body they have.

    Left out are those a newer version of which is over there, or may be.
    """
    if not scope:
        return []
    overtaken = _overtaken(outbox.in_flight(connection))
    return list(connection.execute(_with_record().where(*_meant(scope, states), _OURS.c.id > after, not_(overtaken)).limit(limit)))


def with_records(connection: Connection, numbers: Sequence[int]) -> list[Any]:
    """Return these deliveries, oldest first, with their record's data and the body they have."""
    return list(connection.execute(_with_record().where(_OURS.c.id.in_(numbers))))


def _with_record() -> Select[Any]:
    record, body = schema.record, schema.body
    return (
        select(_OURS, record.c.data, record.c.source, record.c.revision, body.c.body)
        .join_from(_OURS, record, record.c.id == _OURS.c.record_id)
        .join(body, body.c.delivery_id == _OURS.c.id, isouter=True)
        .order_by(_OURS.c.id)
    )


def become(connection: Connection, number: int, operation: Operation, made: Remade | None) -> None:
    """Make an update an insert, or the other way round, with the body that says so; without one the bytes stay as they are.

    One that was tried is a new generation then: the far side must not take it for what it was sent before (invariant 4).
    """
    tried = case((_OURS.c.attempts > 0, 1), else_=0)
    values: dict[str, Any] = {"operation": operation.value, "generation": _OURS.c.generation + tried}
    if made is not None:
        values |= {"mapping": made.mapping, "row": made.row}
        _put_body(connection, number, made.body)
    connection.execute(update(_OURS).where(_OURS.c.id == number).values(values))


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
    revived = update(_OURS).where(*_meant(scope, (State.DEAD,)), has_body).values(_revived(now))
    again = connection.execute(revived.returning(_OURS.c.id, _OURS.c.attempts)).all()
    replays.write(connection, [Replay(row.id, now, actor, reason, row.attempts, None) for row in again])
    _second_inserts(connection, [row.id for row in again], as_updates)
    number = len(again) + already
    family.reunite(connection, now)
    write_journal(connection, actor, "retry", str(scope), number, reason, now)
    return number


def retire(connection: Connection, scope: Scope, now: datetime, states: Sequence[State] = tuple(FAILED)) -> None:
    """End deliveries a newer version of which is over there, or may be: sent now, they would put old data in its place.

    What waits at a gate is left to whom it waits for. No window opens until the transaction ends, so that none of what is left can
    be overtaken before it is pending.
    """
    if not scope:
        return
    partitions.hold(connection, "deliver:")
    overtaken = and_(not_(gate.at_gate()), _overtaken(outbox.in_flight(connection)))
    outdated = update(_OURS).where(*_meant(scope, states), overtaken)
    connection.execute(outdated.values(state=State.SUPERSEDED.value, changed_at=moment(now)))


def _overtaken(flying: Collection[int]) -> ColumnElement[bool]:
    """Return the condition that a newer version was taken, is being sent now, or may have arrived."""
    newer = _OURS.alias("newer")
    # Written into the statement: they may be more than a database takes as bound values.
    numbers: BindParameter[list[int]] = bindparam("flying", sorted(flying), expanding=True, literal_execute=True)
    there = or_(presence.arrived(newer), newer.c.id.in_(numbers))
    return exists().where(*schema.versions_of_one(newer, _OURS), newer.c.id > _OURS.c.id, there)


def _second_inserts(connection: Connection, again: Sequence[int], as_updates: AsUpdates | None) -> None:
    """Have inserts made updates that an earlier version goes before, or is over there: two inserts of one thing would collide."""
    second = presence.is_there(_OURS, schema.versions_of_one)
    pending = (_OURS.c.state == State.PENDING.value, _OURS.c.operation == Operation.INSERT.value)
    for part in parts(again) if as_updates else ():
        numbers = list(connection.execute(select(_OURS.c.id).where(_OURS.c.id.in_(part), *pending, second)).scalars())
        if numbers and as_updates:
            as_updates(connection, numbers)


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
    values = {**_revived(now), "mapping": one.mapping, "row": one.row, "batch": one.batch, "issues": None, "remade_at": moment(now)}
    values |= {"endpoint": one.endpoint} if one.endpoint else {}
    if one.gate:
        if gate.make_way(connection, one.id, moment(now)):
            return None
        values.update({name: str(value) for name, value in gate.standing(one.gate).items()})
    failed = _OURS.c.state.in_([state.value for state in FAILED])
    renewed = update(_OURS).where(_OURS.c.id == one.id, failed, current).values(generation=_OURS.c.generation + 1, **values)
    after: int | None = connection.execute(renewed.returning(_OURS.c.attempts)).scalar()
    if after is not None:
        _put_body(connection, one.id, one.body)
    return after


def _put_body(connection: Connection, number: int, body: bytes) -> None:
    connection.execute(delete(schema.body).where(schema.body.c.delivery_id == number))
    connection.execute(insert(schema.body).values(delivery_id=number, body=body))


def _revived(now: datetime) -> dict[str, Any]:
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


def decide_held(connection: Connection, scope: Scope, state: State, *, actor: str, reason: str, now: datetime) -> int:
    """End the waiting of held deliveries: PENDING (send), DELIVERED (it is over there) or CANCELLED.

    What waits at a gate is approved by PENDING and refused by CANCELLED; never sent, it cannot be over there. What waited for a
    verdict while its newer version went ends instead of being sent. Returns how many were decided.
    """
    if not scope:
        return 0
    if state is State.PENDING:
        retire(connection, scope, now, (State.HELD,))
    approvals = [] if state is State.DELIVERED else held(connection, scope, at_gate=True)
    decided = gate.decide(connection, approvals, approved=state is State.PENDING, actor=actor, reason=reason, now=now)
    values = {**_revived(now), "state": state.value, "reason": reason}
    doubted = update(_OURS).where(*_meant(scope, (State.HELD,)), not_(gate.at_gate())).values(values)
    ended = list(connection.execute(doubted.returning(_OURS.c.id)).scalars())
    number = len(ended)
    if state is State.CANCELLED:
        renewal.reopen(connection, ended, moment(now))
    family.reunite(connection, now)
    if number or not decided:
        write_journal(connection, actor, f"held:{state.value}", str(scope), number, reason, now)
    return decided + number


def held(connection: Connection, scope: Scope, *, at_gate: bool | None = None) -> list[int]:
    """Return the held deliveries of a scope, oldest first: all, only those that wait at a gate, or only the others."""
    if not scope:
        return []
    kind = [] if at_gate is None else [gate.at_gate() if at_gate else not_(gate.at_gate())]
    query = select(_OURS.c.id).where(*_meant(scope, (State.HELD,)), *kind).order_by(_OURS.c.id)
    return list(connection.execute(query).scalars())


def cancel(
    connection: Connection,
    scope: Scope,
    *,
    actor: str,
    reason: str,
    now: datetime,
    states: Sequence[State] = (*FAILED, State.HELD, State.PARKED),
) -> int:
    """Give failed, held or parked deliveries up, with a reason."""
    ended = give_up(connection, scope, reason=reason, now=now, states=states)
    if scope:
        write_journal(connection, actor, "cancel", str(scope), len(ended), reason, now)
    return len(ended)


def give_up(connection: Connection, scope: Scope, *, reason: str, now: datetime, states: Sequence[State]) -> list[int]:
    """End deliveries of a scope as cancelled, and return which; the caller writes down who did it."""
    if not scope:
        return []
    values = {"state": State.CANCELLED.value, "changed_at": moment(now), "reason": reason}
    given_up = update(_OURS).where(*_meant(scope, states)).values(values).returning(_OURS.c.id)
    ended = list(connection.execute(given_up).scalars())
    renewal.reopen(connection, ended, moment(now))
    family.reunite(connection, now)
    return ended
