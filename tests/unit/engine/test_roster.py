"""A worker says what becomes of the others: who is gone, once, and who has left as it should."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from hub.engine.exchange import Exchange
from hub.engine.roster import Roster
from hub.settings import load
from hub.store import open_store, schema, workers
from tests import configs


class Crew:
    """One roster and the rows of others; time stands still between two looks that are told to be apart."""

    def __init__(self, roster: Roster, exchange: Exchange, caplog: pytest.LogCaptureFixture) -> None:
        self.roster, self.store, self._caplog = roster, exchange.store, caplog
        self.ticks = 0.0

    def beats(self, name: str, *holds: str) -> None:
        with self.store.writing() as connection:
            workers.beat(connection, name, version="1", digest="d", host="h", pid=1, holds=holds)

    def falls_silent(self, name: str) -> None:
        with self.store.writing() as connection:
            connection.execute(sa.update(schema.worker).where(schema.worker.c.name == name).values(seen_at=0))

    def leaves(self, name: str) -> None:
        with self.store.writing() as connection:
            workers.leave(connection, name)

    def told(self, seconds: float = 1.0, times: int = 1) -> list[tuple[str, str]]:
        """Beat that often, so far apart, and return what was said about others."""
        self._caplog.clear()
        for _ in range(times):
            self.ticks += seconds
            self.roster._beat()
        events = ((str(getattr(one, "event", "")), one.getMessage()) for one in self._caplog.records)
        return [one for one in events if one[0] in {"worker.gone", "worker.left"}]


@pytest.fixture
def crew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Iterator[Crew]:
    caplog.set_level("INFO")
    settings = load(configs.write(tmp_path), env={})
    store = open_store(settings.store)
    exchange = Exchange(settings, store)
    made = Crew(Roster(exchange), exchange, caplog)
    made.ticks = 100.0
    monkeypatch.setattr("hub.engine.roster.ticks", lambda: made.ticks)
    made.beats("east-1", "deliver:city:0", "deliver:city:1")
    made.told(times=12)  # only who has been here for that long may call others gone
    yield made
    store.close()


def test_who_is_gone_is_told_once_with_what_the_others_go_on_with(crew: Crew) -> None:
    crew.falls_silent("east-1")
    ((event, said),) = crew.told(times=3)
    assert event == "worker.gone"
    assert "east-1 is gone" in said
    assert said.endswith("deliver:city:0 deliver:city:1")


def test_who_comes_back_and_is_gone_again_is_told_again(crew: Crew) -> None:
    for _ in range(2):
        crew.falls_silent("east-1")
        assert [event for event, _ in crew.told(times=2)] == ["worker.gone"]
        crew.beats("east-1")
        assert crew.told() == []


def test_who_leaves_as_it_should_is_not_called_gone(crew: Crew) -> None:
    crew.leaves("east-1")
    assert [event for event, _ in crew.told(times=3)] == ["worker.left"]


def test_who_was_itself_away_calls_nobody_gone_and_tells_later_if_it_stays_so(crew: Crew) -> None:
    crew.falls_silent("east-1")
    assert crew.told(60.0) == []
    assert [event for event, _ in crew.told(times=12)] == ["worker.gone"]
