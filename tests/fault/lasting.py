"""Far sides that outlive every hub: what arrived stands in a file, in the order in which it came.

Name it in YAML as `adapter: tests.fault.lasting:LastingAdapter`. It keeps to what it promises and no more: if it is idempotent it
takes a message once however often that comes, if not it keeps it as often.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import ClassVar

from hub.errors import Rejected
from hub.model import Guarantees, Judgement, Message, Receipt, Taken, Verdict, VerdictPage
from hub.ports import ConfigPath, Options, Outcome
from tests.fault.plain import PlainAdapter, PlainOptions, in_lanes

_TABLE = """
CREATE TABLE IF NOT EXISTS kept (
  n INTEGER PRIMARY KEY, system TEXT, endpoint TEXT, key TEXT, lane TEXT, batch TEXT, idempotency TEXT
)
"""


def kept(file: Path, system: str) -> list[tuple[str, str, str]]:
    """Return what a far side kept, oldest first: endpoint, key, lane."""
    with closing(_open(file)) as connection:
        return list(connection.execute("SELECT endpoint, key, lane FROM kept WHERE system = ? ORDER BY n", (system,)))


def last(file: Path, system: str) -> int:
    """Return the number of the last case a far side kept, which is the cursor of its verdict; 0: it has none."""
    with closing(_open(file)) as connection:
        query = "SELECT max(n) FROM kept WHERE system = ? AND endpoint = 'accept'"
        return connection.execute(query, (system,)).fetchone()[0] or 0


def _open(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(file, timeout=60, isolation_level=None)
    connection.execute("PRAGMA synchronous=OFF")  # a process dies here, never the machine
    connection.execute(_TABLE)
    return connection


class LastingOptions(PlainOptions):
    """What it promises. `refuses`: while that file is there, it refuses what the file names, a key a line."""

    file: ConfigPath
    refuses: ConfigPath
    batch: int = 1
    idempotent: bool = False
    pause: float = 0.001  # seconds between having a message and saying so


class LastingAdapter(PlainAdapter):
    """Sink and Feedback over a file: every case it keeps is confirmed later, five a page."""

    name: ClassVar[str] = "lasting"
    options: ClassVar[type[Options]] = LastingOptions

    def __init__(self, options: Options, *, system: str) -> None:
        assert isinstance(options, LastingOptions)
        super().__init__(options, system=system)
        self._options = options

    def guarantees(self) -> Guarantees:
        o = self._options
        return Guarantees(o.idempotent, findable=False, ordered_batch=o.batch > 1, batch=o.batch)

    def send(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        refused = set(self._options.refuses.read_text().split()) if self._options.refuses.exists() else set[str]()
        with closing(_open(self._options.file)) as connection:

            def one(message: Message) -> Outcome:
                return Rejected("HUB-D-115", "refused") if message.key in refused else self.keep(connection, message)

            return list(in_lanes(messages, one))

    def keep(self, connection: sqlite3.Connection, message: Message) -> Receipt:
        """Write a message down, unless it is there and its like is kept once only."""
        known = "SELECT 1 FROM kept WHERE system = ? AND idempotency = ?"
        if self._options.idempotent and connection.execute(known, (self.system, message.idempotency_key)).fetchone():
            return Receipt(Taken.DUPLICATE)
        row = (self.system, message.endpoint, message.key, message.lane, message.batch, message.idempotency_key)
        connection.execute("INSERT INTO kept (system, endpoint, key, lane, batch, idempotency) VALUES (?, ?, ?, ?, ?, ?)", row)
        time.sleep(self._options.pause)
        return Receipt()

    def verdicts(self, cursor: str | None) -> Iterator[VerdictPage]:
        after, query = int(cursor or 0), "SELECT n, key, batch FROM kept WHERE system = ? AND endpoint = 'accept' AND n > ? LIMIT 5"
        while True:
            with closing(_open(self._options.file)) as connection:
                rows = list(connection.execute(query, (self.system, after)))
            if not rows:
                return
            after = rows[-1][0]
            yield VerdictPage(tuple(Verdict("accept", key, batch, Judgement.CONFIRMED) for _, key, batch in rows), str(after))
