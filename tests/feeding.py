"""A county's own database as the source of a whole hub: runs read it into a real store, a target in memory gets what is owed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import sqlalchemy as sa

from adapters.database.reading import LOCAL
from hub.engine.collect import collect
from hub.store import cursors, runs
from hub.store.runs import Run
from tests import configs, fakes
from tests.databases import ddl, engine, run
from tests.exchanges import Site, site

#: Cases: key, name, time of the last change. The name is what a target is told, so that it shows which version it holds.
BJ = "CREATE TABLE {BJ} ({BJBH} {key} {pk}, {SQRMC} VARCHAR(6), {GXSJ} {time})"
#: What kind of text keys are, and what kind of time.
KINDS = {"key": "VARCHAR(20)", "time": "{datetime}"}
SCHEMA = """
    title: 办件
    type: object
    properties:
      BJBH: {type: string, title: 办件编号}
      SQRMC: {type: [string, "null"], title: 申请人, x-personal: name}
      GXSJ: {type: string, title: 更新时间}
    """
FEED = {"table": "BJ", "key": "BJBH", "time": "GXSJ", "page": 3, "overlap": "5m"}


def ago(**time: float) -> datetime:
    """Return a time that long ago, as exchange tables keep it: Beijing's, without saying so."""
    return (datetime.now(LOCAL) - timedelta(**time)).replace(tzinfo=None)


@dataclass
class County:
    """The database over there, the hub, and the steps of both."""

    hub: Site
    there: sa.Engine
    url: str
    during: list[Callable[[], None]] = field(default_factory=list)  # done one by one, after each page that owes something

    def name(self, name: str) -> str:
        return self.there.dialect.identifier_preparer.quote_identifier(name)

    def feeds(self, url: str | None = None, **feeds: dict[str, Any]) -> None:
        """Read these feeds from now on, perhaps as somebody else."""
        self.hub.reconfigure({"config/systems/local.yaml": local(url or self.url, **feeds)})

    def write(self, *rows: tuple[str, str | None, datetime | None]) -> None:
        """Insert cases: key, name, time."""
        run(self.there, self.inserting, *({"key": key, "name": name, "time": time and str(time)} for key, name, time in rows))

    def change(self, key: str, name: str, time: datetime) -> None:
        """Give a case another name and time, in place."""
        run(self.there, self.changing, {"key": key, "name": name, "time": str(time)})

    @property
    def inserting(self) -> str:
        return f"INSERT INTO {self.name('BJ')} VALUES (:key, :name, :time)"

    @property
    def changing(self) -> str:
        names = {"bj": self.name("BJ"), "key": self.name("BJBH"), "name": self.name("SQRMC"), "time": self.name("GXSJ")}
        return "UPDATE {bj} SET {name} = :name, {time} = :time WHERE {key} = :key".format(**names)

    def read(self, *, full: bool = False, pages: int | None = None) -> Run:
        """Read once, whatever comes of it; `pages`: stop after so many."""
        begun = self.hub.begin(full=full)
        seen = 0

        def stopping() -> bool:
            nonlocal seen
            seen += 1
            return seen == pages

        holding = self.hub.holding("collect:local")
        collect(self.hub.exchange, holding, begun, stopping=stopping, wake=self._wake)
        with self.hub.store.reading() as connection:
            ended = runs.get(connection, begun.id)
        assert ended is not None and ended.adds_up
        return ended

    def _wake(self) -> None:
        if self.during:
            self.during.pop(0)()

    @property
    def cursor(self) -> str | None:
        with self.hub.store.reading() as connection:
            return cursors.get(connection, "source:local")

    @cursor.setter
    def cursor(self, text: str) -> None:
        with self.hub.store.writing() as connection:
            cursors.put(connection, "source:local", text, self.hub.now)

    def arrived(self) -> dict[str, str | None]:
        """Deliver all that is owed and return what the target holds: by case, the name it was told last. No version came twice."""
        self.hub.drain()
        told = [(message.key, message.body.get("applyer_name")) for message in self.hub.side.arrived]
        assert len(set(told)) == len(told), "a version came twice"
        return dict(told)


class Opened(Protocol):
    """Opens a county on the database of a test."""

    def __call__(self, **given: Any) -> County: ...


@contextmanager
def county(
    directory: Path, url: str, *, kinds: dict[str, str] | None = None, feed: dict[str, Any] | None = None
) -> Iterator[County]:
    """Yield a county with its table of cases and a hub that reads it."""
    fakes.forget()
    files: dict[str, str | None] = {
        "config/systems/local.yaml": local(url, case={**FEED, **(feed or {})}),
        "mappings/schemas/local/case.yaml": SCHEMA,
        "config/routes/city.yaml": configs.ROUTES.split("      - route: city-process")[0],
    }
    with engine(url) as there, site(directory, f"sqlite:///{directory}/hub.db", files) as hub:
        create(there, kinds)
        yield County(hub, there, url)


def local(url: str, **feeds: dict[str, Any]) -> str:
    """Return the YAML of the source with these feeds."""
    system = {"version": 1, "system": "local", "title": "审批系统", "adapter": "database", "contact": "县政务中心"}
    options = {"url": url, "connect_timeout": "1s", "feeds": feeds}
    return json.dumps({**system, "schemas": {"case": "local/case"}, "options": options}, ensure_ascii=False)


def create(there: sa.Engine, kinds: dict[str, str] | None = None) -> None:
    """Create the table of cases."""
    ddl(there, BJ.format_map(_Kinds({**KINDS, **(kinds or {})})))


class _Kinds(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return f"{{{name}}}"
