"""Steps 4 and 5: which routes want a record, and what each target is owed of it: a frozen body or a dead letter with its issues."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

import orjson

from hub.engine.frame import Frame
from hub.mapping import Envelope, Issue
from hub.model import Operation, Record, Stage, State
from hub.settings import RouteSettings
from hub.settings.model import DeletesSettings
from hub.store import acceptance, gate, urgency
from hub.store.acceptance import Owed


def owed(frame: Frame, record: Record) -> list[Owed]:
    """Return what is owed of a record, route by route."""
    found = []
    for route in frame.exchange.settings.routes_for(frame.source, record.kind):
        there = (route.name, record.key) in frame.there
        if record.operation is Operation.DELETE:
            if route.deletes and there:  # whatever its condition says now: what is there goes
                found.append(_delete(frame, record, route, route.deletes))
        elif route.when(record.data):
            found.append(_map(frame, record, route, Operation.UPDATE if there else Operation.INSERT))
    return found


def withdrawn(frame: Frame, record: Record) -> tuple[tuple[str, str], ...]:
    """Return the targets that would be told of a deletion, had they ever had the record."""
    routes = frame.exchange.settings.routes_for(frame.source, record.kind)
    return tuple((one.system, one.name) for one in routes if one.deletes and (one.name, record.key) not in frame.there)


def _delete(frame: Frame, record: Record, route: RouteSettings, deletes: DeletesSettings) -> Owed:
    """Return the deletion of what is over there; one of too many waits until somebody confirms it."""
    owed = _map(frame, record, route, Operation.DELETE)
    if owed.state is not State.PENDING or frame.deletions[route.name].spend():
        return owed
    return replace(owed, **gate.standing(deletes.approver, gate.TOO_MANY))


def _map(frame: Frame, record: Record, route: RouteSettings, operation: Operation) -> Owed:
    lane = route.lane_of(record.data) or record.key
    lanes = frame.lanes.setdefault((route.name, record.key), set())
    lanes.add(lane)
    frame.owed[route.name, record.key] += 1
    envelope = Envelope(
        operation=operation.value, batch=frame.batch, time=frame.now, key=record.key, revision=record.revision,
        version=frame.owed[route.name, record.key], kind=record.kind, system=route.system, lane=lane,
    )  # fmt: skip
    body, issues = route.mapping.apply(record.data, envelope)
    row = body.get(route.row) if body is not None and route.row else None
    parent_key = route.parent_key_of(record.data) if route.parent else None
    ranked = body is not None and route.system in frame.exchange.settings.urgent
    return Owed(
        system=route.system,
        route=route.name,
        endpoint=route.endpoint,
        lane=lane,
        operation=operation,
        mapping=route.mapping.digest[:32],
        body=acceptance.frozen(body) if body is not None else None,
        partitions=frame.exchange.settings.systems[route.system].partitions,
        parent=(route.parent.route, parent_key) if route.parent and parent_key else None,
        row=row,
        rank=urgency.rank(route.promised_of(record.data)) if ranked else None,
        moved=len(lanes) > 1,
        **_standing(body, issues, route),
    )


def _standing(body: object, issues: Sequence[Issue], route: RouteSettings) -> dict[str, Any]:
    """Return in which state a delivery begins: dead with its issues, held before a gate, or pending."""
    if body is None:
        return dead(Stage.MAP, issues)
    if route.gate:
        return {**gate.standing(route.gate), "issues": _issues(issues)}
    return {"state": State.PENDING, "issues": _issues(issues)}


def dead(stage: Stage, issues: Sequence[Issue]) -> dict[str, Any]:
    """Return how a delivery is dead with these issues, at least one of which blocks: state, stage, code, cause and the issues."""
    blocking = [issue for issue in issues if issue.severity == "block"]
    why = {"code": blocking[0].code, "reason": _cause(blocking), "issues": _issues(issues)}
    return {"state": State.DEAD, "stage": stage, **why}


def _cause(issues: Sequence[Issue]) -> str:
    """Return what a group of dead letters has in common: which fields broke which rules, no values."""
    return ", ".join(sorted({f"{issue.path}: {issue.rule}" for issue in issues}))


def _issues(issues: Sequence[Issue]) -> bytes | None:
    return orjson.dumps([asdict(issue) for issue in issues], default=str) if issues else None
