"""Proves that bad input costs a clear error on that record or that system, bounded memory, and nothing else."""

from __future__ import annotations

import gzip
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hub.model import State
from hub.sandbox.faults import FaultKind
from hub.sandbox.flaws import Rates
from hub.sandbox.street import Plan, Ports, Sandbox
from hub.settings import load
from hub.store import attempts, open_store, views
from tests import configs
from tests.commands import CORE, Directory, one_way, shipped
from tests.fault import hostile
from tests.fault.watched import watched

#: MiB. The hub with all it imports holds about 110; what input adds must stay in proportion to one record, not to its malice.
BOUND = 400

FILES = """
    version: 1
    system: local
    title: 审批系统
    adapter: files
    schemas: {case: local/case}
    options:
      directory: inbox
      feeds:
        case:
          pattern: "*.csv"
          format: csv
          encoding: gbk
          key: [BJBH]
          ready: {marker: .ok}
          columns: {办件编号: BJBH, 申请人: SQRMC, 类型: SXLX}
    """
DATABASE = """
    version: 1
    system: local
    title: 审批系统
    adapter: database
    schemas: {case: local/case}
    options:
      url: sqlite:///local.db
      feeds:
        case: {table: T_BJ, key: BJBH, time: GXSJ, page: 5}
    """
CITY = """
    version: 1
    system: city
    title: 市平台
    adapter: tests.fault.appending:AppendingAdapter
    options: {endpoints: [accept, process], file: arrived.txt}
    """
ROUTES = """
    version: 1
    routes: [{route: city-accept, title: 受理, from: local, kind: case, mapping: city/accept, to: city/accept, lane: BJBH}]
    """


def arrived(directory: Directory) -> list[str]:
    return (directory.path / "arrived.txt").read_text().split()


def dead(directory: Directory) -> list[dict[str, Any]]:
    return list(directory.told("dead", "list", "--each", code=1))


def test_bytes_that_are_not_in_the_declared_encoding(tmp_path: Path) -> None:
    configs.write(
        tmp_path, {"config/systems/local.yaml": FILES, "config/systems/city.yaml": CITY, "config/routes/city.yaml": ROUTES}
    )
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    lines = [f"A{n},甲某,1".encode("gbk") for n in range(6)]
    lines[2] = b"A2,\xff\xfe\xff,1"
    (inbox / "cases.csv").write_bytes("办件编号,申请人,类型".encode("gbk") + b"\r\n" + b"\r\n".join(lines) + b"\r\n")
    (inbox / "cases.csv.ok").touch()
    directory = Directory(tmp_path)
    done = watched(directory, "sync", "--json")
    (run,) = done.told
    assert (done.code, run["read"], run["accepted"], run["rejected"], run["adds_up"]) == (1, 6, 5, 1, True)
    assert arrived(directory) == ["A0", "A1", "A3", "A4", "A5"]
    (letter,) = dead(directory)
    assert (letter["stage"], letter["code"], letter["system"]) == ("source", "HUB-S-240", "local")
    assert "byte" in letter["reason"] and "encoding" in letter["reason"]


def test_what_cannot_be_written_over_there_dies_with_all_its_issues(tmp_path: Path) -> None:
    contract = configs.CONTRACT_ACCEPT.replace("title: 受理", "title: 受理\n    x-encoding: gbk")
    records = [_case(n) for n in range(5)]
    records[3]["data"] = {"BJBH": "A3" * 11, "SQRMC": "䶮某某某某某某"}  # a rare character, and two texts too long
    directory = _memory(tmp_path, records, contract)
    done = watched(directory, "sync", "--json")
    assert (done.code, done.told[0]["unmappable"]) == (1, 1)
    assert arrived(directory) == ["A0", "A1", "A2", "A4"]
    (letter,) = dead(directory)
    assert (letter["stage"], letter["system"]) == ("map", "city")
    assert {(issue["path"], issue["rule"]) for issue in letter["issues"]} == {
        ("project_no", "length"),
        ("applyer_name", "length"),
        ("applyer_name", "encoding"),
    }
    told = directory.run("dead", "show", str(letter["id"])).stdout + directory.run("dead", "list", code=1).stdout
    assert "䶮某某" not in told


