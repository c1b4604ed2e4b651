"""Decides when a newer version takes the place of one that was refused later, and gives the place back when it comes to nothing."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, and_, not_, or_, select, update

from hub.model import TAKEN, Stage, State
from hub.store import schema
from hub.store.among import among
from hub.store.presence import arrived, refused_later
from hub.store.versions import same_object, same_record, there_is

#: A newer version in one of these is over there, or can still arrive; if held, only in doubt: at a gate it may be refused.
_COMES = [state.value for state in (State.PENDING, State.PARKED, State.REJECTED, *TAKEN)]
_OURS = schema.delivery


def renewed() -> ColumnElement[bool]:
    """Return the condition that a newer version of a delivery has arrived or can: what is said of the older one is history.

    One that is dead, given up or waits at a gate takes nobody's place: the refusal of the older one would be nobody's matter.
    """
    newer = _OURS.alias("newer")
    in_doubt = and_(newer.c.state == State.HELD.value, newer.c.stage.is_distinct_from(Stage.GATE.value))
    comes = or_(newer.c.state.in_(_COMES), in_doubt, refused_later(newer))
    return there_is(newer, *same_record(newer, _OURS), newer.c.id > _OURS.c.id, comes)


def overtaken() -> ColumnElement[bool]:
    """Return the condition that a newer version of a delivery has arrived, or may have: it would put old data in its place."""
    newer = _OURS.alias("newer")
    return there_is(newer, *same_object(newer, _OURS), newer.c.id > _OURS.c.id, arrived(newer))


def give_way(connection: Connection, at: int) -> None:
    """End what was refused later and a newer version replaces now, because a person let that one go on."""
    lying = and_(_OURS.c.state == State.REJECTED.value, schema.OPEN)
    connection.execute(update(_OURS).where(lying, renewed()).values(state=State.SUPERSEDED.value, changed_at=at))


def reopen(connection: Connection, ended: Sequence[int], at: int) -> None:
    """Make mendable again what was refused later and had given way to these deliveries, which came to nothing."""
    newer = _OURS.alias("ended")
    gave_way = and_(_OURS.c.state == State.SUPERSEDED.value, refused_later(_OURS), not_(renewed()))
    query = select(_OURS.c.id).where(*same_record(_OURS, newer), _OURS.c.id < newer.c.id)
    older = list(connection.execute(query.where(among(newer.c.id, ended), gave_way)).scalars()) if ended else []
    if older:
        again = update(_OURS).where(among(_OURS.c.id, older), _OURS.c.state == State.SUPERSEDED.value)
        connection.execute(again.values(state=State.REJECTED.value, changed_at=at))
