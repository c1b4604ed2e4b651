"""Gives dead letters up and forgets their contents: what was to be sent, and what was read where a newer version is known.

The delivery stays, cancelled, with its reason, its tries and the journal's line (invariant 6). Contents that something still
needs stay too: the body of what the far side took once, the newest version of a record, and what other deliveries are made of.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, and_, delete, exists, not_, select, update

from hub.model import FAILED, State
from hub.store import actions, schema
from hub.store.among import among
from hub.store.journal import write_journal
from hub.store.presence import refused_later
from hub.store.scopes import Scope

_OURS = schema.delivery
#: What is left of a record's data.
_NOTHING = b"{}"


@dataclass(frozen=True, slots=True)
class Purged:
    """How many dead letters were given up, and how many bodies and versions of records were forgotten with them."""

    purged: int = 0
    bodies: int = 0
    records: int = 0


def purge(connection: Connection, scope: Scope, *, actor: str, reason: str, now: datetime) -> Purged:
    """Give the failed deliveries of a scope up, with a reason, and forget what of their contents nobody needs any more."""
    if not scope:
        return Purged()
    ended = actions.give_up(connection, scope, reason=reason, now=now, states=tuple(FAILED))
    bodies, records = _forget_bodies(connection, ended), _forget_records(connection, ended)
    write_journal(connection, actor, "purge", str(scope), len(ended), reason, now)
    return Purged(len(ended), bodies, records)


def _forget_bodies(connection: Connection, ended: Sequence[int]) -> int:
    """Forget what was to be sent; what was taken once is over there, and whoever approves the next version compares with it."""
    never = select(_OURS.c.id).where(among(_OURS.c.id, ended), not_(refused_later(_OURS)))
    return int(connection.execute(delete(schema.body).where(schema.body.c.delivery_id.in_(never))).rowcount)


def _forget_records(connection: Connection, ended: Sequence[int]) -> int:
    """Forget what was read in versions that have a newer one and are owed to nobody any more."""
    record, newer, other = schema.record, schema.record.alias("newer"), _OURS.alias("other")
    same = and_(*(newer.c[name] == record.c[name] for name in ("source", "kind", "key")))
    needed = exists().where(other.c.record_id == record.c.id, other.c.state != State.CANCELLED.value)
    theirs = record.c.id.in_(select(_OURS.c.record_id).where(among(_OURS.c.id, ended)))
    old = exists().where(same, newer.c.id > record.c.id)
    return int(connection.execute(update(record).where(theirs, old, not_(needed)).values(data=_NOTHING)).rowcount)
