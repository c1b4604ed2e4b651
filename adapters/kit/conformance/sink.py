"""What every sink must prove: nothing lost, nothing doubled, each lane in order, and the right word for each failure."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, ClassVar

import pytest

from adapters.kit.conformance.common import Conformance, coded
from hub.errors import Deferred, Failure, InDoubt, Misconfigured, Rejected, Retryable
from hub.model import Json, Message, Operation, Receipt
from hub.ports import Findable, Outcome, Sink

#: Characters that wrong codecs betray: in GBK but not GB2312, only in GB18030, outside the BMP, and the dot in minority names.
RARE = {"gbk": "喆堃镕", "gb18030": "䶮㛃", "astral": "𬎆", "dot": "阿卜杜拉·买买提", "dash": "一—二"}
#: Text that careless quoting, escaping or typing would change.
AWKWARD = {
    "zeros": "0621125",
    "markup": "<a>&amp;]]></a>",
    "quotes": "'\"; DROP TABLE x; --",
    "lines": "first\nsecond\tthird",
    "formula": "=1+1",
    "backslash": "C:\\new\\table %s {0} ${HOME}",
    "null": "null",
    "spaces": " in between  stay ",
}


class SinkConformance(Conformance):
    """Tests of `Sink` and `Findable`. A subclass gives `adapter`, `body`, `held`, `endpoint`, `text`."""

    endpoint: ClassVar[str]
    kind: ClassVar[str] = "case"
    #: The body field that takes free text.
    text: ClassVar[str]
    #: Most messages of one window that the tests send, when the guarantee allows more.
    window: ClassVar[int] = 200

    def body(self, n: int) -> dict[str, Json]:
        """Return a body the far side likes, different for each n."""
        raise NotImplementedError

    def held(self) -> list[tuple[str, Mapping[str, Json]]]:
        """Return what the far side really holds, in the order it took it: message key and body, one for each row."""
        raise NotImplementedError

    def refuse(self, message: Message) -> Message:
        """Make the far side refuse this message: flip a switch over there, or return one with a body it never takes."""
        pytest.skip("this class does not say how to make the far side refuse a message (refuse)")

    def traces(self) -> object:
        return self.held()

    def message(self, n: int, lane: str = "", **fields: Json) -> Message:
        """Return the n-th message; `fields` replace fields of its body. A lane of its own unless told."""
        return Message(
            id=n,
            endpoint=self.endpoint,
            kind=self.kind,
            key=f"K{n:05d}",
            lane=lane or f"L{n:05d}",
            operation=Operation.INSERT,
            body={**self.body(n), **fields},
            idempotency_key=f"idem-{n:05d}",
            batch="B0001",
            created=datetime(2016, 12, 13, 1, 2, 3, tzinfo=UTC),
        )

    def messages(self, count: int, lane: str = "", start: int = 1) -> list[Message]:
        return [self.message(n, lane) for n in range(start, start + count)]

    def keys(self) -> list[str]:
        return [key for key, _ in self.held()]

    # --- windows ---

    def test_is_a_sink(self, subject: Any) -> None:
        assert self.endpoint in subject.endpoints()
        assert isinstance(subject, Findable) or not subject.guarantees().findable, "findable is promised, find is missing"
        assert isinstance(subject, Sink)

    def test_nothing_to_send(self, subject: Any) -> None:
        assert list(subject.send([])) == []
        assert self.held() == []

    def test_one_message(self, subject: Any) -> None:
        messages = [self.message(1)]
        before = copy.deepcopy(messages)
        all_taken(send(subject, messages))
        assert self.keys() == [messages[0].key]
        assert messages == before, "send changed its messages"

    def test_a_full_window(self, subject: Any) -> None:
        messages = self.messages(min(subject.guarantees().batch, self.window))
        all_taken(send(subject, messages))
        assert sorted(self.keys()) == [message.key for message in messages]

    def test_window_after_window(self, subject: Any) -> None:
        for n in range(1, 6):
            all_taken(send(subject, [self.message(n)]))
        assert self.keys() == [self.message(n).key for n in range(1, 6)]

    def test_one_lane_keeps_its_order(self, subject: Any) -> None:
        messages = self.messages(self._ordered(subject, 3), lane="A")
        all_taken(send(subject, messages))
        assert self.keys() == [message.key for message in messages]

    # --- refusals ---

    def test_a_refusal_says_why_without_the_data(self, subject: Any) -> None:
        message = self.refuse(self.message(1))
        (outcome,) = send(subject, [message])
        assert isinstance(outcome, Rejected), f"a refused record must be Rejected, not {outcome!r}"
        coded(outcome)
        said = f"{outcome} {outcome!r} {outcome.said}"
        for field, value in message.body.items():
            assert not (isinstance(value, str) and len(value) > 3 and value in said), f"the value of {field} leaks"
        assert self.held() == []

    def test_a_lane_stops_at_its_first_failure(self, subject: Any) -> None:
        self._ordered(subject, 4)
        first, second, third, fourth = self.messages(4, lane="A")
        outcomes = send(subject, [first, self.refuse(second), third, fourth])
        assert isinstance(outcomes[0], Receipt)
        assert isinstance(outcomes[1], Rejected)
        for outcome in outcomes[2:]:
            assert isinstance(outcome, Deferred), f"later messages of a stopped lane are Deferred, not {outcome!r}"
            assert outcome.until is None
        assert self.keys() == [first.key]

    def test_other_lanes_go_on(self, subject: Any) -> None:
        self._room(subject, 3)
        first, second, third = self.messages(3)
        outcomes = send(subject, [first, self.refuse(second), third])
        assert [isinstance(outcome, Receipt) for outcome in outcomes] == [True, False, True]
        assert sorted(self.keys()) == [first.key, third.key]

    # --- once and only once ---

    def test_the_same_message_twice(self, subject: Any) -> None:
        self._promised(subject.guarantees().idempotent, "idempotent")
        message = self.message(1)
        all_taken(send(subject, [message]))
        all_taken(send(subject, [replace(message, attempt=2)]))
        assert self.keys() == [message.key]

    def test_the_same_messages_in_other_windows(self, subject: Any) -> None:
        self._promised(subject.guarantees().idempotent, "idempotent")
        self._room(subject, 3)
        first, second, third = self.messages(3)
        all_taken(send(subject, [first, second, third]))
        restarted = self.adapter()
        try:
            all_taken(send(restarted, [second]))
            all_taken(send(restarted, [first, third]))
        finally:
            restarted.close()
        assert sorted(self.keys()) == [first.key, second.key, third.key]

    def test_find_tells_taken_from_not_taken(self, subject: Any) -> None:
        self._promised(subject.guarantees().findable, "findable")
        sent, unsent = self.message(1), self.message(2)
        all_taken(send(subject, [sent]))
        assert isinstance(subject.find(sent), Receipt)
        assert subject.find(unsent) is None
        restarted = self.adapter()
        try:
            assert isinstance(restarted.find(sent), Receipt), "what one instance sent, the next must find"
        finally:
            restarted.close()

    def test_a_refused_message_is_not_found(self, subject: Any) -> None:
        self._promised(subject.guarantees().findable, "findable")
        message = self.refuse(self.message(1))
        send(subject, [message])
        assert subject.find(message) is None

    # --- the far side is away ---

    def test_an_unreachable_far_side(self, subject: Any) -> None:
        message = self.message(1)
        self.go_down()
        (outcome,) = send(subject, [message])
        assert isinstance(outcome, Retryable | Misconfigured), f"nothing left, so nothing is refused or in doubt: {outcome!r}"
        coded(outcome)
        self.come_back()
        all_taken(send(subject, [message]))
        assert self.keys() == [message.key]

    def test_going_away_between_two_sends(self, subject: Any) -> None:
        all_taken(send(subject, [self.message(1)]))
        self.go_down()
        (outcome,) = send(subject, [self.message(2)])
        # A kept connection may only notice after the bytes left.
        assert isinstance(outcome, Retryable | Misconfigured | InDoubt), f"not the record's fault: {outcome!r}"
        self.come_back()
        all_taken(send(subject, [self.message(3)]))
        assert {self.message(1).key, self.message(3).key} <= set(self.keys())

    def test_find_never_denies_what_it_cannot_see(self, subject: Any) -> None:
        self._promised(subject.guarantees().findable, "findable")
        message = self.message(1)
        all_taken(send(subject, [message]))
        self.go_down()
        with pytest.raises(Failure) as caught:
            subject.find(message)
        coded(caught.value)

    # --- contents ---

    @pytest.mark.parametrize("value", RARE.values(), ids=RARE.keys())
    def test_rare_characters(self, subject: Any, value: str) -> None:
        self._intact_or_rejected(subject, value)

    @pytest.mark.parametrize("value", AWKWARD.values(), ids=AWKWARD.keys())
    def test_awkward_text(self, subject: Any, value: str) -> None:
        self._intact_or_rejected(subject, value)

    def test_a_field_of_one_megabyte(self, subject: Any) -> None:
        self._intact_or_rejected(subject, "漳县" * (1 << 18))

    # --- threads ---

    def test_sends_at_once(self, subject: Any) -> None:
        threads = min(subject.guarantees().in_flight, 8)
        self._promised(threads > 1, "several sends at once")
        windows = [[self.message(n * 10 + i) for i in range(min(subject.guarantees().batch, 3))] for n in range(1, 4 * threads + 1)]
        with ThreadPoolExecutor(threads) as pool:
            for outcomes in pool.map(lambda window: send(subject, window), windows, timeout=self.patience):
                all_taken(outcomes)
        assert sorted(self.keys()) == sorted(message.key for window in windows for message in window)

    # --- parts ---

    def _intact_or_rejected(self, subject: Any, value: str) -> None:
        message = self.message(1, **{self.text: value})
        (outcome,) = send(subject, [message])
        if isinstance(outcome, Receipt):
            ((_, body),) = self.held()
            assert body[self.text] == value, "taken, but not as it was"
            return
        assert isinstance(outcome, Rejected), f"neither taken nor rejected: {outcome!r}"
        coded(outcome)
        assert self.held() == [], "rejected, and yet over there"

    def _ordered(self, subject: Any, count: int) -> int:
        self._promised(subject.guarantees().ordered_batch, "ordered_batch")
        self._room(subject, count)
        return count

    def _room(self, subject: Any, count: int) -> None:
        self._promised(subject.guarantees().batch >= count, f"a batch of {count}")

    @staticmethod
    def _promised(promise: bool, name: str) -> None:
        if not promise:
            pytest.skip(f"the adapter does not promise {name}")


def send(subject: Any, messages: Sequence[Message]) -> list[Outcome]:
    """Send as the hub does: a Failure that is raised stands for every message, but a refusal of several is sent again in halves."""
    try:
        outcomes = list(subject.send(messages))
    except Rejected as refusal:
        middle = len(messages) // 2
        return [*send(subject, messages[:middle]), *send(subject, messages[middle:])] if middle else [refusal]
    except Failure as failure:
        return [failure] * len(messages)
    assert len(outcomes) == len(messages), "one outcome for each message"
    assert all(isinstance(outcome, Receipt | Failure) for outcome in outcomes)
    return outcomes


def all_taken(outcomes: Sequence[Outcome]) -> None:
    """Assert that every message was taken."""
    refused = [outcome for outcome in outcomes if not isinstance(outcome, Receipt)]
    assert not refused, f"{len(refused)} of {len(outcomes)} not taken, first: {refused[0]!r}"
