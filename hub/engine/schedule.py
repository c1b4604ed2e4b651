"""Step 1: decides which runs fall due, and what becomes of an occurrence that was missed or finds its predecessor at work."""

from __future__ import annotations

import logging
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo

from croniter import croniter
from sqlalchemy import Connection

from hub.engine.exchange import Exchange
from hub.settings import ScheduleSettings, SystemSettings
from hub.store import cursors, runs
from hub.store.runs import RunState, Trigger

log = logging.getLogger(__name__)

#: An occurrence noticed later than this was missed (the hub was down or frozen): the misfire rule decides.
GRACE = timedelta(minutes=1)
#: Most missed occurrences looked at one by one; of more than these only the last one counts.
MOST_MISSED = 1000


def occurrences(cron: str, zone: tzinfo, after: datetime) -> Iterator[datetime]:
    """Yield the aware UTC times a cron line names after that time, by the clocks of that zone."""
    ticks = croniter(cron, after.astimezone(zone))
    while True:
        yield ticks.get_next(datetime).astimezone(UTC)


def due_between(schedule: ScheduleSettings, zone: tzinfo, after: datetime, until: datetime, name: str = "") -> list[datetime]:
    """Return the occurrences after `after` that are due by `until`, oldest first; the last one alone when they are too many.

    `name` of the system: each has delays of its own.
    """
    found: list[datetime] = []
    for tick in occurrences(schedule.cron, zone, after):
        if tick + delay(schedule, name, tick) > until:
            return found
        if len(found) >= MOST_MISSED:
            return [_last_before(schedule, zone, until)]
        found.append(tick)
    return found


def _last_before(schedule: ScheduleSettings, zone: tzinfo, until: datetime) -> datetime:
    """Return the last occurrence that is due by then whatever its delay."""
    surely = (until - schedule.jitter).astimezone(zone)
    tick: datetime = croniter(schedule.cron, surely).get_prev(datetime)
    return tick.astimezone(UTC)


def delay(schedule: ScheduleSettings, name: str, tick: datetime) -> timedelta:
    """Return how much later than named an occurrence starts: up to the schedule's jitter, always the same for one occurrence."""
    return schedule.jitter * random.Random(f"{name} {tick.timestamp()}").random() if schedule.jitter else timedelta(0)


def fall_due(exchange: Exchange) -> list[str]:
    """Write down the runs that fell due since last asked; return their sources. Until one can be due the store is not asked."""
    now = exchange.clock()
    asked = []
    for system in exchange.settings.readable():
        if system.schedule is None or _quiet(exchange, system.name, now):
            continue
        with exchange.store.writing() as connection:
            seen, wanted = _ask(connection, exchange, system, system.schedule, now)
        asked += [system.name] if wanted else []
        following = _following(exchange, system.name, system.schedule, seen)
        exchange.quiet[system.name] = now, following
        exchange.metrics.next_run.labels(system.name).set(following.timestamp())
    return asked


def _quiet(exchange: Exchange, name: str, now: datetime) -> bool:
    """Tell whether nothing can have fallen due, whoever asked the store last; a clock that was set back says nothing."""
    since, until = exchange.quiet.get(name, (now, now))
    return since <= now < until


def _following(exchange: Exchange, name: str, schedule: ScheduleSettings, seen: datetime) -> datetime:
    """Return when the occurrence after that one falls due."""
    tick = next(occurrences(schedule.cron, exchange.settings.timezone, seen))
    return tick + delay(schedule, name, tick)


def _ask(
    connection: Connection, exchange: Exchange, system: SystemSettings, schedule: ScheduleSettings, now: datetime
) -> tuple[datetime, bool]:
    """Return the last occurrence that needs no more thought, and whether a run was asked for."""
    name = f"schedule:{system.name}"
    told = cursors.get(connection, name, lock=True)  # of several workers one finds it due
    if told is None:  # a new schedule owes nothing for the time before it was there
        cursors.put(connection, name, now.isoformat(), now)
        return now, False
    seen = datetime.fromisoformat(told)
    if seen > now + GRACE:  # the clock was ahead: what it named until then is not waited for
        cursors.put(connection, name, now.isoformat(), now)
        log.warning("%s: the clock was set back, its schedule goes on from now", system.name, extra={"event": "clock.set_back"})
        return now, False
    due = due_between(schedule, exchange.settings.timezone, seen, now, system.name)
    if not due:
        return seen, False
    cursors.put(connection, name, due[-1].isoformat(), now)
    if now - due[-1] - schedule.jitter > GRACE and schedule.misfire == "skip":
        _skip(connection, system, now, f"missed {len(due)} occurrence(s), the hub was not there; misfire: skip")
        return due[-1], False
    unfinished = runs.unfinished(connection, system.name)
    if any(run.state is RunState.RUNNING for run in unfinished) and schedule.overlap == "skip":
        _skip(connection, system, now, "the run before is still at work; overlap: skip")
        return due[-1], False
    runs.ask(connection, system.name, Trigger.SCHEDULE, "schedule", now)
    return due[-1], True


def _skip(connection: Connection, system: SystemSettings, now: datetime, reason: str) -> None:
    runs.skipped(connection, system.name, "schedule", reason, now)
    log.warning("%s: %s", system.name, reason, extra={"event": "run.skipped", "system": system.name})
