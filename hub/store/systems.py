"""What the store remembers of a system: paused by a person or by a misconfiguration, or resting because its target is down."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from hub.store import schema
from hub.store.numbers import instant, moment

_TABLE = schema.system


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether a system may be sent to now. `failures`: windows in a row in which its target took nothing."""

    name: str
    paused: bool = False
    paused_by: str | None = None
    code: str | None = None
    reason: str | None = None
    changed_at: datetime | None = None
    failures: int = 0
    rest_until: datetime | None = None

    def open_at(self, now: datetime) -> bool:
        """Whether messages may leave for it."""
        return not self.paused and (self.rest_until is None or self.rest_until <= now)


def standing(connection: Connection, name: str) -> Standing:
    """Return how a system stands; one never written about is open."""
    row = connection.execute(select(_TABLE).where(_TABLE.c.name == name)).first()
    if row is None:
        return Standing(name)
    rest = instant(row.rest_until) if row.rest_until else None
    return Standing(name, row.paused, row.paused_by, row.code, row.reason, instant(row.changed_at), row.failures, rest)


def pause(connection: Connection, name: str, by: str, now: datetime, *, code: str | None = None, reason: str | None = None) -> None:
    """Stop sending to a system until somebody resumes it; survives restarts."""
    _write(connection, name, {"paused": True, "paused_by": by, "code": code, "reason": reason, "changed_at": moment(now)})


def resume(connection: Connection, name: str, now: datetime) -> None:
    """Send to a system again, at once."""
    cleared = {"paused": False, "paused_by": None, "code": None, "reason": None, "failures": 0, "rest_until": 0}
    _write(connection, name, {**cleared, "changed_at": moment(now)})


def rest(connection: Connection, name: str, failures: int, until: datetime, now: datetime, *, code: str, reason: str) -> None:
    """Leave a target that is down alone until then, sparing every record's tries (invariant 9). A pause stands as it is."""
    if standing(connection, name).paused:
        return
    resting = {"failures": failures, "rest_until": moment(until), "code": code, "reason": reason}
    _write(connection, name, {**resting, "changed_at": moment(now)})


def recovered(connection: Connection, name: str, now: datetime) -> None:
    """Forget a target's failures: it took something again."""
    well = {"failures": 0, "rest_until": 0, "code": None, "reason": None, "changed_at": moment(now)}
    failing = update(_TABLE).where(_TABLE.c.name == name, _TABLE.c.failures > 0, _TABLE.c.paused.is_(False))
    connection.execute(failing.values(well))


def _write(connection: Connection, name: str, values: dict[str, object]) -> None:
    done = connection.execute(update(_TABLE).where(_TABLE.c.name == name).values(values))
    if done.rowcount == 0:
        connection.execute(insert(_TABLE).values(name=name, **{"paused": False, "failures": 0, "rest_until": 0, **values}))
