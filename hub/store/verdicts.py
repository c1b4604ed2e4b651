"""Later verdicts of the far side move what it had taken: to confirmed, or to rejected with its children parked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, exists, false, insert, not_, or_, select, update

from hub.model import TAKEN, Stage, State
from hub.store import gate, outbox, presence, renewal, schema
from hub.store.numbers import moment, take
from hub.store.settling import Settled, Settlement, park_children

_OURS = schema.delivery
_TAKEN = [state.value for state in TAKEN]


@dataclass(frozen=True, slots=True)
class Match:
    """One later verdict as the store needs it: which delivery, which state, the far side's words, and what groups them."""

    endpoint: str
    row: str
    batch: str | None
    state: State
    code: str | None
    said: str
    told: str | None = None
    cause: str | None = None


def apply_verdicts(connection: Connection, *, system: str, matches: Sequence[Match], parents: frozenset[str], now: datetime) -> int:
    """Move taken deliveries to confirmed or rejected by far-side row (and batch, when said); a rejected parent parks its children.

    One that is held because no verdict came in time, or in doubt whether it arrived, is moved as well.
    Returns how many deliveries moved.
    """
    at, moved, rejected = moment(now), 0, []
    for match in matches:
        for row in connection.execute(_meant(system, match)).all():
            connection.execute(update(_OURS).where(_OURS.c.id == row.id).values(_verdict(match, at, renewed=row.renewed)))
            moved += 1
            if match.state is State.REJECTED:
                _write_down(connection, row.id, match, at)
                rejected.append(Settled(row.id, 0, row.route, row.key, row.lane, Settlement(State.REJECTED, "rejected")))
    park_children(connection, system, [one for one in rejected if one.route in parents], at)
    return moved


def _write_down(connection: Connection, delivery: int, match: Match, at: int) -> None:
    row = {"id": take(connection, "verdict", 1), "delivery_id": delivery, "at": at}
    connection.execute(insert(schema.verdict).values(**row, code=match.code, said=match.said, told=match.told))


def _meant(system: str, match: Match) -> Select[Any]:
    return select(_OURS.c.id, _OURS.c.route, _OURS.c.key, _OURS.c.lane, renewal.renewed().label("renewed")).where(
        *_named(system, match),
        _OURS.c.state != match.state.value,  # a poll reads some verdicts again
        not_(_heard(match)),
        or_(_OURS.c.state.in_(_TAKEN), _waiting_for_it(match)),
    )


def _named(system: str, match: Match) -> list[ColumnElement[bool]]:
    """Return the conditions that a verdict names a delivery: by its row over there and, if told, its batch."""
    row = [_OURS.c.system == system, _OURS.c.row == match.row, _OURS.c.endpoint == match.endpoint]
    return row if match.batch is None else [*row, _OURS.c.batch == match.batch]


def _waiting_for_it(match: Match) -> ColumnElement[bool]:
    """Held because no verdict came in time, or in doubt: the verdict proves that it arrived.

    Agreement that names no batch may mean a version before the one in doubt, and proves nothing then.
    """
    held = and_(_OURS.c.state == State.HELD.value, not_(gate.at_gate()))
    if match.batch is not None or match.state is State.REJECTED:
        return held
    before = _OURS.alias("before")
    there = or_(before.c.state.in_(_TAKEN), presence.refused_later(before))
    row = [before.c[name] == _OURS.c[name] for name in ("system", "row", "endpoint")]
    return and_(held, not_(exists().where(*row, before.c.id < _OURS.c.id, there)))


def _heard(match: Match) -> ColumnElement[bool]:
    """This very verdict was applied to the delivery already: it was sent again since, and the verdict was not about that."""
    if match.told is None:
        return false()
    table = schema.verdict
    return exists().where(table.c.delivery_id == _OURS.c.id, table.c.told == match.told)


def early(connection: Connection, *, system: str, matches: Sequence[Match]) -> bool:
    """Tell whether a verdict is about what is still being sent, or may have arrived: to be read again once that is settled."""
    flying = outbox.in_flight(connection)
    for match in matches:
        pending = _OURS.c.state == State.PENDING.value
        query = select(_OURS.c.id, _OURS.c.doubtful).where(*_named(system, match), pending)
        if any(row.doubtful or row.id in flying for row in connection.execute(query)):
            return True
    return False


def _verdict(match: Match, at: int, *, renewed: bool) -> dict[str, Any]:
    rejected = match.state is State.REJECTED
    return {
        "state": State.SUPERSEDED.value if rejected and renewed else match.state.value,
        "changed_at": at,
        "doubtful": False,
        "stage": Stage.FEEDBACK.value if rejected else None,
        "code": match.code,
        "reason": match.cause or match.said if rejected else None,
    }
