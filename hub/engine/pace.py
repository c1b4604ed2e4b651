"""Decides how many messages the next window of a partition may hold, learned from the last ones, and counts what it waits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from hub.engine.deliver import took_nothing
from hub.errors import SUSPECTED, UNGRANTED, UNSENT, Deferred
from hub.model import Guarantees
from hub.ports import Outcome

#: Most messages of a window for targets that take them one by one.
WINDOW = 64


def widest(guarantees: Guarantees) -> int:
    """Return the most messages in one window; one where an interrupted one could be neither found nor safely sent again."""
    if not guarantees.idempotent and not guarantees.findable:
        return 1
    return max(WINDOW, guarantees.batch * max(1, guarantees.in_flight)) if guarantees.batch > 1 else WINDOW


@dataclass(slots=True)
class Pace:
    """The limit of the next window, between one message and `most`; kept from drain to drain."""

    most: int
    limit: int = field(init=False)
    waited: datetime | None = None  # until when waiting for the rate is counted

    def __post_init__(self) -> None:
        """Begin as wide as may be."""
        self.limit = self.most

    def learn(self, outcomes: Sequence[Outcome], guarantees: Guarantees) -> None:
        """Halve after batches that met nothing but trouble, fit a slow target's time, and widen again while all goes well.

        One record may be the trouble of its whole batch: in ever smaller windows its neighbours get through without it. The same
        where a batch was refused and the rate let nobody find out whose fault it was.
        """
        kinds = Counter(outcome.code for outcome in outcomes if isinstance(outcome, Deferred))
        unsent, suspects = kinds[UNSENT] + kinds[UNGRANTED], kinds[SUSPECTED]
        sent = len(outcomes) - unsent
        if suspects:
            self.limit = max(1, suspects // 2)
        elif guarantees.batch > 1 and took_nothing(outcomes):
            self.limit = max(1, sent // 2)
        elif unsent:
            self.limit = min(self.most, max(guarantees.in_flight * guarantees.batch, sent))
        else:
            self.limit = min(self.most, self.limit * 2)

    def wait(self, now: datetime, until: datetime, count: Callable[[float], None]) -> None:
        """Count the seconds to be waited for the rate, each of them once, however often the partition looks in between."""
        since = max(now, self.waited or now)
        if until > since:
            count((until - since).total_seconds())
            self.waited = until
