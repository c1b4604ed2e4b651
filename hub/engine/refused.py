"""Decides what is kept of a row that breaks its schema, or cannot be read or held: a dead letter of its source, owed to nobody."""

from __future__ import annotations

from collections.abc import Sequence

from hub.engine import storable
from hub.engine.owing import dead
from hub.mapping import Issue
from hub.model import Operation, Record, Stage, State, Unreadable
from hub.store.acceptance import NOWHERE, Accepted, Owed


def broken(source: str, record: Record, issues: Sequence[Issue]) -> Owed:
    """Return the dead letter of a record that broke its source's schema."""
    return Owed(source, NOWHERE, record.kind, record.key, Operation.INSERT, mapping="-", body=None, **dead(Stage.SOURCE, issues))


def unreadable(source: str, fault: Unreadable, *, renewed: bool) -> Accepted:
    """Return what is kept of a row that is no record."""
    return Accepted(fault.kind, fault.key, revision(fault), False, b"{}", (_faulty(source, fault),), renewed)


def unstorable(source: str, record: Record, data: bytes, *, renewed: bool) -> Accepted:
    """Return what is kept, under its own revision, of a record that the store cannot hold, or whose deliveries it cannot."""
    owed = _faulty(source, storable.fault(record))
    return Accepted(record.kind, record.key, record.revision, False, data, (owed,), renewed)


def _faulty(source: str, fault: Unreadable) -> Owed:
    return Owed(
        source, NOWHERE, fault.kind, fault.key, Operation.INSERT, mapping="-", body=None,
        state=State.DEAD, stage=Stage.SOURCE, code=fault.code, reason=fault.reason,
    )  # fmt: skip


def revision(fault: Unreadable) -> str:
    """Return the revision of a row that cannot be read: it changes when the reason does."""
    return f"unreadable {fault.code}"
