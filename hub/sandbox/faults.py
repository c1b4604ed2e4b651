"""Decides when a twin misbehaves and how: seeded chances or an explicit list, changeable while it runs, every throw counted."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from enum import StrEnum
from random import Random
from threading import Lock


class FaultKind(StrEnum):
    """What a far side does instead of answering properly. «taken» kinds have kept the message before they misbehave."""

    ERROR_500 = "error_500"
    ERROR_503 = "error_503"
    HTML_503 = "html_503"  # an error page of some proxy, honest status
    HTML_200 = "html_200"  # a maintenance page with status 200; nothing was taken
    TOO_MANY = "too_many"  # 429 with Retry-After
    BUSY = "busy"  # «system busy» inside HTTP 200
    REFUSAL = "refusal"  # a final business refusal inside HTTP 200, for no reason in the data
    SOAP_FAULT = "soap_fault"  # a twin without SOAP answers 500 instead
    RESET_BEFORE = "reset_before"  # connection reset, nothing taken
    SLOW = "slow"  # taken, answered after `delay`
    TIMEOUT_AFTER = "timeout_after"  # taken, never answered
    RESET_AFTER = "reset_after"  # taken, connection reset
    BAD_GATEWAY = "bad_gateway"  # taken, yet a proxy says 502
    ENDLESS = "endless"  # taken, and an answer that never ends
    LATE_REJECTION = "late_rejection"  # taken and answered well, rejected afterwards


#: The message is kept before the fault shows.
TAKEN = frozenset(
    {
        FaultKind.SLOW,
        FaultKind.TIMEOUT_AFTER,
        FaultKind.RESET_AFTER,
        FaultKind.BAD_GATEWAY,
        FaultKind.ENDLESS,
        FaultKind.LATE_REJECTION,
    }
)

#: Chances for `--faults some`: what passes by itself when tried again.
SOME = {
    FaultKind.ERROR_503: 0.004,
    FaultKind.HTML_503: 0.002,
    FaultKind.TOO_MANY: 0.002,
    FaultKind.BUSY: 0.004,
    FaultKind.RESET_BEFORE: 0.002,
    FaultKind.RESET_AFTER: 0.002,
    FaultKind.SLOW: 0.002,
    FaultKind.BAD_GATEWAY: 0.001,
}
#: LATE_REJECTION is left to the province, whose verdicts every hub reads; the HTTP twins throw it when told to.
_RARE = frozenset({FaultKind.ENDLESS, FaultKind.LATE_REJECTION})
MANY = {kind: 0.01 for kind in FaultKind if kind not in _RARE} | {FaultKind.ENDLESS: 0.002}
LEVELS: dict[str, dict[FaultKind, float]] = {"none": {}, "some": SOME, "many": MANY}


class FaultPlan:
    """Says for each message whether and how to misbehave. Thread-safe.

    `script` is used up first, one entry a message (None: behave); then `rates` (kind -> chance, 0 to 1) decide. `limits` caps
    how often a kind is thrown in all. `delay` (s) is how long a slow answer takes, `hang` (s) how long an unanswered or endless
    connection is kept, `retry_after` (s) what 429 says. Look-ups are spared unless `lookups`.
    """

    def __init__(
        self,
        *,
        seed: int = 1,
        rates: Mapping[FaultKind, float] | None = None,
        script: Iterable[FaultKind | None] = (),
        limits: Mapping[FaultKind, int] | None = None,
        delay: float = 0.5,
        hang: float = 60.0,
        retry_after: int = 1,
        lookups: bool = False,
    ) -> None:
        self._lock = Lock()
        self._rng = Random(f"faults-{seed}")
        self._rates = dict(rates or {})
        self._script = deque(script)
        self._limits = dict(limits or {})
        self._thrown: Counter[FaultKind] = Counter()
        self.delay, self.hang, self.retry_after, self.lookups = delay, hang, retry_after, lookups

    def next(self) -> FaultKind | None:
        """Decide about one message; a kind that is returned has been counted."""
        with self._lock:
            kind = self._script.popleft() if self._script else self._roll()
            if kind is None or self._thrown[kind] >= self._limits.get(kind, self._thrown[kind] + 1):
                return None
            self._thrown[kind] += 1
            return kind

    def _roll(self) -> FaultKind | None:
        if not self._rates:
            return None
        roll = self._rng.random()
        for kind, rate in self._rates.items():
            roll -= rate
            if roll < 0:
                return kind
        return None

    def change(
        self,
        *,
        rates: Mapping[FaultKind, float] | None = None,
        script: Iterable[FaultKind | None] | None = None,
        limits: Mapping[FaultKind, int] | None = None,
    ) -> None:
        """Replace what is given, keep the rest and the counts."""
        with self._lock:
            if rates is not None:
                self._rates = dict(rates)
            if script is not None:
                self._script = deque(script)
            if limits is not None:
                self._limits = dict(limits)

    def thrown(self) -> Counter[FaultKind]:
        """Return how often each kind was thrown."""
        with self._lock:
            return Counter(self._thrown)

    def note(self, kind: FaultKind) -> None:
        """Count a fault that was decided elsewhere."""
        with self._lock:
            self._thrown[kind] += 1
