"""T2 and T3: lanes stay in order, windows are durable before anything leaves, and a stale owner writes nothing."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import orjson
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.engine import dispatch, maintain
from hub.errors import Deferred, Failure, Fenced, InDoubt, Misconfigured, Rejected, Retryable
from hub.model import Message, Receipt, State
from hub.ports import Outcome
from hub.store import attempts, open_store, outbox, partitions, schema, settling, systems
from hub.store.outbox import SendWindow
from tests import fakes
from tests.exchanges import START, Site, case, city, site, step

BUSY = Retryable("HUB-D-113", "busy")
DOUBT = InDoubt("HUB-D-104", "no answer")
NO = Rejected("HUB-D-115", "refused")
UNREACHED = Retryable("HUB-D-101", "cannot connect")


def configure(here: Site, adapter: str = "MemoryAdapter", lines: str = "", **options: object) -> None:
    here.reconfigure({"config/systems/city.yaml": city(adapter, lines=lines, **options)})


def open_window(here: Site, limit: int = 64, *, heads_only: bool = False) -> SendWindow | None:
    holding = here.holding("deliver:city:0")
    with here.store.writing() as connection:
        return outbox.open_window(connection, holding, system="city", partition=0, limit=limit, heads_only=heads_only, now=here.now)


def keys(window: SendWindow | None) -> list[str]:
    return [one.message.key for one in window.opened] if window else []


def due(here: Site, **seconds: float) -> None:
    """Set when these records' deliveries fall due, in seconds from the start."""
    with here.store.writing() as connection:
        for key, second in seconds.items():
            at = int((START + timedelta(seconds=second)).timestamp() * 1000)
            connection.execute(sa.update(schema.delivery).where(schema.delivery.c.key == key).values(due_at=at))


# --- lane order ---


def test_one_of_a_lane_where_batches_are_not_in_order(here: Site) -> None:
    here.sync(case("A"), case("B"), case("A2", lane="A"), case("B2", lane="B"))
    assert keys(open_window(here, heads_only=True)) == ["A", "B"]


def test_all_of_a_lane_where_they_are(here: Site) -> None:
    here.sync(case("A"), step("A-1", "A"), case("B"), case("A2", lane="A"))
    assert keys(open_window(here)) == ["A", "A-1", "B", "A2"]


def test_what_waits_blocks_its_lane_only(here: Site) -> None:
    here.sync(case("A"), case("A2", lane="A"), case("B"))
    due(here, A=60)
    assert keys(open_window(here)) == ["B"]


def test_none_overtakes_what_an_earlier_one_keeps_back(here: Site) -> None:
    """A waits for its retry, P behind it is due since long; D came in last. Once all are due, D must not go before P."""
    here.sync(case("A", lane="L"), case("P", lane="L"), case("D", lane="L"))
    due(here, A=30, P=0, D=60)
    here.later(seconds=90)
    assert keys(open_window(here)) == ["A"]


def test_none_overtakes_on_its_way_through_the_hub(here: Site) -> None:
    here.sync(case("A", lane="L"), case("P", lane="L"), case("D", lane="L"))
    due(here, A=30, P=0, D=60)
    here.later(seconds=90)
    here.drain()
    assert here.sent() == ["A", "P", "D"]


def test_a_lane_is_looked_up_as_a_lane_before_the_database_knows_how_much_there_is(here: Site) -> None:
    """No statistics yet, as when a queue has just filled: going through everything open for each that is due takes for ever."""
    here.sync(*(case(f"K{number}") for number in range(2000)))
    asked: list[tuple[str, object]] = []

    def note(_: object, __: object, statement: str, parameters: object, *___: object) -> None:
        asked.append((statement, parameters))

    sa.event.listen(here.store.engine, "before_cursor_execute", note)
    open_window(here)
    open_window(here, heads_only=True)
    with here.store.reading() as connection:
        outbox.next_due(connection, system="city", partition=0)
    sa.event.remove(here.store.engine, "before_cursor_execute", note)
    plans = [plan(here, *one) for one in asked if "AS earlier" in one[0] or "AS held" in one[0]]
    lanes = [
        " ".join(pair)
        for lines in plans
        for pair in pairwise([*lines, ""])
        if re.search(r"(SEARCH|SCAN|on delivery) (earlier|ahead|held)\b", pair[0])
    ]
    assert len(lanes) >= 3
    assert [one for one in lanes if not re.search(r"system=\? AND lane=\?|lane\)::text = ", one)] == []


