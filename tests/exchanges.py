"""One hub at a test's fingertips: the small configuration, a real store, a clock that the test turns, and every step by hand."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from hub.engine import dispatch
from hub.engine.collect import collect
from hub.engine.dispatch import Desk
from hub.engine.exchange import Exchange
from hub.model import State
from hub.settings import load
from hub.store import Store, open_store, partitions, runs, schema, views
from hub.store.partitions import Holding
from hub.store.runs import Run, RunState, Trigger
from hub.store.views import Delivery
from tests import configs, fakes
from tests.fakes import FarSide, far, record

START = datetime(2016, 12, 13, 1, 0, tzinfo=UTC)
EARLIER = datetime(2016, 12, 1, tzinfo=UTC)


def city(adapter: str = "MemoryAdapter", *, lines: str = "", **options: object) -> str:
    """Return the YAML of the sink with these options of the memory adapter; `lines` are further lines of the file."""
    given = {"endpoints": "[accept, process]", "batch": 10, **options}
    written = ", ".join(f"{name}: {str(value).lower() if isinstance(value, bool) else value}" for name, value in given.items())
    head = f"version: 1\nsystem: city\ntitle: 市平台\nadapter: tests.fakes:{adapter}\njitter: 0\n"
    return f"{head}{lines}\noptions: {{{written}}}\n"


def case(key: str, revision: str = "1", lane: str | None = None, name: str = "甲某", **data: Any) -> fakes.Record:
    """Return a case; its lane is its key unless told."""
    return record(key, revision, BJBH=lane or key, SQRMC=name, **data)


def step(key: str, parent: str, revision: str = "1", state: str = "1") -> fakes.Record:
    """Return a step of a case: its delivery waits for the case's."""
    return record(key, revision, kind="step", BJBH=parent, ZT=state)


class Site:
    """A hub whose steps are taken by hand; two of them on one store are two processes."""

    def __init__(self, directory: Path, url: str, files: dict[str, str | None] | None = None) -> None:
        hub = configs.HUB.rstrip(" ") + f"    store: {url}\n"
        local = configs.LOCAL.replace(", records: records.json", "")
        given = {"config/hub.yaml": hub, "config/systems/local.yaml": local, "config/systems/city.yaml": city()}
        self.directory = configs.write(directory, {**given, **(files or {})})
        self.now = START
        self.store = open_store(url)
        self.pool = ThreadPoolExecutor(4)
        self.exchange = self._exchange()
        self._holdings: dict[str, Holding] = {}

    def _exchange(self) -> Exchange:
        return Exchange(load(self.directory, env={}), self.store, clock=lambda: self.now, dice=lambda: 0.5)

    @property
    def side(self) -> FarSide:
        return far("city")

    @property
    def source(self) -> FarSide:
        return far("local")

    def close(self) -> None:
        self.exchange.close()
        self.pool.shutdown()
        self.store.close()

    def reconfigure(self, files: dict[str, str]) -> None:
        for name, text in files.items():
            configs.put(self.directory, name, text)
        self.exchange.close()
        self.exchange = self._exchange()

    def move(self, store: Store) -> None:
        """Go on with another store, as after a restart with a changed address."""
        self.store.close()
        self.store = store
        self.exchange.close()
        self.exchange = self._exchange()
        self._holdings.clear()

    def later(self, **time: float) -> None:
        self.now += timedelta(**time)

    def holding(self, name: str, *, anew: bool = False) -> Holding:
        if anew or name not in self._holdings:
            with self.store.writing() as connection:
                self._holdings[name] = partitions.take(connection, name, self.exchange.owner, self.now)
        return self._holdings[name]

    def begin(self, *, full: bool = False) -> Run:
        with self.store.writing() as connection:
            runs.ask(connection, "local", Trigger.CLI, "test", self.now, full=full)
            run = runs.begin_next(connection, "local", self.now)
        assert run is not None
        return run

    def sync(self, *records: Any, full: bool = False) -> Run:
        """Put these records into the source and read it to its end."""
        self.source.records.extend(records)
        run = self.begin(full=full)
        state = collect(self.exchange, self.holding("collect:local"), run, stopping=lambda: False, wake=lambda: None)
        with self.store.reading() as connection:
            ended = runs.get(connection, run.id)
        assert ended is not None
        assert ended.state is state is RunState.DONE
        return ended

    def desk(self, partition: int = 0, *, anew: bool = False) -> Desk:
        holding = self.holding(f"deliver:city:{partition}", anew=anew)
        return dispatch.desk(self.exchange, holding, "city", partition, self.pool)

    def drain(self, partition: int = 0) -> datetime | None:
        return dispatch.drain(self.desk(partition), stopping=lambda: False)

    def deliveries(self) -> list[Delivery]:
        """Return all deliveries, oldest first."""
        with self.store.reading() as connection:
            return views.deliveries(connection, limit=100_000)[::-1]

    def states(self) -> dict[str, State]:
        """Return the state of each record's newest delivery, by key."""
        return {one.key: one.state for one in self.deliveries()}

    def one(self, key: str) -> Delivery:
        """Return the newest delivery of a record."""
        return [one for one in self.deliveries() if one.key == key][-1]

    def count(self, table: sa.Table) -> int:
        with self.store.reading() as connection:
            return int(connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0)

    def column(self, name: str, key: str) -> Any:
        """Return a column of a record's newest delivery."""
        column = schema.delivery.c[name]
        query = sa.select(column).where(schema.delivery.c.key == key).order_by(schema.delivery.c.id.desc()).limit(1)
        with self.store.reading() as connection:
            return connection.scalar(query)

    def sent(self) -> list[str]:
        """Return the record keys the far side was handed, in order."""
        return [message.key for message in self.side.arrived]

    def taken(self) -> list[str]:
        return [message.key for message in self.side.taken]


@contextmanager
def site(directory: Path, url: str, files: dict[str, str | None] | None = None) -> Iterator[Site]:
    """Yield a site on that store and close it."""
    made = Site(directory, url, files)
    try:
        yield made
    finally:
        made.close()
