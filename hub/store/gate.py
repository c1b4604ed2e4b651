"""What waits at a gate for a person's approval, what goes the same way with it, and what of it is published.

A decision is about one version. What was made of the same version of a record and hangs on the delivery that waits (its kin) is
decided with it; a newer version ends the waiting of the older one, so that nobody can approve what is outdated.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, FromClause, and_, delete, exists, func, or_, select, update

from hub.model import TAKEN, Operation, Stage, State
from hub.store import renewal, schema
from hub.store.among import among
from hub.store.journal import Decision, write_decisions
from hub.store.numbers import instant, moment
from hub.store.presence import refused_later
from hub.store.versions import same_object

#: Why a delivery is held whose route has a gate; its `reason` is whose approval it waits for.
CODE = "HUB-E-130"
#: Why a deletion is held that is one of too many; where their count stands in the store, by route.
TOO_MANY, DELETIONS = "HUB-E-131", "deletes:"
_OURS = schema.delivery
#: What of a version's kin has not left yet, or failed to.
_UNSENT = [state.value for state in (State.PENDING, State.HELD, State.PARKED, State.DEAD)]


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many deliveries of a system wait for whom, and since when the oldest."""

    count: int
    oldest: datetime


@dataclass(frozen=True, slots=True)
class Version:
    """A delivery with the body that an approver decides about, and the body its target has now (None: nothing, or it is gone)."""

    id: int
    route: str
    body: Mapping[str, Any]
    published: Mapping[str, Any] | None


def standing(approver: str, code: str = CODE) -> dict[str, Any]:
    """Return in which state a delivery begins that this person or body must approve."""
    return {"state": State.HELD, "stage": Stage.GATE, "code": code, "reason": approver}


def at_gate(delivery: FromClause = _OURS) -> ColumnElement[bool]:
    """Return the condition that a delivery waits for an approval."""
    return and_(delivery.c.state == State.HELD.value, delivery.c.stage.is_not_distinct_from(Stage.GATE.value))


def waiting(connection: Connection) -> dict[str, dict[str, Waiting]]:
    """Return what waits at gates, by system and by whose approval it needs."""
    query = select(_OURS.c.system, _OURS.c.reason, func.count(), func.min(_OURS.c.created_at))
    found: dict[str, dict[str, Waiting]] = {}
    for system, approver, number, since in connection.execute(
        query.where(schema.OPEN, at_gate()).group_by(_OURS.c.system, _OURS.c.reason)
    ):
        found.setdefault(system, {})[approver] = Waiting(number, instant(since))
    return found


def decide(connection: Connection, numbers: Sequence[int], *, approved: bool, actor: str, reason: str, now: datetime) -> int:
    """Let these deliveries through the gate, or end them with their kin; write down who decided, when and why.

    Those that do not wait at a gate (any more) are left alone; of two decisions at once the first one counts. Returns how many
    were decided.
    """
    query = select(_OURS.c.id, _OURS.c.reason, _OURS.c.route, _OURS.c.code)
    rows = connection.execute(query.where(among(_OURS.c.id, numbers), at_gate())).all()
    chosen, at = [row.id for row in rows], moment(now)
    if approved:
        sent = {"state": State.PENDING.value, "stage": None, "code": None, "spent": 0, "due_at": at}
        decided = set(_move(connection, chosen, at_gate(), {**sent, "changed_at": at, "reason": reason}))
        _count_anew(connection, {row.route for row in rows if row.code == TOO_MANY})
    else:
        ended = {"state": State.CANCELLED.value, "stage": Stage.GATE.value, "code": None, "changed_at": at, "reason": reason}
        decided = set(_end(connection, chosen, at_gate(), ended))
    made = [Decision(row.id, now, actor, row.reason or "", approved, reason) for row in rows if row.id in decided]
    write_decisions(connection, made)
    return len(made)


def _count_anew(connection: Connection, routes: Collection[str]) -> None:
    """Let deletions of these routes be counted from nothing: somebody has looked at what there was."""
    table = schema.cursor
    connection.execute(delete(table).where(table.c.name.in_([DELETIONS + route for route in routes])))


def unconfirmed(connection: Connection, system: str, route: str) -> bool:
    """Tell whether deletions of a route wait for somebody to confirm that they are meant."""
    waits = (_OURS.c.system == system, schema.OPEN, at_gate(), _OURS.c.route == route, _OURS.c.code == TOO_MANY)
    return connection.execute(select(_OURS.c.id).where(*waits).limit(1)).first() is not None


def kin(connection: Connection, numbers: Sequence[int]) -> list[int]:
    """Return what was made of the same version of a record as these deliveries, hangs on them, and has not left yet."""
    chosen, found = set(numbers), set[int]()
    rows = _of_same_versions(connection, numbers)
    names = {(row.record_id, row.system, row.route) for row in rows if row.id in chosen}
    while fresh := [row for row in rows if row.id not in found and _hangs(row, names)]:
        found |= {row.id for row in fresh}
        names |= {(row.record_id, row.system, row.route) for row in fresh}
    return [row.id for row in rows if row.id in found and row.state in _UNSENT]


