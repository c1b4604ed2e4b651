"""Which deliveries a person means: each part of a scope must hold, and what an action would touch can be counted first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, or_, select

from hub.model import FAILED, State
from hub.store import schema
from hub.store.among import among
from hub.store.causes import Cause

_OURS = schema.delivery


@dataclass(frozen=True, slots=True)
class Scope:
    """Which deliveries are meant; every part given must hold. An empty scope means none, never all."""

    system: str | None = None
    code: str | None = None
    reason: str | None = None
    stage: str | None = None
    lane: str | None = None
    ids: tuple[int, ...] = ()
    everything: bool = False
    groups: tuple[Cause, ...] = ()  # what has one of these causes, beside what is named by `ids`

    def __bool__(self) -> bool:
        return any(getattr(self, part.name) for part in fields(self))

    def __str__(self) -> str:
        parts = {part.name: getattr(self, part.name) for part in fields(self) if getattr(self, part.name)}
        parts |= {"groups": ",".join(one.name for one in self.groups)} if self.groups else {}
        return " ".join(f"{name}={value}" for name, value in parts.items()) or "nothing"


def meant(scope: Scope, states: Sequence[State]) -> list[Any]:
    """Return the conditions that a delivery is meant by this scope and in one of these states. For an empty scope, do not ask."""
    values, numbered = [state.value for state in states], scope.ids and not scope.groups
    # What is named by number is not looked for in the index of what is open: PostgreSQL would go through all of it for each number.
    parts: list[Any] = [_OURS.c.state.concat("").in_(values)] if numbered else [_OURS.c.state.in_(values), schema.OPEN]
    for name in ("system", "code", "reason", "stage", "lane"):
        if getattr(scope, name) is not None:  # an empty one fits nothing: it may be a variable nobody has set
            parts.append(_OURS.c[name] == getattr(scope, name))
    named: list[ColumnElement[bool]] = [among(_OURS.c.id, scope.ids)] if scope.ids else []
    named += [one.holds() for one in scope.groups]
    return [*parts, or_(*named)] if named else parts


def count(connection: Connection, scope: Scope, states: Sequence[State] = tuple(FAILED)) -> int:
    """Return how many deliveries an action on this scope would touch."""
    if not scope:
        return 0
    return int(connection.scalar(select(func.count()).select_from(_OURS).where(*meant(scope, states))) or 0)


def samples(connection: Connection, scope: Scope, states: Sequence[State] = tuple(FAILED), *, most: int = 5) -> list[int]:
    """Return the numbers of the first deliveries that an action on this scope would touch."""
    if not scope:
        return []
    query = select(_OURS.c.id).where(*meant(scope, states)).order_by(_OURS.c.id).limit(most)
    return list(connection.execute(query).scalars())
