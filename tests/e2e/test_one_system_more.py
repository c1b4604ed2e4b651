"""Proves that systems nobody here has seen are connected by YAML alone: Guizhou's REST twins and Shandong's step tables."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from threading import Lock
from typing import Any

import sqlalchemy as sa

from hub.demo import job
from hub.engine import feedback, replay
from hub.engine.service import Service, serving
from hub.model import State
from hub.sandbox import national
from hub.sandbox.flaws import Rates
from hub.sandbox.street import Plan, Ports, Sandbox
from hub.store import views
from hub.store.scopes import Scope
from tests.commands import Directory, shipped
from tests.integration.http_peer import Peer, Received, Reply, said

WRITTEN = Path(__file__).parent / "one_more"
BEIJING = timezone(timedelta(hours=8))


@contextmanager
def newcomer(path: Path, name: str, **environment: str) -> Iterator[tuple[Directory, Sandbox, Service]]:
    """Put a newcomer's YAML beside the shipped files, let the commands judge it, and run the hub with it."""
    plan = Plan(path / "county", cases=12, rates=Rates.none(), faults="none", ports=Ports.free(), systems=frozenset(), alive=None)
    with Sandbox(plan) as sandbox:
        known = {**sandbox.environment(), **environment, "HUB_STORE": f"sqlite:///{path / 'hub.db'}"}
        directory = shipped(path, known, frozenset({"local"}))
        shutil.copytree(WRITTEN / name, path, dirs_exist_ok=True)
        directory.run("check")
        directory.run("test", name)
        with serving(job.settings_of(directory.path, known), scheduled=False) as service:
            yield directory, sandbox, service


def rounds(service: Service, sandbox: Sandbox) -> dict[State, int]:
    """Run until nothing is new; return how many deliveries are left over in which state."""
    job.rounds(service, sandbox.work, lambda progress: None)
    with service.store.reading() as connection:
        return {state: one.count for states in views.backlog(connection).values() for state, one in states.items() if one.count}


def change(sandbox: Sandbox, statement: str, **values: Any) -> None:
    engine = sa.create_engine(sandbox.plan.local_url)
    with engine.begin() as connection:
        connection.execute(sa.text(statement), {"now": str(national.now())[:19], **values})
    engine.dispose()


# --- Guizhou: the national tables over REST ---


@dataclass
class Guizhou:
    """The gateway: it checks the day's signature, knows cases before their steps, and is busy now and then."""

    cases: dict[str, dict[str, Any]] = field(default_factory=dict)
    steps: dict[str, dict[str, Any]] = field(default_factory=dict)
    calls: int = 0
    lock: Lock = field(default_factory=Lock)

    def answer(self, request: Received) -> Reply:
        head, code = request.headers, request.headers.get("apicode", "")
        day = f"{datetime.now(BEIJING):%Y%m%d}"
        signed = hashlib.md5(f"app1secret{day}{code}".encode(), usedforsecurity=False).hexdigest()
        if (head.get("appid"), head.get("apikey"), head.get("sign")) != ("app1", "key1", signed) or not head.get("requestno"):
            return said({"head": {"code": "401", "result": "签名错误"}})
        with self.lock:
            self.calls += 1
            if self.calls % 7 == 3:
                return said({"head": {"code": "502", "result": "系统繁忙"}})
            return self._take(code, request.json["param"])

    def _take(self, code: str, param: Any) -> Reply:
        (row,) = param["baseInfo" if code == "P001" else "postdata"]
        if code == "P002" and row["projectNo"] not in {one["projectNo"] for one in self.cases.values()}:
            return said({"head": {"code": "404", "result": "办件不存在"}})
        (self.cases if code == "P001" else self.steps)[row["rowGuid"]] = row
        return said({"head": {"code": "200", "result": "ok"}, "result": {"projectNo": row["projectNo"], "state": "1"}})


def test_guizhou(tmp_path: Path) -> None:
    far = Guizhou()
    with Peer() as peer:
        peer.answer = far.answer
        environment = {"GUIZHOU_URL": peer.url, "GUIZHOU_APP": "app1", "GUIZHOU_KEY": "key1", "GUIZHOU_SECRET": "secret"}
        with newcomer(tmp_path, "guizhou", **environment) as (_, sandbox, service):
            states = rounds(service, sandbox)
    assert states == {} and len(far.cases) == 12 and far.steps
    assert len(far.cases) + len(far.steps) < far.calls, "busy answers were tried again"
    assert all(len(one["itemOrganCode"]) == 9 and one["promisetimeUnit"] == "G" for one in far.cases.values())