def plan(here: Site, statement: str, parameters: object) -> list[str]:
    """Return how the database would answer a query, line by line."""
    explain = "EXPLAIN QUERY PLAN" if here.store.engine.dialect.name == "sqlite" else "EXPLAIN"
    with here.store.reading() as connection:
        found = connection.exec_driver_sql(f"{explain} {statement}", parameters)  # type: ignore[arg-type]
        return [str(row[-1]) for row in found]


class Lanes:
    """Random outcomes for random lanes; the far side answers, the clock moves on, and what was taken is looked at."""

    def __init__(self, here: Site, outcomes: Sequence[tuple[Outcome, bool]]) -> None:
        self.here, self.left = here, list(outcomes)
        side = here.side
        real = side.receive

        def receive(message: Message, *, idempotent: bool) -> Outcome:
            if self.left and not side.script[message.key]:
                outcome, kept = self.left.pop()
                side.will(message.key, outcome, taken=kept)
            return real(message, idempotent=idempotent)

        side.receive = receive  # type: ignore[method-assign]

    def until_quiet(self) -> None:
        for _ in range(60):
            due = self.here.drain()
            with self.here.store.writing() as connection:
                systems.resume(connection, "city", self.here.now)
            maintain.maintain(self.here.exchange)
            waiting = [one for one in self.here.deliveries() if one.state is State.PENDING]
            if all(_behind_held(self.here, one.lane) for one in waiting):
                return
            coming = [one.due_at for one in waiting if one.due_at > self.here.now]  # `due` is None for what waits behind another
            self.here.now = max(due or self.here.now, min(coming, default=self.here.now), self.here.now + timedelta(minutes=11))
        raise AssertionError("it never came to rest")


OUTCOMES = st.lists(
    st.sampled_from(
        [(Receipt(), True), (BUSY, False), (DOUBT, True), (DOUBT, False), (NO, False), (UNREACHED, False),
         (Deferred("HUB-D-112", "later", until=None), False), (Misconfigured("HUB-D-110", "login"), False)]
    ),
    max_size=25,
)  # fmt: skip
Read = tuple[str, bool, int]
RECORDS = st.lists(st.tuples(st.sampled_from("ABC"), st.booleans(), st.integers(0, 40)), min_size=1, max_size=14)


@pytest.mark.parametrize(
    ("batch", "ordered", "findable", "idempotent"),
    [(1, False, True, False), (4, True, True, True), (4, True, True, False), (1, True, False, False)],
)
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(outcomes=OUTCOMES, records=RECORDS)
def test_invariant_3_lanes_keep_the_order_of_the_source(
    batch: int,
    ordered: bool,
    findable: bool,
    idempotent: bool,
    outcomes: list[tuple[Outcome, bool]],
    records: list[Read],
) -> None:
    fakes.forget()
    options = {"batch": batch, "ordered_batch": ordered, "findable": findable, "idempotent": idempotent, "in_flight": 2}
    files: dict[str, str | None] = {"config/systems/city.yaml": city(**options)}
    with tempfile.TemporaryDirectory() as directory, site(Path(directory), f"sqlite:///{directory}/hub.db", files) as here:
        lanes = Lanes(here, outcomes)
        for number, (lane, child, wait) in enumerate(records):
            here.sync(step(f"{lane}-{number}", lane) if child else case(lane, str(number)))
            here.later(seconds=wait)
            if wait % 3 == 0:
                here.drain()
        lanes.until_quiet()
        _in_order(here)


def _in_order(here: Site) -> None:
    """Whatever was taken was taken in the source's order, children after a parent, and everything has an end or a reason."""
    order: dict[str, list[int]] = {}
    cases_there: set[str] = set()
    parked_once = _released_late(here)
    for message in here.side.taken:
        if message.kind == "case":
            cases_there.add(message.key)
        else:
            assert message.lane in cases_there, f"{message.key} went before its parent"
        if message.id not in parked_once and message.id not in order.get(message.lane, []):
            order.setdefault(message.lane, []).append(message.id)
    for numbers in order.values():
        assert numbers == sorted(numbers)
    for one in here.deliveries():
        assert one.state in {State.DELIVERED, State.PARKED, State.SUPERSEDED} or one.reason or _behind_held(here, one.lane)


