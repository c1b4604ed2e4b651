"""Step 11: late verdicts are polled and matched by row and batch with what was taken."""

from __future__ import annotations

import logging
from collections import Counter
from itertools import groupby

from hub.engine.exchange import Exchange
from hub.errors import Failure, SourceFailed
from hub.model import Judgement, State, Verdict
from hub.ports import Feedback
from hub.store import acceptance, verdicts
from hub.store.verdicts import Match

log = logging.getLogger(__name__)


def poll(exchange: Exchange, system: str) -> int:
    """Read all verdicts since the last poll and apply them, page by page. Returns how many deliveries moved.

    A far side that cannot be read now is logged and read again at the next poll; the cursor stays.
    """
    adapter = exchange.adapter(system)
    if not isinstance(adapter, Feedback):
        return 0
    name = f"feedback:{system}"
    with exchange.store.reading() as connection:
        cursor = acceptance.get_cursor(connection, name)
    moved: Counter[str] = Counter()
    try:
        for page in adapter.verdicts(cursor):
            matches = [_match(verdict) for verdict in page.verdicts]
            now = exchange.clock()
            moved_now: Counter[str] = Counter()
            with exchange.store.writing() as connection:
                if verdicts.early(connection, system=system, matches=matches):
                    break  # the cursor stays: the next poll reads this page again
                for state, alike in groupby(matches, lambda match: match.state):  # in their order, counted by what they say
                    moved_now[state.value] += verdicts.apply_verdicts(
                        connection, system=system, matches=list(alike), parents=exchange.parents(system), now=now
                    )
                acceptance.set_cursor(connection, name, page.cursor, now)
            moved += moved_now
            for final, number in moved_now.items():
                exchange.metrics.final.labels(system, final).inc(number)
    except (Failure, SourceFailed) as error:
        log.warning(
            "feedback of %s: %s", system, error, extra={"event": "feedback.failed", "system": system, "error_code": error.code}
        )
    if moved:
        log.info("%s verdicts of %s", moved.total(), system, extra={"event": "feedback.applied", "system": system, **moved})
    return moved.total()


def _match(verdict: Verdict) -> Match:
    rejected = verdict.judgement is Judgement.REJECTED
    state = State.REJECTED if rejected else State.CONFIRMED
    return Match(verdict.endpoint, verdict.row, verdict.batch, state, "HUB-E-121" if rejected else None, verdict.said)
