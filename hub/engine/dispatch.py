"""Steps 7 to 10: window after window of one partition is opened (T2), sent, settled and closed (T3) until nothing is due."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

from sqlalchemy import Connection

from hub.engine import conclude, deliver, remake
from hub.engine.admission import Admission, admit
from hub.engine.conclude import Concluded
from hub.engine.deliver import Terms
from hub.engine.desk import Desk, capped, desk
from hub.ports import Outcome
from hub.store import outbox
from hub.store.outbox import Opened, SendWindow

__all__ = ["Desk", "capped", "desk", "drain", "recover", "write_down"]


def drain(desk: Desk, *, stopping: Callable[[], bool]) -> datetime | None:
    """Send everything of the partition that is due and may leave.

    Returns when to go on: something falls due, or may leave then. None when nothing is pending, or a person must act first.
    """
    while not stopping():
        now, began = desk.exchange.clock(), desk.sender.clock()
        admission, window = _turn(desk, now)
        if window is None:
            return _next(desk, admission, now)
        outcomes = _send(desk, window.opened, admission.calls, began)
        desk.unwritten.append((admission.standing, window, outcomes))
        desk.pace.learn(outcomes, desk.sender.guarantees)
    write_down(desk)
    return None


def _send(desk: Desk, opened: Sequence[Opened], calls: int, began: float) -> list[Outcome]:
    doubtful = frozenset(one.message.id for one in opened if one.doubtful)
    last = frozenset(one.message.id for one in opened if one.spent >= len(desk.policy.retry))  # dies of its own fault only
    return desk.sender.send([one.message for one in opened], Terms(doubtful, alone=last, calls=calls, opened=began))


def _turn(desk: Desk, now: datetime) -> tuple[Admission, SendWindow | None]:
    """Close what was sent and open what comes next in one transaction: one flush to disk a window instead of two."""
    if not desk.unwritten:
        return _look_and_open(desk, now)

    def write(connection: Connection) -> tuple[Sequence[Concluded], Admission, SendWindow | None]:
        return conclude.write(connection, desk), *_open(connection, desk, now)

    concluded, admission, window = desk.exchange.store.write(write)
    _written(desk, concluded)
    return admission, window


def write_down(desk: Desk) -> None:
    """Settle the windows that were sent; what the store does not take now stays until the next time: its answers are known."""
    if desk.unwritten:
        _written(desk, desk.exchange.store.write(lambda connection: conclude.write(connection, desk)))


def _written(desk: Desk, concluded: Sequence[Concluded]) -> None:
    desk.unwritten.clear()
    for one in concluded:
        conclude.tell(desk, one)


def recover(desk: Desk) -> int:
    """Settle what a former owner left between sending and settling: ask, send again, or hold. Returns how many."""
    with desk.exchange.store.writing() as connection:
        left = outbox.interrupted(connection, desk.holding)
    for window in left:
        doubts = [deliver.interrupted()] * len(window.opened)
        asked = desk.sender.look_up_all([one.message for one in window.opened], doubts, patient=False)
        desk.unwritten.append((None, window, asked))
        write_down(desk)
    return sum(len(window.opened) for window in left)


def _look_and_open(desk: Desk, now: datetime) -> tuple[Admission, SendWindow | None]:
    store = desk.exchange.store
    with store.reading() as connection:  # looking first keeps an idle partition from queueing up as a writer
        due = outbox.next_due(connection, system=desk.system, partition=desk.partition)
        admission = admit(connection, desk, now, deciding=False)
    if not admission.messages or due is None or due > now:
        return admission, None
    return store.write(lambda connection: _open(connection, desk, now))


def _open(connection: Connection, desk: Desk, now: datetime) -> tuple[Admission, SendWindow | None]:
    admission = admit(connection, desk, now, deciding=True)
    if not admission.messages:
        return admission, None
    deletes = any(route.deletes for route in desk.exchange.settings.routes if route.system == desk.system)
    window = outbox.open_window(
        connection, desk.holding, system=desk.system, partition=desk.partition, limit=admission.messages, calls=admission.calls,
        heads_only=desk.heads_only, now=now, urgent=desk.urgent, as_inserts=partial(remake.as_inserts, desk.exchange),
        as_updates=partial(remake.as_updates, desk.exchange) if deletes else None,
    )  # fmt: skip
    return admission, window


def _next(desk: Desk, admission: Admission, now: datetime) -> datetime | None:
    if admission.why == "paused":
        return None
    with desk.exchange.store.reading() as connection:
        due = outbox.next_due(connection, system=desk.system, partition=desk.partition)
    if due is None:
        return None
    if admission.until is None:
        return due if due > now else None  # due, but behind something that is not: that one will wake us
    if admission.why == "rate" and due <= now:
        desk.pace.wait(now, admission.until, desk.exchange.metrics.rate_wait.labels(desk.system).inc)
    return max(due, admission.until)
