"""Tries dead letters again: with the bytes they have, or with bodies made anew by the present mapping."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeAlias, TypeVar

from sqlalchemy import Connection

from hub.engine.exchange import Exchange
from hub.engine.once import Allowed
from hub.engine.remake import as_it_was, as_updates, by_present_mapping
from hub.model import FAILED, State
from hub.settings import RouteSettings
from hub.store import replaying, scopes, unmade
from hub.store.journal import write_journal
from hub.store.remaking import Remade
from hub.store.scopes import Scope
from hub.store.unmade import Unmade

#: How one failed delivery gets its body; Unmade: it gets none and stays where it is.
Remaking: TypeAlias = Callable[[Exchange, RouteSettings | None, Any], Remade | Unmade]
_T = TypeVar("_T")
#: Dead letters mapped anew in one transaction.
PAGE = 500


@dataclass(frozen=True, slots=True)
class Replayed:
    """How many are pending again, and how many still cannot be mapped (or their route is gone) and stay dead: `first` of all."""

    retried: int
    still_unmappable: int
    first: Unmade | None = None


def _allowed(_: Connection) -> None:
    """Nothing forbids it."""


def retry(exchange: Exchange, scope: Scope, *, remap: bool, actor: str, reason: str, allowed: Allowed = _allowed) -> Replayed:
    """Make the failed deliveries of a scope pending again. `remap`: with the present mapping instead of the frozen bytes.

    A dead letter that never had a body (stage map) can only be retried with `remap`; without it, it stays. What was taken and
    refused later goes again as an update in a batch of its own, either way. What `allowed` raises ends it, page by page.
    """
    by = _By(exchange, actor, reason, allowed)
    if remap:
        by.write(lambda connection: replaying.retire(connection, scope, exchange.clock()))
        retried, stuck = _each(by, scope, tuple(FAILED), by_present_mapping)
        by.write(lambda connection: write_journal(connection, actor, "retry:remap", str(scope), retried, reason, exchange.clock()))
        return Replayed(retried, len(stuck), stuck[0] if stuck else None)
    again, _ = _each(by, scope, (State.REJECTED,), as_it_was)

    def write(connection: Connection) -> Replayed:
        number = replaying.replay_as_they_are(
            connection, scope, actor=actor, reason=reason, now=exchange.clock(), already=again,
            as_updates=partial(as_updates, exchange),
        )  # fmt: skip
        return Replayed(number, scopes.count(connection, scope))

    return by.write(write)


@dataclass(frozen=True, slots=True)
class _By:
    """On whose word deliveries go again, and whether that still counts."""

    exchange: Exchange
    actor: str
    reason: str
    allowed: Allowed

    def write(self, act: Callable[[Connection], _T]) -> _T:
        """Carry out one transaction of it."""

        def write(connection: Connection) -> _T:
            self.allowed(connection)
            return act(connection)

        return self.exchange.store.write(write)


def _each(by: _By, scope: Scope, states: tuple[State, ...], remake: Remaking) -> tuple[int, list[Unmade]]:
    """Make bodies anew, page by page; return how many are pending again, and those that could not be made."""
    routes = {route.name: route for route in by.exchange.settings.routes}
    after, retried, stuck = 0, 0, list[Unmade]()
    while True:
        with by.exchange.store.reading() as connection:
            rows = replaying.replayable(connection, scope, after=after, limit=PAGE, states=states)
        if not rows:
            return retried, stuck
        after = rows[-1].id
        made = [remake(by.exchange, routes.get(row.route), row) for row in rows]
        failed = [one for one in made if isinstance(one, Unmade)]
        retried += by.write(partial(_page, by, [one for one in made if isinstance(one, Remade)], failed))
        stuck += [replace(one, issues=None) for one in failed]  # what is written need not be kept


def _page(by: _By, remade: Sequence[Remade], failed: Sequence[Unmade], connection: Connection) -> int:
    # First, since it waits for whoever sends: what holds deliveries and then waits could block another retry for good.
    number = replaying.replay_remade(
        connection, remade, actor=by.actor, reason=by.reason, now=by.exchange.clock(), as_updates=partial(as_updates, by.exchange)
    )
    unmade.write(connection, failed)
    return number
