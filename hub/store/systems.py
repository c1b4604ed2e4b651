"""What the store remembers of a system: paused by a person or by a misconfiguration, and how its circuit stands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, or_, select, update

from hub.model import Circuit
from hub.store import dialect, schema
from hub.store.numbers import instant, moment

_TABLE = schema.system
_NEW = {"paused": False, "failures": 0, "rest_until": 0, "changed_at": 0}


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether a system may be sent to now. `failures`: windows in a row in which its target took nothing.

    `down_since`: when its circuit opened, None while it is closed. `rest_until`: nothing is sent before, because it is down or said
    so itself; `code` and `reason` say why.
    """

    name: str
    paused: bool = False
    paused_by: str | None = None
    code: str | None = None
    reason: str | None = None
    changed_at: datetime | None = None
    failures: int = 0
    rest_until: datetime | None = None
    down_since: datetime | None = None

    def circuit(self, now: datetime) -> Circuit:
        """Return how its circuit stands. A target that is up, and said when to come back, has it closed."""
        if self.down_since is None:
            return Circuit.CLOSED
        return Circuit.OPEN if self.rest_until is not None and self.rest_until > now else Circuit.HALF_OPEN

    def open_at(self, now: datetime) -> bool:
        """Whether messages may leave for it."""
        return not self.paused and (self.rest_until is None or self.rest_until <= now)


def standing(connection: Connection, name: str, *, alone: bool = False) -> Standing:
    """Return how a system stands; one never written about is open.

    `alone`: whoever else asks so waits until this transaction ends, also other workers.
    """
    query = select(_TABLE).where(_TABLE.c.name == name)
    if alone:
        dialect.ensure(connection, _TABLE, {"name": name, **_NEW})
        query = query.with_for_update()
    row = connection.execute(query).first()
    return Standing(name) if row is None else _standing(row)


def standings(connection: Connection) -> dict[str, Standing]:
    """Return how each system stands that was ever written about; all others are open."""
    return {row.name: _standing(row) for row in connection.execute(select(_TABLE))}


def _standing(row: Row[Any]) -> Standing:
    changed, rest = (instant(at) if at else None for at in (row.changed_at, row.rest_until))
    down = instant(row.down_since) if row.down_since and row.failures else None
    return Standing(row.name, row.paused, row.paused_by, row.code, row.reason, changed, row.failures, rest, down)


def pause(connection: Connection, name: str, by: str, now: datetime, *, code: str | None = None, reason: str | None = None) -> None:
    """Stop sending to a system until somebody resumes it; survives restarts."""
    _write(connection, name, {"paused": True, "paused_by": by, "code": code, "reason": reason, "changed_at": moment(now)})


def resume(connection: Connection, name: str, now: datetime) -> None:
    """Send to a system again, at once."""
    cleared = {"paused": False, "paused_by": None, "code": None, "reason": None, "failures": 0, "rest_until": 0, "down_since": 0}
    _write(connection, name, {**cleared, "changed_at": moment(now)})


def failed(connection: Connection, name: str, failures: int, now: datetime, *, code: str, reason: str) -> None:
    """Note that a target took nothing for so many windows in a row, and goes on being sent to. A pause stands as it is."""
    if not standing(connection, name).paused:
        _write(connection, name, {"failures": failures, "code": code, "reason": reason, "changed_at": moment(now)})


def rest(connection: Connection, name: str, failures: int, until: datetime, now: datetime, *, code: str, reason: str) -> None:
    """Leave a target that is down alone until then, sparing every record's tries (invariant 9). A pause stands as it is."""
    before = standing(connection, name)
    if before.paused:
        return
    resting = {"failures": failures, "rest_until": moment(until), "down_since": moment(before.down_since or now)}
    _write(connection, name, {**resting, "code": code, "reason": reason, "changed_at": moment(now)})


def wait(connection: Connection, name: str, until: datetime, now: datetime, *, code: str, reason: str) -> None:
    """Send nothing to a target until the time it named: it is up. A pause, and a longer rest, stand as they are."""
    before = standing(connection, name)
    if not before.paused and (before.rest_until is None or before.rest_until < until):
        told = {"failures": 0, "down_since": 0, "rest_until": moment(until), "code": code, "reason": reason}
        _write(connection, name, {**told, "changed_at": moment(now)})


def recovered(connection: Connection, name: str, now: datetime) -> None:
    """Forget a target's failures, and a wait that is over: it answers again."""
    over = and_(_TABLE.c.rest_until > 0, _TABLE.c.rest_until <= moment(now))
    well = {"failures": 0, "rest_until": 0, "down_since": 0, "code": None, "reason": None, "changed_at": moment(now)}
    troubled = update(_TABLE).where(_TABLE.c.name == name, _TABLE.c.paused.is_(False), or_(_TABLE.c.failures > 0, over))
    connection.execute(troubled.values(well))


def _write(connection: Connection, name: str, values: dict[str, object]) -> None:
    written = update(_TABLE).where(_TABLE.c.name == name).values(values)
    if connection.execute(written).rowcount == 0:
        dialect.ensure(connection, _TABLE, {"name": name, **_NEW})
        connection.execute(written)
