"""Whatever is written, in whatever order it is committed, however runs are cut: the target comes to hold the latest of it all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from hub.store.runs import RunState
from tests.databases import run
from tests.feeding import County, ago, county

#: Seconds a commit may come after the time its row is stamped with: the feeds' overlap is 300.
LATEST = 300
KEYS = ("A", "C", "B", "0621", "漳县")


@dataclass(frozen=True)
class Write:
    """A case is inserted or changed in place: seconds later than the write before, committed so many seconds after its stamp."""

    key: str
    later: int
    late: int
    ahead: int = 0  # hours its stamp is ahead of the present, instead


@dataclass(frozen=True)
class Read:
    """A run, cut off after so many pages, with writes while it reads."""

    full: bool = False
    pages: int | None = None
    meanwhile: tuple[Write, ...] = ()


writes = st.builds(
    Write,
    st.sampled_from(KEYS),
    st.one_of(st.just(0), st.integers(0, 200)),
    st.one_of(st.just(0), st.integers(0, LATEST - 1)),
    st.sampled_from([0] * 9 + [5]),
)
reads = st.builds(Read, st.sampled_from([False] * 9 + [True]), st.sampled_from([None, None, 1, 2]), st.tuples(writes) | st.just(()))
histories = st.lists(st.one_of(writes, writes, reads), min_size=1, max_size=25)


@dataclass
class History:
    """What happens over there, on a clock of its own, and what the target must hold in the end."""

    here: County
    clock: datetime
    written: int = 0
    expected: dict[str, str] = field(default_factory=dict)

    def happen(self, one: Write | Read) -> None:
        if isinstance(one, Write):
            self.write(one)
        else:
            self.here.during = [partial(self.write, each) for each in one.meanwhile]
            assert self.here.read(full=one.full, pages=one.pages).state in (RunState.DONE, RunState.INTERRUPTED)

    def write(self, one: Write) -> None:
        self.clock += timedelta(seconds=one.later)
        stamp = ago(hours=-one.ahead) if one.ahead else self.clock - timedelta(seconds=one.late)
        self.written += 1
        name = f"v{self.written}"
        change: Callable[..., None] = self.here.change if one.key in self.expected else self._insert
        change(one.key, name, stamp.replace(microsecond=0))
        self.expected[one.key] = name

    def _insert(self, key: str, name: str, time: datetime) -> None:
        self.here.write((key, name, time))

    def end(self) -> None:
        """Let one write more come in order, and read to the end: what was unseen while nothing moved is seen with it."""
        self.here.during = []
        self.write(Write("LAST", LATEST + 1, 0))
        for _ in range(2):  # the first may be the rest of one that was cut off
            assert self.here.read().state is RunState.DONE
        assert self.here.arrived() == self.expected


@pytest.mark.parametrize("since", [{"days": 30}, {"minutes": 100}], ids=["long ago", "just now"])
@settings(
    max_examples=15,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
)
@given(history=histories, page=st.integers(1, 4))
def test_the_target_comes_to_hold_what_the_source_holds(
    database_url: str, since: dict[str, float], history: list[Write | Read], page: int
) -> None:
    with TemporaryDirectory() as directory, county(Path(directory), database_url, feed={"page": page}) as here:
        try:
            told = History(here, ago(**since).replace(microsecond=0))
            for one in history:
                told.happen(one)
            told.end()
        finally:
            run(here.there, f"DROP TABLE {here.name('BJ')}")
