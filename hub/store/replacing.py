"""Decides which failed deliveries of earlier versions end when a newer version of their record comes, or the record is gone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Connection, and_, bindparam, not_, or_, select, update

from hub.model import State
from hub.store import outbox, schema
from hub.store.presence import doubted
from hub.store.schema import NOWHERE

if TYPE_CHECKING:
    from hub.store.acceptance import Accepted, Owed

#: What a newer version of the same record makes pointless. What was refused later is over there: only one that comes replaces it.
_OUTDATED = [State.DEAD.value, State.REJECTED.value]
_OURS = schema.delivery


@dataclass(frozen=True, slots=True)
class Place:
    """Where failed deliveries of earlier versions of a record stand: `also` is a state in which they end, beside dead.

    `gone`: the record is deleted and was never there; what may have arrived all the same stays to be looked at then.
    """

    system: str
    route: str
    source: str
    kind: str
    key: str
    before: int
    also: str = State.DEAD.value
    gone: bool = False
    lane: str | None = None  # of the newer version, where earlier ones stood in another


def replaced(source: str, accepted: Sequence[Accepted], first: int) -> list[Place]:
    """Return where failed deliveries of earlier versions stand: what the newer version is owed to, and the source itself."""
    places, number = list[Place](), first
    for one in accepted:
        if one.renewed:
            whose = (source, one.kind, one.key, number)
            places += [
                Place(owed.system, owed.route, *whose, also=_ends(owed), lane=owed.lane if owed.moved else None)
                for owed in one.owed
            ]
            places += [Place(source, NOWHERE, *whose)]
            places += [Place(system, route, *whose, gone=True) for system, route in one.withdrawn]
        number += len(one.owed)
    return places


def _ends(owed: Owed) -> str:
    """Return what a newer version ends beside dead ones: one that may never arrive leaves what was refused later to be mended."""
    return State.REJECTED.value if owed.state is State.PENDING else State.DEAD.value


def supersede(connection: Connection, places: Sequence[Place], at: int) -> None:
    """End the failed deliveries of earlier versions: the newer version takes over their place."""
    failing = {system for system in {place.system for place in places} if _has_failed(connection, system)}
    for gone in (False, True):
        rows = [_row(place) for place in places if place.gone is gone and place.system in failing]
        if rows:
            ended = {"state": State.SUPERSEDED.value, "changed_at": at}
            connection.execute(update(_OURS).where(*_outdated(), *([not_(doubted(_OURS))] if gone else [])).values(ended), rows)


def leave(connection: Connection, places: Sequence[Place], at: int) -> None:
    """End earlier versions that still wait in a lane their record has left: nothing keeps them from overtaking the newer one.

    What is being sent, or may have arrived, is left to be settled.
    """
    moved = [place for place in places if place.lane is not None]
    if not moved:
        return
    waiting = _OURS.c.state.in_([State.PENDING.value, State.PARKED.value])
    still = and_(waiting, _OURS.c.id.not_in(sorted(outbox.in_flight(connection))), not_(doubted(_OURS)))
    ended = update(_OURS).where(_same(), _OURS.c.id < bindparam("b_before", type_=_OURS.c.id.type), still)
    for place in moved:
        elsewhere = ended.where(_OURS.c.lane != place.lane).values(state=State.SUPERSEDED.value, changed_at=at)
        connection.execute(elsewhere, _row(place))


def _row(place: Place) -> dict[str, Any]:
    return {
        "b_route": place.route, "b_source": place.source, "b_kind": place.kind, "b_key": place.key, "b_before": place.before,
        "b_also": place.also,
    }  # fmt: skip


def _outdated() -> list[ColumnElement[bool]]:
    before = bindparam("b_before", type_=_OURS.c.id.type)
    earlier = or_(_OURS.c.id < before, before == 0)  # 0: this page owes nothing at all
    return [_same(), earlier, or_(_OURS.c.state == State.DEAD.value, _OURS.c.state == bindparam("b_also"))]


def _same() -> ColumnElement[bool]:
    record = schema.record
    # By record: its lane may have changed since, and a record of another kind may have the same key. Whose system it is the
    # route says; asked for it, SQLite would go through all deliveries of the system.
    versions = select(record.c.id).where(*(record.c[name] == bindparam(f"b_{name}") for name in ("source", "kind", "key")))
    return and_(_OURS.c.record_id.in_(versions), _OURS.c.route == bindparam("b_route"))


def _has_failed(connection: Connection, system: str) -> bool:
    query = select(_OURS.c.id).where(_OURS.c.system == system, _OURS.c.state.in_(_OUTDATED), schema.OPEN).limit(1)
    return connection.execute(query).first() is not None
