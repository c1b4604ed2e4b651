"""Who works on which partition: every taking writes a new epoch, and a stale epoch can write nothing (fencing)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from hub.errors import Fenced
from hub.store import schema
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
    done = connection.execute(update(table).where(table.c.name == name).values(epoch=table.c.epoch + 1, **values))
    if done.rowcount == 0:
        connection.execute(insert(table).values(name=name, epoch=1, **values))
    epoch: int = connection.execute(select(table.c.epoch).where(table.c.name == name)).scalar_one()
    return Holding(name, owner, epoch, now)


def require(connection: Connection, holding: Holding) -> None:
    """Raise Fenced unless this holding is still the newest; the row stays locked until the transaction ends."""
    table = schema.partition
    query = select(table.c.epoch).where(table.c.name == holding.name).with_for_update(read=True)
    if connection.execute(query).scalar() != holding.epoch:
        raise Fenced(holding.name)


def hold(connection: Connection, prefix: str) -> None:
    """Keep the owners of all partitions of that kind from writing anything about them until the transaction ends."""
    table = schema.partition
    query = select(table.c.name).where(table.c.name.startswith(prefix, autoescape=True)).order_by(table.c.name)
    connection.execute(query.with_for_update()).all()


def holdings(connection: Connection) -> list[Holding]:
    """Return who holds what, by name."""
    table = schema.partition
    rows = connection.execute(select(table.c.name, table.c.owner, table.c.epoch, table.c.taken_at).order_by(table.c.name))
    return [Holding(row.name, row.owner, row.epoch, instant(row.taken_at)) for row in rows]
