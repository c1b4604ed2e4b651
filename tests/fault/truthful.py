"""A far side that is an honest small dictionary: it notes what it keeps and says what it is told to say next.

Name it in YAML as `adapter: tests.fault.truthful:TruthfulAdapter`. What it holds outlives hubs and adapters: `side(name)`.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import ClassVar

from hub.errors import Deferred, InDoubt, Misconfigured, Rejected, Retryable
from hub.model import Guarantees, Message, Receipt, Taken, Verdict, VerdictPage
from hub.ports import Options, Outcome
from tests.fault.plain import PlainAdapter, PlainOptions, in_lanes


class Death(BaseException):
    """The hub's process ends here, whatever it was about to do."""


class Answer(Enum):
    """What it does with the next message (or, from UNREACHABLE on, with the next call as a whole)."""

    TAKEN = "taken"
    QUEUED = "queued"
    REFUSED = "refused"
    BUSY = "busy"
    LOST_REQUEST = "in doubt, not there"
    LOST_ANSWER = "in doubt, and there"
    LATER = "deferred"
    DIES_BEFORE = "the hub dies before it arrives"
    DIES_AFTER = "the hub dies after it arrived"
    UNREACHABLE = "nobody listens"
    WRONG = "misconfigured"
    ALL_REFUSED = "the whole call is refused"
    FROZEN = "the hub freezes with the call on its way, and another one takes over"


#: Answers after which the message is there.
KEEPING = (Answer.TAKEN, Answer.QUEUED, Answer.LOST_ANSWER, Answer.DIES_AFTER)
#: What is said about each message that is not taken; FROZEN is no answer, the call only comes late.
FAILURES = {
    Answer.REFUSED: Rejected("HUB-D-115", "refused"),
    Answer.BUSY: Retryable("HUB-D-103", "busy"),
    Answer.LOST_REQUEST: InDoubt("HUB-D-104", "no answer"),
    Answer.LOST_ANSWER: InDoubt("HUB-D-104", "no answer"),
    Answer.LATER: Deferred("HUB-D-130", "not now", until=None),
    Answer.UNREACHABLE: Retryable("HUB-D-101", "cannot connect"),
    Answer.WRONG: Misconfigured("HUB-D-112", "the password is wrong"),
    Answer.ALL_REFUSED: Rejected("HUB-D-115", "refused as a whole"),
}
OF_A_CALL = (Answer.UNREACHABLE, Answer.WRONG, Answer.ALL_REFUSED)


@dataclass
class Side:
    """What one far side holds. `kept`: how often each message was kept, by its idempotency key; `arrived`: everything, in order."""

    kept: Counter[str] = field(default_factory=Counter)
    arrived: list[Message] = field(default_factory=list)
    answers: deque[Answer] = field(default_factory=deque)
    deaf: int = 0  # so many of the next questions get no answer
    verdicts: list[Verdict] = field(default_factory=list)
    witness: Callable[[str, Message, Answer, Sequence[Message]], None] = lambda *told: (
        None
    )  # last: what shares the answer before it
    meanwhile: Callable[[], None] = lambda: None  # what others do while a call is frozen


_SIDES: dict[str, Side] = {}


def side(name: str) -> Side:
    """Return the far side of that name, a new one if there is none."""
    return _SIDES.setdefault(name, Side())


def forget() -> None:
    """Forget every far side."""
    _SIDES.clear()


class TruthfulOptions(PlainOptions):
    """What the far side promises, which is what it does."""

    batch: int = 1
    idempotent: bool = False
    findable: bool = False
    ordered_batch: bool = False


class TruthfulAdapter(PlainAdapter):
    """Sink, Findable and Feedback over a Side."""

    name: ClassVar[str] = "truthful"
    options: ClassVar[type[Options]] = TruthfulOptions

    def __init__(self, options: Options, *, system: str) -> None:
        assert isinstance(options, TruthfulOptions)
        super().__init__(options, system=system)
        self._options = options

    @property
    def _side(self) -> Side:
        return side(self.system)

    def guarantees(self) -> Guarantees:
        o = self._options
        return Guarantees(o.idempotent, o.findable, o.ordered_batch, o.batch)

    def send(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        answers = self._side.answers
        if answers and answers[0] is Answer.FROZEN:
            answers.popleft()
            self._side.meanwhile()
        if answers and answers[0] in OF_A_CALL:
            said = answers.popleft()
            for place, message in enumerate(messages):
                self._side.witness(self.system, message, said, messages[:place])
            raise FAILURES[said]
        return list(in_lanes(messages, self._one))

    def find(self, message: Message) -> Receipt | None:
        if self._side.deaf:
            self._side.deaf -= 1
            raise Retryable("HUB-D-103", "busy")
        return Receipt(said="found") if self._side.kept[message.idempotency_key] else None

    def verdicts(self, cursor: str | None) -> Iterator[VerdictPage]:
        read = int(cursor or 0)
        for number, verdict in enumerate(self._side.verdicts[read:], read + 1):
            yield VerdictPage((verdict,), str(number))

    def _one(self, message: Message) -> Outcome:
        side = self._side
        answer = side.answers.popleft() if side.answers and side.answers[0] not in (*OF_A_CALL, Answer.FROZEN) else Answer.TAKEN
        known = self._options.idempotent and side.kept[message.idempotency_key] > 0
        answer = Answer.TAKEN if known and answer is Answer.REFUSED else answer
        side.witness(self.system, message, answer, ())
        if answer is Answer.DIES_BEFORE:
            raise Death
        side.arrived.append(message)
        if answer in KEEPING and not known:
            side.kept[message.idempotency_key] += 1
        if answer is Answer.DIES_AFTER:
            raise Death
        return FAILURES.get(answer) or Receipt(_taken(answer, known))


def _taken(answer: Answer, known: bool) -> Taken:
    return Taken.QUEUED if answer is Answer.QUEUED else Taken.DUPLICATE if known else Taken.TAKEN
