"""Step 11: late verdicts are polled and matched by row and batch with what was taken."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from sqlalchemy import Connection

from hub.engine import likeness, storable
from hub.engine.exchange import Exchange
from hub.errors import Failure, SourceFailed
from hub.model import Judgement, State, Unreadable, Verdict, VerdictPage
from hub.ports import Feedback
from hub.settings.hours import closed
from hub.store import cursors, partitions, verdicts
from hub.store.partitions import Holding
from hub.store.verdicts import Match

log = logging.getLogger(__name__)


def poll(exchange: Exchange, system: str, holding: Holding | None = None) -> int:
    """Read all verdicts since the last poll and apply them, page by page. Returns how many deliveries moved.

    `holding`: what others might poll, too, is written by its newest owner only; raises Fenced for any other.

    A far side that cannot be read now is logged and read again at the next poll; the cursor stays. Rows that are no verdict are
    told like a failure, since a refusal may stand in them. Outside its opening hours a far side is not asked either.
    """
    adapter = exchange.adapter(system)
    flow, zone = exchange.settings.systems[system].flow, exchange.settings.timezone
    if not isinstance(adapter, Feedback) or closed(flow, zone, exchange.clock()):
        return 0
    moved: Counter[str] = Counter()
    unread: list[Unreadable] = []
    try:
        for applied, faults in _pages(exchange, system, adapter, holding):
            moved += applied
            unread += faults
    except (Failure, SourceFailed) as error:
        told = {"event": "feedback.failed", "system": system, "error_code": error.code}
        log.warning("feedback of %s: %s", system, error, extra=told)
        _failed(exchange, system, error.code, error.message, "failed")
    else:
        _unreadable(exchange, system, unread) if unread else _well(exchange, system)
    if moved:
        log.info("%s verdicts of %s", moved.total(), system, extra={"event": "feedback.applied", "system": system, **moved})
    return moved.total()


def _pages(
    exchange: Exchange, system: str, adapter: Feedback, holding: Holding | None
) -> Iterator[tuple[Counter[str], Sequence[Unreadable]]]:
    """Apply page after page; yield how many deliveries moved to which state, and the rows that are no verdict."""
    with exchange.store.reading() as connection:
        cursor = cursors.get(connection, f"feedback:{system}")
    for page in adapter.verdicts(cursor):
        applied = _apply(exchange, system, page, holding)
        if applied is None:
            return  # the cursor stays: the next poll reads this page again
        yield applied, page.faults


def _apply(exchange: Exchange, system: str, page: VerdictPage, holding: Holding | None) -> Counter[str] | None:
    """Write one page and its cursor down; None when it speaks of what is still being sent."""
    matches = [_match(verdict) for verdict in page.verdicts]
    now = exchange.clock()

    def write(connection: Connection) -> Counter[str] | None:
        if holding is not None:
            partitions.require(connection, holding)
        if verdicts.early(connection, system=system, matches=matches):
            return None
        moved: Counter[str] = Counter()
        for state, alike in groupby(matches, lambda match: match.state):  # in their order, counted by what they say
            moved[state.value] += verdicts.apply_verdicts(
                connection, system=system, matches=list(alike), parents=exchange.parents(system), now=now
            )
        cursors.put(connection, f"feedback:{system}", page.cursor, now)
        return moved

    moved = exchange.store.write(write)
    for final, number in (moved or {}).items():
        exchange.metrics.final.labels(system, final).inc(number)
    return moved


@dataclass(frozen=True, slots=True)
class Unheard:
    """A poll that failed: why, and when."""

    code: str
    message: str
    at: datetime


def last_failure(connection: Connection, system: str) -> Unheard | None:
    """Return what a system's last poll failed with, None when it went well or none was made."""
    told = cursors.written(connection, f"feedback-failed:{system}")
    if told is None:
        return None
    code, _, message = (told.value or "").partition(" ")
    return Unheard(code, message, told.at)


def _failed(exchange: Exchange, system: str, code: str, message: str, result: str) -> None:
    exchange.metrics.polls.labels(system, result).inc()
    with exchange.store.writing() as connection:
        cursors.put(connection, f"feedback-failed:{system}", storable.words(f"{code} {message}"), exchange.clock())


def _unreadable(exchange: Exchange, system: str, unread: Sequence[Unreadable]) -> None:
    for fault in unread:
        told = {"event": "feedback.unreadable", "system": system, "row": fault.key, "error_code": fault.code}
        log.warning("feedback of %s: row %s: %s %s", system, fault.key, fault.code, fault.reason, extra=told)
    first = unread[0]
    _failed(exchange, system, first.code, f"{len(unread)} rows are no verdict; {first.key}: {first.reason}", "unreadable")


def _well(exchange: Exchange, system: str) -> None:
    exchange.metrics.polls.labels(system, "ok").inc()
    with exchange.store.reading() as connection:
        failed = last_failure(connection, system)
    if failed:
        with exchange.store.writing() as connection:
            cursors.drop(connection, f"feedback-failed:{system}")


def _match(verdict: Verdict) -> Match:
    rejected = verdict.judgement is Judgement.REJECTED
    state = State.REJECTED if rejected else State.CONFIRMED
    said = storable.words(verdict.said) or ""
    batch = None if verdict.batch is None else storable.identity(verdict.batch)
    told = None if verdict.told is None else storable.identity(verdict.told)
    code = "HUB-E-121" if rejected else None
    return Match(verdict.endpoint, storable.identity(verdict.row), batch, state, code, said, told, likeness.alike(said))
