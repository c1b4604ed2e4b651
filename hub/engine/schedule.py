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
    """Write down the runs that fell due since last asked; return their sources."""
    now = exchange.clock()
    asked = []
    for system in exchange.settings.readable():
        if system.schedule is None:
            continue
        with exchange.store.writing() as connection:
            if _ask(connection, exchange, system, system.schedule, now):
                asked.append(system.name)
        following = next(occurrences(system.schedule.cron, exchange.settings.timezone, now))
        exchange.metrics.next_run.labels(system.name).set(following.timestamp())
    return asked


def _ask(connection: Connection, exchange: Exchange, system: SystemSettings, schedule: ScheduleSettings, now: datetime) -> bool:
    name = f"schedule:{system.name}"
    seen = cursors.get(connection, name, lock=True)  # of several workers one finds it due
    if seen is None:  # a new schedule owes nothing for the time before it was there
        cursors.put(connection, name, now.isoformat(), now)
        return False
    if datetime.fromisoformat(seen) > now + GRACE:  # the clock was ahead: what it named until then is not waited for
        cursors.put(connection, name, now.isoformat(), now)
        log.warning("%s: the clock was set back, its schedule goes on from now", system.name, extra={"event": "clock.set_back"})
        return False
    due = due_between(schedule, exchange.settings.timezone, datetime.fromisoformat(seen), now, system.name)
    if not due:
        return False
    cursors.put(connection, name, due[-1].isoformat(), now)
    if now - due[-1] - schedule.jitter > GRACE and schedule.misfire == "skip":
        return _skip(connection, system, now, f"missed {len(due)} occurrence(s), the hub was not there; misfire: skip")
    unfinished = runs.unfinished(connection, system.name)
    if any(run.state is RunState.RUNNING for run in unfinished) and schedule.overlap == "skip":
        return _skip(connection, system, now, "the run before is still at work; overlap: skip")
    runs.ask(connection, system.name, Trigger.SCHEDULE, "schedule", now)
    return True


def _skip(connection: Connection, system: SystemSettings, now: datetime, reason: str) -> bool:
    runs.skipped(connection, system.name, "schedule", reason, now)
    log.warning("%s: %s", system.name, reason, extra={"event": "run.skipped", "system": system.name})
    return False
