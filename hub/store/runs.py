"""Runs: who asked for a pass over a source, and the account it ended with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, func, insert, select, update

from hub.model import Stage
from hub.store import groups, schema
from hub.store.among import among
from hub.store.numbers import instant, moment, take


class RunState(StrEnum):
    """Where a run stands. FAILED: the source could not be read to its end; what was read before stands."""

    ASKED = "asked"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    SKIPPED = "skipped"


class Trigger(StrEnum):
    """Who or what asked for a run."""

    SCHEDULE = "schedule"
    CLI = "cli"
    API = "api"
    PUSH = "push"


@dataclass(frozen=True, slots=True)
class Run:
    """One pass over one source. `read == unchanged + accepted + rejected` once it ended (invariant 6)."""

    id: int
    source: str
    trigger: Trigger
    asked_by: str
    state: RunState
    asked_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    full: bool
    read: int
    unchanged: int
    accepted: int
    rejected: int
    filtered: int
    deliveries: int
    unmappable: int
    code: str | None
    reason: str | None
    first_record: int | None = None  # the records it wrote have numbers from this one on,
    next_record: int | None = None  # and below this one; None: an older program began it

    @property
    def failed(self) -> bool:
        """Whether it could not be read to its end; one that could may have a code, too: what it found on its way."""
        return self.state is RunState.FAILED

    @property
    def adds_up(self) -> bool:
        """Whether every record read is accounted for."""
        return self.read == self.unchanged + self.accepted + self.rejected


_TABLE = schema.run
_OPEN = [RunState.ASKED.value, RunState.RUNNING.value]


def _open_of(source: str) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions of a source's runs that have not ended, in words that fit only the index of those.

    By the index of sources SQLite would go through all runs a source ever had, each second.
    """
    return (_TABLE.c.source.concat("") == source, _TABLE.c.ended_at.is_(None))


def ask(connection: Connection, source: str, trigger: Trigger, asked_by: str, now: datetime, *, full: bool = False) -> int:
    """Write down that a run is wanted and return its number; a run already asked for and not begun is returned instead."""
    waiting = select(_TABLE.c.id).where(*_open_of(source), _TABLE.c.state == RunState.ASKED.value, _TABLE.c.full == full)
    number: int | None = connection.execute(waiting).scalar()
    if number is None:
        number = take(connection, "run", 1)
        connection.execute(insert(_TABLE).values(_fresh(number, source, trigger, asked_by, now, full)))
    return number


def skipped(connection: Connection, source: str, asked_by: str, reason: str, now: datetime) -> int:
    """Write down an occurrence that did not run, and why: a schedule never drops one in silence."""
    number = take(connection, "run", 1)
    values = _fresh(number, source, Trigger.SCHEDULE, asked_by, now, False)
    connection.execute(
        insert(_TABLE).values({**values, "state": RunState.SKIPPED.value, "ended_at": moment(now), "reason": reason})
    )
    return number


def _fresh(number: int, source: str, trigger: Trigger, asked_by: str, now: datetime, full: bool) -> dict[str, Any]:
    return {
        "id": number,
        "source": source,
        "trigger": trigger.value,
        "asked_by": asked_by,
        "state": RunState.ASKED.value,
        "asked_at": moment(now),
        "full": full,
    }


def begin_next(connection: Connection, source: str, now: datetime) -> Run | None:
    """Begin the oldest run asked for of that source and return it, None when there is none."""
    waiting = select(_TABLE).where(*_open_of(source), _TABLE.c.state == RunState.ASKED.value).order_by(_TABLE.c.id).limit(1)
    row = connection.execute(waiting).first()
    if row is None:
        return None
    begun = {"state": RunState.RUNNING.value, "started_at": moment(now), "first_record": _next_record()}
    connection.execute(update(_TABLE).where(_TABLE.c.id == row.id).values(begun))
    return get(connection, row.id)


def begin_push(connection: Connection, source: str, now: datetime) -> Run:
    """Begin the run a push is accounted under and return it."""
    number = take(connection, "run", 1)
    values = _fresh(number, source, Trigger.PUSH, Trigger.PUSH.value, now, False)
    at_work = {"state": RunState.RUNNING.value, "started_at": moment(now), "first_record": _next_record()}
    row = connection.execute(insert(_TABLE).values({**values, **at_work}).returning(_TABLE)).one()
    return _run(row)


def end(
    connection: Connection, number: int, state: RunState, now: datetime, *, code: str | None = None, reason: str | None = None
) -> None:
    """End a run with its verdict."""
    values = {"state": state.value, "ended_at": moment(now), "code": code, "reason": reason, "next_record": _next_record()}
    connection.execute(update(_TABLE).where(_TABLE.c.id == number).values(values))