@pytest.mark.parametrize("pages", [1, 4])
def test_fields_of_ten_megabytes(tmp_path: Path, pages: int) -> None:
    """Where it has no business it is an issue, where it is welcome it goes through; one page is what memory grows with."""
    big = "甲" * (10 * 2**20 // 3)
    contract = configs.CONTRACT_ACCEPT + "  remark: {type: string, title: 备注}\n"
    directory = _memory(tmp_path, [], contract, mapping=configs.ACCEPT + "  remark: BZ\n")
    configs.put(tmp_path, "config/systems/local.yaml", DATABASE)
    rows = [(f"A{n:02d}", big if n % 5 == 2 else "甲某", big if n % 5 == 4 else None, "2026-01-01") for n in range(5 * pages)]
    with sqlite3.connect(tmp_path / "local.db") as connection:
        connection.execute("CREATE TABLE T_BJ (BJBH TEXT PRIMARY KEY, SQRMC TEXT, BZ TEXT, GXSJ TEXT)")
        connection.executemany("INSERT INTO T_BJ VALUES (?, ?, ?, ?)", rows)
    connection.close()
    done = watched(directory, "sync", "--json")
    assert (done.code, done.told[0]["unmappable"]) == (1, pages)
    assert arrived(directory) == [key for key, name, *_ in rows if name != big]
    letters = dead(directory)
    assert len(letters) == pages and len(str(letters)) < 1000 * pages
    assert done.peak < BOUND


def _case(n: int) -> dict[str, Any]:
    return {"kind": "case", "key": f"A{n}", "data": {"BJBH": f"A{n}", "SQRMC": "甲某某"}}


def _memory(path: Path, records: list[dict[str, Any]], contract: str, mapping: str = configs.ACCEPT) -> Directory:
    changed: dict[str, str | None] = {"config/systems/city.yaml": CITY, "config/routes/city.yaml": ROUTES}
    changed |= {"mappings/contracts/city/accept.yaml": contract, "mappings/city/accept.yaml": mapping}
    changed["mappings/schemas/local/case.yaml"] = (
        configs.CASE + '  BZ: {type: [string, "null"], title: 备注}\n      GXSJ: {type: string, title: 更新时间}\n'
    )
    configs.write(path, changed, records)
    return Directory(path)


# --- far sides that answer with malice ---


@pytest.fixture
def street(tmp_path: Path) -> Iterator[Sandbox]:
    plan = Plan(tmp_path / "county", cases=60, rates=Rates.none(), faults="none", ports=Ports.free(), systems=CORE)
    with Sandbox(plan) as running:
        yield running


@pytest.mark.parametrize(
    ("bomb", "code"),
    [
        (hostile.BILLION_LAUGHS, "HUB-D-213"),
        (hostile.QUADRATIC, "HUB-D-213"),
        (hostile.EXTERNAL, "HUB-D-213"),
        (hostile.DEEP, "HUB-D-117"),
    ],
    ids=["nested", "quadratic", "external", "deep"],
)
def test_an_xml_bomb_in_an_answer(street: Sandbox, tmp_path: Path, bomb: str, code: str) -> None:
    with hostile.answering(bomb.encode()) as address:
        directory = one_way(shipped(tmp_path, {**street.environment(), "SOCIAL_URL": address}))
        _only_social_suffers(street, directory, code)


def test_an_answer_that_unpacks_to_gigabytes(street: Sandbox, tmp_path: Path) -> None:
    with hostile.answering(gzip.compress(bytes(300 * 2**20), 9), content_encoding="gzip") as address:
        directory = one_way(shipped(tmp_path, {**street.environment(), "SOCIAL_URL": address}))
        _only_social_suffers(street, directory, "HUB-D-116")


def _only_social_suffers(street: Sandbox, directory: Directory, code: str) -> None:
    done = watched(directory, "sync", "--json")
    assert done.code in (3, 4) and done.peak < BOUND, (done.code, done.peak, done.err[-2000:])
    settings = load(directory.path, env=dict(directory.environment))
    store = open_store(settings.store)
    with store.reading() as connection:
        owed = views.deliveries(connection, limit=1000)
        tried = attempts.read(connection, [one.id for one in owed if one.system == "social"])
    store.close()
    assert {(one.system, one.state) for one in owed} == {
        ("social", State.PENDING), ("gateway", State.DELIVERED), ("province", State.DELIVERED)
    }  # fmt: skip
    assert {(one.outcome, one.code) for one in tried if one.outcome != "deferred"} == {("in-doubt", code)}
    assert street.social.held() == []
    assert {one.content["ProjectNo"] for one in street.gateway.held()} == {
        one.content["project_no"] for one in street.province.held() if "project_no" in one.content
    }


def test_an_answer_that_never_ends(street: Sandbox, tmp_path: Path) -> None:
    street.gateway.plan.change(script=[FaultKind.ENDLESS] * 4)
    street.social.plan.change(script=[FaultKind.ENDLESS] * 2)
    directory = one_way(shipped(tmp_path, street.environment()))
    for system in ("gateway", "social"):
        directory.change(f"config/systems/{system}.yaml", ("read: 30s, total: 60s", "read: 1s, total: 2s"))
    done = watched(directory, "sync", "--json")
    assert (done.code, done.told[0]["adds_up"]) == (0, True) and done.peak < BOUND
    thrown = street.gateway.stats()["faults"] + street.social.stats()["faults"]
    assert thrown[FaultKind.ENDLESS] == 6, "the test must not pass vacuously"
    assert street.gateway.stats()["duplicates"] == street.social.stats()["duplicates"] == 0
