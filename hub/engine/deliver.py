"""Step 8: a window of messages is sent, and what is in doubt is asked about where the far side can be asked."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from hub.errors import ABSENT, LATER, SUSPECTED, UNASKED, UNGRANTED, UNSENT, Deferred, Failure, InDoubt, Rejected, Retryable
from hub.model import Guarantees, Message, Operation, Receipt
from hub.ports import Findable, Outcome, Sink, only_while
from hub.store.ticks import ticks

log = logging.getLogger(__name__)

#: Once a window has been sending for so long, its unsent rest goes back: a window is settled often, however slow the target.
WINDOW_SECONDS = 0.2


def _free() -> None:
    """Every call may be made."""


def _uncounted() -> None:
    """Nobody counts."""


def _ours(_: float) -> bool:
    """Nobody else could have taken it over."""
    return True


@dataclass(frozen=True, slots=True)
class Terms:
    """What is to be minded about one window, beside what its target promises."""

    doubtful: frozenset[int] = frozenset()  # ids an earlier attempt of which may have arrived: asked about before they are sent
    alone: frozenset[int] = frozenset()  # ids that share no call with others, so that they answer for nobody else's fault
    calls: int | None = None  # most at once; None: as many as the target may have
    opened: float | None = None  # when the window was, by the sender's clock; None: now


#: Nothing but what the target promises.
PLAIN = Terms()


@dataclass(frozen=True, slots=True)
class _Span:
    """When a window was opened, and until when calls of it may begin."""

    until: float
    opened: float


@dataclass(frozen=True, slots=True)
class Sender:
    """How one system is sent to: its sink, the guarantees capped by configuration, and threads for its calls."""

    sink: Sink
    guarantees: Guarantees
    pool: ThreadPoolExecutor
    observe: Callable[[float], None]  # seconds of each call
    clock: Callable[[], float] = ticks
    window: float = WINDOW_SECONDS
    enter: Callable[[], datetime | None] = _free  # asked before each call: None, or when it may be tried again
    count: Callable[[], None] = _uncounted  # told of each look-up
    one_request: bool = False  # hand over only what an adapter can send as one: its calls are counted
    ours: Callable[[float], bool] = _ours  # asked before each call, and by sinks: is what was opened then still ours?
    endpoints: frozenset[str] | None = None  # those there are; None: whatever a message names

    def send(self, messages: Sequence[Message], terms: Terms = PLAIN) -> list[Outcome]:
        """Send one window; return one outcome per message, same order. Never raises for what a sink does.

        Once the window may have been taken over by another owner, nothing more of it is sent.
        """
        began = self.clock()
        span = _Span(until=began + self.window, opened=began if terms.opened is None else terms.opened)
        stripes = self._stripes(messages, terms.calls or self.guarantees.in_flight)
        outcomes: dict[int, Outcome] = {}
        for part in self.pool.map(lambda stripe: self._send_stripe(stripe, span, terms), stripes):
            outcomes.update(part)
        return [outcomes[message.id] for message in messages]

    def _stripes(self, messages: Sequence[Message], calls: int) -> list[list[Message]]:
        """Deal the window out over the calls in flight; a lane stays in one stripe, so its order stays."""
        count = max(1, min(calls, len({message.lane for message in messages})))
        stripes: list[list[Message]] = [[] for _ in range(count)]
        lanes: dict[str, int] = {}
        for message in messages:
            stripes[lanes.setdefault(message.lane, len(lanes) % count)].append(message)
        return stripes

    def _send_stripe(self, stripe: Sequence[Message], span: _Span, terms: Terms) -> dict[int, Outcome]:
        outcomes = {one.id: _nowhere(one) for one in stripe if self.endpoints is not None and one.endpoint not in self.endpoints}
        outcomes |= self._ask_first([one for one in stripe if one.id not in outcomes], span, terms.doubtful)
        stopped = {one.lane for one in stripe if isinstance(outcomes.get(one.id), Failure)}
        waiting = deque(self._calls([one for one in stripe if one.id not in outcomes], terms.alone))
        late, until_granted, told, together = False, None, None, set[int]()
        while waiting and not late and not told:
            chunk = [one for one in waiting.popleft() if one.lane not in stopped]
            if chunk and ((until_granted := self.enter()) or not self.ours(span.opened)):
                break
            try:
                said = self._call(chunk, span.opened) if chunk else []
            except Rejected:  # one of them is refused and nobody says which: by halves it is found, and the others are taken
                waiting.extendleft((chunk[len(chunk) // 2 :], chunk[: len(chunk) // 2]))
                together.update(one.id for one in chunk)
                continue
            outcomes.update(zip((one.id for one in chunk), said, strict=True))
            stopped.update(one.lane for one, outcome in zip(chunk, said, strict=True) if isinstance(outcome, Failure))
            if any(isinstance(outcome, Rejected) for outcome in said):
                together.clear()  # the guilty one is found
            late, told = self.clock() > span.until, told_later(said)
        unsent = _not_granted(until_granted) if until_granted else _not_sent(told)
        suspects = together if until_granted else frozenset()
        return {one.id: outcomes.get(one.id) or (_suspected(one) if one.id in suspects else unsent) for one in stripe}

    def _calls(self, stripe: Sequence[Message], alone: frozenset[int]) -> Iterator[list[Message]]:
        """Cut a stripe into what each call is handed, in order."""
        call: list[Message] = []
        for one in stripe:
            full = len(call) == max(1, self.guarantees.batch) or any(each.id in alone for each in (*call[-1:], one))
            if call and (full or (self.one_request and not _fits(call, one))):
                yield call
                call = []
            call.append(one)
        if call:
            yield call

    def _ask_first(self, stripe: Sequence[Message], span: _Span, doubtful: frozenset[int]) -> dict[int, Outcome]:
        """Settle what may have arrived already; what certainly has not is left to be sent, and what there is no time for waits.

        A lane that was begun is asked about to its end: what is absent goes before what waits.
        """
        asked: dict[int, Outcome] = {}
        lanes: set[str] = set()
        for one in [one for one in stripe if one.id in doubtful and not self.guarantees.idempotent]:
            late = bool(asked) and one.lane not in lanes and self.clock() > span.until
            asked[one.id] = _not_sent() if late else self._ask(one)
            lanes |= set() if late else {one.lane}
        return {number: outcome for number, outcome in asked.items() if not isinstance(outcome, Retryable)}

    def _ask(self, message: Message) -> Outcome:
        """Look one up that may have arrived. An update that has not goes in the next window: what it updates may be gone, too."""
        outcome = self.look_up(message, _still_in_doubt())
        if isinstance(outcome, Retryable) and message.operation is Operation.UPDATE:
            return Deferred(ABSENT, outcome.message, until=None)
        return outcome

    def _call(self, chunk: Sequence[Message], opened: float) -> list[Outcome]:
        began = time.perf_counter()
        try:
            with only_while(lambda: self.ours(opened)):
                said = _outcomes(self.sink, chunk)
        finally:
            self.observe(time.perf_counter() - began)
        if not any(isinstance(outcome, InDoubt) for outcome in said):
            return said
        return self.look_up_all(chunk, said)

    def look_up_all(self, messages: Sequence[Message], outcomes: Sequence[Outcome], *, patient: bool = True) -> list[Outcome]:
        """Settle what is in doubt, lane by lane: behind one that is not found, nothing is called taken.

        Else the earlier one would be sent again after a later one of its lane. Behind one that certainly is not there nothing is,
        for a call stops a lane at its first failure. Not `patient`: after one look-up without an answer all others stay in doubt.
        """
        stopped: dict[str, Failure] = {}
        settled: list[Outcome] = []
        silent = False
        for message, outcome in zip(messages, outcomes, strict=True):
            ahead = stopped.get(message.lane)
            if ahead is None and not silent:
                outcome = self.look_up(message, outcome)
                silent = not patient and isinstance(outcome, InDoubt)
            elif ahead is not None and ahead.code == ABSENT and isinstance(outcome, InDoubt):
                outcome = ahead
            settled.append(outcome)
            if isinstance(outcome, Failure):
                stopped.setdefault(message.lane, outcome)
        return settled

    def look_up(self, message: Message, outcome: Outcome) -> Outcome:
        """Settle an outcome in doubt by asking the far side; stays in doubt when it cannot be asked or does not answer."""
        if not isinstance(outcome, InDoubt) or not self.guarantees.findable or not isinstance(self.sink, Findable):
            return outcome
        self.count()
        try:
            receipt = self.sink.find(message)
        except Failure as error:
            log.info("still in doubt: %s", error.code, extra={"event": "delivery.unfindable", "error_code": error.code})
            return outcome
        except Exception:
            log.exception("the look-up of delivery %s failed", message.id, extra={"event": "adapter.bug"})
            return outcome
        if receipt is None:
            return Retryable(ABSENT, "the far side was asked: it does not have the message")
        return receipt if isinstance(receipt, Receipt) else _strange(receipt)


def _fits(call: Sequence[Message], one: Message) -> bool:
    """Whether a message may travel in one request with these: to the same endpoint, and none of them of its lane."""
    return one.endpoint == call[0].endpoint and all(other.lane != one.lane for other in call)


def _outcomes(sink: Sink, chunk: Sequence[Message]) -> list[Outcome]:
    """Return what a call came to for each message. Raises Rejected when several were refused as a whole: nothing was taken."""
    try:
        said = list(sink.send(chunk))
    except Rejected as refusal:
        if len(chunk) > 1:
            raise
        return [refusal]
    except Failure as failure:
        return [failure] * len(chunk)
    except Exception:
        log.exception("a sink raised something that is no outcome", extra={"event": "adapter.bug"})
        return [InDoubt("HUB-D-199", "the adapter failed in an unexpected way; the log has its traceback")] * len(chunk)
    if len(said) != len(chunk):
        log.error("a sink answered %s outcomes for %s messages", len(said), len(chunk), extra={"event": "adapter.bug"})
        return [InDoubt("HUB-D-199", "the adapter answered for another number of messages than it was given")] * len(chunk)
    return [one if isinstance(one, Receipt | Failure) else _strange(one) for one in said]


def _strange(outcome: object) -> InDoubt:
    log.error("a sink answered with a %s, which is no outcome", type(outcome).__name__, extra={"event": "adapter.bug"})
    return InDoubt("HUB-D-199", "the adapter answered with something that is no outcome")


def _nowhere(message: Message) -> Outcome:
    return Rejected("HUB-D-125", f"endpoint {message.endpoint} is no longer configured")


def told_later(outcomes: Iterable[Outcome]) -> Deferred | None:
    """Return what a far side said that wants nothing at all for a while; None: it did not."""
    return next((outcome for outcome in outcomes if isinstance(outcome, Deferred) and outcome.code == LATER), None)


def _not_sent(told: Deferred | None = None) -> Deferred:
    return Deferred(UNSENT, "not sent in this window", until=told.until if told else None)


def _not_granted(until: datetime) -> Deferred:
    return Deferred(UNGRANTED, "not sent: the rate allows no call now", until=until)


def _suspected(message: Message) -> Deferred:
    """It keeps its place: what goes next is half of those it was refused with, and not what came in meanwhile."""
    return Deferred(
        SUSPECTED, "refused together with others, and the rate allows no call now to find out which", until=message.created
    )


def _still_in_doubt() -> InDoubt:
    return InDoubt("HUB-D-109", "an earlier attempt may have arrived, and the far side could not be asked")


def interrupted() -> InDoubt:
    """Return the outcome of an attempt whose hub ended before it could write one down."""
    return InDoubt("HUB-D-106", "the hub ended between sending and writing the outcome down")


def took_nothing(outcomes: Iterable[Outcome]) -> bool:
    """Tell whether a window met nothing but a target in trouble: no receipt, no refusal of a record by it."""
    met = [outcome for outcome in outcomes if not isinstance(outcome, Deferred) and not _unasked(outcome)]
    return bool(met) and all(isinstance(outcome, Retryable | InDoubt) for outcome in met)


def answered(outcomes: Iterable[Outcome]) -> bool:
    """Tell whether a target is up, because it took or refused a record of a window."""
    return any(isinstance(outcome, Receipt | Rejected) and not _unasked(outcome) for outcome in outcomes)


def _unasked(outcome: Outcome) -> bool:
    return isinstance(outcome, Rejected) and outcome.code in UNASKED
