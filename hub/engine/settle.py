"""Decides what becomes of a delivery after one attempt: a pure function of the outcome and the system's policy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hub.engine import likeness, storable
from hub.errors import QUEUED, SUSPECTED, UNGRANTED, UNSENT, Deferred, Failure, InDoubt, Misconfigured, Rejected
from hub.model import Receipt, Stage, State, Taken
from hub.ports import Outcome
from hub.settings.flow import BreakerSettings
from hub.store.settling import Settlement

#: Codes that say the target could not even be reached: its fault, so no record spends a try on it (invariant 9).
UNREACHED = frozenset({"HUB-D-101", "HUB-D-102"})
#: What a far side says of when to come back is kept between these: a time that is past would be tried without end.
SOONEST, LATEST = timedelta(seconds=1), timedelta(days=7)
_AT_ONCE = frozenset({UNSENT, QUEUED, UNGRANTED, SUSPECTED})
#: Most characters of a far side's own number that are kept.
REFERENCE_LIMIT = 255
#: How long a far side that queued a message may stay silent, when it set no deadline itself.
VERDICT_WITHIN = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Policy:
    """What a system's configuration and its adapter's guarantees say about trying again.

    `retry`: waits after the first, second, … counted try. `jitter`: each wait is stretched or shrunk by up to this share.
    `dice` returns a number in [0, 1). `breaker`: when the target counts as down.
    """

    retry: tuple[timedelta, ...]
    jitter: float
    idempotent: bool
    findable: bool
    dice: Callable[[], float]
    breaker: BreakerSettings = field(default_factory=BreakerSettings)

    def wait(self, spent: int) -> timedelta | None:
        """Return how long to wait after `spent` counted tries before this one, None when the list is spent."""
        if spent >= len(self.retry):
            return None
        return self.retry[spent] * (1 + self.jitter * (2 * self.dice() - 1))


def settle(outcome: Outcome, *, spent: int, policy: Policy, now: datetime, rest_until: datetime | None = None) -> Settlement:
    """Return what becomes of a delivery whose attempt ended so, after `spent` counted tries before it.

    `rest_until`: the target is down and left alone until then; its records' tries are spared (invariant 9). They fall due then,
    behind whatever comes in meanwhile, so that one record the target chokes on is not the only one it is ever probed with.
    """
    match outcome:
        case Receipt():
            return _taken(outcome, now)
        case Deferred():
            return _again(outcome, "deferred", comes_back(outcome, now), counted=False)
        case Misconfigured():
            return _again(outcome, "misconfigured", now, counted=False)
        case Rejected():
            return _ended(outcome, "rejected", State.DEAD)
        case InDoubt() if not policy.idempotent and not policy.findable:
            return _ended(outcome, "in-doubt", State.HELD)
        case InDoubt():
            return _later(outcome, "in-doubt", State.HELD, spent, policy, now, rest_until)
        case _:
            return _later(outcome, "retryable", State.DEAD, spent, policy, now, rest_until)


#: What most far sides say most of the time, and what becomes of it: made once.
PLAIN = Receipt()
_DELIVERED = Settlement(State.DELIVERED, Taken.TAKEN.value)


def _taken(receipt: Receipt, now: datetime) -> Settlement:
    if receipt is PLAIN or receipt == PLAIN:
        return _DELIVERED
    queued = receipt.taken is Taken.QUEUED
    return Settlement(
        State.ACCEPTED if queued else State.DELIVERED,
        receipt.taken.value,
        reference=storable.words(receipt.reference, REFERENCE_LIMIT),
        said=storable.words(receipt.said),
        deadline=(receipt.deadline or now + VERDICT_WITHIN) if queued else None,
    )


def comes_back(deferred: Deferred, now: datetime) -> datetime:
    """Return when to come back: as told, but not at once for ever, and not so late that it is forgotten.

    What only stands behind something else, or had no time left, is due at once.
    """
    until = deferred.until if deferred.until and deferred.until.tzinfo else now
    return min(until if deferred.code in _AT_ONCE else max(until, now + SOONEST), now + LATEST)


def _later(
    failure: Failure, outcome: str, spent_state: State, spent: int, policy: Policy, now: datetime, rest_until: datetime | None
) -> Settlement:
    if rest_until or failure.code in UNREACHED:
        return _again(failure, outcome, rest_until or now + policy.breaker.rest_after(0), counted=False)
    wait = policy.wait(spent)
    if wait is None:
        return _ended(failure, outcome, spent_state)
    return _again(failure, outcome, now + wait, counted=True)


def _again(failure: Failure, outcome: str, due: datetime, *, counted: bool) -> Settlement:
    said, reason, doubtful = storable.words(failure.said), storable.words(failure.message), isinstance(failure, InDoubt)
    return Settlement(
        State.PENDING, outcome, due=due, counted=counted, code=failure.code, reason=reason, said=said, doubtful=doubtful
    )


def _ended(failure: Failure, outcome: str, state: State) -> Settlement:
    reason, said = storable.words(cause(failure)), storable.words(failure.said)
    return Settlement(state, outcome, stage=Stage.SEND, code=failure.code, reason=reason, said=said)


def cause(failure: Failure) -> str:
    """Return what dead letters of one cause have in common: the far side's words without what tells records apart."""
    return f"{failure.message}: {likeness.alike(failure.said)}" if failure.said else failure.message
