"""The kit itself: an honest adapter in memory passes all of it, and each kind of lie is found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from threading import Lock
from typing import Any, ClassVar

import pytest

from adapters.kit.conformance import SinkConformance, SourceConformance
from hub.errors import Deferred, Failure, Rejected, Retryable, SourceFailed
from hub.model import Guarantees, Json, Message, Page, Receipt, Record, Taken, Unreadable
from hub.ports import Options, Outcome


class FarSide:
    """What both toy adapters talk to."""

    def __init__(self) -> None:
        self.up = True
        self.rows: dict[str, tuple[str, Mapping[str, Json]]] = {}
        self.log: list[tuple[int, str, str]] = []
        self.lock = Lock()


class Toy:
    name: ClassVar[str] = "toy"
    options: ClassVar[type[Options]] = Options

    def __init__(self, far: FarSide) -> None:
        self.far = far

    def guarantees(self) -> Guarantees:
        return Guarantees(idempotent=True, findable=True, ordered_batch=True, batch=20, in_flight=4)

    def endpoints(self) -> frozenset[str]:
        return frozenset({"accept"})

    def kinds(self) -> frozenset[str]:
        return frozenset({"case"})

    def close(self) -> None: ...

    def check(self) -> None:
        if not self.far.up:
            raise Retryable("HUB-D-101", "the far side is down")

    def find(self, message: Message) -> Receipt | None:
        self.check()
        return Receipt() if message.idempotency_key in self.far.rows else None

    def send(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        self.check()
        stopped: set[str] = set()
        return [self.one(message, stopped) for message in messages]

    def one(self, message: Message, stopped: set[str]) -> Outcome:
        if message.lane in stopped:
            return Deferred("HUB-D-140", "the lane stopped", until=None)
        if message.body["number"] < 0:
            stopped.add(message.lane)
            return Rejected("HUB-D-120", "number: not positive")
        with self.far.lock:
            known = message.idempotency_key in self.far.rows
            self.far.rows.setdefault(message.idempotency_key, (message.key, message.body))
        return Receipt(Taken.DUPLICATE if known else Taken.TAKEN)

    def read(self, cursor: str | None) -> Iterator[Page]:
        if not self.far.up:
            raise SourceFailed("HUB-S-101", "the far side is down")
        at = int(cursor or 0)
        while part := self.far.log[at : at + 4]:
            at += len(part)
            rows = tuple(Record("case", key, revision, {"time": time}) for time, key, revision in part if revision)
            bad = tuple(Unreadable("case", key, "HUB-S-102", "broken") for _, key, revision in part if not revision)
            yield Page(rows, str(at), bad)


class ToySide:
    far: FarSide

    @pytest.fixture(autouse=True)
    def far_side(self) -> None:
        self.far = FarSide()

    def adapter(self) -> Any:
        return Toy(self.far)

    def go_down(self) -> None:
        self.far.up = False

    def come_back(self) -> None:
        self.far.up = True


class TestHonestSink(ToySide, SinkConformance):
    endpoint, text = "accept", "name"

    def body(self, n: int) -> dict[str, Json]:
        return {"number": n, "name": f"name-{n}"}

    def held(self) -> list[tuple[str, Mapping[str, Json]]]:
        return list(self.far.rows.values())

    def refuse(self, message: Message) -> Message:
        return self.message(message.id, message.lane, number=-1)


class TestHonestSource(ToySide, SourceConformance):
    def rows(self, n: int, *, same_time: bool = False) -> list[str]:
        time = len(self.far.log) if not same_time else self.far.log[-1][0]
        keys = [f"K{len(self.far.log) + i}" for i in range(n)]
        self.far.log += [(time if same_time else time + i, key, "1") for i, key in enumerate(keys)]
        return keys

    def spoil(self) -> None:
        self.far.log.append((len(self.far.log), "broken", ""))

    def change(self, key: str) -> None:
        self.far.log.append((len(self.far.log), key, "2"))


class TestWithoutFind(TestHonestSink):
    leaves_out: ClassVar[frozenset[str]] = frozenset({"test_find_tells_taken_from_not_taken"})


def test_what_is_left_out_is_no_test_any_more() -> None:
    assert TestWithoutFind.test_find_tells_taken_from_not_taken is None
    assert callable(TestHonestSink.test_find_tells_taken_from_not_taken)
    assert type("Below", (TestWithoutFind,), {}).test_find_tells_taken_from_not_taken is None  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["test_nothing_of_the_kind", "adapter"])
def test_only_tests_can_be_left_out(name: str) -> None:
    with pytest.raises(TypeError, match=f"leaves out '{name}'"):
        type("Misspelt", (SinkConformance,), {"leaves_out": frozenset({name})})


# --- lies the kit must find ---


class Doubling(Toy):
    def one(self, message: Message, stopped: set[str]) -> Outcome:
        self.far.rows[f"{message.idempotency_key}-{len(self.far.rows)}"] = (message.key, message.body)
        return Receipt()


class Careless(Toy):
    """Goes on with a lane after its failure."""

    def one(self, message: Message, stopped: set[str]) -> Outcome:
        return super().one(message, set())


class Talkative(Toy):
    def one(self, message: Message, stopped: set[str]) -> Outcome:
        return Rejected("HUB-D-120", f"bad name {message.body['name']}")


class Deaf(Toy):
    """Says «not there» when it cannot look."""

    def find(self, message: Message) -> Receipt | None:
        return Receipt() if self.far.up and message.idempotency_key in self.far.rows else None


class Garbling(Toy):
    def one(self, message: Message, stopped: set[str]) -> Outcome:
        name = message.body["name"].encode("gbk", "replace").decode("gbk")
        self.far.rows[message.idempotency_key] = (message.key, {**message.body, "name": name})
        return Receipt()


class Blaming(Toy):
    def send(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        if not self.far.up:
            return [Rejected("HUB-D-120", "no answer") for _ in messages]
        return super().send(messages)


class Skipping(Toy):
    """Resumes by time alone."""

    def read(self, cursor: str | None) -> Iterator[Page]:
        rows = [row for row in self.far.log if row[0] > int(cursor or -1)]
        for at in range(0, len(rows), 4):
            part = rows[at : at + 4]
            yield Page(tuple(Record("case", key, rev, {}) for _, key, rev in part), str(part[-1][0]))


def found(test: str, lie: type[Toy], base: type[Any], *arguments: object) -> None:
    case = base()
    case.far = FarSide()
    case.adapter = lambda: lie(case.far)
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        getattr(case, test)(lie(case.far), *arguments)


@pytest.mark.parametrize(
    ("lie", "test", "arguments"),
    [
        (Doubling, "test_the_same_message_twice", ()),
        (Doubling, "test_the_same_messages_in_other_windows", ()),
        (Careless, "test_a_lane_stops_at_its_first_failure", ()),
        (Talkative, "test_a_refusal_says_why_without_the_data", ()),
        (Deaf, "test_find_never_denies_what_it_cannot_see", ()),
        (Garbling, "test_rare_characters", ("䶮",)),
        (Blaming, "test_an_unreachable_far_side", ()),
    ],
)
def test_a_lying_sink_is_found(lie: type[Toy], test: str, arguments: tuple[object, ...]) -> None:
    found(test, lie, TestHonestSink, *arguments)


def test_a_source_that_skips_equal_times_is_found() -> None:
    found("test_equal_times_are_never_skipped", Skipping, TestHonestSource)


class Raising(Toy):
    def send(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        raise Retryable("HUB-D-101", "down")


def test_a_raised_failure_stands_for_every_message() -> None:
    from adapters.kit.conformance.sink import send

    case = TestHonestSink()
    outcomes = send(Raising(FarSide()), case.messages(2))
    assert [isinstance(outcome, Failure) for outcome in outcomes] == [True, True]
