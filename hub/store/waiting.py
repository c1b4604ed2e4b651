"""What is pending and why it does not leave: behind a delivery that waits for a person, or tried and to be tried again."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Subquery, and_, func, not_, select

from hub.model import Stage, State
from hub.store import due, schema
from hub.store.among import among
from hub.store.numbers import instant
from hub.store.views import Backlog, failed_once

#: What stands behind something that no office has to approve: somebody here has to decide about it.
ANYBODY = ""
_OURS = schema.delivery


@dataclass(frozen=True, slots=True)
class Ahead:
    """The held delivery that a pending one stands behind, and whose approval it waits for; None: a person's decision."""

    id: int
    approver: str | None


@dataclass(frozen=True, slots=True)
class Retrying:
    """How many deliveries of a system were tried and will be again, and what most of them failed by."""

    count: int
    code: str
    reason: str


def apart(
    connection: Connection, backlog: Mapping[str, dict[State, Backlog]]
) -> tuple[dict[str, dict[State, Backlog]], dict[str, dict[str, Backlog]]]:
    """Return the backlog with only that as pending which a hub could send, and what stands behind held ones (see `behind`)."""
    waits = behind(connection)
    left = dict(backlog)
    for system in waits:
        left[system] = {state: one for state, one in backlog.get(system, {}).items() if state != State.PENDING}
        if pending := free(connection, system):
            left[system][State.PENDING] = pending
    return left, waits


def behind(connection: Connection) -> dict[str, dict[str, Backlog]]:
    """Return what is pending behind a held delivery of its lane, by system and by whose approval that one needs (or ANYBODY's).

    Begins with what is held, which is little, not with what is pending, which may be much; what is pending is looked up lane by
    lane, not by the index of what is open: while its statistics lag behind PostgreSQL would go through all of it for each lane.
    """
    lanes, head = _held_lanes(), _OURS.alias("head")
    query = (
        select(_OURS.c.system, head.c.stage, head.c.reason, func.count(), func.min(_OURS.c.created_at))
        .select_from(lanes)
        .join(head, head.c.id == lanes.c.id)
        .join(_OURS, and_(_OURS.c.system == lanes.c.system, _OURS.c.lane == lanes.c.lane, _OURS.c.id > lanes.c.id))
        .where(_OURS.c.state.concat("") == State.PENDING.value)
        .group_by(_OURS.c.system, head.c.stage, head.c.reason)
    )
    found: dict[str, dict[str, Backlog]] = {}
    for system, stage, reason, number, oldest in connection.execute(query):
        mine, approver = found.setdefault(system, {}), _approver(stage, reason) or ANYBODY
        mine[approver] = _together(Backlog(number, instant(oldest)), mine.get(approver))
    return found


def _held_lanes() -> Subquery:
    """Return the lanes in which something is held, with the number of the first that is."""
    first = func.min(_OURS.c.id).label("id")
    held = select(_OURS.c.system, _OURS.c.lane, first).where(schema.OPEN, _OURS.c.state == State.HELD.value)
    # Grouped by an expression: by the bare columns SQLite would go through the index of all lanes there ever were.
    return held.group_by(_OURS.c.system.concat(""), _OURS.c.system, _OURS.c.lane).subquery("lanes")


def _together(one: Backlog, other: Backlog | None) -> Backlog:
    return Backlog(one.count + other.count, min(one.oldest, other.oldest)) if other else one


def _approver(stage: str | None, reason: str | None) -> str | None:
    return reason if stage == Stage.GATE.value else None


def free(connection: Connection, system: str) -> Backlog | None:
    """Return what of a system is pending and stands behind nothing that waits for a person; None: nothing."""
    other = _OURS.alias("other")
    held = select(other.c.lane).where(other.c.system == system, schema.OPEN, other.c.state == State.HELD.value)
    # In two steps: most lanes have nothing that is held, and are told by one list of those that have.
    query = select(func.count(), func.min(_OURS.c.created_at)).where(_OURS.c.lane.not_in(held) | not_(due.behind_held()))
    pending = (_OURS.c.system == system, schema.OPEN, _OURS.c.state == State.PENDING.value)
    number, oldest = connection.execute(query.where(*pending)).one()
    return Backlog(number, instant(oldest)) if number else None


def ahead(connection: Connection, numbers: Sequence[int]) -> dict[int, Ahead]:
    """Return by number the first held delivery before each of these pending ones in its lane; absent: none is."""
    held = _OURS.alias("held")
    mine = (among(_OURS.c.id, numbers), _OURS.c.state == State.PENDING.value)
    query = select(_OURS.c.id, func.min(held.c.id)).join_from(_OURS, held, and_(*due.before(held)))
    waits = held.c.state.concat("") == State.HELD.value  # not by the index of what is open: it knows no lanes
    rows = connection.execute(query.where(*mine, waits).group_by(_OURS.c.id)).all()
    heads = _heads(connection, {first for _, first in rows})
    return {number: heads[first] for number, first in rows}


def _heads(connection: Connection, numbers: Collection[int]) -> dict[int, Ahead]:
    query = select(_OURS.c.id, _OURS.c.stage, _OURS.c.reason).where(among(_OURS.c.id, numbers))
    return {number: Ahead(number, _approver(stage, reason)) for number, stage, reason in connection.execute(query)}


def retrying(connection: Connection, system: str) -> Retrying | None:
    """Return what of a system failed and is tried again by itself; None: nothing. What only queued behind a failure is not it."""
    number = func.count().label("number")
    tried = (_OURS.c.state == State.PENDING.value, failed_once())
    query = select(_OURS.c.code, _OURS.c.reason, number).where(_OURS.c.system == system, schema.OPEN, *tried)
    rows = connection.execute(query.group_by(_OURS.c.code, _OURS.c.reason).order_by(number.desc(), _OURS.c.code)).all()
    return Retrying(sum(row.number for row in rows), rows[0].code, rows[0].reason or "") if rows else None
