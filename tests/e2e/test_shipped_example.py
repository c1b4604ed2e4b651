"""Proves that the shipped example carries a county's cases end to end, by the commands a person types, on every store there is."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from hub.cli import app
from hub.demo.account import Account, draw
from hub.demo.neighbours import Neighbours
from hub.engine.service import Service
from hub.sandbox.approval import T_BJ
from hub.sandbox.flaws import GroundTruth, Rates
from hub.sandbox.generator import advance
from hub.sandbox.ledger import Held
from hub.sandbox.street import Plan, Ports, Sandbox
from hub.settings import load
from hub.store import open_store
from tests.commands import CORE, Directory, shipped
from tests.servers import fresh_mariadb, fresh_postgresql

#: Enough that every far side has planted flaws to stop.
CASES = 200
#: Every exchange the county's report names, and which way it flows.
WAYS = {
    "province, tables: cases": "up",
    "province, tables: items, once approved": "up",
    "province, feedback": "down",
    "province, gateway": "up and down",
    "county sub-site": "down",
    "city platform": "up and down",
    "supervision": "up and down",
    "social security": "up and down",
    "traffic police": "up and down",
    "national tax": "up and down",
    "local tax": "up and down",
    "tax, merged": "up and down",
    "transport": "up and down",
    "thirteen townships": "down",
    "charges": "up",
    "evaluations": "up",
}


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_the_demo_ends_with_an_account_that_adds_up(tmp_path: Path) -> None:
    directory = Directory(tmp_path)
    account = directory.told("demo", "--cases", str(CASES), "--dir", str(tmp_path / "demo"))
    assert account["adds_up"]
    assert [check for check in account["checks"] if not check["holds"]] == []
    first = next(run for run in account["runs"] if run["source"] == "local")
    assert first["read"] == first["unchanged"] + first["accepted"] + first["rejected"] > CASES
    lines = {line["system"]: line for line in account["systems"]}
    assert set(lines) == set(load(tmp_path / "demo", env=os.environ).systems), "every system is a line of the account"
    core = [lines[name] for name in ("province", "gateway")]
    assert all(line["states"]["dead"] for line in core) and lines["gateway"]["faults"], "the test must not pass vacuously"
    assert lines["gateway"]["retried"] and lines["province"]["states"]["rejected"]
    assert {line["exchange"]["en"]: _ways(line) for line in account["exchanges"]} == WAYS


def _ways(line: dict[str, Any]) -> str:
    """Return which ways an exchange went; only what arrived counts."""
    return " and ".join(way for way in ("up", "down") if line[way][1])


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_the_demo_says_so_when_a_row_is_missing_over_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A far side loses a row behind the hub's back."""
    really_held = Neighbours.held
    monkeypatch.setattr(Neighbours, "held", lambda one: {name: rows[1:] for name, rows in really_held(one).items()})
    done = CliRunner().invoke(
        app, ["--lang", "en", "demo", "--cases", "20", "--no-faults", "--dir", str(tmp_path / "demo"), "--json"]
    )
    account = json.loads(done.stdout)
    assert (done.exit_code, account["adds_up"]) == (1, False)
    failing = {check["en"] for check in account["checks"] if not check["holds"]}
    assert failing >= {f"{name}: nothing is lost" for name in ("province", "gateway", "social")}
    assert all(check.endswith(": nothing is lost") for check in failing)


# --- the account itself ---


class Books:
    """A finished day: what the hub wrote down, and what the far sides hold; each copy may be tampered with."""

    def __init__(self, service: Service, sandbox: Sandbox) -> None:
        assert sandbox.truth is not None
        self._service, self.truth = service, sandbox.truth
        self._held = {name: twin.held() for name, twin in sandbox.twins.items()}
        self._stats = {name: twin.stats() for name, twin in sandbox.twins.items()}
        self._offered = {name: twin.offered() for name, twin in sandbox.twins.items()}

    def draw(
        self,
        *,
        held: dict[str, list[Held]] | None = None,
        stats: dict[str, Any] | None = None,
        offered: dict[str, list[tuple[str, str]]] | None = None,
        truth: GroundTruth | None = None,
    ) -> Account:
        found = {name: {**counts, **(stats or {}).get(name, {})} for name, counts in self._stats.items()}
        given = {**self._offered, **(offered or {})}
        return draw(self._service, [1], {**self._held, **(held or {})}, found, given, truth or self.truth)

    def rows(self, system: str) -> list[Held]:
        return list(self._held[system])


