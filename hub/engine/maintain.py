"""The chores: releases what a race left parked, holds what a silent side left open, forgets, counts on, refreshes gauges."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from sqlalchemy import Connection

from hub.engine import feeds
from hub.engine.exchange import Exchange
from hub.engine.metrics import BEHIND
from hub.model import Circuit, State
from hub.settings.hours import closed
from hub.store import clocks, cursors, family, objects, pushes, runs, settling, systems, urgency, views, waiting, workers

log = logging.getLogger(__name__)

EVERY_SECONDS = 10.0
#: Under which name the store tells the digest of the configuration that whoever did the chores last works by.
LOADED = "loaded"
#: What was promised for a time no further away than this, and has not arrived yet, is at risk.
RISK = timedelta(days=1)
#: What is owed and a hub can bring there by itself: an office that thinks an approval over is no backlog.
_LAGGING = views.OWED - {State.HELD}


def maintain(exchange: Exchange) -> None:
    """Do all chores once."""
    exchange.once.catch_up(exchange.store)
    sweep(exchange)
    refresh(exchange)


def sweep(exchange: Exchange) -> None:
    """Do the chores that one hub, or one of several workers, does for all."""
    now = exchange.clock()
    set_back = exchange.swept is None or now < exchange.swept  # or nobody knows whether the clock was
    with exchange.store.reading() as connection:
        strays = family.strays(connection)
        counted = objects.count_on(connection)

    def write(connection: Connection) -> dict[str, int]:
        if counted.news:
            objects.keep(connection, counted, now)
        return _sweep(connection, exchange, strays, now, set_back=set_back)

    moved = exchange.store.write(write)
    exchange.swept = now
    feeds.watch(exchange.store, exchange.settings, now)
    if over := moved.pop("over"):
        log.warning("the clock was ahead: %s waits are over", over, extra={"event": "clock.set_back"})
    if any(moved.values()):
        told = ", ".join(f"{name} {number}" for name, number in moved.items())
        log.info("%s", told, extra={"event": "maintain.moved"})


def _sweep(connection: Connection, exchange: Exchange, strays: list[int], now: datetime, *, set_back: bool) -> dict[str, int]:
    """Return what was moved. `set_back`: look for times of a wrong clock, too."""
    moved = {
        "over": clocks.set_right(connection, now) if set_back else 0,
        "released": family.sweep_parked(connection, now),
        "parked": family.park(connection, strays, now) if strays else 0,
        "expired": settling.expire_accepted(connection, now),
    }
    pushes.forget(connection, now)
    workers.forget(connection)
    urgency.catch_up(connection, sorted(exchange.settings.urgent))
    if cursors.get(connection, LOADED) != exchange.settings.digest:
        cursors.put(connection, LOADED, exchange.settings.digest, now)
    return moved


def refresh(exchange: Exchange) -> None:
    """Set the gauges from the store, over open states only: a scrape itself reads nothing."""
    with exchange.store.reading() as connection:
        backlog, behind = waiting.apart(connection, views.backlog(connection))
        standings = {name: systems.standing(connection, name) for name in exchange.settings.systems}
        size = views.store_bytes(connection)
        risks = {name: urgency.at_risk(connection, name, exchange.clock() + RISK) for name in exchange.settings.urgent}
        short = {(one.system, one.kind) for one in feeds.short(connection, exchange.settings, exchange.clock())}
        done = {one.name: runs.last_done(connection, one.name) for one in exchange.settings.sources()}
    now, metrics, settings = exchange.clock(), exchange.metrics, exchange.settings
    for name, standing in standings.items():
        metrics.paused.labels(name).set(standing.paused)
        metrics.resting.labels(name).set(bool(standing.rest_until and standing.rest_until > now))
        metrics.closed.labels(name).set(closed(settings.systems[name].flow, settings.timezone, now) is not None)
        for circuit in Circuit:
            metrics.circuit.labels(name, circuit.value).set(circuit is standing.circuit(now))
        mine = backlog.get(name, {})
        for state in views.OPEN:
            metrics.queue.labels(name, state.value).set(mine[state].count if state in mine else 0)
        metrics.queue.labels(name, BEHIND).set(sum(one.count for one in behind.get(name, {}).values()))
        oldest = min((one.oldest.timestamp() for state, one in mine.items() if state in _LAGGING), default=0.0)
        metrics.oldest.labels(name).set(oldest)
    for system, kind in ((one.name, kind) for one in exchange.settings.sources() for kind in one.expect):
        metrics.short.labels(system, kind).set((system, kind) in short)
    for name, at in done.items():  # told again after a restart: an alert on it must not fire because the hub was updated
        metrics.last_success.labels(name).set(at.timestamp() if at else 0)
    for name, number in risks.items():
        metrics.at_risk.labels(name).set(number)
    metrics.store_bytes.set(size)
