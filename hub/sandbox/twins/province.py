"""Decides what the province holds, and judges its rows the way the province would: later, and in dn_audit_abnormal."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

from sqlalchemy import Connection, func, select, text

from hub.sandbox import national
from hub.sandbox.databases import opened
from hub.sandbox.farside import FarSide, Ground
from hub.sandbox.faults import FaultKind, FaultPlan
from hub.sandbox.ledger import Held
from hub.sandbox.twins.province_check import Rejected, parents_of, tell, wrong
from hub.sandbox.twins.province_tables import ABNORMAL, SEEN, TABLES, UNQUALIFIED, metadata
from hub.sandbox.twins.province_triggers import dropping, refusing, triggers

#: Rows judged in one query.
_CHUNK = 400


class ProvinceTwin(FarSide):
    """The province's front-end database at any SQLAlchemy URL, with its late check.

    The check runs when `check` is called. It rejects what breaks the national
    rules, and beyond that a share `rate` of all rows for no reason in the data, chosen by row key: another run chooses the same.
    """

    name = "province"

    def __init__(self, url: str, *, rate: float = 0.0) -> None:
        self.url, self.rate = url, rate
        self.plan = FaultPlan()  # a database does not misbehave by message; see `refuse_marked` and `locked`
        self._engine = opened(url)
        self._judged: dict[tuple[str, str], Any] = {}  # (table, row_guid) -> the cd_time that was judged
        self._rejected: Counter[str] = Counter()
        self._once = Lock()

    @classmethod
    def on(cls, ground: Ground) -> ProvinceTwin:
        """Build the province over its database."""
        return cls(ground.url(cls.name), rate=ground.late)

    def environment(self, address: str) -> dict[str, str]:
        """Return where its database is."""
        return {"PROVINCE_URL": self.url}

    def create(self) -> None:
        """Create the tables and triggers that are missing."""
        metadata.create_all(self._engine)
        self._run(triggers(self._engine.dialect))

    def stop(self) -> None:
        """Close the connections; may be called twice."""
        self._engine.dispose()

    def work(self) -> int:
        """Check what has come in."""
        return self.check()

    def held(self) -> list[Held]:
        """Return every row; endpoint is the table."""
        with self._engine.connect() as connection:
            return [
                Held(name, row["row_guid"], dict(row))
                for name, table in TABLES.items()
                for row in connection.execute(select(table)).mappings()
            ]

    def rows(self) -> dict[str, int]:
        """Return how many rows each table holds."""
        with self._engine.connect() as connection:
            return {name: connection.scalar(select(func.count()).select_from(table)) or 0 for name, table in TABLES.items()}

    def stats(self) -> dict[str, Any]:
        """Return the counts: `updated` rows written anew, `duplicates` written again, `order_violations` before their parent."""
        rows = self.rows()
        with self._engine.connect() as connection:
            seen = Counter(connection.scalars(select(SEEN.c.what)))
            doubled = sum(_doubled(connection, name) for name in ("up_pro_accept", "up_pro_result"))
            late = sum(connection.scalar(select(func.count()).select_from(told)) or 0 for told in (ABNORMAL, *UNQUALIFIED.values()))
        counts = {
            "taken": sum(rows.values()),
            "updated": seen["update"],
            "duplicates": seen["again"],
            "order_violations": seen["orphan"],
        }
        return {
            **counts,
            "doubled": doubled,
            "late_rejections": late,
            "refused": dict(self._rejected),
            "rows": rows,
            "faults": self.plan.thrown(),
        }

    def refuse_marked(self, marker: str | None) -> None:
        """Refuse rows whose project_no or task_code contains `marker` from now on; None takes them again."""
        self._run(dropping(self._engine.dialect) if marker is None else refusing(self._engine.dialect, marker))

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold a lock that keeps everybody else from writing, until the block ends."""
        statements = {
            "sqlite": "BEGIN IMMEDIATE",
            "postgresql": f"LOCK TABLE {', '.join(TABLES)} IN EXCLUSIVE MODE",
            "mysql": "LOCK TABLES " + ", ".join(f"{name} WRITE" for name in TABLES),
        }
        dialect = self._engine.dialect.name
        with self._engine.connect() as connection:
            connection.exec_driver_sql(statements.get(dialect, statements["mysql"]))
            try:
                yield
            finally:
                connection.rollback()
                if dialect in ("mysql", "mariadb"):
                    connection.exec_driver_sql("UNLOCK TABLES")

    def check(self) -> int:
        """Judge every row that is new or changed since the last check; return how many were rejected now."""
        with self._once:
            return sum(self._check_table(name) for name in TABLES)

    def _check_table(self, name: str) -> int:
        table = TABLES[name]
        with self._engine.connect() as connection:
            heads = connection.execute(select(table.c.row_guid, table.c.cd_time)).all()
            fresh = [(guid, when) for guid, when in heads if self._judged.get((name, guid)) != when]
            found = [one for part in _parts(fresh) for one in self._judge(connection, name, [guid for guid, _ in part])]
        if found:
            with self._engine.begin() as connection:
                found = tell(connection, name, found)
        self._judged.update({(name, guid): when for guid, when in fresh})
        self._rejected.update(one.fault.kind for one in found)
        return len(found)

    def _judge(self, connection: Connection, name: str, guids: list[str]) -> list[Rejected]:
        table = TABLES[name]
        rows = [dict(row) for row in connection.execute(select(table).where(table.c.row_guid.in_(guids))).mappings()]
        parents = parents_of(connection, name, rows)
        verdicts = ((row, wrong(name, row, parents)) for row in rows)
        return [one for row, fault in verdicts if (one := Rejected(row, fault) if fault else self._sampled(name, row))]

    def _sampled(self, name: str, row: dict[str, Any]) -> Rejected | None:
        """Reject a share of all rows for no reason in the data; every other one comes back as a whole in its `_unqbak` table."""
        digest = hashlib.sha256(f"{name} {row['row_guid']}".encode()).digest()
        if int.from_bytes(digest[:4]) / 2**32 >= self.rate:
            return None
        self.plan.note(FaultKind.LATE_REJECTION)
        fault = national.Fault("", "抽查退回", "省级抽查不合格，请核实后重新报送")
        return Rejected(row, fault, whole=digest[4] % 2 == 1)

    def _run(self, statements: list[str]) -> None:
        with self._engine.begin() as connection:
            for statement in statements:
                connection.execute(text(statement))


def _parts(items: list[Any]) -> Iterator[list[Any]]:
    for start in range(0, len(items), _CHUNK):
        yield items[start : start + _CHUNK]


def _doubled(connection: Connection, name: str) -> int:
    table = TABLES[name]
    rows, cases = connection.execute(select(func.count(), func.count(func.distinct(table.c.project_no))).select_from(table)).one()
    return int(rows - cases)
