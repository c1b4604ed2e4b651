"""Decides how work is done by hand, without the hub: rows read in pages, a hand-written function, upserts and posts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Protocol

import httpx
import orjson
from sqlalchemy import Engine, TextClause, create_engine, text

from benchmarks import mapping
from benchmarks.scene import PAGE

_PAGES = (
    "SELECT * FROM T_BJ WHERE (GXSJ, BENCHID) > (:at, :key) ORDER BY GXSJ, BENCHID LIMIT :page",
    'SELECT * FROM "T_BJ" WHERE ("GXSJ", "BENCHID") > (:at, :key) ORDER BY "GXSJ", "BENCHID" LIMIT :page',
)


def converter(*, bare: bool = False) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Return the hand-written function from a row to a body; `bare` leaves out GBK, time order and identity numbers."""
    make = mapping.by_hand(mapping.model(), "I")
    return make if bare else mapping.with_checks(mapping.with_encoding(make))


def pages(local: str, make: Callable[[dict[str, Any]], dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Yield the bodies of a local database, page by page, oldest first."""
    source = create_engine(local)
    page = text(_PAGES[source.dialect.name == "postgresql"])
    at, key = "", ""
    with source.connect() as reading:
        while rows := reading.execute(page, {"at": at, "key": key, "page": PAGE}).mappings().all():
            at, key = rows[-1]["GXSJ"], rows[-1]["BENCHID"]
            yield [make(dict(row)) for row in rows]
    source.dispose()


class Taker(AbstractContextManager["Taker"], Protocol):
    """Hands bodies to a far side; returns when it has them."""

    def take(self, bodies: Sequence[dict[str, Any]]) -> None:
        """Hand them over."""


class IntoTable:
    """Upserts into the exchange table, one transaction a call."""

    def __init__(self, url: str) -> None:
        self._engine = create_engine(url)
        self._upsert = _upsert(self._engine)

    def take(self, bodies: Sequence[dict[str, Any]]) -> None:
        """Upsert them."""
        with self._engine.begin() as writing:
            writing.execute(self._upsert, list(bodies))

    def __enter__(self) -> IntoTable:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._engine.dispose()


def _upsert(engine: Engine) -> TextClause:
    names = list(mapping.COLUMNS)
    conflict, new = "ON CONFLICT (row_guid) DO UPDATE SET", "excluded.{0}"
    if engine.dialect.name in ("mysql", "mariadb"):
        conflict, new = "ON DUPLICATE KEY UPDATE", "VALUES({0})"
    updates = ", ".join(f"{name} = {new.format(name)}" for name in names[1:])
    marks = ", ".join(f":{name}" for name in names)
    return text(f"INSERT INTO up_pro_accept ({', '.join(names)}) VALUES ({marks}) {conflict} {updates}")


class ByPost:
    """Posts one body after the other and demands a yes for each."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client()
        self._url = f"{url}/accept"

    def take(self, bodies: Sequence[dict[str, Any]]) -> None:
        """Post them."""
        headers = {"Content-Type": "application/json"}
        for body in bodies:
            answer = self._client.post(self._url, content=orjson.dumps(body), headers=headers)
            if answer.status_code != 200 or answer.json()["code"] != "200":
                raise RuntimeError(f"refused with {answer.status_code}")

    def __enter__(self) -> ByPost:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._client.close()


def taker(target: str) -> Taker:
    """Return who hands over to that target: an address takes posts, a database URL rows of the exchange table."""
    return ByPost(target) if target.startswith("http:") else IntoTable(target)
