"""The whole table of what becomes of a delivery: outcome × guarantees × tries spent × target down."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from hub.engine import settle as settle_
from hub.engine.settle import VERDICT_WITHIN, Policy, cause, settle
from hub.errors import Deferred, Failure, InDoubt, Misconfigured, Rejected, Retryable
from hub.model import Receipt, Stage, State, Taken
from hub.ports import Outcome

NOW = datetime(2016, 12, 13, 1, 0, tzinfo=UTC)
WAITS = (timedelta(seconds=30), timedelta(minutes=2))
REST = NOW + timedelta(minutes=7)


def policy(
    *, idempotent: bool = False, findable: bool = False, jitter: float = 0.0, dice: Callable[[], float] = lambda: 0.5
) -> Policy:
    return Policy(WAITS, jitter, idempotent, findable, dice)


ANY = [(idempotent, findable) for idempotent in (False, True) for findable in (False, True)]
SPENT = [0, 1, 2, 9]
RESTS = [None, REST]


def settled(outcome: Outcome, idempotent: bool, findable: bool, spent: int, rest: datetime | None) -> settle_.Settlement:
    return settle(outcome, spent=spent, policy=policy(idempotent=idempotent, findable=findable), now=NOW, rest_until=rest)


@pytest.mark.parametrize(("idempotent", "findable"), ANY)
@pytest.mark.parametrize("spent", SPENT)
@pytest.mark.parametrize("rest", RESTS)
class TestWhateverTheGuarantees:
    """What depends on neither guarantees nor tries."""

    @pytest.mark.parametrize("taken", [Taken.TAKEN, Taken.DUPLICATE])
    def test_a_receipt_delivers(self, idempotent: bool, findable: bool, spent: int, rest: datetime | None, taken: Taken) -> None:
        done = settled(Receipt(taken, "R1", "ok"), idempotent, findable, spent, rest)
        assert (done.state, done.outcome, done.reference, done.said) == (State.DELIVERED, taken.value, "R1", "ok")
        assert done.deadline is None

    def test_a_queued_receipt_gets_a_deadline(self, idempotent: bool, findable: bool, spent: int, rest: datetime | None) -> None:
        done = settled(Receipt(Taken.QUEUED), idempotent, findable, spent, rest)
        assert (done.state, done.deadline) == (State.ACCEPTED, NOW + VERDICT_WITHIN)

    def test_a_refusal_is_dead_at_once(self, idempotent: bool, findable: bool, spent: int, rest: datetime | None) -> None:
        done = settled(Rejected("HUB-D-115", "refused", said="no such item"), idempotent, findable, spent, rest)
        assert (done.state, done.stage, done.code) == (State.DEAD, Stage.SEND, "HUB-D-115")
        assert (done.reason, done.said) == ("refused: no such item", "no such item")

    def test_deferred_comes_back_when_it_said(self, idempotent: bool, findable: bool, spent: int, rest: datetime | None) -> None:
        until = NOW + timedelta(hours=9)
        done = settled(Deferred("HUB-D-112", "later", until=until), idempotent, findable, spent, rest)
        assert (done.state, done.due, done.counted, done.doubtful) == (State.PENDING, until, False, False)

    @pytest.mark.parametrize(
        ("until", "after"),
        [
            (NOW - timedelta(days=400), timedelta(seconds=1)),
            (NOW, timedelta(seconds=1)),
            (None, timedelta(seconds=1)),
            (NOW.replace(tzinfo=None) + timedelta(hours=1), timedelta(seconds=1)),  # nobody knows in which zone
            (NOW + timedelta(days=400), timedelta(days=7)),
            (datetime.max.replace(tzinfo=UTC), timedelta(days=7)),
        ],
    )
    def test_deferred_to_the_past_is_not_tried_without_end_and_to_the_far_future_not_forgotten(
        self, idempotent: bool, findable: bool, spent: int, rest: datetime | None, until: datetime | None, after: timedelta
    ) -> None:
        done = settled(Deferred("HUB-D-112", "later", until=until), idempotent, findable, spent, rest)
        assert (done.due, done.counted, done.state) == (NOW + after, False, State.PENDING)

    def test_deferred_without_a_time_is_due_now(self, idempotent: bool, findable: bool, spent: int, rest: datetime | None) -> None:
        assert settled(Deferred("HUB-D-108", "not sent", until=None), idempotent, findable, spent, rest).due == NOW

    def test_a_wrong_set_up_spares_the_record(self, idempotent: bool, findable: bool, spent: int, rest: datetime | None) -> None:
        done = settled(Misconfigured("HUB-D-110", "login refused"), idempotent, findable, spent, rest)
        assert (done.state, done.due, done.counted) == (State.PENDING, NOW, False)


@pytest.mark.parametrize(("idempotent", "findable"), ANY)
class TestRetryable:
    """Retryable: the waits of the list one after the other, then dead."""

    @pytest.mark.parametrize("spent", [0, 1])
    def test_waits_as_the_list_says(self, idempotent: bool, findable: bool, spent: int) -> None:
        done = settled(Retryable("HUB-D-113", "busy"), idempotent, findable, spent, None)
        assert (done.state, done.due, done.counted) == (State.PENDING, NOW + WAITS[spent], True)
        assert not done.doubtful

    @pytest.mark.parametrize("spent", [2, 3])
    def test_dead_when_the_list_is_spent(self, idempotent: bool, findable: bool, spent: int) -> None:
        done = settled(Retryable("HUB-D-113", "busy"), idempotent, findable, spent, None)
        assert (done.state, done.stage, done.code) == (State.DEAD, Stage.SEND, "HUB-D-113")

    @pytest.mark.parametrize("spent", SPENT)
    def test_spared_while_the_target_is_down(self, idempotent: bool, findable: bool, spent: int) -> None:
        done = settled(Retryable("HUB-D-113", "busy"), idempotent, findable, spent, REST)
        assert (done.state, done.due, done.counted) == (State.PENDING, REST, False)

    @pytest.mark.parametrize("code", ["HUB-D-101", "HUB-D-102"])
    @pytest.mark.parametrize("spent", SPENT)
    def test_a_target_not_even_reached_costs_no_try(self, idempotent: bool, findable: bool, spent: int, code: str) -> None:
        done = settled(Retryable(code, "cannot connect"), idempotent, findable, spent, None)
        assert (done.state, done.counted) == (State.PENDING, False)
        assert done.due is not None and done.due > NOW  # not at once: it would spin


@pytest.mark.parametrize("spent", SPENT)
@pytest.mark.parametrize("rest", RESTS)
def test_doubt_nobody_can_settle_waits_for_a_person(spent: int, rest: datetime | None) -> None:
    done = settled(InDoubt("HUB-D-104", "no answer"), False, False, spent, rest)
    assert (done.state, done.stage, done.code) == (State.HELD, Stage.SEND, "HUB-D-104")


@pytest.mark.parametrize(("idempotent", "findable"), [guarantee for guarantee in ANY if any(guarantee)])
class TestInDoubt:
    """In doubt, with a target that takes a message twice without harm or can be asked."""

    @pytest.mark.parametrize("spent", [0, 1])
    def test_is_tried_again_and_stays_doubtful(self, idempotent: bool, findable: bool, spent: int) -> None:
        done = settled(InDoubt("HUB-D-104", "no answer"), idempotent, findable, spent, None)
        assert (done.state, done.due, done.counted, done.doubtful) == (State.PENDING, NOW + WAITS[spent], True, True)

    def test_is_held_when_the_list_is_spent_never_dead(self, idempotent: bool, findable: bool) -> None:
        assert settled(InDoubt("HUB-D-104", "no answer"), idempotent, findable, 2, None).state is State.HELD

    @pytest.mark.parametrize("spent", SPENT)
    def test_is_spared_while_the_target_is_down(self, idempotent: bool, findable: bool, spent: int) -> None:
        done = settled(InDoubt("HUB-D-104", "no answer"), idempotent, findable, spent, REST)
        assert (done.state, done.due, done.counted, done.doubtful) == (State.PENDING, REST, False, True)


def test_a_failure_of_no_class_is_tried_again() -> None:
    assert settled(Failure("HUB-D-118", "what?"), False, False, 0, None).state is State.PENDING


def test_a_deadline_of_the_far_side_counts() -> None:
    deadline = NOW + timedelta(hours=2)
    assert settled(Receipt(Taken.QUEUED, deadline=deadline), False, False, 0, None).deadline == deadline


@pytest.mark.parametrize(("dice", "share"), [(0.0, 0.8), (0.5, 1.0), (0.999999, 1.2)])
def test_jitter_stretches_and_shrinks_by_its_share(dice: float, share: float) -> None:
    wait = policy(jitter=0.2, dice=lambda: dice).wait(1)
    assert wait is not None
    assert wait / WAITS[1] == pytest.approx(share, abs=1e-5)


def test_the_list_ends() -> None:
    assert policy(jitter=0.2).wait(2) is None


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("", "refused"),
        ("项目编号621125-2016-000123不存在", "refused: 项目编号#不存在"),
        ("row 8f1c2d34-aa11-42 duplicated", "refused: row # duplicated"),
        ("字段 C04 不能为空", "refused: 字段 C04 不能为空"),
        ("004", "refused: 004"),
        ("20161213000123", "refused: #"),
        ("line 7: bad value 20161213", "refused: line #: bad value #"),
        ("at 2016/12/13 01:02:03.5: no", "refused: at # #: no"),
    ],
)
def test_cause_leaves_out_what_tells_records_apart(said: str, expected: str) -> None:
    assert cause(Rejected("HUB-D-115", "refused", said=said)) == expected


def test_words_no_database_can_hold_are_mended() -> None:
    done = settled(Receipt(reference="R" * 300, said="a\x00b\ud83d"), False, False, 0, None)
    assert done.reference == "R" * 255
    assert done.said == "ab?"
    dead = settled(Rejected("HUB-D-115", "no", said="\x00\ud83d"), False, False, 0, None)
    assert dead.reason == "no: ?"
