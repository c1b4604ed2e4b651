"""Step 1, when a far side pushes: an authentic push is accepted like a page of a run, and answered only when it is durable."""

from __future__ import annotations

import hashlib
import logging
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import orjson
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from hub.engine import collect, refused, storable
from hub.engine.accept import accept_page
from hub.engine.exchange import Exchange
from hub.errors import Fenced, PushRefused, Unauthentic
from hub.model import Json, Page, Push, Pushed, Stage
from hub.store import partitions, pushes, runs
from hub.store.partitions import Holding
from hub.store.pushes import Fate
from hub.store.runs import Run, RunState

log = logging.getLogger(__name__)

Result = Literal["accepted", "unchanged", "rejected"]


@dataclass(frozen=True, slots=True)
class Item:
    """One record of a push and what became of it.

    `code` and `issues` also tell why one that was accepted goes no further: it could not be mapped. Values are masked.
    """

    key: str
    result: Result
    code: str | None
    reason: str | None
    issues: tuple[Json, ...]


@dataclass(frozen=True, slots=True)
class Account:
    """What became of a push; the same for the same push, however often it is sent."""

    run: Run
    items: tuple[Item, ...]
    repeated: bool


def judge(exchange: Exchange, system: str, kind: str, push: Push) -> Pushed:
    """Return what an authentic push holds; a refused one is counted and logged, and written down if it was the far side's."""
    try:
        return exchange.receiver(system).receive(kind, push)
    except PushRefused as error:
        exchange.metrics.pushes.labels(system, "unauthentic" if isinstance(error, Unauthentic) else "refused").inc()
        extra = {"event": "push.refused", "system": system, "error_code": error.code}
        log.warning("a push of %s was refused: %s", system, error, extra=extra)
        if not isinstance(error, Unauthentic):
            _note(exchange, system, error)
        raise


def keep(exchange: Exchange, holding: Holding, kind: str, pushed: Pushed) -> Account:
    """Make a push durable under a run of its own and return its account.

    Raises NumberReused for a number used before, Fenced when its partition has a newer owner; the run does not stay open then, nor
    when the store fails.
    """
    system = holding.name.removeprefix("push:")
    page = storable.page(pushed.page)
    content = _digest(kind, page)
    with exchange.store.reading() as connection:
        number = pushes.before(connection, system, pushed.id, content)
    if number is not None:
        exchange.metrics.pushes.labels(system, "repeated").inc()
        return _account(exchange, number, page, repeated=True)
    run = _begin(exchange, holding, system)

    def end(connection: Connection) -> None:
        now = exchange.clock()
        runs.end(connection, run.id, RunState.DONE, now)
        pushes.remember(connection, system, pushed.id, content, run.id, now)

    try:
        accept_page(exchange, holding, run, page, 1, also=end)
    except BaseException:
        _break_off(exchange, holding, run)
        raise
    exchange.metrics.pushes.labels(system, "taken").inc()
    collect.report(exchange, run, RunState.DONE, None, None)
    return _account(exchange, run.id, page, repeated=False)


def _begin(exchange: Exchange, holding: Holding, system: str) -> Run:
    with exchange.store.writing() as connection:
        partitions.require(connection, holding)
        now = exchange.clock()
        runs.interrupt_running(connection, system, now, push=True)  # pushes are kept one by one: what is open was left behind
        return runs.begin_push(connection, system, now)


def _break_off(exchange: Exchange, holding: Holding, run: Run) -> None:
    """End the run of a push that was not kept; where the store refuses that too, the next push ends it."""
    try:
        with exchange.store.writing() as connection:
            partitions.require(connection, holding)
            ended = runs.interrupt_running(connection, run.source, exchange.clock(), push=True, reason="it could not be kept")
    except (Fenced, SQLAlchemyError):
        return  # the failure that led here is the one to tell
    if ended:
        collect.report(exchange, run, RunState.INTERRUPTED, None, "it could not be kept")


def _digest(kind: str, page: Page) -> str:
    """Return what two sendings of one push have in common: its rows, not its bytes, which may tell the time of sending."""
    told = [
        kind, [[one.key, one.revision, one.operation] for one in page.records], [[one.key, one.code] for one in page.faults],
    ]  # fmt: skip
    return hashlib.blake2b(orjson.dumps(told), digest_size=16).hexdigest()


def _note(exchange: Exchange, system: str, error: PushRefused) -> None:
    """Write an authentic push that cannot be read down as a failed run: else only its sender would know."""
    now = exchange.clock()
    with exchange.store.writing() as connection:
        run = runs.begin_push(connection, system, now)
        runs.end(connection, run.id, RunState.FAILED, now, code=error.code, reason=error.message)
    collect.report(exchange, run, RunState.FAILED, error.code, error.message)


def _account(exchange: Exchange, number: int, page: Page, *, repeated: bool) -> Account:
    """Tell from the store what became of a push, so that it is told the same the next time."""
    versions = [(one.kind, one.key, one.revision) for one in page.records]
    versions += [(one.kind, one.key, refused.revision(one)) for one in page.faults]
    with exchange.store.reading() as connection:
        run = runs.get(connection, number)
        assert run is not None
        written = {
            (kind, key): deque(fates)
            for kind in {kind for kind, _, _ in versions}
            for key, fates in pushes.fates(connection, run.source, kind, number, _keys(versions, kind)).items()
        }
    return Account(run, tuple(_item(key, _fate(written.get((kind, key)), revision)) for kind, key, revision in versions), repeated)


def _keys(versions: Sequence[tuple[str, str, str]], kind: str) -> list[str]:
    return list(dict.fromkeys(key for other, key, _ in versions if other == kind))


def _fate(written: deque[tuple[str, Fate]] | None, revision: str) -> Fate | None:
    """Return what became of the next version of a record; None when nothing was written: it was the same as the one before."""
    return written.popleft()[1] if written and written[0][0] == revision else None


def _item(key: str, fate: Fate | None) -> Item:
    if fate is None:
        return Item(key, "unchanged", None, None, ())
    result: Result = "rejected" if fate.stage == Stage.SOURCE else "accepted"
    return Item(key, result, fate.code, fate.reason, fate.issues)
