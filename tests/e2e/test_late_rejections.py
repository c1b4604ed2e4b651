"""Whatever the province refuses, late or at once, and however it is corrected: in the end both sides hold the same."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, create_engine, insert, select

from hub.engine import replay
from hub.mapping import Envelope
from hub.model import FAILED, State
from hub.ports import Source
from hub.sandbox import national
from hub.sandbox.twins.province_tables import ABNORMAL, TABLES, TITLES
from hub.settings import load
from hub.store.scopes import Scope
from tests.e2e.county import County, county

#: Columns that say how a row was sent, not what it is.
SENDING = {"cd_operation", "cd_batch", "cd_time", "data_source"}
APPLY_TYPE = "mappings/codes/province/apply-type.csv"
CASES = 6


@dataclass
class Story:
    """One county, and what is wrong with it just now."""

    here: County
    nameless: dict[str, str] = field(default_factory=dict)
    uncoded: dict[str, str] = field(default_factory=dict)
    complaints: int = 0
    refused: set[str] = field(default_factory=set)  # row keys the province complained about at least once

    def cases(self) -> list[str]:
        return sorted(row.BJBH for row in self.here.local("SELECT BJBH FROM T_BJ"))

    def change(self, case: str, column: str, value: str) -> str:
        """Change a case in the county's own database, as a clerk does; returns what stood there."""
        ((before,),) = self.here.local(f"SELECT {column} FROM T_BJ WHERE BJBH = :case", case=case)
        stamp = str(national.now())[:19]
        self.here.local(f"UPDATE T_BJ SET {column} = :value, GXSJ = :stamp WHERE BJBH = :case", value=value, stamp=stamp, case=case)
        return str(before)

    def lose_name(self, case: str) -> None:
        if case not in self.nameless:
            self.nameless[case] = self.change(case, "SQRMC", "")

    def give_name(self, case: str) -> None:
        if case in self.nameless:
            self.change(case, "SQRMC", self.nameless.pop(case))

    def new_code(self, case: str) -> None:
        """The hall begins to use a code that nobody has told the hub."""
        if case not in self.uncoded:
            self.uncoded[case] = self.change(case, "SQFS", "8")

    def learn_code(self, case: str) -> None:
        """The integrator adds the code to the table, and what died of it is mapped anew."""
        path = self.here.directory.path / APPLY_TYPE
        if "\n8," not in (table := path.read_text("utf-8")):
            path.write_text(table.rstrip("\n") + "\n8,1,自助终端 → 窗口\n", "utf-8")
            environment = {**self.here.directory.environment, "HUB_STORE": self.here.service.exchange.settings.store}
            old = self.here.service.exchange.settings
            fresh = load(self.here.directory.path, env=environment)
            self.here.service.reload(lambda: _as_quick_as(fresh, old))
        self.retry(remap=True)

    def complain(self, case: str) -> None:
        """The province finds something wrong with every row of the case that it holds, for no reason in the data."""
        with _province(self.here) as connection:
            for name, table in ((name, table) for name, table in TABLES.items() if "project_no" in table.c):
                rows = connection.execute(select(table).where(table.c.project_no == case)).mappings().all()
                for row in rows:
                    self.complaints += 1
                    self.refused.add(row["row_guid"])
                    connection.execute(insert(ABNORMAL).values(_complaint(name, row, self.complaints)))

    def retry(self, *, remap: bool) -> None:
        replay.retry(self.here.service.exchange, Scope(system="province"), remap=remap, actor="test", reason="corrected")

    def mend(self) -> None:
        """Correct everything that is wrong, wherever it is corrected, and let it go again."""
        for case in list(self.nameless):
            self.give_name(case)
        self.learn_code("")
        self.here.rounds()
        self.retry(remap=True)
        self.here.rounds()


def _as_quick_as(fresh: Any, old: Any) -> Any:
    """Return a configuration with the short waits of the one in force."""
    quick = {
        name: replace(one, retry=old.systems[name].retry, feedback_every=old.systems[name].feedback_every, schedule=None)
        for name, one in fresh.systems.items()
    }
    return replace(fresh, systems=quick)


@contextmanager
def _province(here: County) -> Iterator[Connection]:
    engine = create_engine(here.sandbox.plan.province_url)
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def _complaint(table: str, row: Any, number: int) -> dict[str, Any]:
    now = national.now().replace(microsecond=0)
    about = {"table_name": TITLES[table], "table_sql_name": table, "table_row_guid": row["row_guid"]}
    sent = {"table_cd_batch": row["cd_batch"], "table_cd_source": row["data_source"], "table_cd_time": row["cd_time"]}
    told = {"row_guid": f"complaint-{number}", "err_type": "抽查退回", "remark": "请核实后重新报送"}
    return {**told, **about, **sent, "table_update_time": now, "cd_time": now}