@contextmanager
def keeping(directory: Directory) -> Iterator[Service]:
    """Open what a command left behind, without working on it."""
    settings = load(directory.path, env=dict(directory.environment))
    store = open_store(settings.store)
    service = Service(settings, store)
    try:
        yield service
    finally:
        service.exchange.close()
        store.close()


@contextmanager
def synced(path: Path, plan: Plan, **environment: str) -> Iterator[tuple[Directory, Sandbox]]:
    """Let `hub sync` carry a county over, in a process of its own."""
    with Sandbox(plan) as sandbox:
        directory = shipped(path, {**sandbox.environment(), **environment})
        directory.run("sync", code=1)  # the planted flaws die, and are told so
        approve(directory)
        directory.run("sync", code=1)
        yield directory, sandbox


def approve(directory: Directory) -> None:
    """Let what waits for the review office pass."""
    directory.run("hold", "release", "--system", "province", "--by", "王某", "--reason", "核对无误", "-y")


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Books]:
    path = tmp_path_factory.mktemp("books")
    plan = Plan(
        path / "county", cases=2 * CASES, rates=Rates().scaled(10), faults="none", ports=Ports.free(), systems=CORE, alive=None
    )
    with synced(path, plan) as (directory, sandbox), keeping(directory) as service:
        yield Books(service, sandbox)


def failed(account: Account) -> set[str]:
    assert account.adds_up is not any(not check.holds for check in account.checks)
    return {check.en for check in account.checks if not check.holds}


def changed(row: Held, **content: Any) -> Held:
    return Held(row.endpoint, row.row, {**row.content, **content})


def test_untouched_books_add_up(books: Books) -> None:
    assert failed(books.draw()) == set()
    assert all(books.truth.refused(name) for name in ("province", "gateway", "social"))


@pytest.mark.parametrize("system", ["province", "gateway", "social"])
def test_books_that_were_tampered_with_do_not(books: Books, system: str) -> None:
    first, *rest = books.rows(system)
    field = {"province": "project_no", "gateway": "ProjectNo", "social": "sxmc"}[system]
    assert failed(books.draw(held={system: rest})) == {f"{system}: nothing is lost"}
    assert failed(books.draw(held={system: [first, first, *rest]})) == {f"{system}: nothing doubled"}
    assert failed(books.draw(held={system: [first, *rest, Held("x", "no-such-row", {})]})) == {f"{system}: nothing extra"}
    assert failed(books.draw(held={system: [changed(first, **{field: "另一个"}), *rest]})) == {f"{system}: contents equal"}
    assert failed(books.draw(stats={system: {"order_violations": 1}})) == {f"{system}: parents before children"}


def test_an_account_of_another_county_does_not(books: Books) -> None:
    spotless = GroundTruth(books.truth.rows, books.truth.centres)
    assert failed(books.draw(truth=spotless)) == {
        f"{name}: nothing sound was refused" for name in ("province", "gateway", "social", "local")
    }
    assert failed(books.draw(offered={"local": [("case", "never read")]})) == {"local: every row it has was read"}


# --- one day by hand ---


@contextmanager
def street(path: Path, *options: str) -> Iterator[dict[str, Any]]:
    """Run `hub sandbox` beside the test; yields what it says about itself."""
    directory = Directory(path)
    process = directory.start("sandbox", "--port", "0", "--grow", "0", "--dir", str(path / "county"), "--json", *options)
    try:
        yield _said(process)
    finally:
        process.terminate()
        process.communicate(timeout=30)
    assert process.returncode == 143