def _hangs(row: Any, names: set[tuple[int, str, str]]) -> bool:
    return (row.record_id, row.system, row.parent_route) in names and row.parent_key == row.key


def _of_same_versions(connection: Connection, numbers: Sequence[int]) -> list[Any]:
    columns = (_OURS.c.id, _OURS.c.record_id, _OURS.c.system, _OURS.c.route, _OURS.c.key, _OURS.c.parent_route, _OURS.c.parent_key)
    versions = select(_OURS.c.record_id).where(among(_OURS.c.id, numbers))
    query = select(*columns, _OURS.c.state).where(_OURS.c.record_id.in_(versions)).order_by(_OURS.c.id)
    return list(connection.execute(query))


def overtake(connection: Connection, source: str, newest: Mapping[tuple[str, str], int], at: int) -> bool:
    """End the waiting of older versions of these records, kin included: `newest` is the number of each (kind, key)'s newest one.

    Returns whether any waited: what hangs on them must be looked at then.
    """
    record, outdated = schema.record, list[int]()
    for kind in {kind for kind, _ in newest}:
        mine = (record.c.source == source, record.c.kind == kind, among(record.c.key, [key for of, key in newest if of == kind]))
        query = select(_OURS.c.id, _OURS.c.record_id, record.c.key).join_from(record, _OURS, _OURS.c.record_id == record.c.id)
        rows = connection.execute(query.where(*mine, at_gate()))
        outdated += [row.id for row in rows if row.record_id < newest[kind, row.key]]
    return bool(_end(connection, outdated, at_gate(), _superseded(at)))


def make_way(connection: Connection, number: int, at: int) -> bool:
    """Tell whether a newer version of a failed delivery waits at the gate: the older one must not be made anew to wait beside it.

    A dead one is ended, kin included; what was refused later is over there, and stays to be mended until the newer one is approved.
    """
    newer = _OURS.alias("newer")
    overtaken = exists().where(*same_object(newer, _OURS), newer.c.id > _OURS.c.id, at_gate(newer))
    if connection.execute(select(_OURS.c.id).where(_OURS.c.id == number, overtaken)).first() is None:
        return False
    _end(connection, [number], _OURS.c.state == State.DEAD.value, _superseded(at))
    return True


def _superseded(at: int) -> dict[str, Any]:
    return {"state": State.SUPERSEDED.value, "changed_at": at}


def _end(connection: Connection, numbers: Sequence[int], standing: ColumnElement[bool], values: Mapping[str, Any]) -> list[int]:
    """End those of these deliveries that stand so, and their kin; return them, kin left out."""
    ended = _move(connection, numbers, standing, values)
    with_them = _move(connection, kin(connection, ended), _OURS.c.state.in_(_UNSENT), values)
    renewal.reopen(connection, [*ended, *with_them], int(values["changed_at"]))
    return ended


def _move(connection: Connection, numbers: Sequence[int], standing: ColumnElement[bool], values: Mapping[str, Any]) -> list[int]:
    """Move those of these deliveries that stand so at this moment, not when they were looked for; return them."""
    if not numbers:
        return []
    moving = update(_OURS).where(among(_OURS.c.id, numbers), standing).values(values).returning(_OURS.c.id)
    return list(connection.execute(moving).scalars())


def versions(connection: Connection, number: int) -> list[Version]:
    """Return a delivery that waits and its kin, each with what it would replace: what an approver has to compare."""
    found = [_version(connection, one) for one in (number, *kin(connection, [number]))]
    return [one for one in found if one is not None]


def _version(connection: Connection, number: int) -> Version | None:
    body = schema.body
    query = select(_OURS, body.c.body).join(body, body.c.delivery_id == _OURS.c.id).where(_OURS.c.id == number)
    row = connection.execute(query).first()
    if row is None:
        return None  # it could not be mapped
    return Version(number, row.route, orjson.loads(row.body), _published(connection, row))


def _published(connection: Connection, row: Any) -> Mapping[str, Any] | None:
    """Return the body of the newest version before this one that is over there; a deletion that was not refused leaves nothing."""
    body = schema.body
    there = select(_OURS.c.operation, body.c.body).join_from(_OURS, body, body.c.delivery_id == _OURS.c.id)
    same = same_object(_OURS, row)
    refused = and_(refused_later(_OURS), _OURS.c.operation != Operation.DELETE.value)
    arrived = or_(_OURS.c.state.in_([state.value for state in TAKEN]), refused)
    last = connection.execute(there.where(*same, arrived, _OURS.c.id < row.id).order_by(_OURS.c.id.desc()).limit(1)).first()
    return None if last is None or last.operation == Operation.DELETE.value else orjson.loads(last.body)
