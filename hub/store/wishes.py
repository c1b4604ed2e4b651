"""Remembers what an idempotency key asked for: a repeated wish is never a second run, and what was done is answered the same."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

import orjson
from sqlalchemy import Connection, delete, or_

from hub.errors import HubError
from hub.store import acceptance, dialect, runs, schema
from hub.store.numbers import moment
from hub.store.runs import Trigger

_PREFIX, _DONE = "asked:", "acted:"
#: How long a key is remembered.
REMEMBERED = timedelta(days=7)


class KeyReused(HubError):
    """The key was used for another wish."""


def ask_once(connection: Connection, key: str, source: str, trigger: Trigger, asked_by: str, now: datetime, *, full: bool) -> int:
    """Ask for a run and remember the key; the same key with the same wish returns the same run, whatever became of it.

    Raises KeyReused HUB-X-116 for the same key with another wish.
    """
    wish = f"{source}/{'full' if full else 'on'}"
    _forget(connection, now)
    if before := acceptance.get_cursor(connection, _PREFIX + key):
        asked, _, number = before.rpartition(" ")
        if asked != wish:
            raise KeyReused("HUB-X-116", "this key was used for another request", hint="use a fresh key for every wish")
        return int(number)
    found = runs.ask(connection, source, trigger, asked_by, now, full=full)
    acceptance.set_cursor(connection, _PREFIX + key, f"{wish} {found}", now)
    return found


def answered(connection: Connection, key: str, wish: str) -> str | None:
    """Return what was answered when this wish was carried out under this key, None when it was not yet.

    Raises KeyReused HUB-X-116 for the same key with another wish.
    """
    before = acceptance.get_cursor(connection, _DONE + key)
    if before is None:
        return None
    asked, answer = orjson.loads(before)
    if asked != _digest(wish):
        raise KeyReused("HUB-X-116", "this key was used for another request", hint="use a fresh key for every wish")
    return str(answer)


def remember(connection: Connection, key: str, wish: str, answer: str, now: datetime) -> None:
    """Remember what was answered to a wish that is carried out now; of two at once, in two processes, the first."""
    _forget(connection, now)
    value = orjson.dumps([_digest(wish), answer]).decode()
    dialect.ensure(connection, schema.cursor, {"name": _DONE + key, "value": value, "changed_at": moment(now)})


def _digest(wish: str) -> str:
    return hashlib.blake2b(wish.encode(), digest_size=16).hexdigest()


def _forget(connection: Connection, now: datetime) -> None:
    table = schema.cursor
    ours = or_(*(table.c.name.startswith(prefix, autoescape=True) for prefix in (_PREFIX, _DONE)))
    connection.execute(delete(table).where(ours, table.c.changed_at < moment(now - REMEMBERED)))
