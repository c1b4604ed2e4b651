"""Decides what the HTTP surface takes: the forms behind OpenAPI of what is asked of the hub, and who says why."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from hub.store.scopes import Scope


class _Asked(BaseModel):
    """What is asked of the hub; unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")


class RunWish(_Asked):
    """A pass over a source, now."""

    source: str = Field(min_length=1, max_length=64)
    full: bool = Field(False, description="from the beginning; unchanged records are skipped")


class Reason(_Asked):
    """Who does it, and why: written into the journal. White space alone says nothing."""

    actor: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=128)]
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


class ScopedWish(Reason):
    """Something done to deliveries: every part of the scope that is given must hold."""

    system: str | None = None
    lane: str | None = None
    ids: list[int] = Field([], max_length=1000)
    confirm: bool = Field(False, description="do it; without, they are only counted")


class HoldWish(ScopedWish):
    """Held deliveries and what becomes of them: pending (send), delivered (they are over there) or cancelled.

    What waits for approval is approved by pending and refused by cancelled, and must be named by `ids`: an approval is given to
    the version that was looked at, not to whatever waits by now.
    """

    state: Literal["pending", "delivered", "cancelled"]

    def scope(self) -> Scope:
        """Return which deliveries are meant."""
        return Scope(system=self.system, lane=self.lane, ids=tuple(self.ids))
