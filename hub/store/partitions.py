"""Who works on which partition: every taking writes a new epoch, and a stale epoch can write nothing (fencing)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, not_, select, update

from hub.errors import Fenced
from hub.store import dialect, schema
from hub.store.numbers import instant, moment


@dataclass(frozen=True, slots=True)
class Holding:
    """A partition taken by one owner; its epoch goes along with everything written about it."""

    name: str
    owner: str
    epoch: int
    taken_at: datetime


def take(connection: Connection, name: str, owner: str, now: datetime) -> Holding:
    """Take a partition from whoever has it. Whatever the former owner still wants to write is refused from here on."""
    table = schema.partition
    values = {"owner": owner, "taken_at": moment(now)}
    taken = dialect.insert(connection, table).values(name=name, epoch=1, **values)
    again = taken.on_conflict_do_update(index_elements=["name"], set_={"epoch": table.c.epoch + 1, **values})
    epoch: int = connection.execute(again.returning(table.c.epoch)).scalar_one()
    return Holding(name, owner, epoch, now)


def require(connection: Connection, holding: Holding) -> None:
    """Raise Fenced unless this holding is still the newest; the row stays locked until the transaction ends."""
    table = schema.partition
    query = select(table.c.epoch).where(table.c.name == holding.name).with_for_update(read=True)
    if connection.execute(query).scalar() != holding.epoch:
        raise Fenced(holding.name)


def turn(connection: Connection, name: str, owner: str, every: timedelta) -> bool:
    """Take a turn at something that all may do and one should, each `every`; False: somebody had one since.

    A turn is no lock: whoever freezes in it keeps nobody from the next one.
    """
    table, now = schema.partition, dialect.now(connection)
    values = {"owner": owner, "taken_at": moment(now)}
    # A turn from the future has lapsed as well: the clock was put back.
    lapsed = not_(table.c.taken_at.between(moment(now - every) + 1, moment(now)))
    mine = update(table).where(table.c.name == name, lapsed)
    if connection.execute(mine.values(epoch=table.c.epoch + 1, **values)).rowcount:
        return True
    first = dialect.insert(connection, table).values(name=name, epoch=1, **values).on_conflict_do_nothing()
    return connection.execute(first.returning(table.c.epoch)).first() is not None


def epoch(connection: Connection, name: str) -> int:
    """Return the epoch of a partition, 0 when nobody ever took it."""
    return connection.scalar(select(schema.partition.c.epoch).where(schema.partition.c.name == name)) or 0


def hold(connection: Connection, prefix: str) -> None:
    """Keep the owners of all partitions of that kind from writing anything about them until the transaction ends."""
    table = schema.partition
    query = select(table.c.name).where(table.c.name.startswith(prefix, autoescape=True)).order_by(table.c.name)
    connection.execute(query.with_for_update()).all()


def taken(connection: Connection, prefix: str) -> dict[str, datetime]:
    """Return when each partition of that kind was last taken."""
    table = schema.partition
    query = select(table.c.name, table.c.taken_at).where(table.c.name.startswith(prefix, autoescape=True))
    return {row.name: instant(row.taken_at) for row in connection.execute(query)}


def systems(connection: Connection) -> frozenset[str]:
    """Return the systems that were ever delivered to, configured now or not."""
    names = connection.execute(select(schema.partition.c.name)).scalars()
    return frozenset(name.split(":")[1] for name in names if name.startswith("deliver:"))


def holdings(connection: Connection) -> list[Holding]:
    """Return who holds what, by name."""
    table = schema.partition
    rows = connection.execute(select(table.c.name, table.c.owner, table.c.epoch, table.c.taken_at).order_by(table.c.name))
    return [Holding(row.name, row.owner, row.epoch, instant(row.taken_at)) for row in rows]