WORDS: list[tuple[str, Callable[[Story, str], None]]] = [
    ("lose a name", Story.lose_name),
    ("give the name", Story.give_name),
    ("use a new code", Story.new_code),
    ("learn the code", Story.learn_code),
    ("the province complains", Story.complain),
    ("retry as it is", lambda story, case: story.retry(remap=False)),
    ("retry remapped", lambda story, case: story.retry(remap=True)),
    ("go round", lambda story, case: story.here.rounds()),
]


@pytest.mark.timeout(600)
@settings(
    max_examples=5,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),  # a shrunk example is worth no ten minutes
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@example([(("lose a name", Story.lose_name), 0), (("the province complains", Story.complain), 0)])  # of what is renewed meanwhile
@given(st.lists(st.tuples(st.sampled_from(WORDS), st.integers(0, CASES - 1)), min_size=4, max_size=14))
def test_random_rejections_and_corrections_end_with_both_sides_equal(steps: list[tuple[Any, int]]) -> None:
    with tempfile.TemporaryDirectory() as path, county(Path(path), "province", cases=CASES) as here:
        story = Story(here)
        here.rounds()
        names = story.cases()
        for (_, act), which in steps:
            act(story, names[which])
        story.mend()
        _equal(story)


def _equal(story: Story) -> None:
    """Nothing is left over, and every row over there says what the county's own row says now."""
    here = story.here
    assert not {state for state in here.states("province") if state in FAILED or state in (State.PARKED, State.PENDING, State.HELD)}
    assert here.failing() == []
    wanted, held = _wanted(here), {one.row: dict(one.content) for one in here.held("province")}
    assert set(held) == set(wanted)
    for row, body in wanted.items():
        there = {name: "" if value is None else str(value)[:19] for name, value in held[row].items()}
        differing = {name for name, value in body.items() if there.get(name, "") != str(value)[:19]}
        assert not differing - SENDING, (row, differing)
    stats = here.sandbox.province.stats()
    assert stats["order_violations"] == 0 and stats["doubled"] == 0
    again = {one.row for one in here.held("province") if one.content["cd_operation"] == "U"}
    assert story.refused <= again, "what was complained about came again, as an update of the same row"


def _wanted(here: County) -> dict[str, dict[str, Any]]:
    settings, found = here.service.exchange.settings, dict[str, dict[str, Any]]()
    source = settings.systems["local"].open()
    assert isinstance(source, Source)
    for page in source.read(None):
        for record in page.records:
            for route in settings.routes_for("local", record.kind):
                if route.system == "province" and route.when(record.data):
                    body, _ = route.mapping.apply(record.data, Envelope(key=record.key, kind=record.kind))
                    assert body is not None, "everything was corrected"
                    found[str(body["row_guid"])] = body
    source.close()
    return found


def test_the_whole_story_of_one_refusal(tmp_path: Path) -> None:
    """Delivered, refused later in the province's words, a group of dead letters, corrected, delivered again as an update."""
    with county(tmp_path, "province", cases=CASES) as here:
        story = Story(here)
        here.rounds()
        case = story.cases()[0]
        before = {one.row: one.content["cd_operation"] for one in here.held("province") if one.content.get("project_no") == case}
        assert set(before.values()) == {"I"}
        story.complain(case)
        here.rounds()
        (group, *rest) = here.dead("province")
        assert (group.count, group.code, group.stage, rest) == (len(before), "HUB-E-121", "feedback", [])
        assert "抽查退回" in str(group.reason)
        story.change(case, "LXRSJ", "14000099999")  # corrected in the source: the case itself goes again by this alone
        here.rounds()
        story.retry(remap=False)
        here.rounds()
        after = {one.row: one.content["cd_operation"] for one in here.held("province") if one.content.get("project_no") == case}
        assert after == dict.fromkeys(before, "U"), "the same rows, as updates"
        assert here.dead("province") == []
        life = _trace(here, case)
        assert [one["said"] for one in life["attempts"] if one["outcome"] == "refused-later"] == [
            "抽查退回 请核实后重新报送"
        ] * len(before)
        states = Counter(one["state"] for one in life["deliveries"])
        assert states["superseded"] == 1 and set(states) == {"superseded", "delivered"}


def _trace(here: County, case: str) -> Any:
    """Ask `hub trace` itself, in a process of its own."""
    store = here.service.exchange.settings.store
    directory = replace(here.directory, environment={**here.directory.environment, "HUB_STORE": store})
    return directory.told("trace", case)