def _said(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout
    text = ""
    for line in process.stdout:
        text += line
        if line == "}\n":
            return dict(json.loads(text))
    raise AssertionError(f"the sandbox ended after saying {text!r}")


def over_there(street: dict[str, Any], twin: str) -> list[dict[str, Any]]:
    found = httpx.get(street["addresses"]["control"].replace("stats", "held"), params={"twin": twin})
    return list(found.json()[twin])


def operations(street: dict[str, Any], twin: str, field: str) -> set[str]:
    return {row["content"][field] for row in over_there(street, twin)}


def test_a_day_by_hand(tmp_path: Path) -> None:
    with street(tmp_path, "--cases", "120", "--faults", "none") as beside:
        directory = shipped(tmp_path, beside["environment"])
        directory.run("check", "--live")
        _first_pass(directory, beside)
        approve(directory)
        _second_pass(directory)
        _next_morning(directory, beside)


def _first_pass(directory: Directory, beside: dict[str, Any]) -> None:
    (run,) = directory.told("sync", "local", code=1)
    assert run["adds_up"] and run["read"] == run["accepted"] > 120 and run["unmappable"] > 0
    standing = {line["system"]: line["backlog"] for line in directory.told("status", code=1)["systems"]}
    dead = sum(states.get("dead", {"count": 0})["count"] for states in standing.values())
    assert dead == run["unmappable"] == sum(group["count"] for group in directory.told("dead", "list", code=1))
    case = over_there(beside, "gateway")[0]["content"]["ProjectNo"]
    life = directory.told("trace", case)
    assert {one["system"] for one in life["deliveries"]} >= {"province", "gateway"}
    assert {one["state"] for one in life["deliveries"]} == {"delivered"}


def _second_pass(directory: Directory) -> None:
    """Nothing changed, so nothing is sent, however much is read again; the dead letters are still there, hence exit code 1."""
    (run,) = directory.told("sync", "local", code=1)
    assert run["adds_up"] and run["deliveries"] == 0 and run["read"] == run["unchanged"]
    (whole,) = directory.told("sync", "local", "--full", code=1)
    assert whole["adds_up"] and whole["deliveries"] == 0 and whole["read"] == whole["unchanged"] > 120


def _next_morning(directory: Directory, beside: dict[str, Any]) -> None:
    """Corrected cases reach those who have them already as operation U, new ones as I."""
    local = beside["environment"]["LOCAL_URL"]
    before = {twin: len(over_there(beside, twin)) for twin in ("province", "gateway")}
    assert operations(beside, "province", "cd_operation") == operations(beside, "gateway", "Cd_operation") == {"I"}
    added = advance(local, seed=7, new=4, updates=3, rates=Rates.none())
    assert added.updated == 3
    (run,) = directory.told("sync", "local", code=1)
    assert run["adds_up"] and run["accepted"] == sum(added.rows.values()) + 3 + (4 + 3), "a case is read as an application, too"
    for twin, field in (("province", "cd_operation"), ("gateway", "Cd_operation")):
        assert operations(beside, twin, field) == {"I", "U"}
        corrected = [row for row in over_there(beside, twin) if row["content"][field] == "U"]
        assert len(corrected) == 3 and len(over_there(beside, twin)) > before[twin]
    _contacts_agree(local, over_there(beside, "province"))


def _contacts_agree(local: str, rows: list[dict[str, Any]]) -> None:
    """What was corrected is what stands over there now."""
    engine = sa.create_engine(local)
    with engine.connect() as connection:
        mobile = {row.BJBH: row.LXRSJ for row in connection.execute(sa.select(T_BJ.c.BJBH, T_BJ.c.LXRSJ))}
    engine.dispose()
    accepted = [row["content"] for row in rows if row["endpoint"] == "up_pro_accept" and row["content"]["cd_operation"] == "U"]
    assert accepted and all(row["contact_mobile"] == mobile[row["project_no"]] for row in accepted)


# --- the same on real servers ---


@pytest.mark.server
@pytest.mark.parametrize("province", [fresh_mariadb, fresh_postgresql], ids=["mariadb", "postgresql"])
def test_the_store_and_the_province_on_servers(province: Any, tmp_path: Path) -> None:
    with province() as province_url, fresh_postgresql() as store_url:
        where = {"systems": CORE, "alive": None, "ports": Ports.free(), "province_url": province_url}
        plan = Plan(tmp_path / "county", cases=160, seed=4, rates=Rates().scaled(4), faults="none", **where)
        with synced(tmp_path, plan, HUB_STORE=store_url) as (directory, sandbox), keeping(directory) as service:
            books = Books(service, sandbox)
            assert all(books.rows(name) and books.truth.refused(name) for name in ("province", "gateway", "social"))
            assert failed(books.draw()) == set()
        assert not list(tmp_path.glob("var/*.db"))
