"""Decides which bytes a delivery gets when those it has no longer say what is so: its body is made anew from its record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection

from hub.engine import owing
from hub.engine.exchange import Exchange
from hub.mapping import Envelope
from hub.model import Operation, Stage, State
from hub.settings import RouteSettings
from hub.store import acceptance, known, remaking, replays
from hub.store.batches import next_batch
from hub.store.numbers import instant
from hub.store.remaking import Remade
from hub.store.replays import Replay
from hub.store.unmade import Unmade


def by_present_mapping(exchange: Exchange, route: RouteSettings | None, row: Any) -> Remade | Unmade:
    """Return a failed delivery with the body that the present mapping makes of its record, or why it makes none.

    What was taken once and refused later is over there already: it goes as an update (or the deletion it was), in a batch of its
    own, so that the verdicts about the batch before say nothing about it.
    """
    if route is None:
        return Unmade(row.id)
    late = row.state == State.REJECTED.value
    operation = _again(row) if late else row.operation
    batch = next_batch(row.batch, row.generation) if late else row.batch
    return _made(exchange, route, row, operation, batch, exchange.clock(), again=1)


def as_it_was(exchange: Exchange, route: RouteSettings | None, row: Any) -> Remade:
    """Return a delivery that was refused later, with the same content: only operation and batch say that it comes again.

    Nobody needs to approve it again. Where the mapping has changed since, its content cannot be made again: the bytes stay, and say
    the operation they said.
    """
    batch = next_batch(row.batch, row.generation)
    if route is not None and route.mapping.digest[:32] == row.mapping:
        made = _made(exchange, route, row, _again(row), batch, instant(row.created_at), again=1)
        if isinstance(made, Remade):
            return replace(made, gate=None)  # the content that was approved
    return Remade(row.id, row.body, row.mapping, row.row, batch, fresh=False)


def as_inserts(exchange: Exchange, connection: Connection, numbers: Sequence[int]) -> None:
    """Turn updates that were never sent into inserts: what they were to update never came to be over there."""
    _turn(exchange, connection, numbers, Operation.INSERT, "what it was to update never came to be over there")


def as_updates(exchange: Exchange, connection: Connection, numbers: Sequence[int]) -> None:
    """Turn inserts that are tried again into updates: an earlier version goes before them."""
    _turn(exchange, connection, numbers, Operation.UPDATE, "an earlier version goes before it")


def _turn(exchange: Exchange, connection: Connection, numbers: Sequence[int], operation: Operation, why: str) -> None:
    """Make the bodies say that operation. Where the mapping has changed since, the bytes stay, and say the operation they said:
    nobody has seen others, or approved them.
    """
    routes = {route.name: route for route in exchange.settings.routes}
    for row in remaking.with_records(connection, numbers):
        route, fresh = routes.get(row.route), None
        if route is not None and route.mapping.digest[:32] == row.mapping:
            made = _made(exchange, route, row, operation.value, row.batch, instant(row.created_at))
            fresh = made if isinstance(made, Remade) else None
        remaking.become(connection, row.id, operation, fresh)
        if fresh:
            turned = Replay(row.id, exchange.clock(), replays.HUB, why, row.attempts, fresh.mapping)
            replays.write(connection, [turned])


def _again(row: Any) -> str:
    """Return the operation with which what was refused later goes again: a deletion must not bring its row back."""
    return Operation.DELETE.value if row.operation == Operation.DELETE.value else Operation.UPDATE.value


def _made(
    exchange: Exchange, route: RouteSettings, row: Any, operation: str, batch: str, at: datetime, *, again: int = 0
) -> Remade | Unmade:
    """Map the record of a delivery anew; `again`: 1 when the far side is to take it for a further version."""
    envelope = Envelope(
        operation=operation, batch=batch, time=at, key=row.key, revision=row.revision,
        version=_version(exchange, route, row) + again, kind=row.kind, system=row.system, lane=row.lane,
    )  # fmt: skip
    body, issues = route.mapping.apply(orjson.loads(row.data), envelope)
    if body is None:
        why = owing.dead(Stage.MAP, issues)
        return Unmade(row.id, why["code"], why["reason"], why["issues"])
    row_id = body.get(route.row) if route.row else None
    return Remade(
        row.id, acceptance.frozen(body), route.mapping.digest[:32], row_id, batch, gate=route.gate, endpoint=route.endpoint
    )


def _version(exchange: Exchange, route: RouteSettings, row: Any) -> int:
    if not route.mapping.counts_versions:
        return 1
    with exchange.store.reading() as connection:
        return known.versions_before(connection, row) + int(row.generation) + 1
