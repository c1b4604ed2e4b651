"""The nouns of the hub as plain values: what is read, what is owed, what was said about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

#: What a body or a record's data is made of: str, int, float, bool, None, and lists and dicts of these.
Json = Any


class Operation(StrEnum):
    """What the far side must do with a row; the letters of `cd_operation` and of Fujian's `action`."""

    INSERT = "I"
    UPDATE = "U"
    DELETE = "D"


class State(StrEnum):
    """Where a delivery stands (design: states). Stored by name."""

    PENDING = "pending"
    SENDING = "sending"
    ACCEPTED = "accepted"  # the far side queued it; its verdict comes later, before a deadline
    DELIVERED = "delivered"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"  # taken first, refused later by the far side's own check
    HELD = "held"  # waits for a person
    PARKED = "parked"  # waits for its parent
    DEAD = "dead"  # nobody will retry it unless told
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"


#: Still owed: the outbox proper.
LIVE = frozenset({State.PENDING, State.SENDING, State.ACCEPTED, State.HELD, State.PARKED})
#: The far side has it (a child may follow its parent from here on).
TAKEN = frozenset({State.DELIVERED, State.ACCEPTED, State.CONFIRMED})
#: Needs a person: what `hub dead` lists.
FAILED = frozenset({State.DEAD, State.REJECTED})


class Circuit(StrEnum):
    """How a system's circuit stands: open, nothing leaves; half-open, one delivery shows whether the target is back."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


class Stage(StrEnum):
    """Where a record failed."""

    SOURCE = "source"  # broke its source schema
    MAP = "map"  # could not be mapped, or broke the target's contract
    SEND = "send"  # the far side refused it, or its retries are spent
    FEEDBACK = "feedback"  # the far side's later check refused it
    GATE = "gate"  # nobody has approved it yet, or somebody refused to


@dataclass(frozen=True, slots=True)
class Record:
    """One version of one business object, as its source tells it.

    `key` is unique within (source, kind). `revision` changes when the data changes; equal revision, unchanged record.
    """

    kind: str
    key: str
    revision: str
    data: Mapping[str, Json]
    operation: Operation = Operation.UPDATE  # a source says DELETE; INSERT or UPDATE is decided per target


@dataclass(frozen=True, slots=True)
class Page:
    """Some records, oldest first, and the cursor that resumes right after them.

    `faults` are rows the source could not even read as records (bad bytes, a broken line): they are accounted for, never dropped.
    """

    records: tuple[Record, ...]
    cursor: str | None
    faults: tuple[Unreadable, ...] = ()


@dataclass(frozen=True, slots=True)
class Unreadable:
    """One row of a source that is no record: where it stands, and why. `key` identifies it for a later look."""

    kind: str
    key: str
    code: str
    reason: str  # never holds the row's data


@dataclass(frozen=True, slots=True)
class Push:
    """One HTTP request in which a far side hands records over by itself, as it came; header names in lower case."""

    method: str
    path: str
    query: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Pushed:
    """What an authentic push holds. `id` is the push's own: the same one again is the same push, sent again.

    The page has no cursor: nobody can ask a far side that pushes where to resume.
    """

    id: str
    page: Page


@dataclass(frozen=True, slots=True)
class Message:
    """What a sink is handed: a frozen body and everything that identifies it.

    Two attempts of one delivery are handed equal messages (invariant 4). `endpoint` names the table, path or operation inside the
    system. `batch` and `created` feed the sync columns of exchange tables; both were fixed when the body was.
    """

    id: int
    endpoint: str
    kind: str
    key: str
    lane: str
    operation: Operation
    body: Mapping[str, Json]
    idempotency_key: str
    batch: str
    created: datetime
    attempt: int = 1


class Taken(StrEnum):
    """How the far side took a message."""

    TAKEN = "taken"
    DUPLICATE = "duplicate"  # it had it already: as good as taken
    QUEUED = "queued"  # it will say later; needs a deadline


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the far side said when it took the message (回执)."""

    taken: Taken = Taken.TAKEN
    reference: str | None = None  # the far side's own number
    said: str = ""  # its words, shortened; no personal data
    deadline: datetime | None = None  # for QUEUED: no verdict by then, and the hub asks or holds


class Judgement(StrEnum):
    """What a later verdict says."""

    CONFIRMED = "confirmed"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A later word of the far side on something it took; matched by endpoint, far-side row key and, if known, batch.

    `told` is what the far side itself identifies the verdict by, where the same one may be read twice.
    """

    endpoint: str
    row: str
    batch: str | None
    judgement: Judgement
    said: str = ""
    told: str | None = None


@dataclass(frozen=True, slots=True)
class VerdictPage:
    """Verdicts, oldest first, and where to resume. `faults` are rows that could not be read as verdicts."""

    verdicts: tuple[Verdict, ...]
    cursor: str | None
    faults: tuple[Unreadable, ...] = ()


@dataclass(frozen=True, slots=True)
class Window:
    """A period, half-open, in aware UTC."""

    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Entry:
    """One row the far side holds, for reconciliation."""

    endpoint: str
    key: str
    digest: str


@dataclass(frozen=True, slots=True)
class Guarantees:
    """What a sink promises; the hub sizes its windows by it and the conformance kit picks its tests by it.

    idempotent: the same message twice leaves one row over there. findable: `find` settles a message in doubt.
    ordered_batch: one `send` takes several messages of one lane, in order, and stops that lane at its first failure.
    batch: most messages in one `send`. in_flight: most `send` calls at once. singly: each message of a `send` is a call of its own
    over there, so a system with a rate is handed one at a time.
    """

    idempotent: bool = False
    findable: bool = False
    ordered_batch: bool = False
    batch: int = 1
    in_flight: int = 1
    singly: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands in a configuration file. Lines and columns count from 1; 0 is unknown."""

    file: str = ""
    line: int = 0
    column: int = 0
    path: str = ""

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        return f"{where} {self.path}".strip()


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong with the configuration, said so that it can be mended."""

    code: str
    message: str  # English, one sentence
    place: Place = field(default_factory=Place)
    hint: str = ""  # what to do, or «did you mean …»
    warning: bool = False

    def __str__(self) -> str:
        hint = f" ({self.hint})" if self.hint else ""
        return f"{self.place}: {self.code} {self.message}{hint}"