def _released_late(here: Site) -> set[int]:
    """Children that were parked stood aside: others of the lane may have passed them."""
    return {one.id for one in here.deliveries() if one.parent_route is not None}


def _behind_held(here: Site, lane: str) -> bool:
    return any(one.lane == lane and one.state is State.HELD for one in here.deliveries())


# --- windows ---


def test_invariant_2_an_attempt_is_durable_before_anything_is_sent(here: Site) -> None:
    """While `send` runs, another connection sees the open window with exactly these messages."""
    seen: list[list[int]] = []
    other = open_store(here.store.engine.url.render_as_string(hide_password=False))

    def receive(message: Message, *, idempotent: bool) -> Outcome:
        with other.reading() as connection:
            seen.append(sorted(outbox.in_flight(connection)))
        return Receipt()

    here.side.receive = receive  # type: ignore[method-assign]
    here.sync(case("A"), case("B"))
    here.drain()
    other.close()
    numbers = sorted(one.id for one in here.deliveries())
    assert seen == [numbers, numbers]
    with here.store.reading() as connection:
        assert outbox.in_flight(connection) == set()


def test_invariant_4_every_attempt_sends_the_same_bytes(here: Site) -> None:
    here.side.will("A", BUSY, DOUBT, Deferred("HUB-D-112", "later", until=None))
    here.sync(case("A"))
    for _ in range(5):
        here.drain()
        here.later(hours=1)
    attempts = [message for message in here.side.arrived if message.key == "A"]
    assert [one.attempt for one in attempts] == [1, 2, 3, 4]
    said = {(orjson.dumps(one.body), one.idempotency_key, one.batch, one.created, one.operation) for one in attempts}
    assert len(said) == 1


def test_a_stale_owner_can_neither_open_nor_close(here: Site) -> None:
    here.sync(case("A"), case("B"))
    desk = here.desk()
    window = open_window(here, 1)
    assert window is not None
    with here.store.writing() as connection:
        partitions.take(connection, "deliver:city:0", "another", here.now)
    with pytest.raises(Fenced):
        open_window(here)
    with pytest.raises(Fenced), here.store.writing() as connection:
        settling.close_window(connection, desk.holding, system="city", window=window, settled=[], parents=frozenset(), now=here.now)
    with pytest.raises(Fenced), here.store.writing() as connection:
        outbox.interrupted(connection, desk.holding)
    assert set(here.states().values()) == {State.PENDING}


def test_a_stale_owner_that_was_sending_writes_nothing_and_the_new_one_recovers(here: Site) -> None:
    def receive(message: Message, *, idempotent: bool) -> Outcome:
        with here.store.writing() as connection:
            partitions.take(connection, "deliver:city:0", "another", here.now)
        here.side.taken.append(message)
        return Receipt()

    real, here.side.receive = here.side.receive, receive  # type: ignore[method-assign]
    here.sync(case("A"))
    with pytest.raises(Fenced):
        here.drain()
    assert here.states() == {"A": State.PENDING}
    here.side.receive = real  # type: ignore[method-assign]
    assert dispatch.recover(here.desk(anew=True)) == 1
    assert (here.states(), here.taken()) == ({"A": State.DELIVERED}, ["A"])


def interrupt(here: Site, *, arrived: bool) -> None:
    """Leave a window as a killed hub does: opened, perhaps sent, never closed."""
    window = open_window(here)
    assert window is not None
    if arrived:
        here.side.taken.extend(one.message for one in window.opened)


@pytest.mark.parametrize(
    ("idempotent", "findable", "arrived", "state"),
    [
        (True, False, True, State.PENDING),
        (True, False, False, State.PENDING),
        (False, True, True, State.DELIVERED),
        (True, True, True, State.DELIVERED),
        (False, True, False, State.PENDING),
        (False, False, True, State.HELD),
        (False, False, False, State.HELD),
    ],
)
def test_an_interrupted_window_is_recovered(here: Site, idempotent: bool, findable: bool, arrived: bool, state: State) -> None:
    configure(here, idempotent=idempotent, findable=findable)
    here.sync(case("A"))
    interrupt(here, arrived=arrived)
    assert dispatch.recover(here.desk(anew=True)) == 1
    assert here.states() == {"A": state}
    here.later(minutes=1)
    here.drain()
    assert len(here.taken()) == (1 if arrived or state is State.PENDING else 0)
    assert here.one("A").state is (State.HELD if state is State.HELD else State.DELIVERED)


