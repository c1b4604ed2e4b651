"""Remembers what an idempotency key asked for: a repeated wish is never a second act, and what was done is answered the same.

Of several that come with one key at once, in several processes, one inserts the row that bears it; the others wait for that.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson
from sqlalchemy import Connection, delete, or_, update

from hub.errors import HubError
from hub.store import cursors, dialect, runs, schema
from hub.store.numbers import moment
from hub.store.runs import Trigger

_PREFIX, _DONE, _DOING = "asked:", "acted:", "doing:"
#: How long a key is remembered.
REMEMBERED = timedelta(days=7)
_TABLE = schema.cursor


class KeyReused(HubError):
    """The key was used for another wish."""


class KeyBusy(HubError):
    """Another process carries this wish out now."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The right of one process to carry a wish out under a key."""

    key: str
    wish: str
    owner: str

    @property
    def name(self) -> str:
        """What its row is called."""
        return _DOING + self.key

    @property
    def value(self) -> str:
        """What its row says: what is wished, and who carries it out."""
        return orjson.dumps([_digest(self.wish), self.owner]).decode()


def ask_once(connection: Connection, key: str, source: str, trigger: Trigger, asked_by: str, now: datetime, *, full: bool) -> int:
    """Ask for a run and remember the key; the same key with the same wish returns the same run, whatever became of it.

    Raises KeyReused HUB-X-116 for the same key with another wish.
    """
    wish = f"{source}/{'full' if full else 'on'}"
    _forget(connection, now)
    if _first(connection, _PREFIX + key, f"{wish} 0", now):
        found = runs.ask(connection, source, trigger, asked_by, now, full=full)
        cursors.put(connection, _PREFIX + key, f"{wish} {found}", now)
        return found
    asked, _, number = (cursors.get(connection, _PREFIX + key) or "").rpartition(" ")
    if asked != wish:
        raise _reused()
    return int(number)


def claim(connection: Connection, wanted: Claim, living: Collection[str], now: datetime) -> str | None:
    """Take the right to carry a wish out, or return what was answered when it was carried out under its key.

    `living`: the owners that may be at it now; whoever else claimed it has ended in between. Raises KeyReused HUB-X-116 for the
    same key with another wish, KeyBusy HUB-X-127 while another process carries it out.
    """
    _forget(connection, now)
    mine = _first(connection, wanted.name, wanted.value, now)
    before = _answered(connection, wanted)  # only now: whoever was at it until now has written it
    if before is not None:
        if mine:
            cursors.drop(connection, wanted.name)
        return before
    if not mine:
        _take_over(connection, wanted, living, now)
    return None


def require(connection: Connection, held: Claim) -> None:
    """Raise KeyBusy HUB-X-127 unless the claim is still ours; nobody can take it over until the transaction ends."""
    if cursors.get(connection, held.name, lock=True) != held.value:
        raise _busy()


def remember(connection: Connection, held: Claim, answer: str, now: datetime) -> None:
    """Write down what was answered to a wish that was carried out, and end its claim. Raises KeyBusy HUB-X-127 like `require`."""
    require(connection, held)
    cursors.put(connection, _DONE + held.key, orjson.dumps([_digest(held.wish), answer]).decode(), now)
    cursors.drop(connection, held.name)


def release(connection: Connection, held: Claim) -> None:
    """Let go of a wish that could not be carried out, unless another process has taken it over."""
    connection.execute(delete(_TABLE).where(_TABLE.c.name == held.name, _TABLE.c.value == held.value))


def _first(connection: Connection, name: str, value: str, now: datetime) -> bool:
    """Write a row and tell whether it is ours; waits for whoever is about to write the same one."""
    row = {"name": name, "value": value, "changed_at": moment(now)}
    inserted = dialect.insert(connection, _TABLE).values(row).on_conflict_do_nothing().returning(_TABLE.c.name)
    return connection.execute(inserted).first() is not None


def _answered(connection: Connection, wanted: Claim) -> str | None:
    told = cursors.get(connection, _DONE + wanted.key)
    if told is None:
        return None
    asked, answer = orjson.loads(told)
    if asked != _digest(wanted.wish):
        raise _reused()
    return str(answer)


def _take_over(connection: Connection, wanted: Claim, living: Collection[str], now: datetime) -> None:
    """Take a claim from a process that has ended, or from an earlier try of our own that left it behind."""
    told = cursors.get(connection, wanted.name, lock=True)
    asked, owner = orjson.loads(told) if told else (_digest(wanted.wish), None)
    if asked != _digest(wanted.wish):
        raise _reused()
    if owner is None or (owner in living and owner != wanted.owner):  # None: it was let go of just now
        raise _busy()
    written = update(_TABLE).where(_TABLE.c.name == wanted.name)
    connection.execute(written.values(value=wanted.value, changed_at=moment(now)))


def _reused() -> KeyReused:
    return KeyReused("HUB-X-116", "this key was used for another request", hint="use a fresh key for every wish")


def _busy() -> KeyBusy:
    return KeyBusy("HUB-X-127", "a request with this key is being carried out", hint="send it again in a moment for its answer")


def _digest(wish: str) -> str:
    return hashlib.blake2b(wish.encode(), digest_size=16).hexdigest()


def _forget(connection: Connection, now: datetime) -> None:
    ours = or_(*(_TABLE.c.name.startswith(prefix, autoescape=True) for prefix in (_PREFIX, _DONE, _DOING)))
    connection.execute(delete(_TABLE).where(ours, _TABLE.c.changed_at < moment(now - REMEMBERED)))
