"""The database adapter against the conformance kit, on SQLite, PostgreSQL and MariaDB."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from adapters.kit.conformance import SinkConformance, SourceConformance
from adapters.kit.xmlread import nested, safe_root
from hub.model import Json, Message
from tests import databases
from tests.relay import Relay, relayed
from tests.servers import fresh_mariadb, fresh_postgresql, fresh_sqlite

START = datetime(2016, 12, 13, 9, 0, 0)


class FarSide:
    """A database that can be taken away."""

    url: str
    direct: str
    engine: sa.Engine
    relay: Relay | None = None

    def serve(self, url: str) -> None:
        self.direct = self.url = url
        self.engine = sa.create_engine(url)

    def go_down(self) -> None:
        if self.engine.dialect.name == "sqlite":
            path = Path(str(self.engine.url.database))
            path.rename(path.with_suffix(".away"))
        else:
            if self.relay is None:
                pytest.skip("this server is reached over a local socket, which cannot be cut")
            self.relay.go_down()

    def come_back(self) -> None:
        if self.engine.dialect.name == "sqlite":
            path = Path(str(self.engine.url.database))
            path.with_suffix(".away").rename(path)
        elif self.relay:
            self.relay.come_back()

    @pytest.fixture(autouse=True)
    def _far_side(self) -> Iterator[None]:
        with self.fresh() as url:
            self.serve(url)
            if sa.make_url(url).host:
                self.relay, self.url = relayed(url)
            self.create()
            yield
            if self.relay:
                self.relay.go_down()
            self.engine.dispose()

    def fresh(self) -> Any:
        raise NotImplementedError

    def create(self) -> None:
        raise NotImplementedError


class SinkOnAny(FarSide, SinkConformance):
    endpoint = "accept"
    text = "remark"

    def create(self) -> None:
        databases.ddl(self.engine, databases.UP_PRO_ACCEPT)

    def adapter(self) -> Any:
        return databases.make(self.url, endpoints={"accept": databases.ACCEPT})

    def body(self, n: int) -> dict[str, Json]:
        return dict(databases.message(n).body)

    def held(self) -> list[tuple[str, Mapping[str, Json]]]:
        found = databases.rows(self.engine, "SELECT row_guid, project_no, remark FROM up_pro_accept ORDER BY row_guid")
        return [(row[0].replace("G", "K"), {"row_guid": row[0], "project_no": row[1], "remark": row[2]}) for row in found]

    def refuse(self, message: Message) -> Message:
        return replace(message, body={**message.body, "project_no": None})


class DocumentsOnAny(SinkOnAny):
    """The same where a row holds an XML document made of the body."""

    def create(self) -> None:
        databases.ddl(self.engine, "CREATE TABLE cityinfo (unid VARCHAR(50) PRIMARY KEY, createtime VARCHAR(19), content {blob})")

    def adapter(self) -> Any:
        fields = ("project_no", "remark")
        xml = {"element": "Case", "children": [{"element": name, "text": f"$body.{name}", "optional": True} for name in fields]}
        documents = {"content": {"encoding": "gb18030", "xml": xml}}
        endpoint = {"table": "cityinfo", "key": "unid", "columns": ["unid"], "sync": {"time": "createtime"}, "documents": documents}
        return databases.make(self.url, endpoints={"accept": endpoint})

    def body(self, n: int) -> dict[str, Json]:
        return {"unid": f"G{n:05d}", "project_no": f"P{n:05d}"}

    def held(self) -> list[tuple[str, Mapping[str, Json]]]:
        found = databases.rows(self.engine, "SELECT unid, content FROM cityinfo ORDER BY unid")
        read = [(unid, nested(safe_root(bytes(content).decode("gb18030")))) for unid, content in found]
        return [(unid.replace("G", "K"), {"unid": unid, "remark": None, **data}) for unid, data in read]

    def refuse(self, message: Message) -> Message:
        return replace(message, body={**message.body, "unid": None})


class SourceOnAny(FarSide, SourceConformance):
    def create(self) -> None:
        self.last = START
        self.made = 0
        databases.ddl(self.engine, databases.BJ)

    def adapter(self) -> Any:
        feed = {"table": "BJ", "key": "BJBH", "time": "GXSJ", "page": 4, "overlap": "2s"}
        return databases.make(self.url, feeds={"case": feed})

    def rows(self, n: int, *, same_time: bool = False) -> list[str]:
        keys = []
        for _ in range(n):
            self.last += timedelta(seconds=0 if same_time else 1)
            self.made += 1
            keys.append(f"62112516{self.made:06d}")
            self._insert(BJBH=keys[-1], SQRMC="王䶮", GXSJ=self.last)
        return keys

    def spoil(self) -> None:
        self.last += timedelta(seconds=1)
        self._insert(BJBH="SPOILT", SQRMC="x" * 99, GXSJ=None)

    def change(self, key: str) -> None:
        self.last += timedelta(seconds=1)
        databases.run(
            self.engine,
            self._quoted("UPDATE {BJ} SET {GXSJ} = :time, {SQRMC} = '李𬎆' WHERE {BJBH} = :key"),
            {"time": self._time(), "key": key},
        )

    def _insert(self, **row: Any) -> None:
        if row["GXSJ"] is not None:
            row["GXSJ"] = self._time()
        databases.run(self.engine, self._quoted("INSERT INTO {BJ} ({BJBH}, {SQRMC}, {GXSJ}) VALUES (:BJBH, :SQRMC, :GXSJ)"), row)

    def _time(self) -> str:
        return self.last.isoformat(" ")

    def _quoted(self, sql: str) -> str:
        quote = self.engine.dialect.identifier_preparer.quote_identifier
        return sql.format(**{name: quote(name) for name in ("BJ", "BJBH", "SQRMC", "GXSJ")})


class TestSinkOnSqlite(SinkOnAny):
    fresh = staticmethod(fresh_sqlite)


class TestDocumentsOnSqlite(DocumentsOnAny):
    fresh = staticmethod(fresh_sqlite)


@pytest.mark.server
class TestDocumentsOnMariadb(DocumentsOnAny):
    fresh = staticmethod(fresh_mariadb)


@pytest.mark.server
class TestSinkOnPostgresql(SinkOnAny):
    fresh = staticmethod(fresh_postgresql)


@pytest.mark.server
class TestSinkOnMariadb(SinkOnAny):
    fresh = staticmethod(fresh_mariadb)


class TestSourceOnSqlite(SourceOnAny):
    fresh = staticmethod(fresh_sqlite)


@pytest.mark.server
class TestSourceOnPostgresql(SourceOnAny):
    fresh = staticmethod(fresh_postgresql)


@pytest.mark.server
class TestSourceOnMariadb(SourceOnAny):
    fresh = staticmethod(fresh_mariadb)
