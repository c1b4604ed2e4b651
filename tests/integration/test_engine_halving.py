"""One bad record never condemns its neighbours: real targets that refuse, or break at, whatever batch it is in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from hub.engine import dispatch
from hub.model import State
from tests import fakes
from tests.databases import engine, rows, run
from tests.exchanges import Site, case, site
from tests.integration.http_peer import Peer, Received, Reply, said
from tests.servers import fresh_sqlite

REST = """
    version: 1
    system: city
    title: 市平台
    adapter: rest
    jitter: 0
    retry: [1s, 1s, 1s]
    options:
      base_url: {url}
      endpoints:
        accept: {{path: /accept, idempotent: true, template: $items, batch: {{size: 16}}}}
        process: {{path: /process, idempotent: true}}
    """
DATABASE = """
    version: 1
    system: city
    title: 市平台
    adapter: database
    jitter: 0
    options:
      url: {url}
      batch: 16
      endpoints: {{accept: {{table: accept, key: project_no}}, process: {{table: process, key: project_no}}}}
    """
TABLE = "CREATE TABLE {} (project_no VARCHAR(50) PRIMARY KEY, applyer_name VARCHAR(50){})"
TRIGGERS = {
    "sqlite": ["CREATE TRIGGER no BEFORE INSERT ON accept WHEN NEW.project_no = 'A7' BEGIN SELECT RAISE(ABORT, 'refused'); END"],
    "postgresql": [
        "CREATE FUNCTION no() RETURNS trigger AS $$ BEGIN IF NEW.project_no = 'A7' THEN RAISE EXCEPTION 'refused'; END IF; "
        "RETURN NEW; END $$ LANGUAGE plpgsql",
        "CREATE TRIGGER no BEFORE INSERT ON accept FOR EACH ROW EXECUTE FUNCTION no()",
    ],
    "mysql": [
        "CREATE TRIGGER no BEFORE INSERT ON accept FOR EACH ROW BEGIN IF NEW.project_no = 'A7' THEN "
        "SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'refused'; END IF; END"
    ],
}


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Site]:
    fakes.forget()
    with fresh_sqlite() as store, site(tmp_path, store) as made:
        yield made


def cases(here: Site, number: int = 16) -> list[str]:
    here.sync(*(case(f"A{n}") for n in range(number)))
    return [f"A{n}" for n in range(number)]


def only_a7_is_dead(here: Site) -> None:
    states = here.states()
    assert states.pop("A7") is State.DEAD
    assert set(states.values()) == {State.DELIVERED}


@pytest.mark.parametrize("guard", ["constraint", "trigger"])
def test_a_database_refuses_only_the_guilty_row(here: Site, database_url: str, guard: str) -> None:
    with engine(database_url) as over_there:
        for name in ("accept", "process"):
            run(over_there, TABLE.format(name, ", CHECK (project_no <> 'A7')" if guard == "constraint" else ""))
        for statement in TRIGGERS[over_there.dialect.name] if guard == "trigger" else ():
            run(over_there, statement)
        here.reconfigure({"config/systems/city.yaml": DATABASE.format(url=database_url)})
        expected = sorted(set(cases(here)) - {"A7"})
        here.drain()
        assert sorted(row[0] for row in rows(over_there, "SELECT project_no FROM accept")) == expected
    only_a7_is_dead(here)
    assert here.one("A7").code == "HUB-D-306"


@pytest.fixture
def peer(here: Site) -> Iterator[Peer]:
    with Peer() as peer:
        here.reconfigure({"config/systems/city.yaml": REST.format(url=peer.url)})
        yield peer


def choking(status: int) -> tuple[set[str], object]:
    """Return what arrived, and the answers of a peer that takes batches without A7 and answers all others so."""
    taken: set[str] = set()

    def answer(request: Received) -> Reply:
        numbers = {row["project_no"] for row in request.json}
        if "A7" in numbers:
            return said({"code": 1}, status)
        taken.update(numbers)
        return said({"code": 0})

    return taken, answer


def test_a_batch_refused_as_a_whole_costs_only_the_guilty(here: Site, peer: Peer) -> None:
    taken, peer.answer = choking(400)  # type: ignore[assignment]
    expected = cases(here)
    here.drain()
    assert taken == set(expected) - {"A7"}
    only_a7_is_dead(here)


@pytest.mark.parametrize("rate", ["{second: 1}", "{second: 2}", "{minute: 3}"])
def test_the_guilty_is_found_also_where_a_rate_allows_less_than_the_halves_of_a_batch_take(
    here: Site, peer: Peer, rate: str
) -> None:
    batches = REST.replace("/process, idempotent: true", "/process, idempotent: true, template: $items, batch: {{size: 16}}")
    here.reconfigure({"config/systems/city.yaml": f"{dedent(batches.format(url=peer.url))}\nrate: {rate}\n"})
    taken, peer.answer = choking(400)  # type: ignore[assignment]
    expected = cases(here, 40)
    desk = here.desk()
    for _ in range(30):
        dispatch.drain(desk, stopping=lambda: False)
        here.later(minutes=2)
    assert taken == set(expected) - {"A7"}
    only_a7_is_dead(here)


def test_a_batch_that_breaks_the_target_kills_only_the_guilty(here: Site, peer: Peer) -> None:
    """The peer breaks at one record and blames itself: every try is spent on a batch, until the guilty one is alone."""
    taken, peer.answer = choking(500)  # type: ignore[assignment]
    expected = cases(here)
    desk = here.desk()
    for _ in range(40):
        dispatch.drain(desk, stopping=lambda: False)
        here.later(minutes=11)
    assert taken == set(expected) - {"A7"}
    only_a7_is_dead(here)
