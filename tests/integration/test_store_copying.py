"""A store is moved to the other kind in the middle of its life: nothing is lost, nothing doubled, and the source is as it was."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest
import sqlalchemy as sa

from hub.engine import dispatch
from hub.errors import LeaseHeld, Rejected, StoreUnfit
from hub.model import State
from hub.store import Store, actions, copying, dialect, open_store, runs, schema
from hub.store.runs import Trigger
from hub.store.scopes import Scope
from tests import fakes
from tests.exchanges import Site, case, city, site, step
from tests.servers import fresh_postgresql, fresh_sqlite


@pytest.fixture(params=[(fresh_sqlite, fresh_postgresql), (fresh_postgresql, fresh_sqlite)], ids=["up", "back"])
def urls(request: pytest.FixtureRequest) -> Iterator[tuple[str, str]]:
    fakes.forget()
    first, second = request.param
    with first() as source, second() as target:
        yield source, target


def _half_done(here: Site) -> None:
    """Leave one delivered, one dead, one held, some on their way in an open window, and a run asked for."""
    here.side.will("B", Rejected("HUB-D-110", "no"))
    here.sync(case("A"), case("B"))
    here.drain()
    here.sync(case("H"))
    with here.store.writing() as connection:
        connection.execute(sa.update(schema.delivery).where(schema.delivery.c.key == "H").values(state=State.HELD.value))
    here.sync(case("C"), step("C-1", "C"), case("甲"))
    _, window = dispatch._turn(here.desk(), here.now)
    assert window is not None
    with here.store.writing() as connection:
        runs.ask(connection, "local", Trigger.CLI, "test", here.now)


def _contents(store: Store) -> dict[str, list[tuple[object, ...]]]:
    with store.reading() as connection:
        return {
            table.name: sorted((tuple(row) for row in connection.execute(sa.select(table))), key=repr) for table in copying.TABLES
        }


@pytest.mark.server
def test_the_work_goes_on_on_the_other_side(tmp_path: Path, urls: tuple[str, str]) -> None:
    with site(tmp_path, urls[0], {"config/systems/city.yaml": city(idempotent=True)}) as here:
        _half_done(here)
        target = open_store(urls[1])
        before = _contents(here.store)
        copying.copy(here.store, target)
        assert _contents(target) == _contents(here.store) == before
        here.move(target)
        assert (here.states()["B"], here.states()["H"]) == (State.DEAD, State.HELD)
        assert dispatch.recover(here.desk(anew=True)) > 0
        held = Scope(ids=(here.one("H").id,))
        with here.store.writing() as connection:
            actions.decide_held(connection, held, State.PENDING, actor="王某", reason="已核对", now=here.now)
        here.later(minutes=10)
        here.sync(case("D"))
        here.drain()
        assert {key for key, state in here.states().items() if state is State.DELIVERED} == {"A", "C", "C-1", "甲", "D", "H"}
        assert sorted(here.taken()) == ["A", "C", "C-1", "D", "H", "甲"]
        numbers = [one.id for one in here.deliveries()]
        assert len(numbers) == len(set(numbers)) == here.count(schema.delivery)


@pytest.mark.server
def test_a_target_that_is_used_is_refused_and_left_alone(tmp_path: Path, urls: tuple[str, str]) -> None:
    with site(tmp_path, urls[0]) as here:
        here.sync(case("A"))
        target = open_store(urls[1])
        copying.copy(here.store, target)
        before = _contents(target)
        with pytest.raises(StoreUnfit, match="HUB-T-105"):
            copying.copy(here.store, target)
        assert _contents(target) == before
        target.close()


@pytest.mark.server
@pytest.mark.parametrize("which", [0, 1])
def test_a_hub_at_work_on_either_is_in_the_way(tmp_path: Path, urls: tuple[str, str], which: int) -> None:
    with site(tmp_path, urls[0]) as here:
        here.sync(case("A"))
        target, another = open_store(urls[1]), open_store(urls[which])
        with another.lease(), pytest.raises(LeaseHeld):
            copying.copy(here.store, target)
        assert not _contents(target)["delivery"]
        another.close()
        target.close()


@pytest.mark.server
def test_what_arrives_otherwise_is_not_kept(tmp_path: Path, urls: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    real = copying.dialect.insert_rows

    def loses_one(connection: sa.Connection, table: sa.Table, names: list[str], rows: list[tuple[object, ...]]) -> None:
        real(connection, table, names, rows[1:] if table is schema.body else rows)

    with site(tmp_path, urls[0]) as here:
        here.sync(case("A"), case("B"))
        target = open_store(urls[1])
        monkeypatch.setattr(copying.dialect, "insert_rows", loses_one)
        with pytest.raises(StoreUnfit, match="HUB-T-106"):
            copying.copy(here.store, target)
        assert not any(_contents(target).values())
        target.close()


def _wait() -> None:
    """Let so much time pass that the server would end the transaction."""
    Event().wait(0.2)


@pytest.mark.server
def test_a_copy_may_take_its_time(tmp_path: Path, urls: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A server ends transactions that stand still; those of a copy do while the other side is read."""
    monkeypatch.setattr(dialect, "IDLE_MS", 100)
    with site(tmp_path, urls[0]) as here:
        here.sync(case("A"))
        target = open_store(urls[1])
        copying.copy(here.store, target, told=lambda one: _wait())
        assert _contents(target) == _contents(here.store)
        target.close()
