"""Tells how many objects were ever read: counted once and then counted on, so that nobody goes through the whole history."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

import orjson
from sqlalchemy import Connection, func, select, update

from hub.store import dialect, schema
from hub.store.numbers import moment

#: How many objects were read, by source and kind.
Objects: TypeAlias = Mapping[tuple[str, str], int]
#: Where the account of all records up to a number is kept.
_NAME = "objects"
#: Most records that are counted on at once: what is read in ten seconds.
STEP = 20_000
_RECORD, _CURSOR = schema.record, schema.cursor


@dataclass(frozen=True, slots=True)
class Account:
    """How many objects the records up to and with a number are; `told`: what the store has of it, None when it has none."""

    upto: int = 0
    objects: Objects = field(default_factory=dict)
    told: str | None = None

    @property
    def news(self) -> bool:
        """Whether it is worth being written down."""
        return self.told != _written(self)


def read(connection: Connection) -> Objects:
    """Return all objects ever read. Counts only the records that nobody has counted on yet."""
    return count_on(connection, most=None).objects


def count_on(connection: Connection, most: int | None = STEP) -> Account:
    """Return the account with the next so many records in it; a record counts if no earlier one is of the same object."""
    before = _kept(connection)
    earlier = _RECORD.alias("earlier")
    same = [earlier.c[name] == _RECORD.c[name] for name in ("source", "kind", "key")]
    known = select(earlier.c.id).where(*same, earlier.c.id < _RECORD.c.id).limit(1).correlate(_RECORD).scalar_subquery()
    last = int(connection.scalar(select(func.max(_RECORD.c.id))) or 0)
    upto = last if most is None else min(last, before.upto + most)
    among = (_RECORD.c.id > before.upto, _RECORD.c.id <= upto, known.is_(None))
    found = Counter(before.objects)
    if upto > before.upto:
        query = select(_RECORD.c.source, _RECORD.c.kind, func.count()).where(*among).group_by(_RECORD.c.source, _RECORD.c.kind)
        found.update({(source, kind): number for source, kind, number in connection.execute(query)})
    return Account(upto, found, before.told)


def keep(connection: Connection, account: Account, now: datetime) -> None:
    """Write an account down, unless somebody else has counted on since it was begun."""
    if account.told is None:
        dialect.ensure(connection, _CURSOR, {"name": _NAME, "value": _written(account), "changed_at": moment(now)})
        return
    mine = update(_CURSOR).where(_CURSOR.c.name == _NAME, _CURSOR.c.value == account.told)
    connection.execute(mine.values(value=_written(account), changed_at=moment(now)))


def _kept(connection: Connection) -> Account:
    told = connection.scalar(select(_CURSOR.c.value).where(_CURSOR.c.name == _NAME))
    if told is None:
        return Account()
    upto, objects = orjson.loads(told)
    return Account(upto, {(source, kind): number for source, kind, number in objects}, told)


def _written(account: Account) -> str:
    """Return an account as it is kept; the same one always in the same words."""
    return orjson.dumps([account.upto, sorted([*kind, number] for kind, number in account.objects.items())]).decode()
