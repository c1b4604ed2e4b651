"""Reads what a body is made anew from, and puts the new one in the place of the old: a generation of its own (invariant 4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, case, delete, insert, select, update

from hub.model import Operation
from hub.store import schema
from hub.store.among import among

_OURS = schema.delivery


@dataclass(frozen=True, slots=True)
class Remade:
    """A failed delivery that goes again with a body made anew from its record, in this batch."""

    id: int
    body: bytes
    mapping: str
    row: str | None
    batch: str
    gate: str | None = None  # whose approval its route needs: nobody has given it for these bytes yet
    fresh: bool = True  # made anew; False: the bytes it had, in another batch
    endpoint: str | None = None  # where its route leads now; None: where it was to go


def with_records(connection: Connection, numbers: Sequence[int]) -> list[Any]:
    """Return these deliveries, oldest first, with their record's data and the body they have."""
    return list(connection.execute(selection().where(among(_OURS.c.id, numbers))))


def selection() -> Select[Any]:
    """Return the query for deliveries, oldest first, with their record's data and the body they have."""
    record, body = schema.record, schema.body
    return (
        select(_OURS, record.c.data, record.c.source, record.c.revision, body.c.body)
        .join_from(_OURS, record, record.c.id == _OURS.c.record_id)
        .join(body, body.c.delivery_id == _OURS.c.id, isouter=True)
        .order_by(_OURS.c.id)
    )


def become(connection: Connection, number: int, operation: Operation, made: Remade | None) -> None:
    """Make an update an insert, or the other way round, with the body that says so; without one the bytes stay as they are.

    One that was tried is a new generation then: the far side must not take it for what it was sent before (invariant 4).
    """
    tried = case((_OURS.c.attempts > 0, 1), else_=0)
    values: dict[str, Any] = {"operation": operation.value, "generation": _OURS.c.generation + tried}
    if made is not None:
        values |= {"mapping": made.mapping, "row": made.row}
        put_body(connection, number, made.body)
    connection.execute(update(_OURS).where(_OURS.c.id == number).values(values))


def put_body(connection: Connection, number: int, body: bytes) -> None:
    """Put this body in the place of the one a delivery has, if it has one."""
    connection.execute(delete(schema.body).where(schema.body.c.delivery_id == number))
    connection.execute(insert(schema.body).values(delivery_id=number, body=body))
