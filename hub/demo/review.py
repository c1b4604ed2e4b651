"""Decides what the county's review office does in the demo with what waits for its approval, and whether it was heeded."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection, select

from hub.demo.exchanges import ARRIVED
from hub.engine.service import Service
from hub.model import State
from hub.settings import Settings
from hub.store import actions, journal, schema
from hub.store.scopes import Scope

#: Who decides, by name, and what they say.
CLERK, APPROVES, REFUSES = "审改办 王某（演示）", "依据、时限与权责清单核对无误", "行使依据不足，退回部门补充"
Review = Callable[[Service], int]


def approving(service: Service) -> int:
    """Approve all that waits; return how much that was."""
    return _decide(service, _waiting(service), [])


def refusing_one(service: Service) -> int:
    """Approve all that waits but the last of it, if it is more than one; return how much was decided."""
    numbers = _waiting(service)
    return _decide(service, numbers[:-1], numbers[-1:]) if len(numbers) > 1 else _decide(service, numbers, [])


def _waiting(service: Service) -> list[int]:
    with service.store.reading() as connection:
        return actions.held(connection, Scope(everything=True), at_gate=True)


def _decide(service: Service, approved: list[int], refused: list[int]) -> int:
    decided = 0
    for numbers, state, reason in ((approved, State.PENDING, APPROVES), (refused, State.CANCELLED, REFUSES)):
        if numbers:
            now = service.exchange.clock()
            with service.store.writing() as connection:
                scope = Scope(ids=tuple(numbers))
                decided += actions.decide_held(connection, scope, state, actor=CLERK, reason=reason, now=now)
    if decided:
        service.wake(*service.exchange.settings.systems)
    return decided


def heeded(connection: Connection, settings: Settings) -> tuple[int, int, list[int]]:
    """Return how many deliveries were approved, how many refused, and those that left without an approval."""
    gated = [route.name for route in settings.routes if route.gate]
    ours = schema.delivery
    query = select(ours.c.id).where(ours.c.route.in_(gated), ours.c.state.in_([state.value for state in ARRIVED]))
    left = list(connection.execute(query).scalars())
    decided = connection.execute(select(schema.journal.c.action, schema.journal.c.scope)).all()
    approved = sum(row.action == journal.APPROVED for row in decided)
    refused = sum(row.action == journal.REFUSED for row in decided)
    allowed = {one.delivery for one in journal.decisions(connection, left) if one.approved}
    return approved, refused, [number for number in left if number not in allowed]
