"""T3: what became of each message of a window is written at once, and parents park or release their children."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, bindparam, insert, select, true, update

from hub.model import TAKEN, Stage, State, Taken
from hub.store import family, renewal, schema
from hub.store.among import among
from hub.store.numbers import moment
from hub.store.outbox import SendWindow
from hub.store.partitions import Holding, require

_OURS = schema.delivery
_TRIED = schema.attempt
_WINDOW = schema.window


@dataclass(frozen=True, slots=True)
class Settlement:
    """What becomes of one delivery after one attempt."""

    state: State
    outcome: str  # taken, duplicate, queued, retryable, rejected, in-doubt, deferred, misconfigured
    due: datetime | None = None  # for PENDING
    counted: bool = True  # against the retry list
    stage: Stage | None = None
    code: str | None = None
    reason: str | None = None
    said: str | None = None
    reference: str | None = None
    deadline: datetime | None = None  # for ACCEPTED
    doubtful: bool = False  # for PENDING: it may have arrived, ask before sending again


@dataclass(frozen=True, slots=True)
class Settled:
    """One delivery with its settlement, and what its children are found by."""

    id: int
    attempt: int
    route: str
    key: str
    lane: str
    settlement: Settlement


def close_window(
    connection: Connection,
    holding: Holding,
    *,
    system: str,
    window: SendWindow,
    settled: Sequence[Settled],
    parents: frozenset[str],
    now: datetime,
) -> None:
    """Close a window: move its deliveries and write down the attempts that say more than «taken».

    `parents`: routes that others name as their parent. Raises Fenced when the partition has a newer owner; nothing is written then.
    """
    require(connection, holding)
    at = moment(now)
    still_open = update(_WINDOW).where(_WINDOW.c.id == window.id, _WINDOW.c.closed_at.is_(None))
    if connection.execute(still_open.values(closed_at=at, deliveries=None)).rowcount == 0:
        return  # a commit whose answer was lost, written again
    plain = [one.id for one in settled if _is_plain(one.settlement)]
    if plain:
        connection.execute(update(_OURS).where(among(_OURS.c.id, plain)).values(_delivered(window, at)))
    special = [one for one in settled if not _is_plain(one.settlement)]
    if special:
        connection.execute(_MOVE, [_move_row(one, window, at) for one in special])
        connection.execute(insert(_TRIED), [_attempt_row(one, window, at) for one in special])
    kin = [one for one in settled if one.route in parents]
    if kin:
        _release(connection, system, [one for one in kin if one.settlement.state in TAKEN], at)
        park_children(connection, system, [one for one in kin if one.settlement.state is State.DEAD], at)


def _is_plain(settlement: Settlement) -> bool:
    plain = settlement.state is State.DELIVERED and settlement.outcome == Taken.TAKEN.value
    return plain and not settlement.reference and not settlement.said


def _delivered(window: SendWindow, at: int) -> dict[str, Any]:
    moved = {"state": State.DELIVERED.value, "changed_at": at, "window_id": window.id, "attempts": _OURS.c.attempts + 1}
    return {**moved, "doubtful": False, "stage": None, "code": None, "reason": None}


_MOVE = (
    update(_OURS)
    .where(_OURS.c.id == bindparam("b_id"))
    .values(
        state=bindparam("b_state"),
        due_at=bindparam("b_due"),
        changed_at=bindparam("b_at"),
        attempts=_OURS.c.attempts + 1,
        spent=_OURS.c.spent + bindparam("b_spent"),
        window_id=bindparam("b_window"),
        stage=bindparam("b_stage"),
        code=bindparam("b_code"),
        reason=bindparam("b_reason"),
        deadline=bindparam("b_deadline"),
        doubtful=bindparam("b_doubtful"),
    )
)


def _move_row(one: Settled, window: SendWindow, at: int) -> dict[str, Any]:
    settlement = one.settlement
    return {
        "b_id": one.id,
        "b_state": settlement.state.value,
        "b_due": moment(settlement.due) if settlement.due else at,
        "b_at": at,
        "b_spent": int(settlement.counted and settlement.state not in TAKEN),
        "b_window": window.id,
        "b_stage": settlement.stage.value if settlement.stage else None,
        "b_code": settlement.code,
        "b_reason": settlement.reason,
        "b_deadline": moment(settlement.deadline) if settlement.deadline else None,
        "b_doubtful": settlement.doubtful,
    }


def _attempt_row(one: Settled, window: SendWindow, at: int) -> dict[str, Any]:
    settlement = one.settlement
    return {
        "delivery_id": one.id,
        "number": one.attempt,
        "window_id": window.id,
        "opened_at": window.opened_at,
        "closed_at": at,
        "outcome": settlement.outcome,
        "code": settlement.code,
        "said": settlement.said or settlement.reason,
        "reference": settlement.reference,
    }


def _release(connection: Connection, system: str, taken: Sequence[Settled], at: int) -> None:
    """Let the children go that waited for these parents; what a newer version has overtaken meanwhile ends instead."""
    if taken and _has(connection, system, State.PARKED):
        ended = {"state": State.SUPERSEDED.value, "changed_at": at}
        _children(connection, system, taken, State.PARKED, ended, renewal.overtaken())
        _children(connection, system, taken, State.PARKED, {"state": State.PENDING.value, "due_at": at, "changed_at": at})


def park_children(connection: Connection, system: str, dead: Sequence[Settled], at: int) -> None:
    """Park what waits for these parents: they will not come as they are, unless another version of theirs is there or coming."""
    if dead:
        values = {"state": State.PARKED.value, "changed_at": at}
        _children(connection, system, dead, State.PENDING, values, family.orphaned(_OURS))


def _children(
    connection: Connection,
    system: str,
    parents: Sequence[Settled],
    state: State,
    values: dict[str, Any],
    only: ColumnElement[bool] | None = None,
) -> None:
    rows = [{"p_lane": one.lane, "p_route": one.route, "p_key": one.key} for one in parents]
    children = and_(
        _OURS.c.system == system,
        _OURS.c.lane == bindparam("p_lane"),
        _OURS.c.parent_route == bindparam("p_route"),
        _OURS.c.parent_key == bindparam("p_key"),
        _OURS.c.state == state.value,
        true() if only is None else only,
    )
    connection.execute(update(_OURS).where(children).values(values), rows)


def _has(connection: Connection, system: str, state: State) -> bool:
    query = select(_OURS.c.id).where(_OURS.c.system == system, _OURS.c.state == state.value, schema.OPEN).limit(1)
    return connection.execute(query).first() is not None


def expire_accepted(connection: Connection, now: datetime) -> int:
    """Hold deliveries whose far side promised a verdict and let its deadline pass: a silent loss otherwise."""
    at = moment(now)
    late = and_(_OURS.c.state == State.ACCEPTED.value, schema.OPEN, _OURS.c.deadline.is_not(None), _OURS.c.deadline < at)
    held = {
        "state": State.HELD.value,
        "changed_at": at,
        "stage": Stage.FEEDBACK.value,
        "code": "HUB-E-120",
        "reason": "the far side promised a verdict and gave none in time",
    }
    return int(connection.execute(update(_OURS).where(late).values(held)).rowcount)
