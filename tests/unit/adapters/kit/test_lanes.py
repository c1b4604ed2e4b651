"""Lane order inside one send."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import pytest

from adapters.kit.lanes import batches_in_lane_order, each_in_lane_order
from hub.errors import Deferred, Failure, Misconfigured, Rejected, Retryable
from hub.model import Message, Operation, Receipt
from hub.ports import Outcome

REFUSED = Rejected("HUB-D-120", "no")


def message(n: int, lane: str, endpoint: str = "accept") -> Message:
    now = datetime(2016, 12, 13, tzinfo=UTC)
    return Message(n, endpoint, "case", f"K{n}", lane, Operation.INSERT, {}, f"i{n}", "B", now)


class FarSide:
    def __init__(self, **failures: Failure) -> None:
        self.failures = {int(name[1:]): failure for name, failure in failures.items()}
        self.got: list[list[int]] = []

    def one(self, message: Message) -> Receipt:
        self.got.append([message.id])
        if message.id in self.failures:
            raise self.failures[message.id]
        return Receipt(reference=str(message.id))

    def batch(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        self.got.append([message.id for message in messages])
        return [self.failures.get(message.id) or Receipt(reference=str(message.id)) for message in messages]


def test_a_lane_stops_and_others_go_on() -> None:
    far = FarSide(m2=REFUSED)
    outcomes = each_in_lane_order([message(1, "A"), message(2, "A"), message(3, "B"), message(4, "A"), message(5, "B")], far.one)
    assert far.got == [[1], [2], [3], [5]]
    assert outcomes[1] is REFUSED
    assert isinstance(outcomes[3], Deferred)
    assert outcomes[3].until is None
    assert [isinstance(outcome, Receipt) for outcome in outcomes] == [True, False, True, False, True]


@pytest.mark.parametrize("failure", [Misconfigured("HUB-D-110", "who?"), Retryable("HUB-D-101", "nobody there")])
def test_what_holds_for_all_is_not_tried_again(failure: Failure) -> None:
    far = FarSide(m1=failure)
    outcomes = each_in_lane_order([message(1, "A"), message(2, "A"), message(3, "B")], far.one)
    assert far.got == [[1]]
    assert isinstance(outcomes[1], Deferred)
    assert outcomes[2] is failure


def test_a_busy_answer_to_one_does_not_stop_the_others() -> None:
    far = FarSide(m1=Retryable("HUB-D-113", "busy"))
    assert isinstance(each_in_lane_order([message(1, "A"), message(2, "B")], far.one)[1], Receipt)


def test_a_bug_escapes() -> None:
    def broken(message: Message) -> Receipt:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        each_in_lane_order([message(1, "A")], broken)


def in_batches(far: FarSide, messages: list[Message], most: int = 3) -> list[Outcome]:
    return batches_in_lane_order(messages, lambda message: (message.endpoint, most), far.batch)


def test_a_batch_never_holds_two_of_a_lane_and_never_overtakes() -> None:
    far = FarSide()
    messages = [message(1, "A"), message(2, "A", "result"), message(3, "B"), message(4, "A"), message(5, "C")]
    outcomes = in_batches(far, messages)
    assert far.got == [[1, 3, 5], [2], [4]]
    assert [outcome.reference for outcome in outcomes if isinstance(outcome, Receipt)] == ["1", "2", "3", "4", "5"]


def test_a_refusal_in_a_batch_stops_its_lane() -> None:
    far = FarSide(m1=REFUSED)
    outcomes = in_batches(far, [message(1, "A"), message(2, "B"), message(3, "A"), message(4, "B")])
    assert far.got == [[1, 2], [4]]
    assert isinstance(outcomes[2], Deferred)


def test_batches_keep_to_their_size() -> None:
    far = FarSide()
    in_batches(far, [message(n, f"L{n}") for n in range(7)])
    assert [len(batch) for batch in far.got] == [3, 3, 1]


def test_a_raised_failure_holds_for_the_whole_batch() -> None:
    def down(messages: Sequence[Message]) -> Sequence[Outcome]:
        raise Retryable("HUB-D-113", "busy")

    outcomes = batches_in_lane_order([message(1, "A"), message(2, "B")], lambda message: ("x", 5), down)
    assert all(isinstance(outcome, Retryable) for outcome in outcomes)


def strict(far: FarSide, guilty: int) -> Callable[[Sequence[Message]], Sequence[Outcome]]:
    """Return a far side that refuses every batch with that message in it."""

    def answer(messages: Sequence[Message]) -> Sequence[Outcome]:
        outcomes = far.batch(messages)
        if any(message.id == guilty for message in messages):
            raise REFUSED
        return outcomes

    return answer


def test_a_raised_refusal_of_one_of_several_batches_finds_its_record() -> None:
    far = FarSide()
    outcomes = batches_in_lane_order([message(n, f"L{n}") for n in range(10)], lambda message: ("x", 8), strict(far, 6))
    assert [at for at, outcome in enumerate(outcomes) if outcome is REFUSED] == [6]
    assert sum(isinstance(outcome, Receipt) for outcome in outcomes) == 9
    assert [len(batch) for batch in far.got] == [8, 4, 4, 2, 2, 1, 1, 2]


def test_a_call_that_is_one_batch_and_refused_is_left_to_the_hub() -> None:
    far = FarSide()
    with pytest.raises(Rejected):
        batches_in_lane_order([message(n, f"L{n}") for n in range(8)], lambda message: ("x", 8), strict(far, 6))
    assert [len(batch) for batch in far.got] == [8]


def test_nothing_to_send() -> None:
    assert each_in_lane_order([], FarSide().one) == []
    assert in_batches(FarSide(), []) == []
