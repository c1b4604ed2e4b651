"""Tries dead letters again: with the bytes they have, or with bodies made anew by the present mapping."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeAlias

from hub.engine.exchange import Exchange
from hub.engine.remake import as_it_was, as_updates, by_present_mapping
from hub.model import FAILED, State
from hub.settings import RouteSettings
from hub.store import journal, replaying, scopes, unmade
from hub.store.remaking import Remade
from hub.store.scopes import Scope
from hub.store.unmade import Unmade

#: How one failed delivery gets its body; Unmade: it gets none and stays where it is.
Remaking: TypeAlias = Callable[[Exchange, RouteSettings | None, Any], Remade | Unmade]
#: Dead letters mapped anew in one transaction.
PAGE = 500


@dataclass(frozen=True, slots=True)
class Replayed:
    """How many are pending again, and how many still cannot be mapped (or their route is gone) and stay dead: `first` of all."""

    retried: int
    still_unmappable: int
    first: Unmade | None = None


def retry(exchange: Exchange, scope: Scope, *, remap: bool, actor: str, reason: str) -> Replayed:
    """Make the failed deliveries of a scope pending again. `remap`: with the present mapping instead of the frozen bytes.

    A dead letter that never had a body (stage map) can only be retried with `remap`; without it, it stays. What was taken and
    refused later goes again as an update in a batch of its own, either way.
    """
    if remap:
        with exchange.store.writing() as connection:
            replaying.retire(connection, scope, exchange.clock())
        retried, stuck = _each(exchange, scope, tuple(FAILED), by_present_mapping, actor, reason)
        with exchange.store.writing() as connection:
            journal.write_journal(connection, actor, "retry:remap", str(scope), retried, reason, exchange.clock())
        return Replayed(retried, len(stuck), stuck[0] if stuck else None)
    again, _ = _each(exchange, scope, (State.REJECTED,), as_it_was, actor, reason)
    with exchange.store.writing() as connection:
        number = replaying.replay_as_they_are(
            connection,
            scope,
            actor=actor,
            reason=reason,
            now=exchange.clock(),
            already=again,
            as_updates=partial(as_updates, exchange),
        )
        left = scopes.count(connection, scope)
    return Replayed(number, left)


def _each(
    exchange: Exchange, scope: Scope, states: tuple[State, ...], remake: Remaking, actor: str, reason: str
) -> tuple[int, list[Unmade]]:
    """Make bodies anew, page by page; return how many are pending again, and those that could not be made."""
    routes = {route.name: route for route in exchange.settings.routes}
    after, retried, stuck = 0, 0, list[Unmade]()
    while True:
        with exchange.store.reading() as connection:
            rows = replaying.replayable(connection, scope, after=after, limit=PAGE, states=states)
        if not rows:
            return retried, stuck
        after = rows[-1].id
        made = [remake(exchange, routes.get(row.route), row) for row in rows]
        failed = [one for one in made if isinstance(one, Unmade)]
        with exchange.store.writing() as connection:
            # First, since it waits for whoever sends: what holds deliveries and then waits could block another retry for good.
            remade, now = [one for one in made if isinstance(one, Remade)], exchange.clock()
            retried += replaying.replay_remade(
                connection, remade, actor=actor, reason=reason, now=now, as_updates=partial(as_updates, exchange)
            )
            unmade.write(connection, failed)
        stuck += [replace(one, issues=None) for one in failed]  # what is written need not be kept
