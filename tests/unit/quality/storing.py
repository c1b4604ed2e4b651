"""Puts records and deliveries into a store as a source and the engine would have, for tests of what is read out of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from itertools import count
from typing import Any

from sqlalchemy import insert

from hub.store import Store, schema

#: When everything was read, unless said otherwise: 2025-06-03 09:00 in Zhangxian.
SEEN = datetime(2025, 6, 3, 1, tzinfo=UTC)


class Stored:
    """A store that fills up by hand."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._numbers = count(1)

    def record(
        self, kind: str, key: str, data: Any, *, source: str = "local", run: int = 1, seen: datetime = SEEN, deleted: bool = False
    ) -> int:
        """Add a version of a record; return its number."""
        number = next(self._numbers)
        content = data if isinstance(data, bytes) else json.dumps(data, ensure_ascii=False).encode()
        values = {"id": number, "source": source, "kind": kind, "key": key, "revision": str(number), "deleted": deleted}
        with self.store.writing() as connection:
            connection.execute(
                insert(schema.record).values(**values, run_id=run, seen_at=int(seen.timestamp() * 1000), data=content)
            )
        return number

    def delivery(
        self,
        record: int,
        state: str,
        *,
        system: str = "city",
        took: int = 0,
        taken: int | None = None,
        issues: list[dict[str, Any]] | None = None,
    ) -> None:
        """Add a delivery of a record; it took so many seconds to come to this state, `taken` to be taken."""
        number, at = next(self._numbers), int(SEEN.timestamp() * 1000)
        fixed = {
            "partition": 0,
            "route": "r",
            "endpoint": "e",
            "kind": "k",
            "key": "k",
            "lane": "l",
            "operation": "I",
            "batch": "B",
        }
        told = json.dumps(issues).encode() if issues else None
        times = {"due_at": at, "created_at": at, "changed_at": at + took * 1000}
        window = next(self._numbers) if taken is not None else None
        with self.store.writing() as connection:
            if taken is not None:
                closed = {"partition": "p", "epoch": 1, "opened_at": at, "closed_at": at + taken * 1000}
                connection.execute(insert(schema.window).values(id=window, **closed))
            values = {"record_id": record, "system": system, "state": state, "mapping": "m", "issues": told, "window_id": window}
            connection.execute(insert(schema.delivery).values(id=number, **values, **fixed, **times))
