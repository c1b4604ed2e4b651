"""Tries dead letters again: with the bytes they have, or with bodies made anew by the present mapping."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from hub.engine.exchange import Exchange
from hub.mapping import Envelope
from hub.model import Operation, State
from hub.settings import RouteSettings
from hub.store import acceptance, actions
from hub.store.actions import Remade, Scope

#: Dead letters mapped anew in one transaction.
PAGE = 500


@dataclass(frozen=True, slots=True)
class Replayed:
    """How many are pending again, and how many still cannot be mapped (or their route is gone) and stay dead."""

    retried: int
    still_unmappable: int


def retry(exchange: Exchange, scope: Scope, *, remap: bool, actor: str, reason: str) -> Replayed:
    """Make the failed deliveries of a scope pending again. `remap`: with the present mapping instead of the frozen bytes.

    A dead letter that never had a body (stage map) can only be retried with `remap`; without it, it stays.
    """
    if remap:
        return _remap(exchange, scope, actor, reason)
    with exchange.store.writing() as connection:
        number = actions.replay_as_they_are(connection, scope, actor=actor, reason=reason, now=exchange.clock())
        left = actions.count(connection, scope)
    return Replayed(number, left)


def _remap(exchange: Exchange, scope: Scope, actor: str, reason: str) -> Replayed:
    routes = {route.name: route for route in exchange.settings.routes}
    after, retried, stuck = 0, 0, 0
    while True:
        with exchange.store.reading() as connection:
            rows = actions.replayable(connection, scope, after=after, limit=PAGE)
        if not rows:
            break
        after = rows[-1].id
        remade = [one for row in rows if (one := _remake(exchange, routes.get(row.route), row))]
        with exchange.store.writing() as connection:
            retried += actions.replay_remade(connection, remade, exchange.clock())
        stuck += len(rows) - len(remade)
    with exchange.store.writing() as connection:
        actions.write_journal(connection, actor, "retry:remap", str(scope), retried, reason, exchange.clock())
    return Replayed(retried, stuck)


def _remake(exchange: Exchange, route: RouteSettings | None, row: Any) -> Remade | None:
    if route is None:
        return None
    # what was taken once and refused later is over there already
    operation = Operation.UPDATE.value if row.state == State.REJECTED.value else row.operation
    envelope = Envelope(
        operation=operation, batch=row.batch, time=exchange.clock(), key=row.key, revision=row.revision,
        kind=row.kind, system=row.system, lane=row.lane,
    )  # fmt: skip
    body, _ = route.mapping.apply(orjson.loads(row.data), envelope)
    if body is None:
        return None
    row_id = body.get(route.row) if route.row else None
    return Remade(row.id, acceptance.frozen(body), route.mapping.digest[:32], row_id, route.gate)
