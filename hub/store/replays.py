"""Tells with which bytes each try of a delivery was made: those of its first try, or those somebody had made anew, and by what."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, insert, select

from hub.store import schema
from hub.store.among import among
from hub.store.numbers import instant, moment, take

#: Who makes a body anew where nobody asked: an update whose insert never came to be over there becomes one.
HUB = "hub"
_TABLE = schema.replay


@dataclass(frozen=True, slots=True)
class Replay:
    """One time a delivery was made to go again, after so many tries: by whom, why, and with which bytes.

    `mapping`: the digest of the mapping that made them anew; None: the bytes it had, unchanged.
    """

    delivery: int
    at: datetime
    actor: str
    reason: str
    after: int
    mapping: str | None


def write(connection: Connection, made: Sequence[Replay]) -> None:
    """Write down that these deliveries go again; part of the transaction that makes them."""
    first = take(connection, "replay", len(made)) if made else 0
    rows = [
        {
            "id": number, "delivery_id": one.delivery, "at": moment(one.at), "actor": one.actor, "reason": one.reason,
            "after": one.after, "mapping": one.mapping,
        }
        for number, one in enumerate(made, first)
    ]  # fmt: skip
    if rows:
        connection.execute(insert(_TABLE), rows)


def read(connection: Connection, numbers: Collection[int]) -> list[Replay]:
    """Return how often these deliveries were made to go again, oldest first."""
    rows = connection.execute(select(_TABLE).where(among(_TABLE.c.delivery_id, numbers)).order_by(_TABLE.c.id)).all()
    told = {row.delivery_id for row in rows if row.mapping is not None}
    untold = _untold(connection, [number for number in numbers if number not in told])
    return untold + [Replay(row.delivery_id, instant(row.at), row.actor, row.reason or "", row.after, row.mapping) for row in rows]


def _untold(connection: Connection, numbers: Sequence[int]) -> list[Replay]:
    """Return the last time an older program had bodies made anew: it wrote down when, and by which mapping, but not who."""
    ours, tried = schema.delivery, schema.attempt
    before = select(func.max(tried.c.number)).where(tried.c.delivery_id == ours.c.id, tried.c.opened_at < ours.c.remade_at)
    query = select(ours.c.id, ours.c.remade_at, ours.c.mapping, func.coalesce(before.scalar_subquery(), 0).label("after"))
    rows = connection.execute(query.where(among(ours.c.id, numbers), ours.c.remade_at.is_not(None)).order_by(ours.c.id))
    return [Replay(row.id, instant(row.remade_at), "-", "", row.after, row.mapping) for row in rows]


def in_force(replays: Iterable[Replay], delivery: int, attempt: int) -> Replay | None:
    """Return which making of the body that try of a delivery sent; None: the original, or it was no try (number 0)."""
    made = [one for one in replays if one.delivery == delivery and one.mapping is not None and one.after < attempt]
    return made[-1] if made else None