def test_a_look_up_without_an_answer_stops_its_lane(here: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both versions arrived before the hub ended; called taken alone, the newer one would be followed by the older one."""
    here.sync(case("A"), case("A", "2"))
    window = open_window(here)
    assert keys(window) == ["A", "A"]
    for one in window.opened if window else ():
        here.side.receive(one.message, idempotent=True)
    answers: list[Receipt | Failure] = [Receipt(), BUSY]
    monkeypatch.setattr(fakes.MemoryAdapter, "find", lambda *_: _said(answers.pop()))
    dispatch.recover(here.desk(anew=True))
    here.drain()
    assert [message.id for message in here.side.arrived] == [1, 2, 1, 2]
    assert [one.state for one in here.deliveries()] == [State.DELIVERED] * 2


def _said(answer: Receipt | Failure) -> Receipt:
    if isinstance(answer, Failure):
        raise answer
    return answer


def test_what_was_parked_while_it_was_sent_is_recovered_too(here: Site) -> None:
    """Its parent was refused late in the middle of a send that a kill broke off: it may be over there all the same."""
    configure(here, idempotent=False, findable=False)
    here.sync(case("A"))
    here.drain()
    here.sync(step("A-1", "A"))
    interrupt(here, arrived=True)
    with here.store.writing() as connection:
        moved = sa.update(schema.delivery).where(schema.delivery.c.key == "A-1").values(state=State.PARKED.value)
        connection.execute(moved)
    assert dispatch.recover(here.desk(anew=True)) == 1
    assert here.one("A-1").state is State.HELD


def test_recovery_says_nothing_about_the_target(here: Site) -> None:
    here.sync(case("A"))
    with here.store.writing() as connection:
        systems.rest(connection, "city", 7, here.now + timedelta(minutes=5), here.now, code="HUB-D-101", reason="down")
    interrupt(here, arrived=False)
    configure(here, findable=False)
    dispatch.recover(here.desk(anew=True))
    with here.store.reading() as connection:
        assert systems.standing(connection, "city").failures == 7


def test_a_window_is_closed_once(here: Site) -> None:
    """A commit whose answer was lost is written again: the second time it finds its work done."""
    here.side.will("A", BUSY)
    here.sync(case("A"), case("B"))
    desk, window = here.desk(), open_window(here)
    assert window is not None
    outcomes = desk.sender.send([one.message for one in window.opened])
    for _ in range(2):
        desk.unwritten.append((None, window, list(outcomes)))
        dispatch.write_down(desk)
    with here.store.reading() as connection:
        tried = attempts.read(connection, [one.id for one in here.deliveries()])
    assert [(one.delivery, one.number, one.outcome) for one in tried] == [(1, 1, "retryable"), (2, 1, "taken")]
    assert [one.attempts for one in here.deliveries()] == [1, 1]


def test_what_was_said_is_not_forgotten_when_the_store_fails(here: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody can ask this target: an outcome lost would hold the message. The store fails after the answer came."""
    configure(here, idempotent=False, findable=False)
    real, failures = settling.close_window, [0]

    def fails(*arguments: object, **named: object) -> None:
        failures[0] += 1
        if failures[0] < 3:
            raise sa.exc.OperationalError("COMMIT", {}, Exception("disk I/O error"))
        real(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(settling, "close_window", fails)
    here.sync(case("A"))
    desk = here.desk()
    for _ in range(2):
        with pytest.raises(sa.exc.OperationalError):
            dispatch.drain(desk, stopping=lambda: False)
    dispatch.drain(desk, stopping=lambda: False)
    assert (here.states(), here.sent()) == ({"A": State.DELIVERED}, ["A"])


def test_a_slow_target_is_settled_often(here: Site) -> None:
    here.sync(*(case(f"A{number}") for number in range(30)))
    assert len(keys(open_window(here, 12))) == 12
    configure(here, idempotent=False, findable=False)
    assert here.desk().pace.most == 1
    configure(here, batch=50, in_flight=4)
    assert here.desk().pace.most == 200
    configure(here, lines="batch: 20\nin_flight: 2", batch=50, in_flight=4)
    assert here.desk().pace.most == 64


# --- targets in trouble ---


def standing(here: Site) -> systems.Standing:
    with here.store.reading() as connection:
        return systems.standing(connection, "city")


@pytest.mark.parametrize("failure", [BUSY, UNREACHED, DOUBT], ids=["busy", "unreached", "in doubt"])
def test_invariant_9_a_target_that_is_down_is_left_alone_and_kills_nothing(here: Site, failure: Failure) -> None:
    configure(here, findable=False, lines="retry: [1s, 2s]")
    here.sync(*(case(f"A{number}") for number in range(90)))
    here.side.down = failure
    for _ in range(60):
        here.drain()
        here.later(minutes=11)
    assert set(here.states().values()) == {State.PENDING}
    assert len(here.side.calls) == 0
    assert standing(here).code == failure.code
    here.side.down = None
    for _ in range(10):
        here.drain()
        here.later(minutes=11)
    assert set(here.states().values()) == {State.DELIVERED}
    assert standing(here) == systems.Standing("city", changed_at=standing(here).changed_at)


def test_a_resting_target_is_probed_with_one_message(here: Site) -> None:
    here.sync(*(case(f"A{number}") for number in range(20)))
    here.side.down = UNREACHED
    here.drain()
    assert not standing(here).open_at(here.now)
    attempts = sum(one.attempts for one in here.deliveries())
    assert here.drain() == standing(here).rest_until
    assert sum(one.attempts for one in here.deliveries()) == attempts
    here.later(minutes=1)
    here.drain()
    assert sum(one.attempts for one in here.deliveries()) == attempts + 1


def test_one_record_the_target_chokes_on_does_not_keep_the_others_waiting(here: Site) -> None:
    here.side.will("X", *[BUSY] * 50)
    here.sync(case("X"))
    for _ in range(12):  # alone, it makes the target look as if it were down
        here.drain()
        here.later(minutes=11)
    assert here.states() == {"X": State.PENDING}
    for number in range(12):
        here.sync(case(f"A{number}"))
        for _ in range(2):  # perhaps it is probed with X once more before
            here.later(minutes=11)
            here.drain()
        assert here.one(f"A{number}").state is State.DELIVERED
    for _ in range(12):
        here.sync(case(f"B{here.now.timestamp()}"))
        here.drain()
        here.later(hours=25)
    assert here.one("X").state is State.DEAD


def test_a_wrong_set_up_pauses_the_system_and_spares_its_records(here: Site) -> None:
    configure(here, lines="retry: [1s]")
    here.side.down = Misconfigured("HUB-D-110", "login refused")
    here.sync(case("A"), case("B"))
    for _ in range(5):
        assert here.drain() is None
        here.later(hours=1)
    assert (standing(here).paused, standing(here).paused_by, standing(here).code) == (True, "hub", "HUB-D-110")
    assert [(one.state, one.attempts) for one in here.deliveries()] == [(State.PENDING, 1), (State.PENDING, 1)]
    here.side.down = None
    with here.store.writing() as connection:
        systems.resume(connection, "city", here.now)
    here.drain()
    assert here.taken() == ["A", "B"]


def test_a_pause_by_a_person_keeps_its_reason_while_a_window_ends_badly(here: Site) -> None:
    def receive(message: Message, *, idempotent: bool) -> Outcome:
        with here.store.writing() as connection:
            systems.pause(connection, "city", "wang", here.now, reason="their maintenance")
        return UNREACHED

    here.side.receive = receive  # type: ignore[method-assign]
    here.sync(case("A"))
    here.drain()
    assert (standing(here).paused_by, standing(here).reason) == ("wang", "their maintenance")


def test_a_paused_system_gets_nothing(here: Site) -> None:
    with here.store.writing() as connection:
        systems.pause(connection, "city", "wang", here.now)
    here.sync(case("A"))
    assert here.drain() is None
    assert here.sent() == []
