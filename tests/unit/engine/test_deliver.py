"""Sending one window: lanes stay in order, the time is kept, and no adapter can make the hub lose track of a message."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from hub.engine import deliver
from hub.engine.deliver import Sender, Terms
from hub.errors import Deferred, Failure, InDoubt, Misconfigured, Rejected, Retryable
from hub.model import Guarantees, Message, Operation, Receipt
from hub.ports import Outcome, go_ahead

DOUBT = InDoubt("HUB-D-104", "no answer")
NO = Rejected("HUB-D-115", "no")
LATER = datetime(2016, 12, 14, tzinfo=UTC)


def message(number: int, lane: str = "A") -> Message:
    return Message(
        number, "accept", "case", f"K{number}", lane, Operation.INSERT, {}, f"i{number}", "B", datetime(2016, 12, 13, tzinfo=UTC)
    )


class Recorder:
    """A sink that remembers its calls and answers as told."""

    def __init__(self, answer: Callable[[Sequence[Message]], Any] | None = None) -> None:
        self.calls: list[list[int]] = []
        self.asked: list[int] = []
        self.lock = threading.Lock()
        self.answer = answer or (lambda messages: [Receipt()] * len(messages))

    def send(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        with self.lock:
            self.calls.append([one.id for one in messages])
        answer: Sequence[Outcome] = self.answer(messages)
        return answer


class Findable(Recorder):
    """The same, and it can be asked: `has` says what for which message."""

    def __init__(self, has: Callable[[Message], Any], answer: Callable[[Sequence[Message]], Any] | None = None) -> None:
        super().__init__(answer)
        self.has = has

    def find(self, message: Message) -> Receipt | None:
        self.asked.append(message.id)
        found: Receipt | None = self.has(message)
        return found


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as pool:
        yield pool


def raises(error: BaseException) -> Callable[[object], Any]:
    def answer(_: object) -> Any:
        raise error

    return answer


def sender(
    sink: Recorder,
    pool: ThreadPoolExecutor,
    clock: Callable[[], float] = lambda: 0.0,
    ours: Callable[[float], bool] = lambda opened: True,
    **guarantees: Any,
) -> Sender:
    promised = Guarantees(**{"ordered_batch": True, **guarantees})
    return Sender(sink, promised, pool, lambda seconds: None, clock, 0.2, ours=ours)


def test_stripes_keep_lanes_together_and_in_order(pool: ThreadPoolExecutor) -> None:
    sink = Recorder()
    messages = [message(number, lane) for number, lane in enumerate("ABCABCAABDDE")]
    assert all(isinstance(one, Receipt) for one in sender(sink, pool, in_flight=3, batch=2).send(messages))
    sent = [number for call in sink.calls for number in call]
    assert sorted(sent) == list(range(12))
    for lane in "ABCDE":
        mine = [one.id for one in messages if one.lane == lane]
        assert [number for number in sent if number in mine] == mine
    assert all(len(call) <= 2 for call in sink.calls)


def test_no_more_calls_at_once_than_allowed_and_no_lane_twice_at_once(pool: ThreadPoolExecutor) -> None:
    gate = threading.Barrier(3, timeout=10)  # three calls must be in flight together, or this breaks

    def answer(messages: Sequence[Message]) -> list[Outcome]:
        gate.wait()
        return [Receipt()] * len(messages)

    outcomes = sender(Recorder(answer), pool, in_flight=3).send([message(number, str(number)) for number in range(6)])
    assert outcomes == [Receipt()] * 6


def test_a_window_out_of_time_gives_its_rest_back_unsent(pool: ThreadPoolExecutor) -> None:
    time = [0.0]

    def slow(messages: Sequence[Message]) -> list[Outcome]:
        time[0] += 0.15
        return [Receipt()] * len(messages)

    sink = Recorder(slow)
    outcomes = sender(sink, pool, clock=lambda: time[0]).send([message(number, str(number)) for number in range(4)])
    assert sink.calls == [[0], [1]]
    assert outcomes[:2] == [Receipt()] * 2
    assert [(type(one), one.code) for one in outcomes[2:] if isinstance(one, Failure)] == [(Deferred, "HUB-D-108")] * 2


def test_the_first_call_goes_however_late_it_is(pool: ThreadPoolExecutor) -> None:
    ticks = iter([0.0, 99.0, 99.0])
    sink = Recorder()
    sender(sink, pool, clock=lambda: next(ticks)).send([message(1), message(2)])
    assert sink.calls == [[1]]


def test_what_may_have_been_taken_over_is_not_sent(pool: ThreadPoolExecutor) -> None:
    """Its process was frozen between the opening of the window and the call, or in the middle of it."""
    frozen: list[float] = []

    def answer(messages: Sequence[Message]) -> list[Outcome]:
        frozen.append(7.0)
        return [Receipt()] * len(messages)

    sink = Recorder(answer)
    ours = sender(sink, pool, ours=lambda opened: not frozen or opened >= frozen[-1])
    first, second = ours.send([message(1), message(2)], Terms(opened=5.0))
    assert sink.calls == [[1]]
    assert first == Receipt() and isinstance(second, Deferred) and second.code == "HUB-D-108"
    assert [type(one) for one in ours.send([message(3)], Terms(opened=6.0))] == [Deferred]
    assert ours.send([message(3)], Terms(opened=8.0)) == [Receipt()]


def test_what_may_have_been_taken_over_while_its_sink_waited_does_not_leave(pool: ThreadPoolExecutor) -> None:
    waited: list[bool] = []

    def answer(messages: Sequence[Message]) -> list[Outcome]:
        go_ahead()
        waited.append(True)
        go_ahead()
        return [Receipt()] * len(messages)

    [outcome] = sender(Recorder(answer), pool, ours=lambda _: not waited).send([message(1)])
    assert waited and isinstance(outcome, Deferred) and outcome.code == "HUB-D-108"
    go_ahead()  # nobody says no any more


def test_a_lane_stops_at_its_first_failure_and_others_go_on(pool: ThreadPoolExecutor) -> None:
    sink = Recorder(lambda messages: [Rejected("HUB-D-115", "no") if one.id == 1 else Receipt() for one in messages])
    outcomes = sender(sink, pool).send([message(1, "A"), message(2, "B"), message(3, "A"), message(4, "B")])
    assert sorted(number for call in sink.calls for number in call) == [1, 2, 4]
    assert isinstance(outcomes[2], Deferred)
    assert outcomes[1] == outcomes[3] == Receipt()


@pytest.mark.parametrize("failure", [Retryable("HUB-D-101", "x"), Misconfigured("HUB-D-110", "x"), DOUBT])
def test_a_raised_failure_holds_for_the_whole_call(pool: ThreadPoolExecutor, failure: Failure) -> None:
    assert sender(Recorder(raises(failure)), pool, batch=3).send([message(1), message(2), message(3)]) == [failure] * 3


def picky(*guilty: int) -> Callable[[Sequence[Message]], Any]:
    """Return the answers of a far side that refuses every call with one of these in it, and does not say which."""

    def answer(messages: Sequence[Message]) -> list[Outcome]:
        if any(one.id in guilty for one in messages):
            raise NO
        return [Receipt()] * len(messages)

    return answer


class TestHalving:
    """A call that is refused as a whole: the guilty is found, and nobody is refused with it."""

    def test_only_the_guilty_is_refused(self, pool: ThreadPoolExecutor) -> None:
        sink = Recorder(picky(5))
        outcomes = sender(sink, pool, batch=8).send([message(number, str(number)) for number in range(8)])
        assert outcomes == [*[Receipt()] * 5, NO, *[Receipt()] * 2]
        assert [len(call) for call in sink.calls] == [8, 4, 4, 2, 1, 1, 2]

    def test_all_guilty_cost_no_more_than_twice_as_many_calls(self, pool: ThreadPoolExecutor) -> None:
        sink = Recorder(raises(NO))
        assert sender(sink, pool, batch=50).send([message(number, str(number)) for number in range(50)]) == [NO] * 50
        assert len(sink.calls) == 99

    def test_a_lane_stops_at_its_guilty_message(self, pool: ThreadPoolExecutor) -> None:
        sink = Recorder(picky(1))
        outcomes = sender(sink, pool, batch=4).send([message(0, "A"), message(1, "B"), message(2, "B"), message(3, "A")])
        assert outcomes[:2] == [Receipt(), NO]
        assert (getattr(outcomes[2], "code", None), outcomes[3]) == ("HUB-D-108", Receipt())
        assert sink.calls == [[0, 1, 2, 3], [0, 1], [0], [1], [3]]

    def test_out_of_time_it_has_found_at_least_one(self, pool: ThreadPoolExecutor) -> None:
        time = [0.0]

        def slow(messages: Sequence[Message]) -> list[Outcome]:
            time[0] += 1.0
            return picky(0)(messages)

        outcomes = sender(Recorder(slow), pool, clock=lambda: time[0], batch=4).send([message(n, str(n)) for n in range(4)])
        assert outcomes[0] == NO
        assert [getattr(one, "code", None) for one in outcomes[1:]] == ["HUB-D-108"] * 3


class TestRate:
    """Calls are granted one by one, just before they are made."""

    def rated(self, sink: Recorder, pool: ThreadPoolExecutor, grants: int, **guarantees: Any) -> tuple[Sender, list[int]]:
        left, counted = [grants], [0]

        def enter() -> datetime | None:
            left[0] -= 1
            return LATER if left[0] < 0 else None

        def count() -> None:
            counted[0] += 1

        promised = Guarantees(**{"ordered_batch": True, **guarantees})
        return Sender(sink, promised, pool, lambda seconds: None, lambda: 0.0, 0.2, enter, count, one_request=True), counted

    def test_what_is_not_granted_goes_back_until_it_may_be(self, pool: ThreadPoolExecutor) -> None:
        sink = Recorder()
        outcomes = self.rated(sink, pool, 2, batch=2)[0].send([message(number, str(number)) for number in range(6)])
        assert sink.calls == [[0, 1], [2, 3]]
        assert [(one.code, one.until) for one in outcomes[4:] if isinstance(one, Deferred)] == [("HUB-D-123", LATER)] * 2

    def test_every_half_is_a_call(self, pool: ThreadPoolExecutor) -> None:
        sink = Recorder(picky(0))
        outcomes = self.rated(sink, pool, 3, batch=4)[0].send([message(number, str(number)) for number in range(4)])
        assert sink.calls == [[0, 1, 2, 3], [0, 1], [0]]
        assert [getattr(one, "code", None) for one in outcomes] == ["HUB-D-115", *["HUB-D-123"] * 3]

    def test_what_was_refused_together_and_may_not_be_halved_now_is_suspected_and_keeps_its_place(
        self, pool: ThreadPoolExecutor
    ) -> None:
        outcomes = self.rated(Recorder(picky(1)), pool, 2, batch=4)[0].send([message(number, str(number)) for number in range(5)])
        assert [getattr(one, "code", None) for one in outcomes] == [*["HUB-D-126"] * 4, "HUB-D-123"]
        assert {one.until for one in outcomes if isinstance(one, Deferred)} == {message(0).created, LATER}

    def test_a_look_up_is_counted_and_never_held_back(self, pool: ThreadPoolExecutor) -> None:
        sink = Findable(lambda one: Receipt(said="found"), lambda messages: [DOUBT])
        sender, counted = self.rated(sink, pool, 1, findable=True)
        assert sender.send([message(1)]) == [Receipt(said="found")]
        assert counted == [1]

    def test_a_call_holds_what_can_be_one_request(self, pool: ThreadPoolExecutor) -> None:
        sink = Recorder()
        mixed = [message(0, "A"), message(1, "B"), message(2, "A"), replace(message(3, "C"), endpoint="process"), message(4, "D")]
        self.rated(sink, pool, 9, batch=9)[0].send(mixed)
        assert sink.calls == [[0, 1], [2], [3], [4]]


def test_a_message_on_its_last_try_shares_no_call(pool: ThreadPoolExecutor) -> None:
    sink = Recorder()
    sender(sink, pool, batch=3).send([message(number, str(number)) for number in range(6)], Terms(alone=frozenset({1, 4})))
    assert sink.calls == [[0], [1], [2, 3], [4], [5]]


@pytest.mark.parametrize(
    "answer",
    [
        raises(RuntimeError("boom")),
        raises(KeyError("applyer_name")),
        lambda messages: [Receipt()],
        lambda messages: [Receipt()] * 5,
        lambda messages: None,
        lambda messages: 7,
        lambda messages: [None, None],
        lambda messages: [True, "ok"],
        lambda messages: [ValueError("returned, not raised"), {}],
    ],
)
def test_an_adapter_bug_leaves_its_messages_in_doubt_never_lost(pool: ThreadPoolExecutor, answer: Callable[..., Any]) -> None:
    outcomes = sender(Recorder(answer), pool, batch=2).send([message(1), message(2)])
    assert [(type(one), one.code) for one in outcomes if isinstance(one, Failure)] == [(InDoubt, "HUB-D-199")] * 2


class TestLookUp:
    """What is in doubt is asked about, if the far side can be asked."""

    def test_found_is_taken(self, pool: ThreadPoolExecutor) -> None:
        sink = Findable(lambda one: Receipt(said="found"), lambda messages: [DOUBT])
        assert sender(sink, pool, findable=True).send([message(1)]) == [Receipt(said="found")]

    def test_certainly_not_there_is_tried_again(self, pool: ThreadPoolExecutor) -> None:
        (outcome,) = sender(Findable(lambda one: None, lambda messages: [DOUBT]), pool, findable=True).send([message(1)])
        assert isinstance(outcome, Retryable)
        assert outcome.code == "HUB-D-107"

    @pytest.mark.parametrize("error", [Retryable("HUB-D-101", "down"), Misconfigured("HUB-D-110", "x"), RuntimeError("bug")])
    def test_unanswered_stays_in_doubt(self, pool: ThreadPoolExecutor, error: Exception) -> None:
        sink = Findable(raises(error), lambda messages: [DOUBT])
        assert sender(sink, pool, findable=True).send([message(1)]) == [DOUBT]

    @pytest.mark.parametrize("found", [True, "R1", {}, False])
    def test_an_odd_answer_stays_in_doubt(self, pool: ThreadPoolExecutor, found: object) -> None:
        (outcome,) = sender(Findable(lambda one: found, lambda messages: [DOUBT]), pool, findable=True).send([message(1)])
        assert isinstance(outcome, InDoubt)

    def test_who_promises_nothing_is_not_asked(self, pool: ThreadPoolExecutor) -> None:
        sink = Findable(lambda one: Receipt(), lambda messages: [DOUBT])
        assert sender(sink, pool, findable=False).send([message(1)]) == [DOUBT]
        assert sink.asked == []

    def test_what_is_not_in_doubt_is_not_asked_about(self, pool: ThreadPoolExecutor) -> None:
        sink = Findable(lambda one: Receipt(), lambda messages: [Rejected("HUB-D-115", "no")])
        sender(sink, pool, findable=True).send([message(1)])
        assert sink.asked == []

    def test_behind_one_that_is_certainly_not_there_nothing_is(self, pool: ThreadPoolExecutor) -> None:
        """A call stops a lane at its first failure, so what stood behind it never left."""
        sink = Findable(lambda one: None if one.id == 1 else Receipt())
        asked = sender(sink, pool, findable=True).look_up_all([message(1), message(2), message(3, "B")], [DOUBT] * 3)
        assert [getattr(one, "code", None) for one in asked] == ["HUB-D-107", "HUB-D-107", None]
        assert sink.asked == [1, 3]


class TestAskFirst:
    """A message an earlier attempt of which may have arrived."""

    def test_is_not_sent_again_when_it_is_there(self, pool: ThreadPoolExecutor) -> None:
        sink = Findable(lambda one: Receipt(said="found"))
        assert sender(sink, pool, findable=True).send([message(1)], Terms(doubtful=frozenset({1}))) == [Receipt(said="found")]
        assert sink.calls == []

    def test_is_sent_when_it_is_not(self, pool: ThreadPoolExecutor) -> None:
        sink = Findable(lambda one: None)
        assert sender(sink, pool, findable=True).send([message(1)], Terms(doubtful=frozenset({1}))) == [Receipt()]
        assert (sink.asked, sink.calls) == ([1], [[1]])

    def test_is_looked_at_anew_before_it_is_sent_as_an_update(self, pool: ThreadPoolExecutor) -> None:
        sink = Findable(lambda one: None)
        update = replace(message(1), operation=Operation.UPDATE)
        outcomes = sender(sink, pool, findable=True).send([update, message(2), message(3, "B")], Terms(doubtful=frozenset({1})))
        assert [getattr(one, "code", None) for one in outcomes] == ["HUB-D-107", "HUB-D-108", None]
        assert isinstance(outcomes[0], Deferred) and outcomes[0].until is None
        assert sink.calls == [[3]]

    def test_stops_its_lane_when_nobody_answers(self, pool: ThreadPoolExecutor) -> None:
        sink = Findable(raises(Retryable("HUB-D-101", "down")))
        outcomes = sender(sink, pool, findable=True).send([message(1), message(2), message(3, "B")], Terms(doubtful=frozenset({1})))
        assert [getattr(one, "code", None) for one in outcomes] == ["HUB-D-109", "HUB-D-108", None]
        assert sink.calls == [[3]]

    def test_is_neither_asked_about_nor_sent_when_the_time_is_over(self, pool: ThreadPoolExecutor) -> None:
        time = [0.0]

        def slow(_: Message) -> Receipt | None:
            time[0] += 1.0
            raise Retryable("HUB-D-101", "down")

        sink = Findable(slow)
        messages = [message(number, str(number)) for number in range(3)]
        outcomes = sender(sink, pool, clock=lambda: time[0], findable=True).send(messages, Terms(doubtful=frozenset({0, 1})))
        assert [getattr(one, "code", None) for one in outcomes] == ["HUB-D-109", "HUB-D-108", None]
        assert (sink.asked, sink.calls) == ([0], [[2]])

    def test_is_asked_about_to_the_end_of_a_lane_however_late_it_is(self, pool: ThreadPoolExecutor) -> None:
        time = [0.0]

        def slow(_: Message) -> Receipt | None:
            time[0] += 1.0
            return None

        sink = Findable(slow)
        sender(sink, pool, clock=lambda: time[0], findable=True).send([message(1), message(2)], Terms(doubtful=frozenset({1, 2})))
        assert (sink.asked, sink.calls[0]) == ([1, 2], [1])

    def test_is_simply_sent_where_twice_does_no_harm(self, pool: ThreadPoolExecutor) -> None:
        sink = Findable(lambda one: Receipt())
        sender(sink, pool, findable=True, idempotent=True).send([message(1)], Terms(doubtful=frozenset({1})))
        assert (sink.asked, sink.calls) == ([], [[1]])


@pytest.mark.parametrize(
    ("outcomes", "nothing"),
    [
        ([], False),
        ([Retryable("x", "x"), DOUBT], True),
        ([Retryable("x", "x"), Deferred("x", "x", until=None)], True),
        ([Deferred("x", "x", until=None)], False),
        ([Retryable("x", "x"), Receipt()], False),
        ([Retryable("x", "x"), Rejected("x", "x")], False),
        ([Misconfigured("x", "x")], False),
    ],
)
def test_a_target_took_nothing_only_if_it_judged_nothing(outcomes: list[Outcome], nothing: bool) -> None:
    assert deliver.took_nothing(outcomes) is nothing
