"""A far side that lives in memory, whole and honest to the ports contract, for tests of the hub itself.

Name it in YAML as `adapter: tests.fakes:MemoryAdapter`. What a system holds is kept beside the adapter, by the name of the system
(or option `far`), so that a test can look at it and script it while the hub opens and closes adapters as it likes:

    side = far("city")
    side.will("A1", InDoubt("HUB-D-104", "no answer"), taken=True)   # the next message with key A1 arrives, its answer is lost
    ...
    assert [message.key for message in side.taken] == ["A1"]
"""

from __future__ import annotations

import json
import threading
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from pydantic import Field, SecretStr

from hub.errors import QUEUED, Deferred, Failure, Retryable
from hub.model import Guarantees, Message, Operation, Page, Receipt, Record, Taken, Unreadable, Verdict, VerdictPage
from hub.ports import ConfigPath, Options, Outcome


@dataclass
class FarSide:
    """What one system holds: records to be read, messages that arrived, messages it kept, verdicts it will give."""

    records: list[Record | Unreadable] = field(default_factory=list)
    arrived: list[Message] = field(default_factory=list)
    taken: list[Message] = field(default_factory=list)
    calls: list[tuple[int, ...]] = field(default_factory=list)  # the message ids of each `send`
    pages: int = 0  # that were read: asking for the next one acknowledges the one before
    verdicts: list[Verdict] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)  # told with the next verdicts, once
    down: Failure | None = None  # raised by every call while set
    lock: threading.RLock = field(default_factory=threading.RLock)
    script: dict[str, deque[tuple[Outcome, bool]]] = field(default_factory=lambda: defaultdict(deque))

    def will(self, key: str, *outcomes: Outcome, taken: bool = False) -> None:
        """Answer the next messages with this record key so; `taken`: keep them although the answer is a failure."""
        with self.lock:
            self.script[key].extend((outcome, taken) for outcome in outcomes)

    def holds(self, idempotency_key: str) -> bool:
        with self.lock:
            return any(message.idempotency_key == idempotency_key for message in self.taken)

    def receive(self, message: Message, *, idempotent: bool) -> Outcome:
        with self.lock:
            self.arrived.append(message)
            if self.script[message.key]:
                return self._scripted(message)
            if idempotent and self.holds(message.idempotency_key):
                return Receipt(Taken.DUPLICATE)
            return self._keep(message)

    def _scripted(self, message: Message) -> Outcome:
        outcome, taken = self.script[message.key].popleft()
        if (taken or isinstance(outcome, Receipt)) and not self.holds(message.idempotency_key):
            self.taken.append(message)
        return outcome

    def _keep(self, message: Message) -> Receipt:
        self.taken.append(message)
        return Receipt(reference=f"R{len(self.taken)}")


_SIDES: dict[str, FarSide] = {}
_SIDES_LOCK = threading.Lock()


def far(name: str) -> FarSide:
    """Return the far side of that name, a new one if there is none."""
    with _SIDES_LOCK:
        return _SIDES.setdefault(name, FarSide())


def forget() -> None:
    """Forget every far side: call it between tests."""
    with _SIDES_LOCK:
        _SIDES.clear()


def record(key: str, revision: str = "1", kind: str = "case", operation: Operation = Operation.UPDATE, **data: Any) -> Record:
    """Return a record whose data is `data`."""
    return Record(kind, key, revision, data, operation)


class MemoryOptions(Options):
    """Which roles the system plays and what it promises."""

    far: str = ""  # the name of the far side; empty: the system's
    kinds: tuple[str, ...] = ()
    endpoints: tuple[str, ...] = ()
    records: ConfigPath | None = None  # JSON list of {kind, key, revision, data, operation}, put before `far().records`
    page: int = Field(100, ge=1)
    batch: int = Field(1, ge=1)
    in_flight: int = Field(1, ge=1)
    idempotent: bool = True
    findable: bool = True
    ordered_batch: bool = True
    reachable: bool = True
    password: SecretStr | None = None


class MemoryAdapter:
    """Source, Sink, Checkable and Findable over a FarSide."""

    name: ClassVar[str] = "memory"
    options: ClassVar[type[Options]] = MemoryOptions

    def __init__(self, options: Options, *, system: str) -> None:
        assert isinstance(options, MemoryOptions)
        if not options.kinds and not options.endpoints:
            raise ValueError("neither kinds nor endpoints: this system can do nothing")
        self._options = options
        self._far = far(options.far or system)

    def guarantees(self) -> Guarantees:
        o = self._options
        return Guarantees(o.idempotent, o.findable, o.ordered_batch, o.batch, o.in_flight)

    def endpoints(self) -> frozenset[str]:
        return frozenset(self._options.endpoints)

    def kinds(self) -> frozenset[str]:
        return frozenset(self._options.kinds)

    def close(self) -> None:
        """Nothing is open."""

    def check(self) -> None:
        self._reach()

    def read(self, cursor: str | None) -> Iterator[Page]:
        """The cursor is the number of records read so far."""
        position = int(cursor or 0)
        while True:
            self._reach()
            part = self._stored()[position : position + self._options.page]
            if not part:
                return
            position += len(part)
            records = tuple(item for item in part if isinstance(item, Record))
            faults = tuple(item for item in part if isinstance(item, Unreadable))
            self._far.pages += 1
            yield Page(records, str(position), faults)

    def send(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        self._reach()
        with self._far.lock:
            self._far.calls.append(tuple(message.id for message in messages))
        stopped: set[str] = set()
        return [self._send_one(message, stopped) for message in messages]

    def find(self, message: Message) -> Receipt | None:
        self._reach()
        return Receipt(said="found") if self._far.holds(message.idempotency_key) else None

    def _send_one(self, message: Message, stopped: set[str]) -> Outcome:
        if message.lane in stopped:
            return Deferred(QUEUED, "an earlier message of this lane was not taken", until=None)
        outcome = self._far.receive(message, idempotent=self._options.idempotent)
        if isinstance(outcome, Failure):
            stopped.add(message.lane)
        return outcome

    def _reach(self) -> None:
        if self._far.down is not None:
            raise self._far.down
        if not self._options.reachable:
            raise Retryable("HUB-D-101", "cannot connect")

    def _stored(self) -> list[Record | Unreadable]:
        with self._far.lock:
            return [*self._from_file(), *self._far.records]

    def _from_file(self) -> list[Record]:
        if self._options.records is None:
            return []
        rows = json.loads(self._options.records.read_text("utf-8"))
        return [
            Record(row["kind"], row["key"], row.get("revision", "1"), row["data"], Operation(row.get("operation", "U")))
            for row in rows
        ]


class LateMemoryAdapter(MemoryAdapter):
    """The same, and it says later what it thinks: also Feedback. The cursor is the number of verdicts read so far."""

    name: ClassVar[str] = "late-memory"

    def verdicts(self, cursor: str | None) -> Iterator[VerdictPage]:
        self._reach()
        position = int(cursor or 0)
        with self._far.lock:
            part = tuple(self._far.verdicts[position:])
            faults = tuple(self._far.unreadable)
            self._far.unreadable.clear()
        if part or faults:
            yield VerdictPage(part, str(position + len(part)), faults)
