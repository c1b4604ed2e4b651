"""What any engine does with one partition: takes it, empties it, carries out what its source was asked for."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from hub.engine import dispatch
from hub.engine.collect import collect
from hub.engine.dispatch import Desk
from hub.engine.exchange import Exchange
from hub.engine.pace import Pace
from hub.settings import SystemSettings
from hub.store import outbox, partitions, runs
from hub.store.partitions import Holding


def take(exchange: Exchange, name: str) -> Holding:
    """Take a partition; whoever had it can write nothing any more."""
    with exchange.store.writing() as connection:
        return partitions.take(connection, name, exchange.owner, exchange.clock())


def count(exchange: Exchange, system: SystemSettings) -> int:
    """Return how many partitions there are: what is still owed in one the configuration no longer has is sent too."""
    with exchange.store.reading() as connection:
        return max(system.partitions, outbox.partitions(connection, system.name))


def deliverer(system: str, partition: int) -> str:
    """Return the name of a partition of a system's deliveries."""
    return f"deliver:{system}:{partition}"


def pool(exchange: Exchange, system: str) -> ThreadPoolExecutor:
    """Return the threads for the calls one partition of a system may have in flight."""
    return ThreadPoolExecutor(dispatch.capped(exchange, system).in_flight, thread_name_prefix=f"send:{system}")


def desk(exchange: Exchange, system: str, partition: int, pool: ThreadPoolExecutor, pace: Pace | None = None) -> Desk:
    """Take a partition of a system's deliveries and set up its desk. `pace`: what was learned about it before."""
    return dispatch.desk(exchange, take(exchange, deliverer(system, partition)), system, partition, pool, pace)


def deliver(desk: Desk, *, sound: bool, stopping: Callable[[], bool]) -> datetime | None:
    """Send what is due, and return when something is due next. `sound`: nobody left a window open before us."""
    dispatch.write_down(desk)  # before looking for windows nobody knows the answers of
    if not sound:
        dispatch.recover(desk)
    return dispatch.drain(desk, stopping=stopping)


def begin_collecting(exchange: Exchange, source: str) -> Holding:
    """Take a source, and end the run a former owner left running."""
    holding = take(exchange, f"collect:{source}")
    with exchange.store.writing() as connection:
        runs.interrupt_running(connection, source, exchange.clock())
    return holding


def collect_next(
    exchange: Exchange, holding: Holding, source: str, *, stopping: Callable[[], bool], wake: Callable[[], None]
) -> bool:
    """Carry out the next run the source was asked for; False: it was asked for none."""
    with exchange.store.reading() as connection:
        if not runs.unfinished(connection, source):
            return False
    with exchange.store.writing() as connection:
        partitions.require(connection, holding)  # a run begun by who may not carry it out would never end
        run = runs.begin_next(connection, source, exchange.clock())
    if run is not None:
        collect(exchange, holding, run, stopping=stopping, wake=wake)
    return True


def sinks_of(exchange: Exchange, source: str) -> list[str]:
    """Return the systems that are owed what a source brings."""
    return sorted({route.system for route in exchange.settings.routes if route.source == source})
