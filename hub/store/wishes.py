"""Remembers which run an idempotency key asked for, in the transaction that asks for it: a repeated wish is never a second run."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, delete

from hub.errors import HubError
from hub.store import acceptance, runs, schema
from hub.store.numbers import moment
from hub.store.runs import Trigger

_PREFIX = "asked:"
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


def _forget(connection: Connection, now: datetime) -> None:
    table = schema.cursor
    old = table.c.changed_at < moment(now - REMEMBERED)
    connection.execute(delete(table).where(table.c.name.startswith(_PREFIX, autoescape=True), old))
