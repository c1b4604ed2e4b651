"""Decides what the county's own approval system does with what the hub brings it, and what it holds of that."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Engine, Table, func, select, update

from hub.sandbox import national
from hub.sandbox.approval import CASE_TABLES, T_BJ, T_JG, TABLES, create
from hub.sandbox.approval_warnings import T_JCYJ
from hub.sandbox.farside import FarSide, Ground
from hub.sandbox.faults import FaultPlan
from hub.sandbox.hall import Hall
from hub.sandbox.ledger import Held
from hub.sandbox.replies import answer

#: The kind of record by which the shipped configuration reads each table.
KINDS = {
    "T_BJ": "case",
    "T_BZ": "step",
    "T_TBCX": "special",
    "T_CL": "material",
    "T_JG": "result",
    "T_SF": "fee",
    "T_PJ": "evaluation",
    "T_FJ": "attachment",
    "T_QZQD": "item",
    "T_QZCL": "item-material",
    "T_QZSF": "item-fee",
    "T_QZWT": "item-question",
    "T_JCYJ": "warning",
    "T_WSSQ": "filing",
}


class LocalTwin(FarSide):
    """The approval database. Rows whose LYXT (来源系统) is filled came from outside; all others are the hall's own."""

    name = "local"

    def __init__(self, url: str, seed: int = 1) -> None:
        self.url = url
        self._hall = Hall(seed)
        self.plan = FaultPlan()  # a database does not misbehave by message
        self._engine: Engine | None = None

    @classmethod
    def on(cls, ground: Ground) -> LocalTwin:
        """Build it over the approval database."""
        return cls(ground.url("approval"), ground.seed)

    def create(self) -> None:
        """Create the tables that are missing."""
        self._open()

    def stop(self) -> None:
        """Close the connections; may be called twice."""
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None

    def environment(self, address: str) -> dict[str, str]:
        """Return where its database is."""
        return {"LOCAL_URL": self.url}

    def held(self) -> list[Held]:
        """Return the rows that came from outside; endpoint is the table."""
        with self._open().connect() as connection:
            return [
                Held(table.name, str(row[_key(table)]), _shown(dict(row)))
                for table in TABLES
                for row in connection.execute(select(table).where(table.c.LYXT.is_not(None))).mappings()
            ]

    def stats(self) -> dict[str, Any]:
        """Return how many rows came from outside, by table, and those that came before their case."""
        with self._open().connect() as connection:
            rows = {table.name: _outside(connection, table) for table in TABLES}
            orphans = sum(_orphans(connection, table) for table in (*CASE_TABLES[1:], T_JCYJ))
        return {"taken": sum(rows.values()), "rows": rows, "order_violations": orphans, "faults": Counter[str]()}

    def offered(self) -> list[tuple[str, str]]:
        """Return every row that is there to be read."""
        with self._open().connect() as connection:
            return [
                (kind, key)
                for table in TABLES
                if (kind := KINDS.get(table.name))
                for key in connection.execute(select(table.c[_key(table)])).scalars()
            ]

    def work(self) -> int:
        """Close the cases whose result came from a sub-centre, answer warnings, and look after what came in online."""
        results = select(T_JG.c.BJBH).where(T_JG.c.LYXT.is_not(None))
        ready = (T_BJ.c.BJBH.in_(results), T_BJ.c.BJZT != "03")
        moment = national.now().replace(microsecond=0)
        with self._open().begin() as connection:
            closed = int(connection.execute(update(T_BJ).where(*ready).values(BJZT="03", GXSJ=str(moment))).rowcount)
            return closed + answer(connection, moment) + self._hall.work(connection, moment)

    def _open(self) -> Engine:
        if self._engine is None:
            self._engine = create(self.url)
        return self._engine


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row with its files as base64."""
    return {name: base64.b64encode(value).decode("ascii") if isinstance(value, bytes) else value for name, value in row.items()}


def _key(table: Table) -> str:
    return str(next(iter(table.primary_key.columns)).name)


def _outside(connection: Connection, table: Table) -> int:
    return connection.scalar(select(func.count()).select_from(table).where(table.c.LYXT.is_not(None))) or 0


def _orphans(connection: Connection, table: Table) -> int:
    """Count the rows from outside that belong to no case."""
    alone = table.c.BJBH.not_in(select(T_BJ.c.BJBH))
    return connection.scalar(select(func.count()).select_from(table).where(table.c.LYXT.is_not(None), alone)) or 0
