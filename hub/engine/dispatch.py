"""Steps 7 to 10: window after window of one partition is opened (T2), sent, settled and closed (T3) until nothing is due."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Connection

from hub.engine import deliver, remake
from hub.engine.deliver import Sender
from hub.engine.exchange import Exchange
from hub.engine.pace import Pace, widest
from hub.engine.settle import DOWN_AFTER, UNREACHED, Policy, rest_after, settle
from hub.errors import ABSENT, Deferred, Failure, Misconfigured
from hub.model import TAKEN, Guarantees, State
from hub.ports import Outcome
from hub.store import outbox, settling, systems
from hub.store.outbox import Opened, SendWindow
from hub.store.partitions import Holding
from hub.store.settling import Settled
from hub.store.systems import Standing

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Desk:
    """One partition of one system, held by us, and all it takes to empty it."""

    exchange: Exchange
    holding: Holding
    system: str
    partition: int
    sender: Sender
    policy: Policy
    parents: frozenset[str]
    pace: Pace
    unwritten: list[tuple[Standing | None, SendWindow, list[Outcome]]] = field(default_factory=list)  # sent, not yet in the store

    @property
    def heads_only(self) -> bool:
        """Whether one window may hold only one message of a lane."""
        return not self.sender.guarantees.ordered_batch


def desk(exchange: Exchange, holding: Holding, system: str, partition: int, pool: ThreadPoolExecutor) -> Desk:
    """Set up the desk of a partition."""
    observe = exchange.metrics.attempt_seconds.labels(system).observe
    sender = Sender(exchange.sink(system), capped(exchange, system), pool, observe)
    pace = Pace(widest(sender.guarantees))
    return Desk(exchange, holding, system, partition, sender, exchange.policy(system), exchange.parents(system), pace)


def capped(exchange: Exchange, system: str) -> Guarantees:
    """Return what the adapter guarantees, capped by what the configuration allows."""
    settings = exchange.settings.systems[system]
    given = exchange.adapter(system).guarantees()
    batch = min(given.batch, settings.batch or given.batch)
    return replace(given, batch=batch, in_flight=min(given.in_flight, settings.in_flight or given.in_flight))


def drain(desk: Desk, *, stopping: Callable[[], bool]) -> datetime | None:
    """Send everything of the partition that is due. Returns when something is due next, None when nothing is pending."""
    while not stopping():
        now = desk.exchange.clock()
        standing, window = _turn(desk, now, desk.pace.limit)
        if window is None:
            return _next(desk, standing, now)
        outcomes = _send(desk, window.opened)
        desk.unwritten.append((standing, window, outcomes))
        desk.pace.learn(outcomes, desk.sender.guarantees)
    write_down(desk)
    return None


def _send(desk: Desk, opened: Sequence[Opened]) -> list[Outcome]:
    doubtful = frozenset(one.message.id for one in opened if one.doubtful)
    last = frozenset(one.message.id for one in opened if one.spent >= len(desk.policy.retry))  # dies of its own fault only
    return desk.sender.send([one.message for one in opened], doubtful, last)


def _turn(desk: Desk, now: datetime, limit: int) -> tuple[Standing, SendWindow | None]:
    """Close what was sent and open what comes next in one transaction: one flush to disk a window instead of two."""
    if not desk.unwritten:
        return _look_and_open(desk, now, limit)
    concluded = [_conclude(desk, *sent) for sent in desk.unwritten]
    with desk.exchange.store.writing() as connection:
        _write_all(connection, desk, concluded)
        standing, window = _open(connection, desk, now, limit)
    _written(desk, concluded)
    return standing, window


def write_down(desk: Desk) -> None:
    """Settle the windows that were sent; what the store does not take now stays until the next time: its answers are known."""
    concluded = [_conclude(desk, *sent) for sent in desk.unwritten]
    if concluded:
        with desk.exchange.store.writing() as connection:
            _write_all(connection, desk, concluded)
        _written(desk, concluded)


def _written(desk: Desk, concluded: Sequence[Concluded]) -> None:
    desk.unwritten.clear()
    for one in concluded:
        _measure(desk, one.window.opened, one.settled, one.now)


def recover(desk: Desk) -> int:
    """Settle what a former owner left between sending and settling: ask, send again, or hold. Returns how many."""
    with desk.exchange.store.writing() as connection:
        left = outbox.interrupted(connection, desk.holding)
    for window in left:
        asked = [desk.sender.look_up(one.message, deliver.interrupted()) for one in window.opened]
        desk.unwritten.append((None, window, asked))
        write_down(desk)
    return sum(len(window.opened) for window in left)


def _look_and_open(desk: Desk, now: datetime, limit: int) -> tuple[Standing, SendWindow | None]:
    store = desk.exchange.store
    with store.reading() as connection:  # looking first keeps an idle partition from queueing up as a writer
        standing = systems.standing(connection, desk.system)
        due = outbox.next_due(connection, system=desk.system, partition=desk.partition)
    if not standing.open_at(now) or due is None or due > now:
        return standing, None
    with store.writing() as connection:
        return _open(connection, desk, now, limit)


def _open(connection: Connection, desk: Desk, now: datetime, limit: int) -> tuple[Standing, SendWindow | None]:
    standing = systems.standing(connection, desk.system)
    if not standing.open_at(now):
        return standing, None
    limit = 1 if standing.failures >= DOWN_AFTER else limit  # a target that was down is probed with one message
    window = outbox.open_window(
        connection, desk.holding, system=desk.system, partition=desk.partition,
        limit=limit, heads_only=desk.heads_only, now=now, as_inserts=partial(remake.as_inserts, desk.exchange),
    )  # fmt: skip
    return standing, window


def _next(desk: Desk, standing: Standing, now: datetime) -> datetime | None:
    if standing.paused:
        return None
    with desk.exchange.store.reading() as connection:
        due = outbox.next_due(connection, system=desk.system, partition=desk.partition)
    if due is None:
        return None
    if standing.rest_until and standing.rest_until > now:
        return max(due, standing.rest_until)
    return due if due > now else None  # due, but behind something that is not: that one will wake us


@dataclass(frozen=True, slots=True)
class Concluded:
    """What a sent window came to. Without a `standing` nothing is concluded about the target itself."""

    standing: Standing | None
    window: SendWindow
    outcomes: Sequence[Outcome]
    settled: Sequence[Settled]
    failures: int
    rest_until: datetime | None
    now: datetime


def _conclude(desk: Desk, standing: Standing | None, window: SendWindow, outcomes: Sequence[Outcome]) -> Concluded:
    now = desk.exchange.clock()
    # Without a standing the hub itself broke off: what is not settled is due at once, and no record pays for it with a try.
    failures, rest_until = _trouble(desk, standing, outcomes, now) if standing else (0, now)
    settled = [
        _settled(desk, one, settle(outcome, spent=one.spent, policy=desk.policy, now=now, rest_until=rest_until))
        for one, outcome in zip(window.opened, outcomes, strict=True)
    ]
    return Concluded(standing, window, outcomes, settled, failures, rest_until, now)


def _write_all(connection: Connection, desk: Desk, concluded: Sequence[Concluded]) -> None:
    for one in concluded:
        settling.close_window(
            connection, desk.holding, system=desk.system, window=one.window, settled=one.settled, parents=desk.parents, now=one.now
        )
        if one.standing:
            _stand(connection, desk, one)


def _settled(desk: Desk, one: Opened, settlement: settling.Settlement) -> Settled:
    message = one.message
    if one.doubtful and settlement.state is State.PENDING and desk.policy.idempotent and settlement.code != ABSENT:
        settlement = replace(settlement, doubtful=True)  # it was sent again unasked: the earlier attempt may still have arrived
    return Settled(message.id, message.attempt, one.route, message.key, message.lane, settlement)


def _trouble(desk: Desk, standing: Standing, outcomes: Sequence[Outcome], now: datetime) -> tuple[int, datetime | None]:
    """Return the windows in a row in which the target took nothing, and until when it rests (None: it does not)."""
    if not deliver.took_nothing(outcomes):
        return 0, None
    unreached = any(isinstance(outcome, Failure) and outcome.code in UNREACHED for outcome in outcomes)
    failures = max(standing.failures + 1, DOWN_AFTER if unreached else 0)
    return failures, now + rest_after(failures, desk.policy) if failures >= DOWN_AFTER else None


def _stand(connection: Connection, desk: Desk, one: Concluded) -> None:
    """Write down what the window said about the target itself: wrong set-up, down, or well again."""
    wrong = next((outcome for outcome in one.outcomes if isinstance(outcome, Misconfigured)), None)
    if wrong:
        systems.pause(connection, desk.system, "hub", one.now, code=wrong.code, reason=wrong.message)
        log.error("%s is paused: %s", desk.system, wrong.message, extra=_fields(desk, "system.paused", wrong))
    elif one.failures:
        _rest(connection, desk, one)
    elif one.standing and one.standing.failures and deliver.taken(one.outcomes):
        systems.recovered(connection, desk.system, one.now)


def _rest(connection: Connection, desk: Desk, one: Concluded) -> None:
    failure = next(outcome for outcome in one.outcomes if isinstance(outcome, Failure) and not isinstance(outcome, Deferred))
    until = one.rest_until or one.now - timedelta(milliseconds=1)
    systems.rest(connection, desk.system, one.failures, until, one.now, code=failure.code, reason=failure.message)
    if one.rest_until:
        log.warning("%s rests: %s", desk.system, failure.message, extra=_fields(desk, "system.resting", failure))


def _fields(desk: Desk, event: str, failure: Failure) -> dict[str, object]:
    return {"event": event, "system": desk.system, "error_code": failure.code}


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
