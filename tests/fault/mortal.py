"""A hub whose every step is taken by hand and whose every transaction can be its last."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from hub.engine import dispatch
from hub.engine.collect import collect
from hub.engine.dispatch import Desk
from hub.engine.exchange import Exchange
from hub.settings import Settings
from hub.store import Store, partitions, runs
from hub.store.partitions import Holding
from hub.store.runs import Run, Trigger
from tests.fault.truthful import Death

_T = TypeVar("_T")


class Blow(Enum):
    """What happens to the hub at a transaction that writes."""

    DIES_BEFORE = "it dies before the commit"
    DIES_AFTER = "it dies after the commit"
    LOST_BEFORE = "the connection is lost, nothing is written"
    LOST_AFTER = "the connection is lost, and all is written"


@dataclass
class Fate:
    """At which of the next writing transactions what happens, once; and who looks at the store after each of them."""

    looks: Callable[[], None]
    at: int = 0  # 0: at none
    blow: Blow = Blow.DIES_BEFORE

    def strikes(self) -> Blow | None:
        """Count one transaction; return what happens to it."""
        self.at -= 1
        return self.blow if self.at == 0 else None


@dataclass(frozen=True, slots=True)
class MortalStore(Store):
    """The real store; its writing transactions meet their fate."""

    fate: Fate

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        with self._fated(), Store.writing(self) as connection:
            yield connection

    def write(self, act: Callable[[sa.Connection], _T]) -> _T:
        with self._fated():
            return Store.write(self, act)

    @contextmanager
    def _fated(self) -> Iterator[None]:
        blow = self.fate.strikes()
        _strike(blow, Blow.DIES_BEFORE, Blow.LOST_BEFORE)
        yield
        self.fate.looks()
        _strike(blow, Blow.DIES_AFTER, Blow.LOST_AFTER)


def _strike(blow: Blow | None, death: Blow, loss: Blow) -> None:
    if blow is death:
        raise Death
    if blow is loss:
        raise OperationalError("the connection is lost", None, Exception())


class Hub:
    """One process: it takes every partition when it starts. Another one on the same store takes them all away from it."""

    def __init__(self, settings: Settings, store: Store, clock: Callable[[], datetime], pool: ThreadPoolExecutor) -> None:
        self.exchange = Exchange(settings, store, clock=clock, dice=lambda: 0.5)
        self._source = self._take("collect:local")
        with store.writing() as connection:
            runs.interrupt_running(connection, "local", clock())
        self._desks = [
            self._desk(system.name, partition, pool) for system in self.exchange.sinks() for partition in range(system.partitions)
        ]
        self._sound: set[str] = set()

    def _take(self, name: str) -> Holding:
        with self.exchange.store.writing() as connection:
            return partitions.take(connection, name, self.exchange.owner, self.exchange.clock())

    def _desk(self, system: str, partition: int, pool: ThreadPoolExecutor) -> Desk:
        made = dispatch.desk(self.exchange, self._take(f"deliver:{system}:{partition}"), system, partition, pool)
        return replace(made, sender=replace(made.sender, window=3600.0))  # a busy machine must not change what happens

    def desks(self, system: str | None = None) -> list[Desk]:
        """Return the desks of a system, or all."""
        return [desk for desk in self._desks if system in (None, desk.system)]

    def read(self) -> Run:
        """Read the source to its end in a run of its own."""
        store, now = self.exchange.store, self.exchange.clock()
        with store.writing() as connection:
            partitions.require(connection, self._source)
            runs.interrupt_running(connection, "local", now)
            runs.ask(connection, "local", Trigger.CLI, "test", now)
            run = runs.begin_next(connection, "local", now)
        assert run is not None
        collect(self.exchange, self._source, run, stopping=lambda: False, wake=lambda: None)
        with store.reading() as connection:
            ended = runs.get(connection, run.id)
        assert ended is not None
        return ended

    def deliver(self, desk: Desk) -> None:
        """Do what the thread of a partition does: write down what is known, recover what was left, send what is due."""
        dispatch.write_down(desk)
        if desk.holding.name not in self._sound:
            dispatch.recover(desk)
        self._sound.discard(desk.holding.name)
        dispatch.drain(desk, stopping=lambda: False)
        self._sound.add(desk.holding.name)
