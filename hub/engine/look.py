"""Decides what there is to do now: which partitions, sources and polls have fallen due."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import timedelta

from sqlalchemy import Connection

from hub.engine import steps
from hub.engine.exchange import Exchange
from hub.settings.hours import closed
from hub.store import clocks, partitions, ready, runs, systems
from hub.store.ready import Part


def work(connection: Connection, exchange: Exchange) -> list[str]:
    """Return the names of the partitions and sources in which something can be done now: in four statements, however many."""
    return [*_names(_sendable(connection, exchange)), *_collections(connection, exchange)]


def due(exchange: Exchange, among: Collection[str] | None = None) -> list[str]:
    """Return the same, and what only those have to look for who share the work: what others left open, and polls that fell due.

    `among`: only of these systems.
    """
    with exchange.store.reading() as connection:
        left = ready.left_open(connection)  # windows of an owner that is gone are settled even while nothing may be sent
        names = [
            *_names({*_ours(exchange, left), *_sendable(connection, exchange)}),
            *_collections(connection, exchange),
            *(f"feedback:{name}" for name in _polls(connection, exchange)),
        ]
    return [name for name in names if among is None or name.split(":")[1] in among]


def most_deliveries(exchange: Exchange) -> int:
    """Return how many partitions of deliveries could be worked on at once, were all of them due."""
    return sum(system.partitions for system in exchange.sinks())


def most_readings(exchange: Exchange) -> int:
    """Return how many sources and late verdicts could be read at once."""
    return len(exchange.settings.readable()) + sum(system.feedback_every is not None for system in exchange.sinks())


def _names(parts: Iterable[Part]) -> list[str]:
    return [steps.deliverer(*part) for part in sorted(parts)]


def _sendable(connection: Connection, exchange: Exchange) -> list[Part]:
    """Return the partitions of systems that are up and open in which something may be sent."""
    now, settings = exchange.clock(), exchange.settings
    waiting = {system for system, _ in _ours(exchange, ready.fallen_due(connection, now))}
    if not waiting:
        return []
    standings = systems.standings(connection)
    stopped = {name for name, standing in standings.items() if not standing.open_at(now)}
    shut = {name for name in waiting if closed(settings.systems[name].flow, settings.timezone, now)}
    return ready.sendable(connection, waiting - stopped - shut, now)


def _ours(exchange: Exchange, parts: Iterable[Part]) -> list[Part]:
    """Return those of systems that are configured and take something."""
    known = exchange.settings.systems
    return [(system, number) for system, number in parts if system in known and known[system].endpoints]


def _collections(connection: Connection, exchange: Exchange) -> list[str]:
    readable = {system.name for system in exchange.settings.readable()}
    return [f"collect:{name}" for name in runs.waited_for(connection) if name in readable]


def _polls(connection: Connection, exchange: Exchange) -> list[str]:
    """Return the systems whose verdicts were last asked for longer ago than they should be."""
    last, now = partitions.taken(connection, "feedback:"), exchange.clock()

    def fell_due(name: str, every: timedelta) -> bool:
        before = last.get(f"feedback:{name}")
        return before is None or not before - clocks.AHEAD <= now < before + every  # nor is a time waited for that is still to come

    polled = [one for one in exchange.settings.systems.values() if one.feedback_every and fell_due(one.name, one.feedback_every)]
    sinks = exchange.sinks() if polled else ()  # which they are may take a look of its own
    return [system.name for system in sinks if system in polled]
