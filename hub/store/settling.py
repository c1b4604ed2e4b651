"""T3: what became of each message of a window is written at once, and parents park or release their children."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, and_, bindparam, exists, select, true, update

from hub.model import TAKEN, Stage, State
from hub.store import schema
from hub.store.numbers import moment
from hub.store.partitions import Holding, require

_TAKEN = [state.value for state in TAKEN]
_OURS = schema.delivery
_TRIED = schema.attempt


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
    connection: Connection, holding: Holding, *, system: str, settled: Sequence[Settled], parents: frozenset[str], now: datetime
) -> None:
    """Close the attempts of a window and move its deliveries. `parents`: routes that others name as their parent.

    Raises Fenced when the partition has a newer owner; then nothing is written.
    """
    require(connection, holding)
    at = moment(now)
    plain = [one for one in settled if _is_plain(one.settlement)]
    for outcome, numbers in _by_outcome(plain).items():
        _deliver_all(connection, numbers, outcome, at)
    special = [one for one in settled if not _is_plain(one.settlement)]
    if special:
        connection.execute(_MOVE, [_move_row(one, at) for one in special])
        connection.execute(_CLOSE, [_close_row(one, at) for one in special])
    family = [one for one in settled if one.route in parents]
    if family:
        _release(connection, system, [one for one in family if one.settlement.state in TAKEN], at)
        _park(connection, system, [one for one in family if one.settlement.state is State.DEAD], at)


def _is_plain(settlement: Settlement) -> bool:
    return settlement.state is State.DELIVERED and not settlement.reference and not settlement.said


def _by_outcome(settled: Iterable[Settled]) -> dict[str, list[int]]:
    grouped: dict[str, list[int]] = defaultdict(list)
    for one in settled:
        grouped[one.settlement.outcome].append(one.id)
    return grouped


def _deliver_all(connection: Connection, numbers: list[int], outcome: str, at: int) -> None:
    delivered = {"state": State.DELIVERED.value, "changed_at": at, "stage": None, "code": None, "reason": None}
    connection.execute(update(_OURS).where(_OURS.c.id.in_(numbers)).values(delivered))
    connection.execute(
        update(_TRIED).where(_TRIED.c.delivery_id.in_(numbers), _TRIED.c.closed_at.is_(None)).values(closed_at=at, outcome=outcome)
    )


_MOVE = (
    update(_OURS)
    .where(_OURS.c.id == bindparam("b_id"))
    .values(
        state=bindparam("b_state"),
        due_at=bindparam("b_due"),
        changed_at=bindparam("b_at"),
        spent=_OURS.c.spent + bindparam("b_spent"),
        stage=bindparam("b_stage"),
        code=bindparam("b_code"),
        reason=bindparam("b_reason"),
        deadline=bindparam("b_deadline"),
        doubtful=bindparam("b_doubtful"),
    )
)
_CLOSE = (
    update(_TRIED)
    .where(_TRIED.c.delivery_id == bindparam("b_id"), _TRIED.c.number == bindparam("b_number"))
    .values(
        closed_at=bindparam("b_at"),
        outcome=bindparam("b_outcome"),
        code=bindparam("b_code"),
        said=bindparam("b_said"),
        reference=bindparam("b_reference"),
    )
)


def _move_row(one: Settled, at: int) -> dict[str, Any]:
    settlement = one.settlement
    return {
        "b_id": one.id,
        "b_doubtful": settlement.doubtful,
        "b_state": settlement.state.value,
        "b_due": moment(settlement.due) if settlement.due else at,
        "b_at": at,
        "b_spent": int(settlement.counted and settlement.state not in TAKEN),
        "b_stage": settlement.stage.value if settlement.stage else None,
        "b_code": settlement.code,
        "b_reason": settlement.reason,
        "b_deadline": moment(settlement.deadline) if settlement.deadline else None,
    }


def _close_row(one: Settled, at: int) -> dict[str, Any]:
    settlement = one.settlement
    return {
        "b_id": one.id,
        "b_number": one.attempt,
        "b_at": at,
        "b_outcome": settlement.outcome,
        "b_code": settlement.code,
        "b_said": settlement.said or settlement.reason,
        "b_reference": settlement.reference,
    }


def _release(connection: Connection, system: str, taken: Sequence[Settled], at: int) -> None:
    if taken and _has(connection, system, State.PARKED):
        _children(connection, system, taken, State.PARKED, {"state": State.PENDING.value, "due_at": at, "changed_at": at})


def _park(connection: Connection, system: str, dead: Sequence[Settled], at: int) -> None:
    if dead:
        _children(connection, system, dead, State.PENDING, {"state": State.PARKED.value, "changed_at": at})


def _children(connection: Connection, system: str, parents: Sequence[Settled], state: State, values: dict[str, Any]) -> None:
    rows = [{"p_lane": one.lane, "p_route": one.route, "p_key": one.key} for one in parents]
    children = and_(
        _OURS.c.system == system,
        _OURS.c.lane == bindparam("p_lane"),
        _OURS.c.parent_route == bindparam("p_route"),
        _OURS.c.parent_key == bindparam("p_key"),
        _OURS.c.state == state.value,
    )
    connection.execute(update(_OURS).where(children).values(values), rows)


def _has(connection: Connection, system: str, state: State) -> bool:
    query = select(_OURS.c.id).where(_OURS.c.system == system, _OURS.c.state == state.value, schema.OPEN).limit(1)
    return connection.execute(query).first() is not None


def sweep_parked(connection: Connection, now: datetime) -> int:
    """Release every parked delivery whose parent has been taken: what a race between T1 and T3 may have left behind."""
    ours, parent = _OURS, _OURS.alias("parent")
    parent_taken = exists().where(
        parent.c.system == ours.c.system,
        parent.c.lane == ours.c.lane,
        parent.c.route == ours.c.parent_route,
        parent.c.key == ours.c.parent_key,
        parent.c.state.in_(_TAKEN),
    )
    at = moment(now)
    parked = and_(ours.c.state == State.PARKED.value, schema.OPEN)
    done = connection.execute(update(ours).where(parked, parent_taken).values(state=State.PENDING.value, due_at=at, changed_at=at))
    return int(done.rowcount)


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


@dataclass(frozen=True, slots=True)
class Match:
    """One later verdict as the store needs it: which delivery, which state, and the far side's words."""

    endpoint: str
    row: str
    batch: str | None
    state: State
    code: str | None
    said: str


