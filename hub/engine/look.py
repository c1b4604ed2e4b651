"""Decides what there is to do now on a store that several workers share: which partitions, sources and polls have fallen due."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import timedelta

from sqlalchemy import Connection

from hub.engine import steps
from hub.engine.exchange import Exchange
from hub.settings import SystemSettings
from hub.settings.hours import closed
from hub.store import clocks, outbox, partitions, runs, systems


def due(exchange: Exchange, among: Collection[str] | None = None) -> list[str]:
    """Return the names of the partitions in which something can be done now. `among`: only of these systems."""
    wanted = exchange.settings.systems.keys() if among is None else set(among)
    sinks = [system for system in exchange.sinks() if system.name in wanted]
    numbers = {system.name: steps.count(exchange, system) for system in sinks}
    with exchange.store.reading() as connection:
        return [
            *(name for system in sinks for name in _deliveries(connection, exchange, system, numbers[system.name])),
            *(f"collect:{name}" for name in _sources(connection, exchange) if name in wanted),
            *(f"feedback:{name}" for name in _polls(connection, exchange) if name in wanted),
        ]


def most_deliveries(exchange: Exchange) -> int:
    """Return how many partitions of deliveries could be worked on at once, were all of them due."""
    return sum(system.partitions for system in exchange.sinks())


def most_readings(exchange: Exchange) -> int:
    """Return how many sources and late verdicts could be read at once."""
    return len(exchange.settings.readable()) + sum(system.feedback_every is not None for system in exchange.sinks())


def _deliveries(connection: Connection, exchange: Exchange, system: SystemSettings, count: int) -> Iterator[str]:
    now = exchange.clock()
    left = set(outbox.left_open(connection))  # windows of an owner that is gone are settled even while nothing may be sent
    reachable = systems.standing(connection, system.name).open_at(now) and not closed(system.flow, exchange.settings.timezone, now)
    for number in range(count):
        name = steps.deliverer(system.name, number)
        # the head of a lane alone: where that may not go, nothing behind it may, and no adapter has to be opened to know
        if name in left or (
            reachable and outbox.sendable(connection, system=system.name, partition=number, heads_only=True, now=now)
        ):
            yield name


def _sources(connection: Connection, exchange: Exchange) -> list[str]:
    readable = {system.name for system in exchange.settings.readable()}
    return [name for name in runs.waited_for(connection) if name in readable]


def _polls(connection: Connection, exchange: Exchange) -> list[str]:
    """Return the systems whose verdicts were last asked for longer ago than they should be."""
    last, now = partitions.taken(connection, "feedback:"), exchange.clock()

    def fell_due(name: str, every: timedelta) -> bool:
        before = last.get(f"feedback:{name}")
        return before is None or not before - clocks.AHEAD <= now < before + every  # nor is a time waited for that is still to come

    return [system.name for system in exchange.sinks() if system.feedback_every and fell_due(system.name, system.feedback_every)]
