"""Invariants that belong to no single step: no code is guessed, no secret gets out; and each has a test of its name."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import generate_latest

from hub.engine import maintain
from hub.errors import HubError, Rejected
from hub.model import State
from hub.store import groups
from tests import fakes
from tests.exchanges import Site, case, city, site, step

NAME, NUMBER, SECRET = "金丝雀", "62112519800101123X", "canary-secret-77"
ROOT = Path(__file__).parents[1]


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Site]:
    fakes.forget()
    with site(tmp_path, f"sqlite:///{tmp_path}/hub.db", {"config/systems/city.yaml": city(password=SECRET)}) as made:
        yield made


def test_invariant_5_an_unmapped_code_is_never_guessed(here: Site) -> None:
    """Not even a default stands in for a code the table does not have."""
    mapping = (here.directory / "mappings/city/accept.yaml").read_text("utf-8")
    coded = '{path: SXLX, code: city/kind, default: "01"}'
    here.reconfigure(
        {
            "mappings/codes/city/kind.csv": "local,target,label\n1,01,一般\n",
            "mappings/city/accept.yaml": mapping.replace("{path: SQRMC, do: [trim]}", coded),
        }
    )
    here.sync(case("A", SXLX="1"), case("B", SXLX="9"))
    here.drain()
    assert here.states() == {"A": State.DELIVERED, "B": State.DEAD}
    assert here.one("B").stage == "map"
    assert here.taken() == ["A"]


def test_invariant_7_no_secret_and_no_personal_data_get_out(here: Site, caplog: pytest.LogCaptureFixture) -> None:
    """Logs, metrics, reprs and dead letters of a day on which everything goes wrong."""
    told: list[str] = []
    with caplog.at_level(logging.DEBUG):
        here.side.will("R", Rejected("HUB-D-115", "refused"))
        here.sync(case("A", name=NAME), case("L", name=NAME * 5), case("R", name=NAME), step("S", "A"))
        here.sync(fakes.record("B", BJBH=17, SQRMC=NUMBER), fakes.record("U", BJBH="U", SQRMC=f"{NUMBER}\ud83d"))
        real, here.side.receive = here.side.receive, _breaks  # type: ignore[method-assign]
        here.sync(case("X", name=NAME))
        here.drain()
        here.side.receive = real  # type: ignore[method-assign]
        here.later(hours=1)
        here.drain()
        maintain.maintain(here.exchange)
        told += [entry.getMessage() + str(entry.exc_text) + repr(vars(entry)) for entry in caplog.records]
    told.append(generate_latest(here.exchange.metrics.registry).decode())
    told += [repr(here.exchange.settings), repr(here.exchange.settings.systems), repr(here.exchange)]
    told += [repr(one) for one in here.deliveries()]
    with here.store.reading() as connection:
        told += [repr(group) for group in groups.unfolded(connection)]
    assert len(here.deliveries()) == 7
    for text in told:
        assert not any(canary in text for canary in (NAME, NUMBER, SECRET)), text


def _breaks(*_: object, **__: object) -> None:
    raise HubError("HUB-D-199", "something the adapter did not foresee")


def test_every_invariant_has_a_test_of_its_name() -> None:
    text = "".join(path.read_text("utf-8") for path in ROOT.rglob("test_*.py"))
    named = {int(number) for number in re.findall(r"def test_invariant_(\d+)_", text)}
    assert named == set(range(1, 11))
