"""Steps 9 and 10: decides what a sent window says about its records and about the target itself, and writes both down (T3)."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from hub.engine import deliver
from hub.engine.desk import Desk
from hub.engine.settle import UNREACHED, comes_back, settle
from hub.errors import ABSENT, UNGRANTED, UNSENT, Failure, InDoubt, Misconfigured, Retryable
from hub.model import TAKEN, Circuit, State
from hub.ports import Outcome
from hub.store import settling, systems
from hub.store.outbox import Opened, SendWindow
from hub.store.settling import Settled
from hub.store.systems import Standing

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Concluded:
    """What a sent window came to. Without a `standing` nothing is concluded about the target itself.

    `failures`: windows in a row in which the target took nothing, this one included; 0: there is nothing to note of that.
    """

    standing: Standing | None
    window: SendWindow
    outcomes: Sequence[Outcome]
    settled: Sequence[Settled]
    failures: int
    rest_until: datetime | None
    now: datetime


def write(connection: Connection, desk: Desk) -> list[Concluded]:
    """Close the windows that were sent. Returns what they came to; raises Fenced when the partition has a newer owner."""
    found = []
    for standing, window, outcomes in desk.unwritten:
        one = _conclude(connection, desk, standing, window, outcomes)
        settling.close_window(
            connection, desk.holding, system=desk.system, window=window, settled=one.settled, parents=desk.parents, now=one.now
        )
        _stand(connection, desk, one)
        found.append(one)
    return found


def _conclude(
    connection: Connection, desk: Desk, standing: Standing | None, window: SendWindow, outcomes: Sequence[Outcome]
) -> Concluded:
    now = desk.exchange.clock()
    # Without a standing the hub itself broke off: what is not settled is due at once, and no record pays for it with a try.
    failures, rest_until = _trouble(connection, desk, outcomes, now) if standing else (0, now)
    settled = [
        _settled(desk, one, settle(outcome, spent=one.spent, policy=desk.policy, now=now, rest_until=rest_until))
        for one, outcome in zip(window.opened, outcomes, strict=True)
    ]
    return Concluded(standing, window, outcomes, settled, failures, rest_until, now)


def _settled(desk: Desk, one: Opened, settlement: settling.Settlement) -> Settled:
    message = one.message
    if one.doubtful and settlement.state is State.PENDING and _may_be_there(desk, settlement):
        settlement = replace(settlement, doubtful=True)
    return Settled(message.id, message.attempt, one.route, message.key, message.lane, settlement)


def _may_be_there(desk: Desk, settlement: settling.Settlement) -> bool:
    """Whether an earlier attempt may still have arrived: it was sent again unasked, or was neither asked about nor sent."""
    return settlement.code in (UNGRANTED, UNSENT) or (desk.policy.idempotent and settlement.code != ABSENT)


def _trouble(connection: Connection, desk: Desk, outcomes: Sequence[Outcome], now: datetime) -> tuple[int, datetime | None]:
    """Return the windows in a row in which the target took nothing, and until when it rests (None: it does not).

    Counted over all partitions and workers: how the system stands now, not how it stood when this window was opened. A window
    that was under way when the circuit opened adds nothing to that.
    """
    if not deliver.took_nothing(outcomes):
        return 0, None
    breaker = desk.policy.breaker
    standing = systems.standing(connection, desk.system, alone=desk.shared)
    if standing.circuit(now) is Circuit.OPEN:
        return 0, standing.rest_until
    unreached = any(isinstance(outcome, Failure) and outcome.code in UNREACHED for outcome in outcomes)
    failures = max(standing.failures + 1, breaker.after if unreached else 0)
    return failures, now + breaker.rest_after(failures) if failures >= breaker.after else None


def _stand(connection: Connection, desk: Desk, one: Concluded) -> None:
    """Write down what the window said about the target itself: wrong set-up, not now, down, or well again."""
    if one.standing is None:
        return
    if wrong := _wrong(one):
        systems.pause(connection, desk.system, "hub", one.now, code=wrong.code, reason=wrong.message)
    elif later := deliver.told_later(one.outcomes):
        told = {"code": later.code, "reason": later.message}
        systems.wait(connection, desk.system, comes_back(later, one.now), one.now, **told)
    elif one.failures:
        _fail(connection, desk, one)
    elif (desk.shared or one.standing.failures or one.standing.rest_until) and deliver.answered(one.outcomes):
        systems.recovered(connection, desk.system, one.now)


def _wrong(one: Concluded) -> Misconfigured | None:
    return next((outcome for outcome in one.outcomes if isinstance(outcome, Misconfigured)), None)


def _first(one: Concluded) -> Failure:
    return next(outcome for outcome in one.outcomes if isinstance(outcome, Retryable | InDoubt))


def _fail(connection: Connection, desk: Desk, one: Concluded) -> None:
    failure = _first(one)
    told = {"code": failure.code, "reason": failure.message}
    if one.rest_until is None:
        systems.failed(connection, desk.system, one.failures, one.now, **told)
    else:
        systems.rest(connection, desk.system, one.failures, one.rest_until, one.now, **told)


def _fields(desk: Desk, event: str, failure: Failure) -> dict[str, object]:
    return {"event": event, "system": desk.system, "error_code": failure.code}


def tell(desk: Desk, one: Concluded) -> None:
    """Log what a window said about the target itself, and count what it came to, once both are written."""
    if one.standing is None:
        pass
    elif wrong := _wrong(one):
        log.error("%s is paused: %s", desk.system, wrong.message, extra=_fields(desk, "system.paused", wrong))
    elif one.failures and one.rest_until and not deliver.told_later(one.outcomes):
        failure = _first(one)
        log.warning("%s rests: %s", desk.system, failure.message, extra=_fields(desk, "system.resting", failure))
    _measure(desk, one.window.opened, one.settled, one.now)


def _measure(desk: Desk, opened: Sequence[Opened], settled: Sequence[Settled], now: datetime) -> None:
    metrics = desk.exchange.metrics
    for outcome, number in Counter(one.settlement.outcome for one in settled).items():
        metrics.attempts.labels(desk.system, outcome).inc(number)
    finals = Counter(one.settlement.state.value for one in settled if one.settlement.state is not State.PENDING)
    for final, number in finals.items():
        metrics.final.labels(desk.system, final).inc(number)
    age = metrics.end_to_end.labels(desk.system)
    for one, done in zip(opened, settled, strict=True):
        if done.settlement.state in TAKEN:
            age.observe((now - one.message.created).total_seconds())
    if log.isEnabledFor(logging.DEBUG):
        for done in settled:
            log.debug("settled", extra={"event": "delivery.settled", "system": desk.system, "delivery": done.id,
                                        "attempt": done.attempt, "outcome": done.settlement.outcome})  # fmt: skip