def apply_verdicts(connection: Connection, *, system: str, matches: Sequence[Match], parents: frozenset[str], now: datetime) -> int:
    """Move taken deliveries to confirmed or rejected by far-side row (and batch, when said); a rejected parent parks its children.

    Returns how many deliveries moved.
    """
    at, moved, rejected = moment(now), 0, []
    for match in matches:
        for row in connection.execute(_meant(system, match)).all():
            connection.execute(update(_OURS).where(_OURS.c.id == row.id).values(_verdict(match, at)))
            moved += 1
            if match.state is State.REJECTED and row.route in parents:
                rejected.append(Settled(row.id, 0, row.route, row.key, row.lane, Settlement(State.REJECTED, "rejected")))
    _park(connection, system, rejected, at)
    return moved


def _meant(system: str, match: Match) -> Select[Any]:
    this_batch = _OURS.c.batch == match.batch if match.batch is not None else true()
    return select(_OURS.c.id, _OURS.c.route, _OURS.c.key, _OURS.c.lane).where(
        _OURS.c.system == system,
        _OURS.c.row == match.row,
        _OURS.c.endpoint == match.endpoint,
        this_batch,
        _OURS.c.state.in_(_TAKEN),
    )


def _verdict(match: Match, at: int) -> dict[str, Any]:
    rejected = match.state is State.REJECTED
    return {
        "state": match.state.value,
        "changed_at": at,
        "stage": Stage.FEEDBACK.value if rejected else None,
        "code": match.code,
        "reason": match.said if rejected else None,
    }
