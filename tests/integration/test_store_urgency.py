"""A backlog drains by what was promised: the urgent lanes first, lane order kept, and nothing waits for ever."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.engine import maintain
from hub.model import State
from hub.store import schema
from tests import configs, fakes
from tests.commands import until
from tests.exchanges import Site, case, city, site, step
from tests.servers import fresh_sqlite

FILES: dict[str, str | None] = {
    "mappings/schemas/local/case.yaml": configs.CASE.rstrip() + "\n      CNBJSJ: {type: string, title: 承诺办结时间}\n",
    "config/routes/city.yaml": configs.ROUTES.replace(
        "to: city/accept, lane: BJBH", "to: city/accept, lane: BJBH, deadline: CNBJSJ"
    ),
}


@pytest.fixture
def here(store_url: str, tmp_path: Path) -> Iterator[Site]:
    fakes.forget()
    with site(tmp_path, store_url, FILES) as made:
        yield made


def promised(key: str, day: str | None = None, **more: Any) -> fakes.Record:
    """Return a case that was promised for a day of December 2016, or for none."""
    return case(key, **more, **({"CNBJSJ": f"2016-12-{day}"} if day else {}))


def test_what_was_promised_for_sooner_goes_first(here: Site) -> None:
    here.sync(promised("A", "20"), promised("B"), promised("C", "15"), promised("D", "15 08:00:00"))
    here.drain()
    assert here.sent() == ["D", "C", "A", "B"]


@pytest.mark.parametrize("ordered", [True, False], ids=["ordered batches", "heads only"])
def test_a_lane_is_as_urgent_as_what_waits_in_it(here: Site, ordered: bool) -> None:
    here.reconfigure({"config/systems/city.yaml": city(ordered_batch=ordered)})
    here.sync(promised("A", "20"), promised("L1", lane="L"), step("S", "X"))
    here.sync(promised("L2", "14", lane="L"), promised("L3", "30", lane="L"))
    here.drain()
    assert here.sent()[: 1 + ordered] == ["L1", "L2"][: 1 + ordered]  # one of a lane in a window where batches keep no order
    assert here.sent().index("A") < here.sent().index("L3")


def test_within_one_page_a_lane_is_as_urgent_too(here: Site) -> None:
    here.sync(promised("A", "20"), promised("L1", lane="L"), promised("L2", "14", lane="L"))
    here.drain()
    assert here.sent() == ["L1", "L2", "A"]


def test_what_belongs_to_a_case_is_as_urgent_as_that(here: Site) -> None:
    here.sync(promised("A", "20"))
    here.drain()
    here.sync(promised("B", "25"), promised("C", "15"))
    here.sync(step("A-1", "A"))
    here.drain()
    assert here.sent() == ["A", "C", "A-1", "B"]


def test_a_promise_of_the_past_makes_nothing_new_urgent(here: Site) -> None:
    here.sync(promised("A", "14"))
    here.drain()
    here.later(days=5)
    here.sync(step("A-1", "A"), promised("B", "25"))
    here.drain()
    assert here.sent() == ["A", "B", "A-1"]


def test_what_nothing_was_promised_for_does_not_wait_for_ever(here: Site) -> None:
    here.sync(promised("A"))
    here.later(days=1)
    here.sync(case("B", CNBJSJ="2017-01-09"), case("C", CNBJSJ="2017-02-01"))
    here.drain()
    assert here.sent() == ["B", "A", "C"]


def test_a_promise_nobody_can_read_is_none(here: Site) -> None:
    here.sync(promised("A"), case("B", CNBJSJ="尽快"), promised("C", "31"))
    here.drain()
    assert here.sent() == ["C", "A", "B"]


def test_what_waits_for_its_retry_lets_the_next_urgent_one_go(here: Site) -> None:
    here.sync(promised("A", "14"), promised("A2", "14", lane="A"), promised("B", "20"))
    with here.store.writing() as connection:
        later = sa.update(schema.delivery).where(schema.delivery.c.key == "A").values(due_at=schema.delivery.c.due_at + 60_000)
        connection.execute(later)
    here.drain()
    assert here.sent() == ["B"]
    here.later(minutes=2)
    here.drain()
    assert here.sent() == ["B", "A", "A2"]


def test_what_came_before_the_deadline_was_named_is_ranked_and_sent(here: Site) -> None:
    here.sync(promised("A", "14"), promised("B", "20"))
    with here.store.writing() as connection:
        connection.execute(sa.update(schema.delivery).values(rank=None))
    here.sync(promised("C", "31"))
    here.drain()
    assert here.sent() == ["C"]
    maintain.maintain(here.exchange)
    here.drain()
    assert here.sent() == ["C", "A", "B"]


def test_what_is_at_risk_is_told(here: Site) -> None:
    here.reconfigure({"config/systems/city.yaml": city(lines='hours: [{days: daily, from: "22:00", to: "23:00"}]')})
    here.sync(promised("A", "12"), promised("B", "13"), promised("C", "20"), promised("D"))
    maintain.refresh(here.exchange)
    assert here.exchange.metrics.registry.get_sample_value("hub_deadline_at_risk_records", {"system": "city"}) == 2


def test_a_system_without_a_deadline_ranks_nothing(here: Site) -> None:
    here.reconfigure({"config/routes/city.yaml": configs.ROUTES})
    here.sync(promised("A", "20"), promised("B", "14"))
    assert here.column("rank", "A") is None
    here.drain()
    assert here.sent() == ["A", "B"]


def test_the_due_query_reads_by_rank_and_sorts_nothing(here: Site) -> None:
    here.sync(*(promised(f"A{number}", "14") for number in range(50)))
    asked: list[tuple[str, Any]] = []
    note = lambda *told: asked.append((told[2], told[3]))  # noqa: E731 - to be taken off again
    sa.event.listen(here.store.engine, "before_cursor_execute", note)
    here.drain()
    sa.event.remove(here.store.engine, "before_cursor_execute", note)
    statement, parameters = next(one for one in asked if "ORDER BY delivery.rank" in one[0])
    explain = "EXPLAIN QUERY PLAN" if here.store.engine.dialect.name == "sqlite" else "EXPLAIN"
    with here.store.reading() as connection:
        plan = " ".join(str(row[-1]) for row in connection.exec_driver_sql(f"{explain} {statement}", parameters))
    assert "ix_delivery_rank" in plan
    assert "TEMP B-TREE" not in plan and "Sort" not in plan


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.sampled_from("PQR"), st.sampled_from([None, "14", "16", "20"]), st.booleans()), min_size=1, max_size=12)
)
def test_no_lane_is_ever_overtaken(tmp_path_factory: pytest.TempPathFactory, arrivals: list[tuple[str, str | None, bool]]) -> None:
    fakes.forget()
    with fresh_sqlite() as url, site(tmp_path_factory.mktemp("site"), url, FILES) as here:
        for number, (lane, day, sending) in enumerate(arrivals):
            here.sync(promised(f"{lane}{number:02}", day, lane=lane))
            if sending:
                here.drain()
        here.drain()
        assert set(here.states().values()) == {State.DELIVERED}
        for lane in "PQR":
            mine = [key for key in here.sent() if key[0] == lane]
            assert mine == sorted(mine)


@pytest.mark.server
def test_a_page_that_meets_a_window_going_the_other_way_round_is_written_all_the_same(postgresql_url: str, tmp_path: Path) -> None:
    fakes.forget()
    with site(tmp_path, postgresql_url, FILES) as here, ThreadPoolExecutor(1) as threads:
        here.sync(promised("A", "20"), promised("B", "20"))
        with here.store.writing() as settling:  # as T3 does with a window of A and B, while the page makes B and then A more urgent
            touch(settling, "A")
            reading = threads.submit(here.sync, promised("B", "14", revision="2"), promised("A", "14", revision="2"))
            until(lambda: waits(here), "the page waits for A")
            touch(settling, "B")
        assert reading.result(60).accepted == 2
        assert sorted(one.key for one in here.deliveries()) == ["A", "A", "B", "B"]


def touch(connection: sa.Connection, key: str) -> None:
    connection.execute(
        sa.update(schema.delivery).where(schema.delivery.c.key == key).values(changed_at=schema.delivery.c.changed_at)
    )


def waits(here: Site) -> bool:
    blocked = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with here.store.reading() as connection:
        return bool(connection.scalar(sa.text(blocked)))
