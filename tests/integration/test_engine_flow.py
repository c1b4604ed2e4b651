"""Flow control holds over all partitions of a system, whoever works on them: circuit, rate, calls in flight, hours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from hub.engine import dispatch, maintain
from hub.engine.dispatch import Desk
from hub.engine.progress import look
from hub.errors import Deferred, Failure, InDoubt, Misconfigured, Rejected, Retryable
from hub.model import Circuit, Message, State
from hub.ports import Outcome
from hub.store import quota, schema, systems
from hub.store.systems import Standing
from tests.exchanges import Site, case, city

BUSY = Retryable("HUB-D-113", "busy")
UNREACHED = Retryable("HUB-D-101", "cannot connect")
NO = Rejected("HUB-D-115", "refused")
UNSENDABLE = Rejected("HUB-D-130", "a character that cannot be written")


def configure(here: Site, lines: str, adapter: str = "MemoryAdapter", **options: object) -> None:
    here.reconfigure({"config/systems/city.yaml": city(adapter, lines=lines, **{"batch": 1, **options})})


def cases(here: Site, number: int) -> dict[int, list[str]]:
    """Accept so many cases; return the keys of each partition."""
    here.sync(*(case(f"A{n}") for n in range(number)))
    found: dict[int, list[str]] = {}
    for n in range(number):
        found.setdefault(here.column("partition", f"A{n}"), []).append(f"A{n}")
    return found


def drain(desk: Desk) -> datetime | None:
    return dispatch.drain(desk, stopping=lambda: False)


def standing(here: Site) -> Standing:
    with here.store.reading() as connection:
        return systems.standing(connection, "city")


def meanwhile(here: Site, act: Any) -> None:
    """Do something while the far side holds the next message in its hands, once."""
    real = here.side.receive

    def receive(message: Message, *, idempotent: bool) -> Outcome:
        here.side.receive = real  # type: ignore[method-assign]
        act()
        return real(message, idempotent=idempotent)

    here.side.receive = receive  # type: ignore[method-assign]


def metric(here: Site, name: str, **labels: str) -> float | None:
    return here.exchange.metrics.registry.get_sample_value(name, {"system": "city", **labels})


# --- the circuit ---


def test_the_circuit_opens_and_rests_as_the_file_says(here: Site) -> None:
    configure(here, "breaker: {after: 2, rest: [10s, 1m]}")
    cases(here, 4)
    here.side.down = BUSY
    seen = []
    for _ in range(5):
        drain(here.desk())
        now = standing(here)
        seen.append((now.failures, now.rest_until and (now.rest_until - here.now).total_seconds(), now.circuit(here.now)))
        here.now = max(here.now, now.rest_until or here.now) + timedelta(minutes=2)
    assert [circuit for _, _, circuit in seen] == [Circuit.CLOSED, *[Circuit.OPEN] * 4]
    assert [(failures, rest) for failures, rest, _ in seen] == [(1, None), (2, 10), (3, 60), (4, 60), (5, 60)]


def test_since_when_why_and_until_when_it_is_open_is_told_and_forgotten_with_success(here: Site) -> None:
    configure(here, "breaker: {after: 1, rest: [10s]}")
    cases(here, 1)
    here.side.down = UNREACHED
    began = here.now
    for _ in range(3):
        drain(here.desk())
        here.later(seconds=11)
    assert (standing(here).down_since, standing(here).code) == (began, "HUB-D-101")
    assert standing(here).circuit(here.now) is Circuit.HALF_OPEN
    maintain.refresh(here.exchange)
    states = {one.value: metric(here, "hub_circuit_breaker_state", state=one.value) for one in Circuit}
    assert states == {"closed": 0, "open": 0, "half-open": 1}
    here.side.down = None
    drain(here.desk())
    assert standing(here) == Standing("city", changed_at=here.now)


@pytest.mark.parametrize("lines", ["", "\npartitions: 2"])
def test_a_target_that_refuses_all_that_probes_it_is_up(here: Site, lines: str) -> None:
    configure(here, f"breaker: {{after: 1, rest: [10s]}}{lines}")
    keys = cases(here, 6)[0]
    here.side.down = UNREACHED
    drain(here.desk())
    here.side.down = None
    here.later(seconds=11)
    for key in keys:
        here.side.will(key, NO)
    drain(here.desk())
    assert {here.states()[key] for key in keys} == {State.DEAD}
    assert standing(here) == Standing("city", changed_at=here.now)


def test_a_record_that_cannot_even_be_sent_says_nothing_of_the_target(here: Site) -> None:
    configure(here, "breaker: {after: 2, rest: [10s]}", batch=2)
    cases(here, 2)
    here.side.will("A0", UNSENDABLE)
    here.side.will("A1", UNREACHED, UNSENDABLE)
    drain(here.desk())
    assert (standing(here).circuit(here.now), standing(here).code) == (Circuit.OPEN, "HUB-D-101")
    here.later(seconds=11)
    drain(here.desk())
    assert here.states()["A1"] is State.DEAD
    assert standing(here).circuit(here.now) is Circuit.HALF_OPEN


def test_one_delivery_probes_over_all_partitions(here: Site) -> None:
    configure(here, "breaker: {after: 1, rest: [10s]}\npartitions: 2")
    cases(here, 40)
    first, second = here.desk(0), here.desk(1)
    here.side.down = UNREACHED
    drain(first)
    here.side.down = None
    here.later(seconds=11)
    looked: list[datetime | None] = []
    meanwhile(here, lambda: looked.append(drain(second)))
    before = len(here.sent())
    assert not drain(first)
    assert looked == [here.now + timedelta(milliseconds=50)], "it looks again soon, and has sent nothing"
    assert here.column("attempts", here.sent()[before]) == 2
    assert {here.column("partition", key) for key in here.sent()} == {0}
    drain(second)
    assert set(here.states().values()) == {State.DELIVERED}


def test_trouble_in_a_row_is_counted_over_all_partitions(here: Site) -> None:
    configure(here, "breaker: {after: 2, rest: [10s]}\npartitions: 2\nretry: [1s]")
    cases(here, 20)
    here.side.down = BUSY
    desks = [here.desk(0), here.desk(1)]
    meanwhile_counts = []
    for desk in desks:
        drain(desk)
        meanwhile_counts.append(standing(here).failures)
    assert meanwhile_counts == [1, 2]
    assert standing(here).circuit(here.now) is Circuit.OPEN


def test_what_was_under_way_when_the_circuit_opened_adds_nothing_and_is_spared(here: Site) -> None:
    configure(here, "breaker: {after: 1, rest: [10s, 1h]}\npartitions: 2\nretry: [1s]", batch=64, idempotent=True)
    keys = cases(here, 20)
    first, second = here.desk(0), here.desk(1)

    def fails(message: Message, *, idempotent: bool) -> Outcome:
        del here.side.__dict__["receive"]
        here.side.down = BUSY
        drain(second)  # opens the circuit while our window is under way
        return BUSY

    here.side.receive = fails  # type: ignore[method-assign]
    for key in keys[0][1:]:
        here.side.will(key, BUSY)
    drain(first)
    assert (standing(here).failures, standing(here).rest_until) == (1, here.now + timedelta(seconds=10))
    assert {here.column("spent", key) for key in keys[0]} == {0}


def test_a_success_in_another_partition_ends_the_row(here: Site) -> None:
    configure(here, "breaker: {after: 2, rest: [10s]}\npartitions: 2")
    cases(here, 20)
    first, second = here.desk(0), here.desk(1)

    def breaks() -> None:
        here.side.down = BUSY
        drain(second)
        here.side.down = None

    meanwhile(here, breaks)
    drain(first)
    assert standing(here).failures == 0


@pytest.mark.parametrize("failure", [BUSY, UNREACHED, InDoubt("HUB-D-104", "no answer")])
def test_a_target_that_is_down_kills_nothing_whatever_its_breaker(here: Site, failure: Failure) -> None:
    configure(here, "breaker: {after: 1, rest: [1m]}\nretry: [1s, 2s]\npartitions: 2", findable=False)
    cases(here, 30)
    here.side.down = failure
    for _ in range(20):
        drain(here.desk(0))
        drain(here.desk(1))
        here.later(hours=1)
    assert set(here.states().values()) == {State.PENDING}
    here.side.down = None
    for _ in range(4):
        drain(here.desk(0))
        drain(here.desk(1))
        here.later(hours=1)
    assert set(here.states().values()) == {State.DELIVERED}


# --- the rate ---


def arrivals(here: Site, *numbers: int, seconds: float, step: float = 0.05) -> list[datetime]:
    """Let these partitions work for so long; return when each call came in."""
    calls: list[datetime] = []
    real = here.side.receive

    def receive(message: Message, *, idempotent: bool) -> Outcome:
        calls.append(here.now)
        return real(message, idempotent=idempotent)

    here.side.receive = receive  # type: ignore[method-assign]
    desks = [here.desk(number) for number in numbers]
    ends = here.now + timedelta(seconds=seconds)
    while here.now < ends:
        for desk in desks:
            drain(desk)
        here.later(seconds=step)
    return calls


def most(calls: list[datetime], seconds: float) -> int:
    """Return the most calls in any such stretch of time."""
    return max((sum(start <= one < start + timedelta(seconds=seconds) for one in calls) for start in calls), default=0)


def test_no_second_sees_more_calls_than_allowed_over_all_partitions(here: Site) -> None:
    configure(here, "rate: {second: 5}\npartitions: 2", in_flight=4)
    cases(here, 60)
    calls = arrivals(here, 0, 1, seconds=8)
    assert most(calls, 1) == 5
    assert len(calls) >= 35, "and the rate is made use of"


def test_minutes_slide_and_days_are_of_the_calendar(here: Site) -> None:
    configure(here, "rate: {minute: 10, day: 25}\npartitions: 2")
    cases(here, 60)
    here.now = datetime(2016, 12, 13, 15, 50, tzinfo=UTC)  # ten minutes to midnight in Beijing
    calls = arrivals(here, 0, 1, seconds=15 * 60, step=1)
    assert most(calls, 60) == 10
    midnight = datetime(2016, 12, 13, 16, 0, tzinfo=UTC)
    assert [sum(one < midnight for one in calls), sum(one >= midnight for one in calls)] == [25, 25]


def test_what_may_not_leave_yet_falls_due_when_it_may_and_spends_no_try(here: Site) -> None:
    configure(here, "rate: {minute: 3}")
    cases(here, 5)
    due = here.drain()
    assert (len(here.sent()), due) == (3, here.now + timedelta(milliseconds=60_000 + quota.SLACK))
    assert metric(here, "hub_rate_limit_wait_seconds_total") == pytest.approx(60.1)
    assert [one.attempts for one in here.deliveries()] == [1, 1, 1, 0, 0]


def test_a_restart_forgets_no_call(here: Site) -> None:
    configure(here, "rate: {minute: 3}")
    cases(here, 5)
    here.drain()
    here.reconfigure({})
    here.later(seconds=30)
    here.drain()
    assert len(here.sent()) == 3
    here.later(seconds=31)
    here.drain()
    assert len(here.sent()) == 5


@pytest.mark.parametrize(("lines", "moves"), [("rate: {minute: 2}", True), ("rate: {day: 2}", False)])
def test_who_waits_for_the_end_waits_for_minutes_and_not_for_days(here: Site, lines: str, moves: bool) -> None:
    configure(here, lines)
    cases(here, 4)
    here.drain()
    assert look(here.exchange, []).restless is moves


def test_one_who_was_quicker_takes_the_call_and_the_other_waits_uncounted(here: Site) -> None:
    configure(here, "rate: {minute: 4}\npartitions: 2", in_flight=1)
    cases(here, 40)
    first, second = here.desk(0), here.desk(1)
    meanwhile(here, lambda: drain(second))
    due = drain(replace(first, sender=replace(first.sender, window=60.0)))  # however long the other takes meanwhile
    assert len(here.sent()) == 4
    waiting = [one for one in here.deliveries() if one.state is State.PENDING and one.code == "HUB-D-123"]
    assert {here.column("spent", one.key) for one in waiting} == {0}
    assert {one.due_at for one in waiting} == {due}


def test_halves_and_look_ups_are_calls_too(here: Site) -> None:
    configure(here, "rate: {minute: 20}", batch=4, idempotent=False)
    here.side.will("A0", InDoubt("HUB-D-104", "no answer"))
    cases(here, 1)
    here.drain()
    with here.store.reading() as connection:
        left = quota.look(connection, "city", here.exchange.settings.systems["city"].flow.rate, UTC, here.now)  # type: ignore[arg-type]
    assert left.calls == 18


@pytest.mark.parametrize("ahead", [timedelta(hours=-2), timedelta(days=-400), timedelta(hours=2)])
def test_a_clock_set_anew_stops_nothing(here: Site, ahead: timedelta) -> None:
    configure(here, "rate: {minute: 2}")
    cases(here, 4)
    here.drain()
    here.now += ahead
    with here.store.writing() as connection:
        connection.execute(sa.update(schema.delivery).values(due_at=0))
    here.drain()
    assert len(here.sent()) == 4


# --- what may have arrived ---


def test_what_there_was_no_time_to_ask_about_is_asked_about_before_it_goes_again(
    here: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(here, "", idempotent=False)
    for key in ("A0", "A1"):
        here.side.will(key, InDoubt("HUB-D-104", "no answer"), taken=True)
    unanswered(here, monkeypatch, drain)
    here.later(minutes=10)
    desk = here.desk()
    drain(replace(desk, sender=replace(desk.sender, window=0.0)))
    assert set(here.states().values()) == {State.DELIVERED}
    assert here.sent() == ["A0", "A1"]


def test_after_a_death_a_far_side_that_does_not_answer_is_asked_once_and_not_for_each(
    here: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(here, "", idempotent=False)

    def dies(desk: Desk) -> None:
        assert dispatch._turn(desk, here.now)[1] is not None
        dispatch.recover(desk)

    assert unanswered(here, monkeypatch, dies) == ["A0"]
    assert {one.state for one in here.deliveries()} == {State.PENDING}
    drain(here.desk())
    assert here.sent() == here.taken() == ["A0", "A1"]


def unanswered(here: Site, monkeypatch: pytest.MonkeyPatch, act: Callable[[Desk], object]) -> list[str]:
    """Accept two cases and act while nobody answers what is asked; return what was asked about."""
    asked: list[str] = []

    def nobody(message: Message) -> None:
        asked.append(message.key)
        raise Retryable("HUB-D-101", "cannot connect")

    cases(here, 2)
    with monkeypatch.context() as patched:
        patched.setattr(here.exchange.sink("city"), "find", nobody)
        act(here.desk())
    return asked


# --- what the far side says itself ---


def test_a_far_side_that_says_when_to_come_back_is_left_alone_until_then(here: Site) -> None:
    configure(here, "partitions: 2", in_flight=1)
    cases(here, 30)
    until = here.now + timedelta(minutes=10)
    calls: list[str] = []

    def receive(message: Message, *, idempotent: bool) -> Outcome:
        calls.append(message.key)
        return Deferred("HUB-D-112", "HTTP 429", until=until)

    here.side.receive = receive  # type: ignore[method-assign]
    assert [drain(here.desk(0)), drain(here.desk(1))] == [until, until]
    assert len(calls) == 1
    assert (standing(here).code, standing(here).circuit(here.now)) == ("HUB-D-112", Circuit.CLOSED)
    del here.side.__dict__["receive"]
    here.later(minutes=10)
    drain(here.desk(0))
    drain(here.desk(1))
    assert set(here.states().values()) == {State.DELIVERED}
    assert {here.column("spent", key) for key in here.sent()} == {0}
    assert standing(here) == Standing("city", changed_at=here.now)


def test_what_is_taken_meanwhile_does_not_end_the_wait(here: Site) -> None:
    configure(here, "partitions: 2", in_flight=1)
    cases(here, 30)
    until = here.now + timedelta(minutes=10)

    def told() -> None:
        with here.store.writing() as connection:
            systems.wait(connection, "city", until, here.now, code="HUB-D-112", reason="HTTP 429")

    meanwhile(here, told)
    drain(here.desk(0))
    assert standing(here).rest_until == until


def test_a_success_meanwhile_does_not_end_the_wait_of_a_target_that_had_failed_before(here: Site) -> None:
    configure(here, "partitions: 2", in_flight=1)
    cases(here, 30)
    until = here.now + timedelta(minutes=10)
    with here.store.writing() as connection:
        systems.failed(connection, "city", 1, here.now, code="HUB-D-113", reason="busy")

    def told() -> None:
        with here.store.writing() as connection:
            systems.wait(connection, "city", until, here.now, code="HUB-D-112", reason="HTTP 429")

    meanwhile(here, told)
    drain(here.desk(0))
    assert standing(here).rest_until == until


# --- calls in flight ---


def opened(here: Site, *desks: Desk) -> list[int]:
    """Open a window at each of these desks; return how many calls each may have at once."""
    with here.store.writing() as connection:
        return [dispatch._open(connection, desk, here.now)[0].calls for desk in desks]


def abandon(here: Site) -> None:
    """Let all windows be closed as if nothing had been in them."""
    with here.store.writing() as connection:
        connection.execute(sa.update(schema.window).values(closed_at=1, deliveries=None))


def test_calls_at_once_hold_over_all_partitions_and_each_gets_its_turn(here: Site) -> None:
    configure(here, "in_flight: 1\npartitions: 3")
    cases(here, 12)
    desks = {number: here.desk(number) for number in range(3)}
    order: list[int] = []
    real = here.side.receive

    def receive(message: Message, *, idempotent: bool) -> Outcome:
        """The others ask while one has the only call."""
        mine = here.column("partition", message.key)
        order.append(mine)
        before = len(here.side.taken)
        if len(order) < 12:
            for number in range(3):
                if number != mine:
                    drain(desks[number])
        assert len(here.side.taken) == before
        here.later(seconds=0.01)
        return real(message, idempotent=idempotent)

    here.side.receive = receive  # type: ignore[method-assign]
    for desk in desks.values():
        desk.pace.most = desk.pace.limit = 1
    for _ in range(24):
        for desk in desks.values():
            drain(desk)
            here.later(seconds=0.01)
    assert set(here.states().values()) == {State.DELIVERED}
    turns = [order[at : at + 3] for at in (0, 3)]
    assert [sorted(turn) for turn in turns] == [[0, 1, 2]] * 2


def test_calls_at_once_hold_also_while_what_is_left_in_former_partitions_is_sent(here: Site) -> None:
    configure(here, "in_flight: 1\npartitions: 2")
    assert set(cases(here, 12)) == {0, 1}
    configure(here, "in_flight: 1")
    assert opened(here, here.desk(1), here.desk(0)) == [1, 0]


def test_what_a_dead_worker_left_open_counts_until_it_is_recovered(here: Site) -> None:
    configure(here, "in_flight: 1\npartitions: 2")
    cases(here, 20)
    assert opened(here, here.desk(0)) == [1]
    drain(here.desk(1))
    assert here.sent() == [], "its call may still be on"
    dispatch.recover(here.desk(0, anew=True))
    here.later(seconds=3)
    drain(here.desk(1))
    assert here.sent()


def test_a_partition_alone_has_all_calls_and_shares_them_as_soon_as_another_wants_some(here: Site) -> None:
    configure(here, "in_flight: 4\npartitions: 2", in_flight=8)
    cases(here, 40)

    first, second = here.desk(0), here.desk(1)
    assert opened(here, first, second) == [4, 0]
    abandon(here)
    assert opened(here, first, second) == [2, 2]


def test_who_waits_and_dies_keeps_nobody_waiting(here: Site) -> None:
    configure(here, "in_flight: 1\npartitions: 2")
    cases(here, 20)
    first, second = here.desk(0), here.desk(1)
    assert opened(here, first, second) == [1, 0]  # the second waits, and is never heard of again
    abandon(here)
    drain(first)
    assert here.sent() == []
    here.later(seconds=3)
    drain(first)
    assert here.sent()


# --- hours ---


def test_a_closed_system_gets_nothing_and_nothing_is_counted(here: Site) -> None:
    configure(here, 'hours: [{days: daily, from: "10:00", to: "12:00"}]')  # it is nine in Beijing
    cases(here, 3)
    opens = here.now + timedelta(hours=1)
    assert here.drain() == opens
    assert (here.sent(), {one.attempts for one in here.deliveries()}) == ([], {0})
    assert not look(here.exchange, []).restless
    maintain.refresh(here.exchange)
    assert metric(here, "hub_system_closed") == 1
    here.now = opens
    here.drain()
    assert set(here.states().values()) == {State.DELIVERED}


def test_what_fails_as_the_doors_close_is_tried_when_they_open(here: Site) -> None:
    configure(here, 'retry: [1h]\nmaintenance: [{from: "09:30", to: "11:00"}]')
    here.side.will("A0", BUSY)
    cases(here, 1)
    assert here.drain() == here.now + timedelta(hours=1)
    here.later(hours=1)
    assert here.drain() == here.now + timedelta(hours=1)
    assert len(here.sent()) == 1


def test_a_closed_far_side_is_not_asked_for_verdicts(here: Site) -> None:
    from hub.engine import feedback

    configure(here, 'feedback: {every: 5m}\nhours: [{days: daily, from: "10:00", to: "12:00"}]', "LateMemoryAdapter")
    here.side.down = Misconfigured("HUB-D-110", "login refused")
    feedback.poll(here.exchange, "city")
    assert metric(here, "hub_feedback_polls_total", result="failed") == 0
    here.later(hours=1)
    feedback.poll(here.exchange, "city")
    assert metric(here, "hub_feedback_polls_total", result="failed") == 1


# --- what costs nothing ---


def test_a_system_without_limits_asks_the_store_nothing_more(here: Site) -> None:
    configure(here, "")
    cases(here, 3)
    here.drain()
    here.sync(case("B1"), case("B2"))
    heard: list[str] = []
    sa.event.listen(here.store.engine, "before_cursor_execute", lambda *told: heard.append(told[2]))
    here.drain()
    assert not [one for one in heard if "quota" in one or "waits_" in one or "ON CONFLICT" in one]
