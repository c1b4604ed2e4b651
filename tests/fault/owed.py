"""The outbox as a small dictionary: what must be owed, what the world said of each delivery, and why its state may change."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from hub.model import TAKEN, Judgement, Message, Operation, Record, State
from hub.store import schema
from tests.fault.truthful import KEEPING, Answer, Side

PENDING, ACCEPTED, DELIVERED, CONFIRMED, REJECTED = (
    State.PENDING, State.ACCEPTED, State.DELIVERED, State.CONFIRMED, State.REJECTED
)  # fmt: skip
HELD, PARKED, DEAD, CANCELLED, SUPERSEDED = State.HELD, State.PARKED, State.DEAD, State.CANCELLED, State.SUPERSEDED

#: Every change of state there may be, and the reasons that make it right. Anything else is a bug.
RIGHT: dict[tuple[State | None, State], tuple[str, ...]] = {
    (None, PENDING): ("mapped",),
    (None, HELD): ("gated",),
    (None, DEAD): ("unmappable",),
    (None, PARKED): ("orphaned",),
    (None, SUPERSEDED): ("newer",),  # a page may hold several versions
    (PENDING, DELIVERED): ("there",),
    (PENDING, ACCEPTED): ("queued",),
    (PENDING, HELD): ("doubtful",),
    (PENDING, DEAD): ("refused", "spent"),
    (PENDING, PARKED): ("orphaned",),
    (PARKED, PENDING): ("parent taken", "was on its way"),
    (PARKED, DELIVERED): ("there",),  # parked by its parent's late refusal while it was on its way
    (PARKED, ACCEPTED): ("queued",),
    (PARKED, HELD): ("doubtful",),
    (PARKED, DEAD): ("refused", "spent"),
    (PARKED, SUPERSEDED): ("newer",),
    (PARKED, CANCELLED): ("cancel",),
    (ACCEPTED, CONFIRMED): ("confirmed",),
    (ACCEPTED, REJECTED): ("disproved",),
    (ACCEPTED, SUPERSEDED): ("disproved",),
    (ACCEPTED, HELD): ("silent",),
    (DELIVERED, CONFIRMED): ("confirmed",),
    (DELIVERED, REJECTED): ("disproved",),
    (DELIVERED, SUPERSEDED): ("disproved",),
    (CONFIRMED, REJECTED): ("disproved",),
    (CONFIRMED, SUPERSEDED): ("disproved",),
    (HELD, PENDING): ("release",),
    (HELD, DELIVERED): ("deliver",),
    (HELD, CANCELLED): ("cancel",),
    (HELD, CONFIRMED): ("confirmed",),
    (HELD, REJECTED): ("disproved",),
    (HELD, SUPERSEDED): ("newer",),
    (HELD, PARKED): ("release",),
    (DEAD, PENDING): ("retry",),
    (DEAD, HELD): ("retry",),
    (DEAD, PARKED): ("retry",),
    (DEAD, CANCELLED): ("cancel",),
    (DEAD, SUPERSEDED): ("newer",),
    (REJECTED, PENDING): ("retry",),
    (REJECTED, HELD): ("retry",),
    (REJECTED, PARKED): ("retry",),
    (REJECTED, CANCELLED): ("cancel",),
    (REJECTED, SUPERSEDED): ("newer",),
    (SUPERSEDED, REJECTED): ("disproved",),
}


@dataclass(frozen=True, slots=True)
class Owed:
    """One delivery as the store has it."""

    id: int
    system: str
    route: str
    key: str
    lane: str
    parent_route: str | None
    parent_key: str | None
    operation: str
    state: State
    stage: str | None
    generation: int
    batch: str
    row: str | None
    revision: str

    def same_object(self, other: Owed) -> bool:
        """Whether both are versions of one object."""
        return (self.system, self.route, self.key) == (other.system, other.route, other.key)


def read(connection: sa.Connection) -> dict[int, Owed]:
    """Return all deliveries, by number."""
    ours, record = schema.delivery, schema.record
    names = [name for name in Owed.__slots__ if name != "revision"]
    query = sa.select(*(ours.c[name] for name in names), record.c.revision).join_from(ours, record, ours.c.record_id == record.c.id)
    rows = connection.execute(query.order_by(ours.c.id)).mappings()
    return {row["id"]: Owed(**{**row, "state": State(row["state"])}) for row in rows}


@dataclass
class Outbox:
    """The model. `owed`: deliveries by number; `said`: what the world said of each since it moved; `facts`: what stays true."""

    sinks: tuple[str, ...]
    tries: int  # that a delivery has
    unmappable: Callable[[Record], bool]
    offered: list[Record] = field(default_factory=list)
    read_until: int = 0  # how much of that is behind the cursor
    owed: dict[int, Owed] = field(default_factory=dict)
    flying: set[int] = field(default_factory=set)  # what was being sent after the last transaction
    said: dict[int, set[str]] = field(default_factory=lambda: defaultdict(set))
    facts: dict[int, set[str]] = field(default_factory=lambda: defaultdict(set))
    failed: Counter[int] = field(default_factory=Counter)  # tries of each delivery that failed since it was last revived
    bodies: dict[str, tuple[Any, ...]] = field(default_factory=dict)  # by idempotency key: what its first attempt sent
    released: Counter[int] = field(default_factory=Counter)  # how often a person let it go again although it may be there
    late: set[str] = field(default_factory=set)  # came from a hub that had frozen, after it was looked up in vain
    thawed: bool = False  # what arrives now was on its way while its hub was frozen

    def say(self, numbers: Iterable[int], word: str) -> None:
        """Note what somebody said of deliveries."""
        for number in numbers:
            self.said[number].add(word)
            if word in ("release", "retry"):
                self.failed[number] = 0

    def in_state(self, *states: State) -> list[int]:
        """Return the deliveries in these states, oldest first."""
        return [one.id for one in self.owed.values() if one.state in states]

    # --- what the store says after each transaction ---

    def look(self, now: dict[int, Owed], read_until: int, flying: set[int]) -> None:
        """Compare the outbox with what it was: nothing disappeared, nothing is missing, and every change has its reason."""
        assert set(now) >= set(self.owed), "a delivery disappeared"
        before, self.owed, self.read_until = self.owed, now, read_until
        for one in now.values():
            if one.id in before and before[one.id].generation < one.generation:
                self.facts[one.id] -= {"there"}  # other bytes now: those are not over there
        for one in now.values():
            old = before[one.id].state if one.id in before else None
            if old is not one.state:
                self._judge(old, one)
        self._complete()
        self.flying = flying

    def _judge(self, old: State | None, one: Owed) -> None:
        reasons = RIGHT.get((old, one.state))
        assert reasons is not None, f"{one} came from {old}: no such change"
        assert any(self._holds(reason, one) for reason in reasons), f"{one} came from {old} without a reason: {self.said[one.id]}"
        if one.state is not PARKED:  # what is on its way is still answered then
            self.said[one.id].clear()

    def _holds(self, reason: str, one: Owed) -> bool:
        """Tell whether that is so: by a rule of its own, else because somebody said it or it stays true."""
        rule = self._rules().get(reason)
        return rule(one) if rule else reason in self.said[one.id] | self.facts[one.id]

    def _rules(self) -> dict[str, Callable[[Owed], bool]]:
        return {
            "queued": lambda one: {"there", "queued"} <= self.facts[one.id] | self.said[one.id],
            "mapped": lambda one: self._began(one) == "mapped",
            "gated": lambda one: self._began(one) == "gated",
            "unmappable": lambda one: self._began(one) == "unmappable",
            "orphaned": lambda one: one.parent_key is not None and not self._parent_taken(one),
            "parent taken": self._parent_taken,
            "was on its way": lambda one: one.id in self.flying,
            "newer": self._newer,
            "spent": lambda one: self.failed[one.id] >= self.tries,
            "doubtful": self._doubtful,
        }

    def _began(self, one: Owed) -> str:
        record = next(record for record in self.offered if (record.key, record.revision) == (one.key, one.revision))
        return "unmappable" if self.unmappable(record) else "gated" if one.stage == "gate" else "mapped"

    def _newer(self, one: Owed) -> bool:
        """Tell whether a later version was read, be it that it is gone."""
        versions = [record.revision for record in self.offered[: self.read_until] if record.key == one.key]
        return one.revision in versions[:-1] and one.revision != versions[-1]

    def _doubtful(self, one: Owed) -> bool:
        """What is safe to send again is not held before its tries are spent."""
        safe = one.system in ("table", "keyed")
        return "doubtful" in self.said[one.id] and (not safe or self.failed[one.id] >= self.tries)

    def _parent_taken(self, one: Owed) -> bool:
        return any(
            (other.system, other.route, other.key) == (one.system, one.parent_route, one.parent_key) and other.state in TAKEN
            for other in self.owed.values()
        )

    def _complete(self) -> None:
        """Every version before the cursor is owed to every sink exactly once; a deletion at most once (invariants 1 and 6)."""
        there = [(one.system, one.key, one.revision) for one in self.owed.values()]
        assert len(set(there)) == len(there), "one version is owed twice"
        read = {(record.key, record.revision): record for record in self.offered[: self.read_until]}
        missing = [
            (system, *name)
            for name, record in read.items()
            for system in self.sinks
            if record.operation is not Operation.DELETE and (system, *name) not in set(there)
        ]
        assert not missing, f"lost: {missing}"
        assert {(key, revision) for _, key, revision in there} <= set(read), "more is owed than was read"

    # --- what a far side sees of each message ---

    def arrives(self, system: str, message: Message, answer: Answer, before: set[int]) -> None:
        """Judge a message at its arrival: it was written down before, it is what its first attempt was, and it is its turn.

        `before`: what went before it in the same call, which had one answer as a whole.
        """
        one = self.owed[message.id]
        if self.thawed and system == "asked":
            self.late.add(message.idempotency_key)
        if not self.thawed:
            assert message.id in self.flying, "sent without an attempt (invariant 2)"
            self._turn(one, before)
        self._same_bytes(one, message)
        self._hear(one, answer)

    def _same_bytes(self, one: Owed, message: Message) -> None:
        """Its bytes are those of attempt 1 (invariant 4), unless it has become an insert and certainly never was over there."""
        now = (message.operation, message.endpoint, message.body, message.batch, message.created)
        first = self.bodies.setdefault(message.idempotency_key, now)
        if first[0] is Operation.UPDATE and message.operation is Operation.INSERT and "ever there" not in self.facts[one.id]:
            first = self.bodies[message.idempotency_key] = now
        assert first == now, "not the bytes of attempt 1 (invariant 4)"

    def _turn(self, one: Owed, before: set[int]) -> None:
        """Its lane's order is kept, its parent was taken, and no newer version is over there (invariant 3)."""
        for other in self.owed.values():
            ahead = (other.system, other.lane) == (one.system, one.lane) and other.id < one.id and other.state in (PENDING, HELD)
            assert not ahead or other.id in before or self._ever(other), f"{one} overtook {other}"
            if one.same_object(other) and other.id > one.id:
                again = other.state is PENDING  # in doubt, both: both go again, in order
                assert again or not self._ever(other), f"{one} came after the newer {other}"
        if one.parent_key is not None:
            names = (one.system, one.parent_route, one.parent_key)
            parents = [other for other in self.owed.values() if (other.system, other.route, other.key) == names]
            assert any(self._ever(parent) or parent.id in before for parent in parents), f"{one} came before its parent"
        if one.operation == Operation.UPDATE.value:
            versions = [other for other in self.owed.values() if one.same_object(other) and other.id <= one.id]
            assert any(self._ever(version) or version.id in before for version in versions), f"{one} updates what never was there"

    def _ever(self, one: Owed) -> bool:
        return bool(self.facts[one.id] & {"ever there", "claimed"})

    def _hear(self, one: Owed, answer: Answer) -> None:
        self.said[one.id] -= {"refused", "doubtful", "queued"}
        if answer in KEEPING:
            self.facts[one.id] |= {"there", "ever there"}
        if answer in (Answer.REFUSED, Answer.ALL_REFUSED):
            self.said[one.id].add("refused")
        if answer in (Answer.LOST_ANSWER, Answer.LOST_REQUEST):
            self.said[one.id].add("doubtful")
        if answer is Answer.QUEUED:
            self.said[one.id].add("queued")
        self.failed[one.id] += answer in (Answer.BUSY, Answer.LOST_ANSWER, Answer.LOST_REQUEST)

    # --- what else is said ---

    def judged(self, message: Message, judgement: Judgement) -> None:
        """Note a later verdict: it is about everything of that row and batch."""
        for one in self.owed.values():
            if (one.system, one.row, one.batch) == ("table", message.key, message.batch):
                self.facts[one.id].add("disproved" if judgement is Judgement.REJECTED else "confirmed")

    def decided(self, system: str, state: State) -> None:
        """Note what a person says of everything held; what nobody has approved yet cannot be called delivered."""
        word = {PENDING: "release", DELIVERED: "deliver", CANCELLED: "cancel"}[state]
        for number in self.in_state(HELD):
            one = self.owed[number]
            if one.system == system and (one.stage != "gate" or state is not DELIVERED):
                self.say([number], word)
                self.released[number] += state is PENDING and one.stage != "gate"
                if state is DELIVERED:
                    self.facts[number].add("claimed")

    # --- what must hold at any time, and in the end ---

    def at_most_once(self, system: str, side: Side) -> None:
        """Every message is over there at most once, but for what a person sent again and what thawed behind a look-up."""
        names = {message.idempotency_key: message.id for message in side.arrived}
        for key, times in side.kept.items():
            assert times <= 1 + self.released[names[key]] + (key in self.late), f"{self.owed[names[key]]} is there {times} times"

    def rests(self) -> None:
        """When all has long been well: what is still pending stands behind something held, and what was taken is there."""
        for one in self.owed.values():
            if one.state is PENDING:
                assert self._behind_held(one), f"{one} is stuck"
            if one.state is PARKED:
                assert not self._parent_taken(one), f"{one} is parked although its parent was taken"
            if one.state in TAKEN:
                assert self._ever(one), f"{one} was never taken"

    def _behind_held(self, one: Owed) -> bool:
        lane = (one.system, one.lane)
        return any((other.system, other.lane) == lane and other.id < one.id and other.state is HELD for other in self.owed.values())