def _next_record() -> ColumnElement[int]:
    """Return the number that the next record will have."""
    table = schema.sequence
    return func.coalesce(select(table.c.next).where(table.c.name == "record").scalar_subquery(), 1)


def interrupt_running(
    connection: Connection, source: str, now: datetime, *, push: bool = False, reason: str = "its process ended before the run did"
) -> int:
    """End runs, or with `push` pushes, a dead owner left running; their pages stand, and the next run reads on from the cursor."""
    whose = _TABLE.c.trigger == Trigger.PUSH.value if push else _TABLE.c.trigger != Trigger.PUSH.value
    left = update(_TABLE).where(*_open_of(source), whose, _TABLE.c.state == RunState.RUNNING.value)
    values = {"state": RunState.INTERRUPTED.value, "ended_at": moment(now), "reason": reason, "next_record": _next_record()}
    return int(connection.execute(left.values(values)).rowcount)


def get(connection: Connection, number: int) -> Run | None:
    """Return one run."""
    row = connection.execute(select(_TABLE).where(_TABLE.c.id == number)).first()
    return _run(row) if row else None


def last_done(connection: Connection, source: str) -> datetime | None:
    """Return when a run of that source last read to its end."""
    done = select(_TABLE.c.ended_at).where(_TABLE.c.source == source, _TABLE.c.state == RunState.DONE.value)
    at = connection.scalar(done.order_by(_TABLE.c.id.desc()).limit(1))
    return None if at is None else instant(at)


def read_whole(connection: Connection, source: str, since: datetime, before: datetime) -> Run | None:
    """Return the last run that read that source to its end, of those that began from one time on and before another."""
    done = select(_TABLE).where(_TABLE.c.source == source, _TABLE.c.state == RunState.DONE.value)
    then = (_TABLE.c.trigger != Trigger.PUSH.value, _TABLE.c.started_at >= moment(since), _TABLE.c.started_at < moment(before))
    row = connection.execute(done.where(*then).order_by(_TABLE.c.id.desc()).limit(1)).first()
    return _run(row) if row else None


def unfinished(connection: Connection, source: str) -> list[Run]:
    """Return runs of that source that are asked for or running, oldest first; pushes are none that anybody could carry out."""
    reads = _TABLE.c.trigger != Trigger.PUSH.value
    query = select(_TABLE).where(*_open_of(source), _TABLE.c.state.in_(_OPEN), reads).order_by(_TABLE.c.id)
    return [_run(row) for row in connection.execute(query)]


def waited_for(connection: Connection) -> list[str]:
    """Return the sources of which a run is asked for or running."""
    reads = _TABLE.c.trigger != Trigger.PUSH.value
    source = _TABLE.c.source.concat("")  # by the index of sources SQLite would go through all runs there ever were
    return list(connection.scalars(select(source).where(reads, _TABLE.c.ended_at.is_(None)).distinct()))


def latest(connection: Connection, *, limit: int, source: str | None = None, before: int | None = None) -> list[Run]:
    """Return the newest runs first, optionally of one source, below a run number (paging)."""
    query = select(_TABLE).order_by(_TABLE.c.id.desc()).limit(limit)
    if source is not None:
        query = query.where(_TABLE.c.source == source)
    if before is not None:
        query = query.where(_TABLE.c.id < before)
    return [_run(row) for row in connection.execute(query)]


def pushed(connection: Connection) -> list[Run]:
    """Return the runs that pushes were accounted under, oldest first."""
    return [
        _run(row) for row in connection.execute(select(_TABLE).where(_TABLE.c.trigger == Trigger.PUSH.value).order_by(_TABLE.c.id))
    ]


def _run(row: Row[Any]) -> Run:
    values = dict(row._mapping)
    for name in ("asked_at", "started_at", "ended_at"):
        values[name] = None if values[name] is None else instant(values[name])
    return Run(**{**values, "trigger": Trigger(values["trigger"]), "state": RunState(values["state"])})


def refused_by_run(connection: Connection, numbers: Sequence[int]) -> dict[int, list[groups.DeadGroup]]:
    """Return what these runs could not read and still lies dead, by run and cause."""
    ours, record = schema.delivery, schema.record
    what = (ours.c.system, ours.c.stage, ours.c.code, ours.c.reason)
    count, sample = func.count().label("number"), func.min(ours.c.id)
    query = (
        select(record.c.run_id, *what, count, func.min(ours.c.changed_at), sample)
        .join_from(ours, record, record.c.id == ours.c.record_id)
        .where(*groups.failed(None), ours.c.stage == Stage.SOURCE.value, among(record.c.run_id, numbers))
        .group_by(record.c.run_id, *what)
        .order_by(sample)
    )
    found: dict[int, list[groups.DeadGroup]] = {}
    for run, *row in connection.execute(query):
        found.setdefault(run, []).append(groups.group(*row))
    return found
