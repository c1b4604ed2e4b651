"""What people did, written down: who, when, to how many deliveries, and why; what was decided at a gate, delivery by delivery."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, or_, select

from hub.store import schema
from hub.store.numbers import instant, moment, parts, take

#: What a decision at a gate is called.
APPROVED, REFUSED = "gate:approved", "gate:refused"
#: Most deliveries asked about in one query.
_CHUNK = 200


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person decided about one delivery that waited at a gate; `gate` is whose approval it was."""

    delivery: int
    at: datetime
    actor: str
    gate: str
    approved: bool
    reason: str


def write_journal(connection: Connection, actor: str, action: str, scope: str, number: int, reason: str, now: datetime) -> None:
    """Write down who did what to how many deliveries, and why."""
    row = {"id": take(connection, "journal", 1), "at": moment(now), "actor": actor, "action": action}
    connection.execute(insert(schema.journal).values(**row, scope=scope, count=number, reason=reason))


def write_decisions(connection: Connection, made: Sequence[Decision]) -> None:
    """Write down decisions, a line each: an approval is given to one version of one thing."""
    first = take(connection, "journal", len(made)) if made else 0
    rows = [
        {
            "id": number, "at": moment(one.at), "actor": one.actor, "action": APPROVED if one.approved else REFUSED,
            "scope": f"delivery={one.delivery} gate={one.gate}", "count": 1, "reason": one.reason,
        }
        for number, one in enumerate(made, first)
    ]  # fmt: skip
    if rows:
        connection.execute(insert(schema.journal), rows)


def decisions(connection: Connection, numbers: Iterable[int]) -> list[Decision]:
    """Return what was decided about these deliveries, oldest first."""
    table, found = schema.journal, list[Decision]()
    for part in parts(numbers, _CHUNK):
        mine = or_(*(table.c.scope.startswith(f"delivery={number} ") for number in part))
        query = select(table).where(table.c.action.in_((APPROVED, REFUSED)), mine).order_by(table.c.id)
        for row in connection.execute(query):
            delivery, _, gate = row.scope.partition(" gate=")
            about = int(delivery.removeprefix("delivery="))
            found.append(Decision(about, instant(row.at), row.actor, gate, row.action == APPROVED, row.reason or ""))
    return found
