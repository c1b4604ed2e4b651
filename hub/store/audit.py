"""Recounts what runs account for: every delivery of a run is in some state, and one that failed or waits says why (invariant 6)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Select, and_, case, func, select

from hub.model import FAILED, State
from hub.store import schema
from hub.store.acceptance import NOWHERE
from hub.store.runs import Run

#: What `hub explain` says of a run that does not add up.
CODE = "HUB-E-132"
#: States in which somebody has to do something, and must be told why.
_MUST_SAY = [state.value for state in (*FAILED, State.HELD)]
_OURS = schema.delivery


@dataclass(frozen=True, slots=True)
class Audit:
    """What became of the deliveries of a run: how many of its own are in which state; `silent`: without a reason they must have.

    `refused`: rows that were kept as dead letters of the source.
    """

    run: Run
    fates: Mapping[State, int] = field(default_factory=dict)
    refused: int = 0
    silent: int = 0

    @property
    def owed(self) -> int:
        """How many deliveries there are."""
        return sum(self.fates.values())

    @property
    def adds_up(self) -> bool:
        """Whether the run's own account agrees with what lies in the store."""
        counted = self.owed == self.run.deliveries and self.refused == self.run.rejected
        return self.run.adds_up and counted and not self.silent


def audit(connection: Connection, run: Run) -> Audit | None:
    """Recount one run that ended, from what was accepted while it went; None: an older program began it, and nobody knows where."""
    if run.first_record is None or run.ended_at is None:
        return None
    fates, refused, silent = Counter[State](), 0, 0
    for nowhere, state, number, mute in connection.execute(_query(run)):
        silent += int(mute)
        if nowhere:
            refused += number
        else:
            fates[State(state)] += number
    return Audit(run, dict(fates), refused, silent)


def _query(run: Run) -> Select[Any]:
    record, nowhere = schema.record, _OURS.c.route == NOWHERE
    mute = and_(_OURS.c.state.in_(_MUST_SAY), _OURS.c.code.is_(None), _OURS.c.reason.is_(None))
    between = [record.c.run_id == run.id, record.c.id >= run.first_record]
    between += [record.c.id < run.next_record] if run.next_record is not None else []
    return (
        select(nowhere, _OURS.c.state, func.count(), func.sum(case((mute, 1), else_=0)))
        .join_from(record, _OURS, _OURS.c.record_id == record.c.id)
        .where(*between)
        .group_by(nowhere, _OURS.c.state)
    )