# --- Shandong: tables whose keys hold a version ---

#: Columns as the public description has them, with the lengths it gives where it gives any; the mandatory ones are NOT NULL.
COMMON = "ORGBUSNO!50 PROJID!50 DATAVER!0 STDVER!10 MAKETIME!19 SIGNSTATE!2"
TABLES = {
    "EA_JC_STEP_BASICINFO": "PROJPWD!6 ITEMNO!50 ITEMNAME!200 PROJECTNAME!500 APPLICANT!100 APPLICANTMOBILE?20 ACCEPTLIST!4000"
    " ACCEPTDEPTID!18 ACCEPTDEPTNAME!100 ACCEPTDEPTCODE!100 APPROVALTYPE!1 PROMISETIMELIMIT!10 PROMISETIMEUNIT!1 TIMELIMIT!10"
    " TIMEUNIT!1 SUBMIT?1 OCCURTIME!19 TRANSACTOR?100 REGION_ID?12",
    "EA_JC_STEP_PROC": "SN!0 NODENAME!1000 NODETYPE!1 NODEPROCERNAME!100 NODESTATE!2 NODESTARTTIME!19 NODEENDTIME!19 NODEADV?2000"
    " NODERESULT!1 OCCURTIME!19",
    "EA_JC_STEP_DONE": "DONERESULT!1 EXITRES?2000 CERTIFICATENAM?200 CERTIFICATENO?200 ISFEE!1 OCCURTIME!19 TRANSACTOR!100",
}


def _column(written: str, key: tuple[str, ...]) -> sa.Column[Any]:
    name, length = re.split("[!?]", written)
    kind = sa.String(int(length)) if int(length) else sa.Integer()
    return sa.Column(name, kind, nullable="?" in written, primary_key=name in key, autoincrement=False)


@contextmanager
def front_end(path: Path) -> Iterator[sa.Engine]:
    engine, metadata = sa.create_engine(f"sqlite:///{path / 'shandong.db'}"), sa.MetaData()
    for name, columns in TABLES.items():
        key = ("ORGBUSNO", "PROJID", "DATAVER", "SN")
        sa.Table(name, metadata, *(_column(one, key) for one in f"{COMMON} {columns}".split()))
    metadata.create_all(engine)
    yield engine
    engine.dispose()


def versions(engine: sa.Engine, case: str) -> list[int]:
    query = sa.text("SELECT DATAVER FROM EA_JC_STEP_BASICINFO WHERE PROJID = :case ORDER BY DATAVER")
    with engine.connect() as connection:
        return list(connection.execute(query, {"case": case}).scalars())


def test_shandong(tmp_path: Path) -> None:
    with front_end(tmp_path) as far, newcomer(tmp_path, "shandong", SHANDONG_URL=str(far.url)) as (_, sandbox, service):
        assert rounds(service, sandbox) == {}
        with far.connect() as connection:
            case = str(connection.scalar(sa.text("SELECT MIN(PROJID) FROM EA_JC_STEP_BASICINFO")))
            assert connection.scalar(sa.text("SELECT COUNT(*) FROM EA_JC_STEP_BASICINFO")) == 12
        change(sandbox, "UPDATE T_BJ SET LXRSJ = '14000000001', SQRSJH = '14000000001', GXSJ = :now WHERE BJBH = :case", case=case)
        rounds(service, sandbox)
        assert versions(far, case) == [1, 2], "a correction is a further version, not a change of the first"
        with far.begin() as connection:
            connection.execute(
                sa.text("UPDATE EA_JC_STEP_BASICINFO SET SIGNSTATE = '2' WHERE PROJID = :case AND DATAVER = 2"), {"case": case}
            )
        assert feedback.poll(service.exchange, "shandong") > 0
        assert State.REJECTED in rounds(service, sandbox)
        replay.retry(service.exchange, Scope(system="shandong"), remap=False, actor="test", reason="事项已补录")
        assert State.REJECTED not in rounds(service, sandbox)
        assert versions(far, case) == [1, 2, 3], "what was refused goes again as a further version"
