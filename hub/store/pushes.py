"""Remembers which run a push was accounted under, in the transaction that keeps its records: a repeat is answered the same."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson
from sqlalchemy import Connection, case, delete, select

from hub.errors import HubError
from hub.model import FAILED, Json, State
from hub.store import cursors, schema
from hub.store.among import among
from hub.store.numbers import moment

_PREFIX = "pushed:"
#: How long a push's number is remembered; far longer than any clock may be off.
REMEMBERED = timedelta(days=7)


class NumberReused(HubError):
    """The number of this push was used for another one."""


@dataclass(frozen=True, slots=True)
class Fate:
    """What a run made of one version of a record. `stage` None: all went well so far. Issues hold masked values only."""

    stage: str | None = None
    code: str | None = None
    reason: str | None = None
    issues: tuple[Json, ...] = ()


def before(connection: Connection, system: str, number: str, content: str) -> int | None:
    """Return the run this very push was accounted under, None when it is new.

    `content`: a digest of what it holds. Raises NumberReused HUB-X-145 when the number came with something else.
    """
    told = cursors.get(connection, _name(system, number))
    if told is None:
        return None
    held, _, run = told.partition(" ")
    if held != content:
        raise NumberReused("HUB-X-145", "the number of this push was used for another one", hint="give every push a fresh number")
    return int(run)


def remember(connection: Connection, system: str, number: str, content: str, run: int, now: datetime) -> None:
    """Remember that number."""
    cursors.put(connection, _name(system, number), f"{content} {run}", now)


def forget(connection: Connection, now: datetime) -> None:
    """Forget numbers that are too old to come again."""
    table = schema.cursor
    old = table.c.changed_at < moment(now - REMEMBERED)
    connection.execute(delete(table).where(table.c.name.startswith(_PREFIX, autoescape=True), old))


def fates(connection: Connection, source: str, kind: str, run: int, keys: Sequence[str]) -> dict[str, list[tuple[str, Fate]]]:
    """Return what became at once of the versions a run wrote: by key, each revision with its fate, in the order they came."""
    record = schema.record
    found: dict[str, list[tuple[str, Fate]]] = {}
    chosen = among(record.c.key, keys)
    query = select(record.c.id, record.c.key, record.c.revision).where(record.c.source == source, record.c.kind == kind, chosen)
    rows = connection.execute(query.where(record.c.run_id == run).order_by(record.c.id)).all()
    failed = _failed(connection, [row.id for row in rows])
    for row in rows:
        found.setdefault(row.key, []).append((row.revision, failed.get(row.id, Fate())))
    return found


def _failed(connection: Connection, records: Collection[int]) -> dict[int, Fate]:
    """Return the first failure of each record before anything was sent; later ones are no news to who pushed it.

    What a person gave up since failed all the same; why they did is nobody else's business.
    """
    table = schema.delivery
    states = [state.value for state in (*FAILED, State.SUPERSEDED, State.CANCELLED)]
    reason = case((table.c.state != State.CANCELLED.value, table.c.reason)).label("reason")
    query = select(table.c.record_id, table.c.stage, table.c.code, reason, table.c.issues).where(
        among(table.c.record_id, records), table.c.state.in_(states), table.c.stage.in_(("source", "map"))
    )
    found: dict[int, Fate] = {}
    for row in connection.execute(query.order_by(table.c.id)):
        issues = tuple(orjson.loads(row.issues)) if row.issues else ()
        found.setdefault(row.record_id, Fate(row.stage, row.code, row.reason, issues))
    return found


def _name(system: str, number: str) -> str:
    return f"{_PREFIX}{system}:{hashlib.blake2b(number.encode(), digest_size=12).hexdigest()}"
