"""What a person decides about deliveries that wait or failed: each action has a scope, and is written into the journal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, not_, select, update

from hub.model import FAILED, State
from hub.store import family, gate, renewal, schema
from hub.store.journal import write_journal
from hub.store.numbers import moment
from hub.store.replaying import retire, revived
from hub.store.scopes import Scope, meant

_OURS = schema.delivery


def decide_held(connection: Connection, scope: Scope, state: State, *, actor: str, reason: str, now: datetime) -> int:
    """End the waiting of held deliveries: PENDING (send), DELIVERED (it is over there) or CANCELLED.

    What waits at a gate is approved by PENDING and refused by CANCELLED; never sent, it cannot be over there. What waited for a
    verdict while its newer version went ends instead of being sent. Returns how many were decided.
    """
    if not scope:
        return 0
    if state is State.PENDING:
        retire(connection, scope, now, (State.HELD,))
    approvals = [] if state is State.DELIVERED else held(connection, scope, at_gate=True)
    decided = gate.decide(connection, approvals, approved=state is State.PENDING, actor=actor, reason=reason, now=now)
    values = {**revived(now), "state": state.value, "reason": reason}
    doubted = update(_OURS).where(*meant(scope, (State.HELD,)), not_(gate.at_gate())).values(values)
    ended = list(connection.execute(doubted.returning(_OURS.c.id)).scalars())
    number = len(ended)
    if state is State.CANCELLED:
        renewal.reopen(connection, ended, moment(now))
    family.reunite(connection, now)
    if number or not decided:
        write_journal(connection, actor, f"held:{state.value}", str(scope), number, reason, now)
    return decided + number


def held(connection: Connection, scope: Scope, *, at_gate: bool | None = None) -> list[int]:
    """Return the held deliveries of a scope, oldest first: all, only those that wait at a gate, or only the others."""
    if not scope:
        return []
    kind = [] if at_gate is None else [gate.at_gate() if at_gate else not_(gate.at_gate())]
    query = select(_OURS.c.id).where(*meant(scope, (State.HELD,)), *kind).order_by(_OURS.c.id)
    return list(connection.execute(query).scalars())


def cancel(
    connection: Connection,
    scope: Scope,
    *,
    actor: str,
    reason: str,
    now: datetime,
    states: Sequence[State] = (*FAILED, State.HELD, State.PARKED),
) -> int:
    """Give failed, held or parked deliveries up, with a reason."""
    ended = give_up(connection, scope, reason=reason, now=now, states=states)
    if scope:
        write_journal(connection, actor, "cancel", str(scope), len(ended), reason, now)
    return len(ended)


def give_up(connection: Connection, scope: Scope, *, reason: str, now: datetime, states: Sequence[State]) -> list[int]:
    """End deliveries of a scope as cancelled, and return which; the caller writes down who did it."""
    if not scope:
        return []
    values = {"state": State.CANCELLED.value, "changed_at": moment(now), "reason": reason}
    given_up = update(_OURS).where(*meant(scope, states)).values(values).returning(_OURS.c.id)
    ended = list(connection.execute(given_up).scalars())
    renewal.reopen(connection, ended, moment(now))
    family.reunite(connection, now)
    return ended
