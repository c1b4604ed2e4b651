"""In which order a backlog drains where routes name a deadline: by what was promised, lane by lane, and nothing waits for ever."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, Connection, bindparam, cast, func, or_, select, update

from hub.model import State
from hub.store import schema
from hub.store.among import among
from hub.store.numbers import moment

_OURS = schema.delivery
#: System, lane and rank of a delivery; None: its system is not emptied by urgency.
Ranked = tuple[str, str, int | None]
#: The rank of what nothing was promised for, until it is written.
NOTHING = 0
#: What nothing was promised for ranks as if it were for so long after it was accepted: it gives way, and not for ever.
UNPROMISED = timedelta(weeks=4)
#: What of a lane still has to go before what comes now.
_WAITING = [State.PENDING.value, State.HELD.value, State.PARKED.value]


def rank(promised: datetime | None) -> int:
    """Return the rank of a delivery: the smaller, the sooner; NOTHING if nothing was promised."""
    return moment(promised) if promised else NOTHING


def ranks(connection: Connection, ranked: Sequence[Ranked], at: int) -> list[int | None]:
    """Return the ranks to be written of deliveries that are accepted together, in the order they will be sent.

    What nothing was promised for belongs to its case, and takes over what that was promised for, while this is still to come. What
    stands before something more urgent in its lane is as urgent as that.
    """
    if all(own is None for _, _, own in ranked):
        return [None] * len(ranked)
    known = _known(connection, {(system, lane) for system, lane, own in ranked if own == NOTHING})
    found: list[Ranked] = []
    for system, lane, own in ranked:
        if own == NOTHING:
            told = known.get((system, lane), NOTHING)
            own = told if told > at else at + int(UNPROMISED / timedelta(milliseconds=1))
        if own is not None:
            known[system, lane] = own
        found.append((system, lane, own))
    return _shared(found)


def _known(connection: Connection, lanes: set[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """Return the rank of the newest delivery of each of these lanes."""
    found: dict[tuple[str, str], int] = {}
    for system in {system for system, _ in lanes}:
        mine = [lane for one, lane in lanes if one == system]
        ours = (_OURS.c.system == system, among(_OURS.c.lane, mine), _OURS.c.rank.is_not(None))
        newest = select(func.max(_OURS.c.id)).where(*ours).group_by(_OURS.c.lane)
        rows = connection.execute(select(_OURS.c.lane, _OURS.c.rank).where(_OURS.c.id.in_(newest)))
        found.update({(system, row.lane): row.rank for row in rows})
    return found


def _shared(ranked: Sequence[Ranked]) -> list[int | None]:
    most: dict[tuple[str, str], int] = {}
    found: list[int | None] = []
    for system, lane, own in reversed(ranked):
        if own is not None:
            own = most[system, lane] = min(own, most.get((system, lane), own))
        found.append(own)
    return found[::-1]


def inherit(connection: Connection, ranked: Iterable[Ranked], first: int) -> None:
    """Make what waits in a lane as urgent as what was written behind it, from number `first` on: it has to go before it."""
    most: dict[tuple[str, str], int] = {}
    for system, lane, own in ranked:
        if own is not None:
            most[system, lane] = min(own, most.get((system, lane), own))
    rows = [{"b_system": system, "b_lane": lane, "b_rank": own} for (system, lane), own in most.items()]
    if not rows:
        return
    waiting = or_(*(_OURS.c.state.concat("") == state for state in _WAITING))  # not by the index of what is open: it knows no lanes
    here = (_OURS.c.system == bindparam("b_system"), _OURS.c.lane == bindparam("b_lane"), waiting)
    later = or_(_OURS.c.rank.is_(None), _OURS.c.rank > bindparam("b_rank", type_=BigInteger))
    connection.execute(update(_OURS).where(*here, _OURS.c.id < first, later).values(rank=bindparam("b_rank")), rows)


def catch_up(connection: Connection, systems: Sequence[str]) -> int:
    """Rank what waits unranked in these systems, accepted before their routes named a deadline, or by an older program.

    Its lane's urgency is not looked for: it is older than what is ranked. Returns how many there were.
    """
    gap = int(UNPROMISED / timedelta(milliseconds=1))
    waiting = (_OURS.c.system.in_(systems), schema.OPEN, _OURS.c.state == State.PENDING.value, _OURS.c.rank.is_(None))
    return int(connection.execute(update(_OURS).where(*waiting).values(rank=_OURS.c.created_at + gap)).rowcount) if systems else 0


def at_risk(connection: Connection, system: str, until: datetime) -> int:
    """Return how many deliveries of a system wait whose promise, or that of what stands behind them, ends before that time."""
    query = select(func.count()).where(_OURS.c.system == system, _OURS.c.rank <= cast(moment(until), BigInteger), schema.RANKED)
    return int(connection.scalar(query) or 0)
