"""Step 2: pages are read after the cursor and handed on one by one; a page that cannot be read leaves the cursor before it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

import tenacity
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from hub.engine.accept import accept_page
from hub.engine.exchange import Exchange
from hub.errors import Fenced, SourceFailed
from hub.ports import Comparable
from hub.store import audit, cursors, runs
from hub.store.audit import Audit
from hub.store.partitions import Holding
from hub.store.runs import Run, RunState

log = logging.getLogger(__name__)

#: Records of a run up to which its account is recounted as it ends; `hub runs --audit` recounts any.
RECOUNTED = 20_000
#: Times a run begins to read before it gives up; the next run reads on from the same cursor.
READ_TRIES = 3
#: A full run agreed to a source that is no longer what it was.
AGREED = "HUB-S-192"


def collect(exchange: Exchange, holding: Holding, run: Run, *, stopping: Callable[[], bool], wake: Callable[[], None]) -> RunState:
    """Carry out one begun run and end it with its account. `wake` is called after each page that owes something."""
    log.info("run %s of %s begins", run.id, run.source, extra={"event": "run.begun", "run_id": run.id, "system": run.source})
    state, code, reason = RunState.DONE, None, None
    agreed: list[str] = []
    try:
        if run.full:
            agreed += _retrying()(_changed, exchange, run)
        if not _read_all(exchange, holding, run, stopping, wake):
            state = RunState.INTERRUPTED
    except SourceFailed as error:
        state, code, reason = RunState.FAILED, error.code, error.message
    except (Fenced, SQLAlchemyError):
        raise  # the hub's own trouble: whoever takes the source next ends the run
    except Exception:
        log.exception("the adapter of %s failed", run.source, extra={"event": "adapter.bug", "system": run.source})
        state, code, reason = RunState.FAILED, "HUB-S-199", "the adapter failed in an unexpected way; the log has its traceback"
    if agreed:
        code, reason = code or AGREED, "; ".join([reason, *agreed] if reason else agreed)
    now = exchange.clock()
    with exchange.store.writing() as connection:
        if state is RunState.INTERRUPTED:
            reason = "; ".join([_read_on(connection, exchange, run, now), *([reason] if reason else [])])
        runs.end(connection, run.id, state, now, code=code, reason=reason)
    report(exchange, run, state, code, reason)
    return state


def _read_on(connection: Connection, exchange: Exchange, run: Run, now: datetime) -> str:
    """Return why a run was broken off; one that a new configuration broke off is asked for anew, to read on from its cursor."""
    if exchange.successor is None:
        return "the hub was told to stop"
    if all(system.name != run.source for system in exchange.successor.readable()):
        return "the hub took a new configuration over"
    number = runs.ask(connection, run.source, run.trigger, run.asked_by, now)
    return f"the hub took a new configuration over, run {number} reads on"


def _retrying() -> tenacity.Retrying:
    return tenacity.Retrying(
        stop=tenacity.stop_after_attempt(READ_TRIES),
        wait=tenacity.wait_exponential_jitter(multiplier=0.5, max=5),
        retry=tenacity.retry_if_exception(lambda error: isinstance(error, SourceFailed) and not error.misconfigured),
        reraise=True,
    )


def _changed(exchange: Exchange, run: Run) -> list[str]:
    """Return, in words, what about a source a full run agrees to; say it at once, too, since the run may not live to its end."""
    source = exchange.source(run.source)
    with exchange.store.reading() as connection:
        cursor = cursors.get(connection, f"source:{run.source}")
    changes = list(source.changed(cursor)) if cursor is not None and isinstance(source, Comparable) else []
    for change in changes:
        about = {"event": "source.changed", "system": run.source, "run_id": run.id, "error_code": AGREED}
        log.warning("run %s of %s agrees: %s", run.id, run.source, change, extra=about)
    return changes


def _read_all(exchange: Exchange, holding: Holding, run: Run, stopping: Callable[[], bool], wake: Callable[[], None]) -> bool:
    """Read until the source has no more; on trouble, try again from behind the last durable page. False: told to stop."""
    pages = 0
    fresh = run.full
    for attempt in _retrying():
        with attempt:
            with exchange.store.reading() as connection:
                cursor = None if fresh else cursors.get(connection, f"source:{run.source}")
            for page in exchange.source(run.source).read(cursor):
                pages += 1
                fresh = False
                if accept_page(exchange, holding, run, page, pages):
                    wake()
                if stopping():
                    return False
    return True


def report(exchange: Exchange, run: Run, state: RunState, code: str | None, reason: str | None) -> None:
    """Count and log how a run ended."""
    with exchange.store.reading() as connection:
        ended = runs.get(connection, run.id)
        small = ended is not None and ended.read <= RECOUNTED
        counted = audit.audit(connection, ended) if ended is not None and small else None
    if ended is None or ended.started_at is None or ended.ended_at is None:
        return
    _prove(exchange, ended, counted)
    seconds = (ended.ended_at - ended.started_at).total_seconds()
    metrics = exchange.metrics
    metrics.runs.labels(run.source, run.trigger.value, state.value).inc()
    metrics.run_seconds.labels(run.source).observe(seconds)
    if state is RunState.DONE:
        metrics.last_success.labels(run.source).set(ended.ended_at.timestamp())
    log.log(
        logging.INFO if state is RunState.DONE else logging.WARNING,
        "run %s of %s: %s, read %s = accepted %s + unchanged %s + rejected %s",
        run.id, run.source, state.value, ended.read, ended.accepted, ended.unchanged, ended.rejected,
        extra={"event": "run.ended", "run_id": run.id, "system": run.source, "verdict": state.value, "error_code": code,
               "reason": reason, "duration_ms": round(seconds * 1000)},
    )  # fmt: skip


def _prove(exchange: Exchange, run: Run, counted: Audit | None) -> None:
    """Count and say loudly that the account of a run does not add up: a record may have disappeared (invariant 6)."""
    if run.adds_up and (counted is None or counted.adds_up):
        return
    exchange.metrics.broken.labels(run.source).inc()
    kept = f"{counted.owed} deliveries, {counted.refused} rejected, {counted.silent} without a reason" if counted else "not counted"
    log.error(
        "the account of run %s of %s does not add up: read %s = accepted %s + unchanged %s + rejected %s, deliveries %s; kept: %s",
        run.id, run.source, run.read, run.accepted, run.unchanged, run.rejected, run.deliveries, kept,
        extra={"event": "run.broken", "run_id": run.id, "system": run.source, "error_code": audit.CODE},
    )  # fmt: skip
