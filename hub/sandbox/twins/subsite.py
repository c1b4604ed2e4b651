"""Decides what the county's part of the provincial site shows: the items the province holds, but for two planted differences.

The query interface is a convention of the sandbox, to be confirmed; names are the PascalCase ones of the national item tables.
"""

from __future__ import annotations

from collections.abc import Iterator
from threading import Lock
from typing import Any

from sqlalchemy import Connection, Table, inspect, select

from hub.sandbox.databases import opened
from hub.sandbox.farside import FarSide, Ground
from hub.sandbox.faults import FaultKind, FaultPlan
from hub.sandbox.ledger import Held, Ledger
from hub.sandbox.national import now
from hub.sandbox.powerlist import powers
from hub.sandbox.twins.jpaas import Refused, Wire, page
from hub.sandbox.twins.province_tables import TABLES
from hub.sandbox.web import Answer, Request

PATH = "/jpaas-jags-server/interface/gateway.do"
PUBLISHED_ID = "zx_item_published"
_BASICS = tuple(table for name, table in TABLES.items() if name.startswith("up_task_") and name.endswith("_basic"))
_COLUMNS = (
    "row_guid",
    "task_code",
    "catalog_code",
    "task_handle_item",
    "task_name",
    "task_type",
    "task_version",
    "task_state",
    "use_level",
    "dept_name",
    "dept_code",
)
#: What the hall gave up and the site still shows.
_GIVEN_UP, _CATALOGUE = "城镇零散工登记（已取消）", "621099999000"

Row = dict[str, Any]


class SubsiteTwin(FarSide):
    """The county's sub-site. `left_out` is the code of an item that it never shows, `stale` of one that only it has."""

    name = "subsite"
    port = 9
    path = PATH

    def __init__(self, province: str, *, seed: int = 1, plan: FaultPlan | None = None) -> None:
        self.wire = Wire("zhangxian", "sandbox-subsite-secret")
        self.plan = plan or FaultPlan()
        last = powers(seed)["T_QZQD"][-1]
        self.left_out, self.stale = str(last["SXBM"]), f"{last['SSBMBM']}4{_CATALOGUE}"
        self._office = str(last["IMPL_DEPART"]), str(last["SSBMBM"])
        self._province = opened(province)
        self._ledger = Ledger("ZZ")
        self._lock = Lock()
        self._shown: dict[str, Row] = {}

    @classmethod
    def on(cls, ground: Ground) -> SubsiteTwin:
        """Build the site over the province's database."""
        return cls(ground.url("province"), seed=ground.seed, plan=ground.plan(cls.name))

    def create(self) -> None:
        """Show what nobody took away."""
        self._show([self._stale_row()])

    def stop(self) -> None:
        """Close the connections; may be called twice."""
        self._province.dispose()

    def environment(self, address: str) -> dict[str, str]:
        """Return where it listens, and the application's id and secret."""
        return {"SUBSITE_URL": address, "SUBSITE_APP_ID": self.wire.app_id, "SUBSITE_APP_SECRET": self.wire.secret}

    def held(self) -> list[Held]:
        """Return nothing: it is only read."""
        return []

    def stats(self) -> dict[str, Any]:
        """Return the counts so far; `published` is how many items it shows."""
        with self._lock:
            shown = len(self._shown)
        return self._ledger.stats() | {"published": shown, "faults": self.plan.thrown()}

    def work(self) -> int:
        """Publish what is new or changed at the province."""
        with self._province.connect() as connection:
            there = inspect(connection)
            found = [row for table in _BASICS if there.has_table(table.name) for row in _rows(connection, table)]
        return self._show([row for row in found if row["TaskCode"] != self.left_out])

    def offered(self) -> list[tuple[str, str]]:
        """Return the items that it shows."""
        with self._lock:
            return [("published", guid) for guid in self._shown]

    def came(self, request: Request) -> bool:
        """Count the request; it only asks, and meets faults only if the plan says so."""
        self._ledger.count("requests")
        return request.path == PATH and self.plan.lookups

    def answer(self, request: Request, fault: FaultKind | None) -> Answer:
        """Answer one question; everything the site knows is answered in HTTP 200."""
        if request.method != "POST" or request.path != PATH:
            return Answer(404, b"not found", "text/plain")
        try:
            call = self.wire.read(request)
            if call.interface != PUBLISHED_ID:
                raise Refused("4001", "interface_id 不存在")
            with self._lock:
                return self.wire.write("200", "成功", page(self._shown, call.content))
        except Refused as refused:
            self._ledger.refuse(refused.code)
            return self.wire.write(refused.code, refused.message)

    def refusal(self, kind: FaultKind, request: Request) -> Answer:
        """Return a refusal that nothing earned; the site knows no other than being busy."""
        if kind is FaultKind.SOAP_FAULT:
            return Answer(500, "服务内部错误".encode(), "text/plain; charset=utf-8")
        self._ledger.refuse("5001")
        return self.wire.write("5001", "系统繁忙，请稍后重试")

    def _show(self, rows: list[Row]) -> int:
        """Show these as of now; return how many of them it did not show just so before."""
        moment = {"UpdateTime": str(now().replace(microsecond=0))}
        with self._lock:
            before = {guid: {**one, **moment} for guid, one in self._shown.items()}
            news = [row | moment for row in rows if before.get(row["RowGuid"]) != row | moment]
            self._shown |= {row["RowGuid"]: row for row in news}
        return len(news)

    def _stale_row(self) -> Row:
        department, code = self._office
        return {
            "RowGuid": "zz-0001", "TaskCode": self.stale, "CatalogCode": _CATALOGUE, "TaskHandleItem": f"{self.stale}01",
            "TaskName": _GIVEN_UP, "TaskType": "10", "TaskVersion": 1, "TaskState": "1", "UseLevel": "4", "DeptName": department,
            "DeptCode": code,
        }  # fmt: skip


def _rows(connection: Connection, table: Table) -> Iterator[Row]:
    """Yield the items of one of the province's tables, by the names of the query interface."""
    for row in connection.execute(select(*(table.c[name] for name in _COLUMNS))).mappings():
        yield {"".join(part.capitalize() for part in name.split("_")): value for name, value in row.items()}
