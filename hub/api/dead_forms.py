"""Decides what /api/v1/dead takes and gives: the forms behind OpenAPI. None has a place for a body or a record."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from hub.api.asked import ScopedWish
from hub.api.models import Given
from hub.store.causes import NAME
from hub.store.scopes import Scope


class DeadGroupOut(Given):
    """Dead letters with one cause."""

    system: str
    stage: str
    code: str
    reason: str
    count: int
    oldest: datetime
    sample: int = Field(description="a delivery to look at")
    group: str = Field(description="what the group is called: the same for the same cause, in `groups` of a wish")


class Replayed(Given):
    """So many are pending again; the others have no contents to send (mend the mapping, then `remap`)."""

    retried: int
    still_unmappable: int


class Purged(Given):
    """So many were given up; so many bodies and versions of records were forgotten with them."""

    purged: int
    bodies: int
    records: int


class DeadWish(ScopedWish):
    """Dead letters: every part of the scope that is given must hold; `groups` and `ids` together mean either."""

    code: str | None = None
    cause: str | None = Field(None, description="`reason` of a group of dead letters")
    groups: list[Annotated[str, StringConstraints(pattern=f"^{NAME.pattern}$")]] = Field(
        [], max_length=100, description="`group` of groups of dead letters"
    )

    def scope(self) -> Scope:
        """Return which deliveries are meant, groups left out: those are in the store."""
        return Scope(self.system, self.code, self.cause, None, self.lane, tuple(self.ids))


class RetryWish(DeadWish):
    """Dead letters to try again."""

    everything: bool = False
    remap: bool = Field(False, description="make the bodies anew with the present mapping")

    def scope(self) -> Scope:
        """Return which deliveries are meant, groups left out: those are in the store."""
        return Scope(self.system, self.code, self.cause, None, self.lane, tuple(self.ids), self.everything)


class PurgeWish(DeadWish):
    """Dead letters to give up, and to forget the contents of."""
