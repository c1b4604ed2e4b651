"""Writes into failed deliveries why the present mapping makes no body of their records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, case, or_, update

from hub.model import FAILED, Stage
from hub.store.schema import delivery


@dataclass(frozen=True, slots=True)
class Unmade:
    """A failed delivery no body could be made for, and why; all None where its route is gone."""

    id: int
    code: str | None = None
    reason: str | None = None
    issues: bytes | None = None


def write(connection: Connection, unmade: Sequence[Unmade]) -> None:
    """Write the issues of the new attempt. What the far side refused keeps the far side's words as its cause."""
    found = [
        {"number": one.id, "new_code": one.code, "new_reason": one.reason, "found": one.issues} for one in unmade if one.issues
    ]
    if not found:
        return
    at_map = delivery.c.stage == Stage.MAP.value
    told = {
        "code": case((at_map, bindparam("new_code")), else_=delivery.c.code),
        "reason": case((at_map, bindparam("new_reason")), else_=delivery.c.reason),
        "issues": bindparam("found"),
    }
    failed = or_(*(delivery.c.state == state.value for state in FAILED))  # an IN list cannot be sent with many rows
    connection.execute(update(delivery).where(delivery.c.id == bindparam("number"), failed).values(told), found)
